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
"""Descriptions of messages, services and actions: field names, types, constants, defaults.

The message definitions of ROS 2 Jazzy come from rosbags' type store; what it lacks (services,
actions, `vision_msgs`, default values) is in `definitions.txt` and here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosidl_parser.definition import (
    AbstractGenericString,
    AbstractNestableType,
    AbstractNestedType,
    AbstractType,
    AbstractWString,
    Array,
    BasicType,
    BoundedSequence,
    BoundedString,
    NamespacedType,
    UnboundedSequence,
    UnboundedString,
    UnboundedWString,
)

EMPTY_MEMBER = 'structure_needs_at_least_one_member'

# .msg name -> IDL name, where they differ.
IDL_NAMES = {'bool': 'boolean', 'byte': 'octet', 'char': 'uint8',
             'float32': 'float', 'float64': 'double'}
MSG_NAMES = {'boolean': 'bool', 'octet': 'byte', 'float': 'float32', 'double': 'float64'}

# Default values that the definitions of Jazzy give.
DEFAULTS: dict[str, dict[str, Any]] = {
    'geometry_msgs/msg/Quaternion': {'x': 0.0, 'y': 0.0, 'z': 0.0, 'w': 1.0},
    'sensor_msgs/msg/NavSatStatus': {'status': -2},
    'rcl_interfaces/msg/ParameterDescriptor': {'read_only': False, 'dynamic_typing': False},
    'type_description_interfaces/msg/FieldType': {'type_id': 0},
    'type_description_interfaces/srv/GetTypeDescription_Request': {'include_type_sources': True},
}

# example_interfaces repeats these of std_msgs.
EXAMPLE_MESSAGES = frozenset(
    [*(f'{kind}{array}' for array in ('', 'MultiArray') for kind in (
        'Byte', 'Float32', 'Float64', 'Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16',
        'UInt32', 'UInt64')),
     'Bool', 'Char', 'Empty', 'MultiArrayDimension', 'MultiArrayLayout', 'String'])


@dataclass(frozen=True)
class Structure:
    """The fields of one message, in wire order.

    A message without fields has a stand-in on the wire, which `members` leaves out.
    """

    name: str
    fields: tuple[tuple[str, AbstractType], ...]
    constants: tuple[tuple[str, str, Any], ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def members(self) -> tuple[tuple[str, AbstractType], ...]:
        """The fields that a message object has."""
        return () if self.fields[0][0] == EMPTY_MEMBER else self.fields


class UnknownInterfaceError(LookupError):
    """There is no such message, service or action."""


def named(name: str) -> NamespacedType:
    """Return the field type of the message `pkg/kind/Name`."""
    package, kind, base = name.split('/')
    return NamespacedType([package, kind], base)


def full_name(type_: NamespacedType) -> str:
    """Return `pkg/kind/Name` of a field type."""
    return '/'.join(type_.namespaced_name())


@cache
def _store() -> dict[str, Any]:
    return get_typestore(Stores.ROS2_JAZZY).fielddefs


@cache
def _texts() -> dict[str, str]:
    text = files(__package__).joinpath('definitions.txt').read_text()
    sections = (part.partition('\n') for part in text.split('== ')[1:])
    return {name: body for name, _, body in sections}


def _field_type(desc: Any) -> AbstractType:
    kind, rest = desc
    if kind == Nodetype.NAME:
        return UnboundedWString() if rest.endswith('/wstring') else named(rest)
    if kind == Nodetype.BASE:
        name, size = rest
        if name == 'string':
            return BoundedString(size) if size else UnboundedString()
        return BasicType(IDL_NAMES.get(name, name))
    value_type = _field_type(rest[0])
    assert isinstance(value_type, AbstractNestableType)
    if kind == Nodetype.ARRAY:
        return Array(value_type, rest[1])
    return BoundedSequence(value_type, rest[1]) if rest[1] else UnboundedSequence(value_type)


def _structure(name: str, definition: Any) -> Structure:
    constants, fields = definition
    typed = tuple((field_name, _field_type(desc)) for field_name, desc in fields)
    return _made(name, typed, tuple(constants))


def _made(name: str, fields: tuple[tuple[str, AbstractType], ...],
          constants: tuple[tuple[str, str, Any], ...] = ()) -> Structure:
    return Structure(name, fields or ((EMPTY_MEMBER, BasicType('uint8')),), constants,
                     DEFAULTS.get(name, {}))


def _parsed(name: str, text: str) -> Structure:
    # rosbags knows the names of messages alone.
    package, _, base = name.split('/')
    return _structure(name, next(iter(get_types_from_msg(text, f'{package}/msg/{base}').values())))


@cache
def interface_names() -> tuple[str, ...]:
    """Return the names of all messages, services and actions, sorted."""
    names = {name for name in _store() if not name.startswith('actionlib_msgs/')}
    names.update(_texts())
    names.update(f'example_interfaces/msg/{base}' for base in EXAMPLE_MESSAGES)
    return tuple(sorted(names))


def _service_part(service: str, part: str) -> Structure:
    name = f'{service}_{part}'
    if part == 'Event':
        return _made(name, (
            ('info', named('service_msgs/msg/ServiceEventInfo')),
            ('request', BoundedSequence(named(f'{service}_Request'), 1)),
            ('response', BoundedSequence(named(f'{service}_Response'), 1))))
    action, _, role = service.rpartition('_')
    if role in {'SendGoal', 'GetResult'} and action in _texts():
        goal_id = ('goal_id', named('unique_identifier_msgs/msg/UUID'))
        fields: dict[str, tuple[tuple[str, AbstractType], ...]]
        if role == 'SendGoal':
            fields = {'Request': (goal_id, ('goal', named(f'{action}_Goal'))),
                      'Response': (('accepted', BasicType('boolean')),
                                   ('stamp', named('builtin_interfaces/msg/Time')))}
        else:
            fields = {'Request': (goal_id,),
                      'Response': (('status', BasicType('int8')),
                                   ('result', named(f'{action}_Result')))}
        return _made(name, fields[part])
    request, _, response = f'\n{_texts()[service]}'.partition('\n---\n')
    return _parsed(name, request if part == 'Request' else response)


def is_service(name: str) -> bool:
    """Tell whether `name` is a service (one of an action's included)."""
    if '/srv/' in name:
        return name in _texts()
    action, _, role = name.rpartition('_')
    return role in {'SendGoal', 'GetResult'} and action in _texts()


def is_action(name: str) -> bool:
    """Tell whether `name` is an action."""
    return '/action/' in name and name in _texts()


@cache
def structure(name: str) -> Structure:
    """Describe the message `pkg/msg/Name`, `pkg/srv/Name_Request` and so on.

    Raises
    ------
    UnknownInterfaceError
        There is no such message.

    """
    if name in _store():
        return _structure(name, _store()[name][:2])
    package, _, base = name.partition('/msg/')
    if package == 'example_interfaces' and base in EXAMPLE_MESSAGES:
        constants, fields = _store()[f'std_msgs/msg/{base}'][:2]
        moved = _structure(name, (constants, fields))
        return Structure(name, tuple((key, _moved(type_)) for key, type_ in moved.fields))
    if base and name in _texts():
        return _parsed(name, _texts()[name])
    owner, _, part = name.rpartition('_')
    if part in {'Request', 'Response', 'Event'} and is_service(owner):
        return _service_part(owner, part)
    if part in {'Goal', 'Result', 'Feedback'} and is_action(owner):
        texts = f'\n{_texts()[owner]}'.split('\n---\n')
        return _parsed(name, texts[('Goal', 'Result', 'Feedback').index(part)])
    if part == 'FeedbackMessage' and is_action(owner):
        return _made(name, (('goal_id', named('unique_identifier_msgs/msg/UUID')),
                            ('feedback', named(f'{owner}_Feedback'))))
    raise UnknownInterfaceError(f"unknown interface '{name}'")


def _moved(type_: AbstractType) -> AbstractType:
    if isinstance(type_, AbstractNestedType):
        element = _moved(type_.value_type)
        assert isinstance(element, AbstractNestableType)
        return UnboundedSequence(element)
    if isinstance(type_, NamespacedType):
        return NamespacedType(['example_interfaces', 'msg'], type_.name)
    return type_


def type_text(type_: AbstractType, *, message_files: bool = False) -> str:
    """Write a field type as `get_fields_and_field_types` does, or as in a .msg file."""
    if isinstance(type_, AbstractNestedType):
        inner = type_text(type_.value_type, message_files=message_files)
        if isinstance(type_, Array):
            return f'{inner}[{type_.size}]'
        bound = getattr(type_, 'maximum_size', None)
        if message_files:
            return f'{inner}[<={bound}]' if bound else f'{inner}[]'
        return f'sequence<{inner}, {bound}>' if bound else f'sequence<{inner}>'
    if isinstance(type_, NamespacedType):
        return f'{type_.namespaces[0]}/{type_.name}'
    if isinstance(type_, AbstractGenericString):
        base = 'wstring' if isinstance(type_, AbstractWString) else 'string'
        bound = getattr(type_, 'maximum_size', None)
        return f'{base}<{"=" if message_files else ""}{bound}' + (
            '' if message_files else '>') if bound else base
    assert isinstance(type_, BasicType)
    return MSG_NAMES.get(type_.typename, type_.typename) if message_files else type_.typename


def nested_names(type_: AbstractType) -> tuple[str, ...]:
    """Return the name of the message that a field holds, if it holds one."""
    if isinstance(type_, AbstractNestedType):
        type_ = type_.value_type
    return (full_name(type_),) if isinstance(type_, NamespacedType) else ()


def message_text(name: str) -> str:
    """Write a message as a .msg file would (without comments)."""
    made = structure(name)
    lines = [f'{kind} {key}={_value_text(value)}' for key, kind, value in made.constants]
    for key, type_ in made.members:
        default = made.defaults.get(key)
        text = f'{type_text(type_, message_files=True)} {key}'
        lines.append(text if default is None else f'{text} {_value_text(default)}')
    return ''.join(f'{line}\n' for line in lines)


def _value_text(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() \
        if isinstance(value, bool) else str(value)


def definition_text(name: str) -> str:
    """Write a message and all that it holds, as bags keep it (`ros2msg` encoding)."""
    order: list[str] = []
    todo = [name]
    while todo:
        current = todo.pop(0)
        for _, type_ in structure(current).members:
            for inner in nested_names(type_):
                if inner not in order:
                    order.append(inner)
                    todo.append(inner)
    rule = '=' * 80
    parts = [message_text(name)]
    for inner in order:
        package, _, base = inner.split('/')
        parts.append(f'{rule}\nMSG: {package}/{base}\n{message_text(inner)}')
    return ''.join(parts)
