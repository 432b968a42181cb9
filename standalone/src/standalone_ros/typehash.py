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
"""REP-2016 type hashes (`RIHS01_...`): SHA-256 of a type description written as JSON."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from typing import Any

from rosidl_parser.definition import (
    AbstractGenericString,
    AbstractNestedType,
    AbstractType,
    AbstractWString,
    Array,
    BasicType,
    BoundedSequence,
    NamespacedType,
)

from standalone_ros import structures

TYPE_IDS = {'int8': 2, 'uint8': 3, 'int16': 4, 'uint16': 5, 'int32': 6, 'uint32': 7, 'int64': 8,
            'uint64': 9, 'float': 10, 'double': 11, 'boolean': 15, 'octet': 16}
STRING_IDS = {(False, False): 17, (True, False): 18, (False, True): 21, (True, True): 22}


def _field(name: str, type_: AbstractType) -> dict[str, Any]:
    offset = capacity = string_capacity = 0
    nested = ''
    if isinstance(type_, AbstractNestedType):
        if isinstance(type_, Array):
            offset, capacity = 48, type_.size
        elif isinstance(type_, BoundedSequence):
            offset, capacity = 96, type_.maximum_size
        else:
            offset = 144
        type_ = type_.value_type
    if isinstance(type_, NamespacedType):
        number, nested = 1, structures.full_name(type_)
    elif isinstance(type_, AbstractGenericString):
        string_capacity = getattr(type_, 'maximum_size', 0)
        number = STRING_IDS[isinstance(type_, AbstractWString), bool(string_capacity)]
    else:
        assert isinstance(type_, BasicType)
        number = TYPE_IDS[type_.typename]
    return {'name': name, 'type': {
        'type_id': number + offset, 'capacity': capacity, 'string_capacity': string_capacity,
        'nested_type_name': nested}}


def _parts(name: str) -> list[tuple[str, str]]:
    """Name the members that a service or an action counts as its fields."""
    if structures.is_action(name):
        return [('goal', f'{name}_Goal'), ('result', f'{name}_Result'),
                ('feedback', f'{name}_Feedback'), ('send_goal_service', f'{name}_SendGoal'),
                ('get_result_service', f'{name}_GetResult'),
                ('feedback_message', f'{name}_FeedbackMessage')]
    return [(f'{part}_message', f'{name}_{part.title()}')
            for part in ('request', 'response', 'event')]


@cache
def individual(name: str) -> dict[str, Any]:
    """Describe one type: `type_name` and `fields`, with nested types by name."""
    if structures.is_action(name) or structures.is_service(name):
        fields = [_field(key, structures.named(part)) for key, part in _parts(name)]
    else:
        fields = [_field(key, type_) for key, type_ in structures.structure(name).fields]
    return {'type_name': name, 'fields': fields}


def description(name: str) -> dict[str, Any]:
    """Describe a type with all the types that it refers to, as in TypeDescription."""
    found: dict[str, dict[str, Any]] = {}
    todo = [name]
    while todo:
        current = individual(todo.pop())
        for item in current['fields']:
            nested = item['type']['nested_type_name']
            if nested and nested != name and nested not in found:
                found[nested] = individual(nested)
                todo.append(nested)
    return {'type_description': individual(name),
            'referenced_type_descriptions': [found[key] for key in sorted(found)]}


@cache
def type_hash(name: str) -> str:
    """Return the RIHS01 hash of a message, service or action by its full name."""
    return f'RIHS01_{sha256(json.dumps(description(name)).encode()).hexdigest()}'
