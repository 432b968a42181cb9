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
"""The parameters of a node."""

import math
import warnings
from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import (
    ListParametersResult,
    ParameterDescriptor,
    ParameterEvent,
    ParameterType,
    ParameterValue,
    SetParametersResult,
)
from rcl_interfaces.msg import Parameter as ParameterMsg

from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from rclpy.parameter import PARAMETER_SEPARATOR_STRING, Parameter
from rclpy.validate_parameter_name import validate_parameter_name

_NOT_SET = Parameter.Type.NOT_SET


def _refuse(reason: str) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=reason)


class NodeParameters:
    """What Node knows to do with parameters; Node brings the clock and the event publisher."""

    PARAM_REL_TOL = 1e-6
    """Relative tolerance when floating point values are compared with ranges and steps."""

    _clock: Any
    _parameter_event_publisher: Any
    get_fully_qualified_name: Callable[[], str]

    def _init_parameters(self, allow_undeclared: bool) -> None:
        self._parameters: dict[str, Parameter] = {}
        self._descriptors: dict[str, ParameterDescriptor] = {}
        self._parameter_overrides: dict[str, Parameter] = {}
        self._allow_undeclared_parameters = allow_undeclared
        self._pre_set_parameters_callbacks: list[Callable] = []
        self._on_set_parameters_callbacks: list[Callable] = []
        self._post_set_parameters_callbacks: list[Callable] = []

    # Declaring.

    def declare_parameter(
        self, name: str, value: Any = None, descriptor: ParameterDescriptor | None = None,
        ignore_override: bool = False,
    ) -> Parameter:
        """
        Declare a parameter with a default value, or with a Parameter.Type and no value yet.

        An override given at start wins over the default unless `ignore_override`. Raises
        ParameterAlreadyDeclaredException, InvalidParameterException (the name),
        InvalidParameterTypeException and InvalidParameterValueException.
        """
        entry = ((name,) if value is None and descriptor is None
                 else (name, value, descriptor or ParameterDescriptor()))
        return self.declare_parameters('', [entry], ignore_override)[0]

    def declare_parameters(
        self, namespace: str, parameters: list[tuple], ignore_override: bool = False,
    ) -> list[Parameter]:
        """Declare several, each (name[, value or type[, descriptor]]); see declare_parameter()."""
        declared: list[Parameter] = []
        descriptors: dict[str, ParameterDescriptor] = {}
        for index, entry in enumerate(parameters):
            if not 1 <= len(entry) <= 3:
                raise TypeError(f'Invalid parameter tuple length at index {index} in parameters '
                                f'list: {entry}; expecting length between 1 and 3')
            name = entry[0]
            if not isinstance(name, str):
                raise TypeError(
                    f'First element {name} at index {index} in parameters list is not a str.')
            name = f'{namespace}.{name}' if namespace else name
            validate_parameter_name(name)
            descriptor = entry[2] if len(entry) > 2 else ParameterDescriptor()
            if not isinstance(descriptor, ParameterDescriptor):
                raise TypeError(f'Third element {descriptor} at index {index} in parameters list '
                                'is not a ParameterDescriptor.')
            if len(entry) == 1:
                warnings.warn(
                    f"when declaring parameter named '{name}', declaring a parameter only "
                    'providing its name is deprecated. You have to either:\n'
                    '\t- Pass a name and a default value different to "PARAMETER NOT SET" '
                    '(and optionally a descriptor).\n\t- Pass a name and a parameter type.\n'
                    '\t- Pass a name and a descriptor with `dynamic_typing=True', stacklevel=3)
                descriptor.dynamic_typing = True
            value = self._default_value(name, entry[1] if len(entry) > 1 else None, descriptor)
            if not ignore_override and name in self._parameter_overrides:
                value = self._parameter_overrides[name].value
            declared.append(Parameter(name, value=value))
            descriptors[name] = descriptor
        already = [p.name for p in declared if p.name in self._parameters]
        if already:
            raise ParameterAlreadyDeclaredException(already)
        for parameter in declared:
            self._declare(parameter, descriptors)
        return [self._parameters[p.name] for p in declared]

    @staticmethod
    def _default_value(name: str, given: Any, descriptor: ParameterDescriptor) -> Any:
        """Return the default value, having put its type into the descriptor."""
        if isinstance(given, Parameter.Type):
            if given is _NOT_SET:
                raise ValueError(
                    f'Cannot declare parameter {{{name}}} as statically typed of type NOT_SET')
            if descriptor.dynamic_typing:
                raise ValueError(
                    f'When declaring parameter {{{name}}} passing a descriptor with'
                    '`dynamic_typing=True` is not allowed when the parameter type is provided')
            descriptor.type = given.value
            return None
        if not descriptor.dynamic_typing:
            descriptor.type = (given.type if isinstance(given, ParameterValue)
                               else Parameter.Type.from_parameter_value(given).value)
            if descriptor.type == ParameterType.PARAMETER_NOT_SET:
                raise ValueError('Cannot declare a statically typed parameter with default value '
                                 'of type PARAMETER_NOT_SET')
        return given

    def _declare(self, parameter: Parameter, descriptors: dict[str, ParameterDescriptor]) -> None:
        result = self._apply([parameter], descriptors)
        if result.successful:
            return
        if result.reason.startswith('Wrong parameter type'):
            raise InvalidParameterTypeException(
                parameter, Parameter.Type(descriptors[parameter.name].type).name)
        raise InvalidParameterValueException(parameter.name, parameter.value, result.reason)

    def undeclare_parameter(self, name: str) -> None:
        """Forget a parameter; raises ParameterImmutableException for a read-only one."""
        if not self.has_parameter(name):
            raise ParameterNotDeclaredException(name)
        if self._descriptors[name].read_only:
            raise ParameterImmutableException(name)
        del self._parameters[name], self._descriptors[name]

    # Reading.

    def has_parameter(self, name: str) -> bool:
        """Return whether a parameter is declared."""
        return name in self._parameters

    def get_parameter_type(self, name: str) -> Any:
        """Return the number of a parameter's type."""
        if self.has_parameter(name):
            return self._parameters[name].type_.value
        if self._allow_undeclared_parameters:
            return _NOT_SET
        raise ParameterNotDeclaredException(name)

    def get_parameter_types(self, names: list[str]) -> list[Any]:
        """Return the numbers of parameters' types."""
        if not all(isinstance(name, str) for name in names):
            raise TypeError('All names must be instances of type str')
        return [self.get_parameter_type(name) for name in names]

    def get_parameter(self, name: str) -> Parameter:
        """
        Return a parameter.

        Raises ParameterNotDeclaredException, and ParameterUninitializedException for a
        statically typed one without a value.
        """
        if self.has_parameter(name):
            parameter = self._parameters[name]
            if parameter.type_ is _NOT_SET and not self._descriptors[name].dynamic_typing:
                raise ParameterUninitializedException(name)
            return parameter
        if self._allow_undeclared_parameters:
            return Parameter(name, _NOT_SET, None)
        raise ParameterNotDeclaredException(name)

    def get_parameters(self, names: list[str]) -> list[Parameter]:
        """Return several parameters; see get_parameter()."""
        if not all(isinstance(name, str) for name in names):
            raise TypeError('All names must be instances of type str')
        return [self.get_parameter(name) for name in names]

    def get_parameter_or(
        self, name: str, alternative_value: Parameter | None = None,
    ) -> Parameter:
        """Return a parameter, or the alternative when it is undeclared or has no value."""
        parameter = self._parameters.get(name)
        if parameter is None or parameter.type_ is _NOT_SET:
            return alternative_value or Parameter(name, _NOT_SET)
        return parameter

    def get_parameters_by_prefix(self, prefix: str) -> dict[str, Parameter]:
        """Return the parameters below a prefix, by the rest of their names."""
        prefix = f'{prefix}{PARAMETER_SEPARATOR_STRING}' if prefix else ''
        return {name[len(prefix):]: parameter for name, parameter in self._parameters.items()
                if name.startswith(prefix)}

    def list_parameters(self, prefixes: list[str], depth: int) -> ListParametersResult:
        """Return the names below the prefixes, at most `depth` levels down (0: all)."""
        if not isinstance(prefixes, list):
            raise TypeError('The prefixes argument must be a list')
        if not all(isinstance(prefix, str) for prefix in prefixes):
            raise TypeError('All prefixes must be instances of type str')
        if not isinstance(depth, int):
            raise TypeError('The depth must be instance of type int')
        if depth < 0:
            raise ValueError('The depth must be greater than or equal to zero')

        def within(rest: str) -> bool:
            return depth == 0 or rest.count(PARAMETER_SEPARATOR_STRING) < depth

        result = ListParametersResult()
        for name in self._parameters:
            if prefixes:
                wanted = any(
                    name == prefix or (name.startswith(f'{prefix}{PARAMETER_SEPARATOR_STRING}')
                                       and within(name[len(prefix) + 1:]))
                    for prefix in prefixes)
            else:
                wanted = within(name)
            if wanted:
                result.names.append(name)
                parent = name.rpartition(PARAMETER_SEPARATOR_STRING)[0]
                if parent and parent not in result.prefixes:
                    result.prefixes.append(parent)
        return result

    # Setting.

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        """Set parameters one after the other; returns what became of each."""
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """
        Set all parameters or none.

        Pre-set callbacks may change the list, on-set callbacks may refuse it, post-set callbacks
        see the result. Raises ParameterNotDeclaredException for undeclared ones.
        """
        if self._pre_set_parameters_callbacks:
            parameter_list = [parameter for callback in self._pre_set_parameters_callbacks
                              for parameter in callback(parameter_list)]
            if not parameter_list:
                return _refuse('parameter list cannot be empty, this might be due to '
                               'pre_set_parameters_callback modifying the original parameters '
                               'list.')
        if not all(isinstance(parameter, Parameter) for parameter in parameter_list):
            raise TypeError(f"parameter must be instance of type '{Parameter!r}'")
        undeclared = iter([p.name for p in parameter_list if p.name not in self._parameters])
        if not self._allow_undeclared_parameters and any(undeclared):
            # The first name is gone from the iterator: so rclpy words it, and tools expect it.
            raise ParameterNotDeclaredException(list(undeclared))
        return self._apply(parameter_list)

    def _apply(
        self, parameter_list: list[Parameter],
        declared: dict[str, ParameterDescriptor] | None = None,
    ) -> SetParametersResult:
        """Check and set parameters; `declared` holds descriptors of those being declared."""
        descriptors = self._descriptors if declared is None else declared
        for parameter in parameter_list:
            if parameter.name in descriptors:
                result = self._check(parameter, descriptors[parameter.name], declared is None)
                if not result.successful:
                    return result
        for callback in self._on_set_parameters_callbacks:
            result = callback(parameter_list)
            if not result.successful:
                return result
        event = ParameterEvent(node=self.get_fully_qualified_name())
        for parameter in parameter_list:
            name = parameter.name
            if declared is None and parameter.type_ is _NOT_SET:
                event.deleted_parameters.append(parameter.to_parameter_msg())
                self._parameters.pop(name, None)
                self._descriptors.pop(name, None)
                continue
            if declared is not None:
                self._descriptors[name] = declared[name]
            elif name not in self._descriptors:
                self._descriptors[name] = ParameterDescriptor(dynamic_typing=True)
            changes = (event.new_parameters if self.get_parameter_or(name).type_ is _NOT_SET
                       else event.changed_parameters)
            changes.append(parameter.to_parameter_msg())
            self._parameters[name] = parameter
        event.stamp = self._clock.now().to_msg()
        self._parameter_event_publisher.publish(event)
        for callback in self._post_set_parameters_callbacks:
            callback(parameter_list)
        return SetParametersResult(successful=True)

    def add_pre_set_parameters_callback(self, callback: Callable) -> None:
        """Call `callback(parameters) -> parameters` before parameters are checked."""
        self._pre_set_parameters_callbacks.insert(0, callback)

    def add_on_set_parameters_callback(self, callback: Callable) -> None:
        """Let `callback(parameters) -> SetParametersResult` accept or refuse parameters."""
        self._on_set_parameters_callbacks.insert(0, callback)

    def add_post_set_parameters_callback(self, callback: Callable) -> None:
        """Call `callback(parameters)` after parameters were set."""
        self._post_set_parameters_callbacks.insert(0, callback)

    def remove_pre_set_parameters_callback(self, callback: Callable) -> None:
        """Undo add_pre_set_parameters_callback()."""
        self._pre_set_parameters_callbacks.remove(callback)

    def remove_on_set_parameters_callback(self, callback: Callable) -> None:
        """Undo add_on_set_parameters_callback()."""
        self._on_set_parameters_callbacks.remove(callback)

    def remove_post_set_parameters_callback(self, callback: Callable) -> None:
        """Undo add_post_set_parameters_callback()."""
        self._post_set_parameters_callbacks.remove(callback)

    # Checking.

    def _check(
        self, parameter: Parameter, descriptor: ParameterDescriptor, check_read_only: bool = True,
    ) -> SetParametersResult:
        descriptor.name = parameter.name
        if check_read_only and descriptor.read_only:
            return _refuse(f'Trying to set a read-only parameter: {parameter.name}.')
        if descriptor.dynamic_typing:
            descriptor.type = parameter.type_.value
        elif parameter.type_ is _NOT_SET:
            if self.has_parameter(parameter.name):
                return _refuse('Static parameter cannot be undeclared')
        elif parameter.type_.value != descriptor.type:
            return _refuse(f"Wrong parameter type, expected '{Parameter.Type(descriptor.type)}' "
                           f"got '{parameter.type_}'")
        if parameter.type_ is Parameter.Type.INTEGER and descriptor.integer_range:
            return self._check_integer(parameter, descriptor.integer_range[0])
        if parameter.type_ is Parameter.Type.DOUBLE and descriptor.floating_point_range:
            return self._check_double(parameter, descriptor.floating_point_range[0])
        return SetParametersResult(successful=True)

    @staticmethod
    def _check_integer(parameter: Parameter, limits: Any) -> SetParametersResult:
        low, high = sorted((limits.from_value, limits.to_value))
        value = parameter.value
        if value not in (low, high):
            if not low < value < high:
                return _refuse(f'Parameter {parameter.name} out of range. Min: {low}, '
                               f'Max: {high}, value: {value}')
            if limits.step and (value - low) % limits.step:
                return _refuse(f'The parameter value for {parameter.name} is not a valid step. '
                               f'Min: {low}, max: {high}, value: {value}, step: {limits.step}')
        return SetParametersResult(successful=True)

    def _check_double(self, parameter: Parameter, limits: Any) -> SetParametersResult:
        low, high = sorted((limits.from_value, limits.to_value))
        value = parameter.value

        def close(other: float) -> bool:
            return math.isclose(value, other, rel_tol=self.PARAM_REL_TOL)

        if not close(low) and not close(high):
            if not low < value < high:
                return _refuse(f'Parameter {parameter.name} out of range Min: {low}, '
                               f'Max: {high}, value: {value}')
            if limits.step and not close(low + round((value - low) / limits.step) * limits.step):
                return _refuse(f'The parameter value for {parameter.name} is not close enough to '
                               f'a valid step. Min: {low}, max: {high}, value: {value}, '
                               f'step: {limits.step}')
        return SetParametersResult(successful=True)

    # Describing.

    def describe_parameter(self, name: str) -> ParameterDescriptor:
        """Return the descriptor of a parameter."""
        if name in self._descriptors:
            return self._descriptors[name]
        if self._allow_undeclared_parameters:
            return ParameterDescriptor()
        raise ParameterNotDeclaredException(name)

    def describe_parameters(self, names: list[str]) -> list[ParameterDescriptor]:
        """Return the descriptors of several parameters."""
        return [self.describe_parameter(name) for name in names]

    def set_descriptor(
        self, name: str, descriptor: ParameterDescriptor,
        alternative_value: ParameterValue | None = None,
    ) -> ParameterValue:
        """
        Replace a descriptor; `alternative_value` is set when the present value does not fit it.

        Returns the value in force. Raises ParameterImmutableException for a read-only parameter
        and InvalidParameterValueException when no value fits.
        """
        if not self.has_parameter(name):
            return self.get_parameter(name).get_parameter_value()
        if self.describe_parameter(name).read_only:
            raise ParameterImmutableException(name)
        current = alternative = self.get_parameter(name)
        if alternative_value is not None:
            alternative = Parameter.from_parameter_msg(
                ParameterMsg(name=name, value=alternative_value))
        if not self._check(current, descriptor, False).successful:
            result = self._check(alternative, descriptor, False)
            if not result.successful:
                raise InvalidParameterValueException(name, alternative.value, result.reason)
            self._parameters[name] = alternative
        self._descriptors[name] = descriptor
        return self.get_parameter(name).get_parameter_value()
