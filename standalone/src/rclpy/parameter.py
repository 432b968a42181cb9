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
"""Parameters: names, types and values."""

import array
from collections.abc import Callable
from enum import Enum
from typing import Any

import yaml
from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterType, ParameterValue

PARAMETER_SEPARATOR_STRING = '.'

_FIELDS = {
    ParameterType.PARAMETER_BOOL: 'bool_value',
    ParameterType.PARAMETER_INTEGER: 'integer_value',
    ParameterType.PARAMETER_DOUBLE: 'double_value',
    ParameterType.PARAMETER_STRING: 'string_value',
    ParameterType.PARAMETER_BYTE_ARRAY: 'byte_array_value',
    ParameterType.PARAMETER_BOOL_ARRAY: 'bool_array_value',
    ParameterType.PARAMETER_INTEGER_ARRAY: 'integer_array_value',
    ParameterType.PARAMETER_DOUBLE_ARRAY: 'double_array_value',
    ParameterType.PARAMETER_STRING_ARRAY: 'string_array_value',
}
_SCALARS: dict[type, str] = {bool: 'BOOL', int: 'INTEGER', float: 'DOUBLE', str: 'STRING'}
_ELEMENTS: dict[type, str] = {bytes: 'BYTE_ARRAY', bool: 'BOOL_ARRAY', int: 'INTEGER_ARRAY',
                              float: 'DOUBLE_ARRAY', str: 'STRING_ARRAY'}


def _all(kind: type) -> Callable[[Any], bool]:
    containers = (list, tuple, array.array) if kind in (int, float) else (list, tuple)
    return lambda value: isinstance(value, containers) and all(
        isinstance(v, kind) and (not isinstance(v, bytes) or len(v) == 1) for v in value)


class Parameter:
    """A parameter's name, type and value; raises ValueError when type and value disagree."""

    class Type(Enum):
        """The types that a parameter can have."""

        NOT_SET = ParameterType.PARAMETER_NOT_SET
        BOOL = ParameterType.PARAMETER_BOOL
        INTEGER = ParameterType.PARAMETER_INTEGER
        DOUBLE = ParameterType.PARAMETER_DOUBLE
        STRING = ParameterType.PARAMETER_STRING
        BYTE_ARRAY = ParameterType.PARAMETER_BYTE_ARRAY
        BOOL_ARRAY = ParameterType.PARAMETER_BOOL_ARRAY
        INTEGER_ARRAY = ParameterType.PARAMETER_INTEGER_ARRAY
        DOUBLE_ARRAY = ParameterType.PARAMETER_DOUBLE_ARRAY
        STRING_ARRAY = ParameterType.PARAMETER_STRING_ARRAY

        @classmethod
        def from_parameter_value(cls, parameter_value: Any) -> 'Parameter.Type':
            """Return the type of a value; raises TypeError when it has none."""
            if parameter_value is None:
                return cls.NOT_SET
            for kind, name in _SCALARS.items():
                if isinstance(parameter_value, kind):
                    return cls[name]
            if not isinstance(parameter_value, (list, tuple, array.array)):
                raise TypeError('The given value is not one of the allowed types '
                                f"'{parameter_value}'.")
            for kind, name in _ELEMENTS.items():
                if all(isinstance(v, kind) for v in parameter_value):
                    return cls[name]
            raise TypeError('The given value is not a list of one of the allowed types '
                            f"'{parameter_value}'.")

        def check(self, parameter_value: Any) -> bool:
            """Return whether a value is of this type."""
            if self is Parameter.Type.NOT_SET:
                return parameter_value is None
            for kind, name in _SCALARS.items():
                if name == self.name:
                    return isinstance(parameter_value, kind)
            kind = next(k for k, name in _ELEMENTS.items() if name == self.name)
            return _all(kind)(parameter_value)

    def __init__(
        self, name: str, type_: 'Parameter.Type | None' = None, value: Any = None,
    ) -> None:
        if type_ is None:
            type_ = Parameter.Type.from_parameter_value(value)
        if not isinstance(type_, Parameter.Type):
            raise TypeError(f"type must be an instance of '{Parameter.Type!r}'")
        if not type_.check(value):
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self._type_ = type_
        self._name = name
        self._value = value

    @classmethod
    def from_parameter_msg(cls, param_msg: ParameterMsg) -> 'Parameter':
        """Return the parameter that a message describes."""
        type_ = cls.Type(param_msg.value.type)
        value = getattr(param_msg.value, _FIELDS[type_.value]) if type_.value else None
        return cls(param_msg.name, type_, value)

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def type_(self) -> 'Parameter.Type':
        """The type."""
        return self._type_

    @property
    def value(self) -> Any:
        """The value, None when not set."""
        return self._value

    def get_parameter_value(self) -> ParameterValue:
        """Return the value as a message."""
        message = ParameterValue(type=self.type_.value)
        if self.type_.value:
            setattr(message, _FIELDS[self.type_.value], self.value)
        return message

    def to_parameter_msg(self) -> ParameterMsg:
        """Return name and value as a message."""
        return ParameterMsg(name=self.name, value=self.get_parameter_value())


