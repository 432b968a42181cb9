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
"""The exceptions of rclpy."""

from typing import Any

from rclpy._rclpy_pybind11 import InvalidHandle

__all__ = [
    'InvalidHandle', 'InvalidNamespaceException', 'InvalidNodeNameException',
    'InvalidParameterException', 'InvalidParameterTypeException',
    'InvalidParameterValueException', 'InvalidServiceNameException', 'InvalidTopicNameException',
    'NameValidationException', 'NoTypeSupportImportedException', 'NotInitializedException',
    'ParameterAlreadyDeclaredException', 'ParameterException', 'ParameterImmutableException',
    'ParameterNotDeclaredException', 'ParameterUninitializedException', 'ROSInterruptException']


class NotInitializedException(Exception):
    """rclpy.init() has not been called, or rclpy was shut down since."""

    def __init__(self, message: str | None = None) -> None:
        detail = f' msg:{message}' if message else ''
        super().__init__(f'rclpy.init() has not been called.{detail}')


class NoTypeSupportImportedException(Exception):
    """A message class has no type support."""

    def __init__(self) -> None:
        super().__init__('no type_support imported')


class NameValidationException(Exception):
    """A name breaks the rules; the message points at the place."""

    kind = 'name'

    def __init__(self, *args: Any) -> None:
        kind, (name, error_msg, invalid_index) = (
            (args[0], args[1:]) if len(args) == 4 else (self.kind, args))
        super().__init__(
            f"Invalid {kind}: {error_msg}:\n  '{name}'\n   {' ' * invalid_index}^")


class InvalidNamespaceException(NameValidationException):
    """A namespace is invalid."""

    kind = 'namespace'


class InvalidNodeNameException(NameValidationException):
    """A node name is invalid."""

    kind = 'node name'


class InvalidTopicNameException(NameValidationException):
    """A topic name is invalid."""

    kind = 'topic name'


class InvalidServiceNameException(NameValidationException):
    """A service name is invalid."""

    kind = 'service name'


class ParameterException(Exception):
    """Something is wrong with parameters."""

    def __init__(self, error_msg: str, parameters: str | list[str]) -> None:
        super().__init__(f'{error_msg}: {parameters}')


class ParameterNotDeclaredException(ParameterException):
    """A parameter was used that was not declared."""

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__('Invalid access to undeclared parameter(s)', parameters)


class ParameterAlreadyDeclaredException(ParameterException):
    """A parameter was declared twice."""

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__('Parameter(s) already declared', parameters)


class InvalidParameterException(ParameterException):
    """A parameter's name is invalid."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__('Invalid parameter name', parameter_name)


class InvalidParameterTypeException(ParameterException):
    """A value's type is not the parameter's."""

    def __init__(self, desired_parameter: Any, expected_type: Any) -> None:
        super().__init__(
            f"Trying to set parameter '{desired_parameter.name}' to "
            f"'{desired_parameter.value}' of type '{desired_parameter.type_.name}', "
            f"expecting type '{expected_type}'", desired_parameter.name)


class InvalidParameterValueException(ParameterException):
    """A parameter's value was rejected."""

    def __init__(self, parameter: str, value: Any, reason: str) -> None:
        super().__init__(
            f'Invalid parameter value ({value}) for parameter. Reason: {reason}', parameter)


class ParameterImmutableException(ParameterException):
    """A read-only parameter was to be changed."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__('Attempted to modify read-only parameter', parameter_name)


class ParameterUninitializedException(ParameterException):
    """A statically typed parameter has no value yet."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__(f"The parameter '{parameter_name}' is not initialized", parameter_name)


class ROSInterruptException(Exception):
    """A wait was interrupted by shutdown."""

    def __init__(self) -> None:
        super().__init__('rclpy.shutdown() has been called')
