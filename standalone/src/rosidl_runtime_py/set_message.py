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
"""Fill messages from dictionaries."""

from __future__ import annotations

import array
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rosidl_parser.definition import AbstractNestedType, NamespacedType

from rosidl_runtime_py.convert import get_message_slot_types
from rosidl_runtime_py.import_message import import_message_from_namespaced_type


def set_message_fields(msg: Any, values: dict[str, Any], expand_header_auto: bool = False,
                       expand_time_now: bool = False) -> list[Callable[[Any], None]]:
    """Set the fields of a message that `values` names.

    `auto` for a header and `now` for a time, where allowed, give setters of their stamp, which are
    returned for the caller to use at each publication.

    Raises
    ------
    AttributeError
        There is no such field.
    TypeError, ValueError
        A value does not suit its field.

    """
    from builtin_interfaces.msg import Time
    from std_msgs.msg import Header

    setters: list[Callable[[Any], None]] = []

    def fill(target: Any, entries: Any) -> None:
        try:
            items = entries.items()
        except AttributeError:
            raise TypeError(f"Value '{entries}' is expected to be a dictionary but is a "
                            f'{type(entries).__name__}') from None
        types = get_message_slot_types(target)
        for name, entry in items:
            field = getattr(target, name)
            if expand_header_auto and entry == 'auto' and isinstance(field, Header):
                setters.append(partial(setattr, field, 'stamp'))
                continue
            if expand_time_now and entry == 'now' and isinstance(field, Time):
                setters.append(partial(setattr, target, name))
                continue
            setattr(target, name, converted(field, entry, types[name]))

    def converted(field: Any, entry: Any, type_: Any) -> Any:
        kind = type(field)
        if kind is array.array:
            return array.array(field.typecode, entry)
        if kind is np.ndarray:
            return np.array(entry, dtype=field.dtype)
        if type(entry) is kind:
            value = entry
        else:
            try:
                value = kind(entry)
            except TypeError:
                value = kind()
                fill(value, entry)
        if isinstance(type_, AbstractNestedType) and isinstance(type_.value_type, NamespacedType):
            element = import_message_from_namespaced_type(type_.value_type)
            messages = []
            for item in value:
                made = item if isinstance(item, element) else element()
                if made is not item:
                    fill(made, item)
                messages.append(made)
            return messages
        return value

    fill(msg, values)
    return setters
