# Copyright 2026 The vidseg_ros Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""Write messages as dictionaries, YAML or CSV."""

from __future__ import annotations

import array
import sys
from collections import OrderedDict
from typing import Any

import numpy as np
import yaml
from rosidl_parser.definition import (
    AbstractGenericString,
    AbstractNestableType,
    AbstractNestedType,
    Array,
    BasicType,
    BoundedSequence,
    NamespacedType,
)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_dict(dumper: yaml.SafeDumper, data: Any) -> yaml.Node:
    # Block style throughout: flow style, where wanted, is for lists.
    node = dumper.represent_mapping('tag:yaml.org,2002:map', data.items(), flow_style=False)
    return node


_Dumper.add_representer(OrderedDict, _represent_dict)


def get_message_slot_types(msg: Any) -> OrderedDict[str, Any]:
    """Return the type of each field by the field's name."""
    return OrderedDict(zip(
        [slot[1:] for slot in msg.__slots__ if slot != '_check_fields'], msg.SLOT_TYPES,
        strict=True))


def _type_name(type_: AbstractNestableType) -> str:
    if isinstance(type_, BasicType):
        return type_.typename
    if isinstance(type_, AbstractGenericString):
        return 'string'
    assert isinstance(type_, NamespacedType)
    return '/'.join(type_.namespaced_name())


def _abbreviated(value: Any, type_: AbstractNestedType) -> str:
    name = _type_name(type_.value_type)
    if isinstance(type_, Array):
        return f'<array type: {name}[{type_.size}]>'
    if isinstance(type_, BoundedSequence):
        return f'<sequence type: {name}[{type_.maximum_size}], length: {len(value)}>'
    return f'<sequence type: {name}, length: {len(value)}>'


def _shorter(value: Any, length: int | None) -> tuple[Any, bool]:
    if length is not None and len(value) > length:
        return value[:length], True
    return value, False


def _plain(value: Any, type_: Any, length: int | None, no_arr: bool, no_str: bool) -> Any:
    if isinstance(value, bytes):
        kept, cut = _shorter(value, length)
        return ''.join(map(chr, kept)) + ('...' if cut else '')
    if isinstance(value, str):
        if no_str:
            return f'<string length: <{len(value)}>>'
        kept, cut = _shorter(value, length)
        return kept + '...' if cut else kept
    if isinstance(value, list | tuple | array.array | np.ndarray):
        if no_arr and type_ is not None:
            return _abbreviated(value, type_)
        kept, cut = _shorter(value, length)
        items = kept.tolist() if isinstance(kept, array.array | np.ndarray) else [
            _plain(item, None, length, no_arr, no_str) for item in kept]
        return [*items, '...'] if cut else items
    if isinstance(value, np.number):
        return value.item()
    if hasattr(value, 'get_fields_and_field_types'):
        return message_to_ordereddict(
            value, truncate_length=length, no_arr=no_arr, no_str=no_str)
    return value


def message_to_ordereddict(msg: Any, *, truncate_length: int | None = None, no_arr: bool = False,
                           no_str: bool = False) -> OrderedDict[str, Any]:
    """Return the fields of a message as an ordered dictionary of plain values.

    Strings, bytes and arrays longer than `truncate_length` are cut; `no_arr` and `no_str` put a
    description in their place.
    """
    return OrderedDict(
        (name, _plain(getattr(msg, name), type_, truncate_length, no_arr, no_str))
        for name, type_ in get_message_slot_types(msg).items())


def message_to_yaml(msg: Any, *, truncate_length: int | None = None, no_arr: bool = False,
                    no_str: bool = False, flow_style: bool = False) -> str:
    """Write a message as YAML; `flow_style` puts each list on one line."""
    data = message_to_ordereddict(
        msg, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str)
    return yaml.dump(data, allow_unicode=True, width=sys.maxsize, Dumper=_Dumper,
                     default_flow_style=flow_style, sort_keys=False)


def message_to_csv(msg: Any, *, truncate_length: int | None = None, no_arr: bool = False,
                   no_str: bool = False) -> str:
    """Write the values of a message, in order, separated by commas."""

    def text(value: Any, type_: Any) -> str:
        if isinstance(value, bytes | str):
            if no_str and isinstance(value, str):
                return f'<string length: <{len(value)}>>'
            kept, cut = _shorter(value, truncate_length)
            return f'{kept}...' if cut else str(kept)
        if isinstance(value, list | tuple | array.array | np.ndarray):
            if no_arr and type_ is not None:
                return _abbreviated(value, type_)
            kept, cut = _shorter(value, truncate_length)
            items = kept.tolist() if isinstance(kept, array.array | np.ndarray) else kept
            return ','.join([*(text(item, None) for item in items), *(['...'] if cut else [])])
        if hasattr(value, 'get_fields_and_field_types'):
            return message_to_csv(
                value, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str)
        return str(value)

    return ','.join(text(getattr(msg, name), type_)
                    for name, type_ in get_message_slot_types(msg).items())