def get_parameter_value(string_value: str) -> ParameterValue:
    """Return what a string stands for when it is read as YAML."""
    try:
        value = yaml.safe_load(string_value)
    except yaml.parser.ParserError:
        value = string_value
    if value is None:
        value = string_value
    try:
        type_ = Parameter.Type.from_parameter_value(value)
    except TypeError:
        type_, value = Parameter.Type.STRING, string_value if isinstance(value, list) else value
    if value == []:
        type_ = Parameter.Type.BOOL_ARRAY
    message = ParameterValue(type=type_.value)
    setattr(message, _FIELDS[type_.value], value)
    return message


def parameter_value_to_python(parameter_value: ParameterValue) -> Any:
    """Return the value of a message; raises RuntimeError for an unknown type."""
    if parameter_value.type == ParameterType.PARAMETER_NOT_SET:
        return None
    if parameter_value.type not in _FIELDS:
        raise RuntimeError(f'unexpected parameter type {parameter_value.type}')
    value = getattr(parameter_value, _FIELDS[parameter_value.type])
    return value if isinstance(value, (bool, int, float, str)) else list(value)


def parameter_dict_from_yaml_file(
    parameter_file: str, use_wildcard: bool = False, target_nodes: list[str] | None = None,
    namespace: str = '',
) -> dict[str, ParameterMsg]:
    """
    Return the parameters of a file by name, all nodes' or those of `target_nodes`.

    Raises RuntimeError when the file has none for them.
    """
    with open(parameter_file) as stream:
        content = yaml.safe_load(stream)
    keys = ['/**'] if use_wildcard and '/**' in content else []
    if target_nodes:
        for node in target_nodes:
            if node not in content:
                raise RuntimeError(f'Param file does not contain parameters for {node},'
                                   f'only for nodes: {list(content)} ')
            keys.append(node)
    else:
        keys += [key for key in content if key != '/**']
    if not keys:
        raise RuntimeError('Param file does not contain selected parameters')
    merged: dict[str, Any] = {}
    for key in keys:
        value = content[key]
        if not isinstance(value, dict) or 'ros__parameters' not in value:
            raise RuntimeError(f'YAML file is not a valid ROS parameter file for node {key}')
        merged.update(value['ros__parameters'])
    return _unpack_parameter_dict(namespace, merged)


def _unpack_parameter_dict(
    namespace: str, parameter_dict: dict[str, Any],
) -> dict[str, ParameterMsg]:
    parameters: dict[str, ParameterMsg] = {}
    for name, value in parameter_dict.items():
        full_name = f'{namespace}{name}'
        if isinstance(value, dict):
            parameters.update(
                _unpack_parameter_dict(full_name + PARAMETER_SEPARATOR_STRING, value))
        else:
            parameters[full_name] = ParameterMsg(
                name=full_name, value=get_parameter_value(str(value)))
    return parameters
