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
"""Parameter files and values, typed as rcl's YAML parser types them."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from standalone_ros.names import node_name_fault

ParameterMap = dict[str, dict[str, Any]]
ROS_PARAMETERS = 'ros__parameters'

_TRUE = {word for base in ('y', 'yes', 'true', 'on')
         for word in (base, base.capitalize(), base.upper())}
_FALSE = {word for base in ('n', 'no', 'false', 'off')
          for word in (base, base.capitalize(), base.upper())}
_SPECIAL = {'.nan': math.nan, '.inf': math.inf, '+.inf': math.inf, '-.inf': -math.inf,
            'nan': math.nan, 'inf': math.inf, '+inf': math.inf, '-inf': -math.inf}
_INTEGER = re.compile(r'[-+]?(0[xX][0-9a-fA-F]+|\d+)')
_FLOAT = re.compile(r'[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?')
_TYPE_NAMES = {bool: 'bool', int: 'integer', float: 'double', str: 'string'}


class ParameterFileError(ValueError):
    """A parameter file or value that rcl would refuse."""


def scalar(text: str) -> bool | int | float | str:
    """Return what a plain (unquoted) YAML scalar stands for."""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        digits = text.lstrip('+-')
        base = 16 if digits[:2] in ('0x', '0X') else 8 if re.fullmatch('0[0-7]+', digits) else 10
        value = int(digits, base) * (-1 if text.startswith('-') else 1)
        return value if -2**63 <= value < 2**63 else float(value)
    if text.lower() in _SPECIAL:
        return _SPECIAL[text.lower()]
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _line(event: yaml.Event) -> int:
    """Return the line that an event starts in, from 1."""
    return event.start_mark.line + 1 if event.start_mark else 0


def _node_pattern(name: str) -> str:
    """Return a node's name or pattern without the slashes around it."""
    for token in name.strip('/').split('/'):
        fault = node_name_fault(token) if token not in ('*', '**') else None
        if fault:
            raise ParameterFileError(fault.message)
    return name.strip('/')


class _Parser:
    """Walks over the events of one YAML document."""

    def __init__(self, stream: Any) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(stream, Loader=yaml.SafeLoader))

    def next(self) -> yaml.Event:
        try:
            event = next(self._events)
        except yaml.YAMLError as error:
            mark = getattr(error, 'problem_mark', None)
            line = f' near line {max(mark.line, 1)}' if mark else ''
            raise ParameterFileError(f'Error parsing a event{line}') from None
        if isinstance(event, yaml.AliasEvent):
            raise ParameterFileError(
                f'Will not support aliasing at line {_line(event)}')
        return event

    def content(self) -> yaml.Event | None:
        """Return the first event of the document's content, None when it is empty."""
        while not isinstance(event := self.next(), (yaml.StreamEndEvent, yaml.DocumentEndEvent)):
            if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
                return event
        return None

    @staticmethod
    def scalar(event: yaml.ScalarEvent) -> bool | int | float | str:
        if event.style is not None or event.tag == 'tag:yaml.org,2002:str':
            return event.value
        if event.value == '' or (event.tag or '').endswith(':binary'):
            if event.value == '':
                raise ParameterFileError(f'No value at line {_line(event)}')
            return event.value
        return scalar(event.value)

    def sequence(self, start: yaml.Event) -> list[Any] | None:
        values: list[Any] = []
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise ParameterFileError(f'Sequences cannot be key at line {line}')
            values.append(self.scalar(event))
            if type(values[-1]) is not type(values[0]):
                raise ParameterFileError(
                    f"Sequence should be of same type. Value type "
                    f"'{_TYPE_NAMES[type(values[-1])]}' do not belong at line_num {line}")
        # An empty list has no type, so the parameter stays unset.
        return values or None

    def value(self, event: yaml.Event) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(event)
        raise ParameterFileError('Unknown YAML event')

    def parameters(self, prefix: str, found: dict[str, Any]) -> None:
        empty = True
        while not isinstance(key := self.next(), yaml.MappingEndEvent):
            empty = False
            if not isinstance(key, yaml.ScalarEvent):
                raise ParameterFileError(
                    f'Sequences cannot be key at line {_line(key)}')
            name = f'{prefix}.{key.value}' if prefix else key.value
            event = self.next()
            if isinstance(event, yaml.MappingStartEvent):
                self.parameters(name, found)
            else:
                found[name] = self.value(event)
        if empty and prefix:
            found[prefix] = None

    def nodes(self, namespace: str, found: ParameterMap) -> None:
        while not isinstance(key := self.next(), yaml.MappingEndEvent):
            line = _line(key)
            if not isinstance(key, yaml.ScalarEvent):
                raise ParameterFileError(f'Sequences cannot be key at line {line}')
            event = self.next()
            if key.value == ROS_PARAMETERS:
                if not namespace:
                    raise ParameterFileError(
                        f'There are no node names before {ROS_PARAMETERS} at line {line}')
                if isinstance(event, yaml.MappingStartEvent):
                    self.parameters('', found.setdefault(namespace, {}))
                elif not (isinstance(event, yaml.ScalarEvent) and not event.value):
                    raise ParameterFileError(
                        f'Parameters expected below {ROS_PARAMETERS} at line {line}')
            elif isinstance(event, yaml.MappingStartEvent):
                self.nodes(f'{namespace}/{_node_pattern(key.value)}', found)
            else:
                raise ParameterFileError(
                    f'Cannot have a value before {ROS_PARAMETERS} at line {line}')


def parse_value(text: str) -> Any:
    """Return the value of `-p name:=text`; raises ParameterFileError when it is none."""
    parser = _Parser(text)
    try:
        event = parser.content()
    except ParameterFileError:
        raise ParameterFileError('Error parsing an event') from None
    if event is None:
        raise ParameterFileError('error not set')
    try:
        return parser.value(event)
    except ParameterFileError as error:
        if isinstance(event, yaml.SequenceStartEvent) and 'event' in str(error):
            raise ParameterFileError('Error parsing an event') from None
        raise


def load(path: str) -> ParameterMap:
    """Return {absolute node pattern: {parameter: value}} in the order of the file."""
    found: ParameterMap = {}
    try:
        stream = Path(path).read_text()
    except OSError:
        raise ParameterFileError('Error opening YAML file') from None
    parser = _Parser(stream)
    event = parser.content()
    if isinstance(event, yaml.MappingStartEvent):
        parser.nodes('', found)
    elif event is not None:
        raise ParameterFileError('Sequences cannot be key at line 1')
    return found


def matches(pattern: str, fully_qualified_name: str) -> bool:
    """Return whether a node pattern such as `/**`, `/*/camera` or `/ns/camera` names the node."""
    expression = re.escape(pattern).replace(r'/\*\*', r'(/\w+)*').replace(r'/\*', r'(/\w+)')
    return re.fullmatch(expression, fully_qualified_name) is not None
