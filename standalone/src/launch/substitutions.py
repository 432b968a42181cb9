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
"""The substitutions for use in launch files."""

import importlib
import math
import os
import random
import shlex
import shutil
import socket
import subprocess
from typing import Any

from . import logging as launch_logging
from .launch_context import LaunchContext
from .substitution import SomeSubstitutionsType, Substitution, TextSubstitution
from .utilities import (
    describe,
    normalize_to_list_of_substitutions,
    optional_substitutions,
    perform_substitutions,
)
from .utilities.type_utils import perform_typed_substitution


class SubstitutionFailure(RuntimeError):
    """Say that a substitution has no text."""


class _Described(Substitution):
    """Is described by a template that names its attributes."""

    _template: str

    def describe(self) -> str:
        return self._template.format_map(
            {name: describe(value) for name, value in vars(self).items()
             if isinstance(value, list)} | {'cls': type(self).__name__})


class LaunchConfiguration(_Described):
    """Yield the value of a launch configuration, or the default."""

    _template = 'LaunchConfig({variable_name})'

    def __init__(self, variable_name: SomeSubstitutionsType, *, default: Any = None) -> None:
        self.variable_name = normalize_to_list_of_substitutions(variable_name)
        if default is not None:
            items = default if isinstance(default, (list, tuple)) else [default]
            default = [x if isinstance(x, (str, Substitution)) else str(x) for x in items]
        self.__default = optional_substitutions(default)

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.variable_name)
        if name in context.launch_configurations:
            return context.launch_configurations[name]
        if self.__default is None:
            raise SubstitutionFailure(f"launch configuration '{name}' does not exist")
        return perform_substitutions(context, self.__default)


class EnvironmentVariable(_Described):
    """Yield the value of an environment variable, or the default."""

    _template = 'EnvVar({name})'

    def __init__(self, name: SomeSubstitutionsType, *,
                 default_value: SomeSubstitutionsType | None = None) -> None:
        self.name = normalize_to_list_of_substitutions(name)
        self.default_value = optional_substitutions(default_value)

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.name)
        if name in context.environment:
            return context.environment[name]
        if self.default_value is None:
            raise SubstitutionFailure(f"environment variable '{name}' does not exist")
        return perform_substitutions(context, self.default_value)


class PathJoinSubstitution(_Described):
    """Join the parts with the separator of paths."""

    _template = "PathJoin('{substitutions}')"

    def __init__(self, substitutions: SomeSubstitutionsType) -> None:
        self.substitutions = normalize_to_list_of_substitutions(substitutions)

    def perform(self, context: LaunchContext) -> str:
        return os.path.join(*(sub.perform(context) for sub in self.substitutions))


class PythonExpression(Substitution):
    """Yield the value of a Python expression as text."""

    def __init__(self, expression: SomeSubstitutionsType,
                 python_modules: SomeSubstitutionsType = ('math',)) -> None:
        self.expression = normalize_to_list_of_substitutions(expression)
        self.python_modules = normalize_to_list_of_substitutions(python_modules)

    def describe(self) -> str:
        modules = ', '.join(sub.describe() for sub in self.python_modules)
        return f'PythonExpr({describe(self.expression)}, [{modules}])'

    def perform(self, context: LaunchContext) -> str:
        names: dict[str, Any] = {}
        for sub in self.python_modules:
            module = importlib.import_module(context.perform_substitution(sub))
            if module is math:
                names.update(vars(math))
            names[module.__name__] = module
        return str(eval(perform_substitutions(context, self.expression), {}, names))


class Command(_Described):
    """Yield what a command prints.

    :param on_stderr: what to do if it prints to stderr: fail, ignore, warn or capture.
    """

    _template = 'Command({command})'

    def __init__(self, command: SomeSubstitutionsType, *,
                 on_stderr: SomeSubstitutionsType = 'fail') -> None:
        self.command = normalize_to_list_of_substitutions(command)
        self.on_stderr = normalize_to_list_of_substitutions(on_stderr)

    def perform(self, context: LaunchContext) -> str:
        command = perform_substitutions(context, self.command)
        on_stderr = perform_substitutions(context, self.on_stderr)
        if on_stderr not in ('fail', 'ignore', 'warn', 'capture'):
            raise SubstitutionFailure(
                "expected 'on_stderr' to be one of: 'fail', 'ignore', 'warn' or 'capture'")
        try:
            result = subprocess.run(
                shlex.split(command), stdout=subprocess.PIPE, text=True, check=False,
                stderr=subprocess.STDOUT if on_stderr == 'capture' else subprocess.PIPE)
        except FileNotFoundError as error:
            raise SubstitutionFailure(f'file not found: {error}') from error
        if result.returncode != 0:
            stderr = f'\nCaptured stderr output: {result.stderr}' if result.stderr else ''
            raise SubstitutionFailure(f'executed command failed. Command: {command}{stderr}')
        if result.stderr and on_stderr in ('fail', 'warn'):
            message = (f'executed command showed stderr output. Command: {command}\n'
                       f'Captured stderr output:\n{result.stderr}')
            if on_stderr == 'fail':
                raise SubstitutionFailure(message)
            launch_logging.get_logger().warning(message)
        return result.stdout


class FindExecutable(_Described):
    """Yield the path of an executable on the PATH."""

    _template = 'FindExec({name})'

    def __init__(self, *, name: SomeSubstitutionsType) -> None:
        self.name = normalize_to_list_of_substitutions(name)

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.name)
        path = shutil.which(name)
        if path is None:
            raise SubstitutionFailure(f"executable '{name}' not found on the PATH")
        return path


class FileContent(_Described):
    """Yield the text of a file."""

    _template = 'FileContent({path})'

    def __init__(self, path: SomeSubstitutionsType) -> None:
        self.path = normalize_to_list_of_substitutions(path)

    def perform(self, context: LaunchContext) -> str:
        path = perform_substitutions(context, self.path)
        try:
            with open(path, encoding='utf-8') as file:
                return file.read()
        except OSError as error:
            raise SubstitutionFailure(f'Failed to open file: {path}') from error


class ThisLaunchFile(_Described):
    """Yield the path of the launch file in hand."""

    _template = '{cls}()'
    _local = 'current_launch_file_path'

    def perform(self, context: LaunchContext) -> str:
        values = context.get_locals_as_dict()
        if self._local not in values:
            raise SubstitutionFailure(
                f'{type(self).__name__} used outside of a launch file (in a script)')
        return values[self._local]


class ThisLaunchFileDir(ThisLaunchFile):
    """Yield the folder of the launch file in hand."""

    _local = 'current_launch_file_directory'


class LaunchLogDir(_Described):
    """Yield the folder of this launch's log files."""

    _template = '{cls}()'

    def perform(self, context: LaunchContext) -> str:
        return launch_logging.launch_config.log_dir


class AnonName(_Described):
    """Yield a name that no other process uses, the same each time within a launch."""

    _template = 'AnonName({name})'

    def __init__(self, name: SomeSubstitutionsType) -> None:
        self.name = normalize_to_list_of_substitutions(name)

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.name)
        key = 'anon' + name
        if key not in context.launch_configurations:
            host = socket.gethostname().replace('.', '_').replace('-', '_').replace(':', '_')
            tail = random.randint(0, 2**63)
            context.launch_configurations[key] = f'{name}_{host}_{os.getpid()}_{tail}'
        return context.launch_configurations[key]


class LocalSubstitution(Substitution):
    """Yield one of the context's locals, such as ``event.returncode``."""

    def __init__(self, expression: str, description: str | None = None) -> None:
        self.expression, self.description = expression, description

    def describe(self) -> str:
        return f"LocalVar('{self.description or self.expression}')"

    def perform(self, context: LaunchContext) -> str:
        return eval('context.locals.' + self.expression)


class _Truth(_Described):
    """Yields true or false, as ``_is_true()`` says."""

    def perform(self, context: LaunchContext) -> str:
        return 'true' if self._is_true(context) else 'false'

    def _is_true(self, context: LaunchContext) -> bool:
        raise NotImplementedError


class EqualsSubstitution(_Truth):
    """Yield true if both sides are the same text, number or truth value; else false."""

    _template = '{cls}({left} {right})'

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = (self.__normalize(side) for side in (left, right))

    @staticmethod
    def __normalize(side: Any) -> list[Substitution]:
        if not isinstance(side, (str, Substitution, list, tuple)):
            side = '' if side is None else (
                str(side).lower() if isinstance(side, bool) else str(side))
        return normalize_to_list_of_substitutions(side)

    def _is_true(self, context: LaunchContext) -> bool:
        left = perform_substitutions(context, self.left)
        right = perform_substitutions(context, self.right)
        truths = {'true': True, '1': True, 'false': False, '0': False}
        if left.lower() in truths and right.lower() in truths:
            return truths[left.lower()] == truths[right.lower()]
        try:
            return math.isclose(float(left), float(right))
        except ValueError:
            return left == right


class NotEqualsSubstitution(EqualsSubstitution):
    """Yield true if both sides differ."""

    def _is_true(self, context: LaunchContext) -> bool:
        return not super()._is_true(context)


def _evaluate(context: LaunchContext, subs: list[Substitution]) -> bool:
    try:
        return perform_typed_substitution(context, subs, bool)
    except (TypeError, ValueError) as error:
        raise SubstitutionFailure(error) from error


class NotSubstitution(_Truth):
    """Yield the opposite of a truth value."""

    _template = '{cls}({value})'

    def __init__(self, value: SomeSubstitutionsType) -> None:
        self.value = normalize_to_list_of_substitutions(value)

    def _is_true(self, context: LaunchContext) -> bool:
        return not _evaluate(context, self.value)


class AnySubstitution(_Truth):
    """Yield true if any of the truth values is true."""

    def __init__(self, *args: SomeSubstitutionsType) -> None:
        self.args = [normalize_to_list_of_substitutions(arg) for arg in args]

    def describe(self) -> str:
        return f'{type(self).__name__}({" ".join(map(describe, self.args))})'

    def _values(self, context: LaunchContext) -> list[bool]:
        return [_evaluate(context, arg) for arg in self.args]

    def _is_true(self, context: LaunchContext) -> bool:
        return any(self._values(context))


class AllSubstitution(AnySubstitution):
    """Yield true if all the truth values are true."""

    def _is_true(self, context: LaunchContext) -> bool:
        return all(self._values(context))


class OrSubstitution(AnySubstitution):
    """Yield true if one of two truth values is true."""

    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        super().__init__(left, right)
        self.left, self.right = self.args


class AndSubstitution(AllSubstitution):
    """Yield true if two truth values are true."""

    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        super().__init__(left, right)
        self.left, self.right = self.args


class IfElseSubstitution(_Described):
    """Yield one of two texts, by a truth value."""

    _template = '{cls}({condition}, {if_value}, {else_value})'

    def __init__(self, condition: SomeSubstitutionsType, if_value: SomeSubstitutionsType = '',
                 else_value: SomeSubstitutionsType = '') -> None:
        if if_value == else_value == '':
            raise RuntimeError('One of if_value and else_value must be specified')
        self.condition = normalize_to_list_of_substitutions(condition)
        self.if_value = normalize_to_list_of_substitutions(if_value)
        self.else_value = normalize_to_list_of_substitutions(else_value)

    def perform(self, context: LaunchContext) -> str:
        chosen = self.if_value if _evaluate(context, self.condition) else self.else_value
        return perform_substitutions(context, chosen)


__all__ = [
    'AllSubstitution', 'AndSubstitution', 'AnonName', 'AnySubstitution', 'Command',
    'EnvironmentVariable', 'EqualsSubstitution', 'FileContent', 'FindExecutable',
    'IfElseSubstitution', 'LaunchConfiguration', 'LaunchLogDir', 'LocalSubstitution',
    'NotEqualsSubstitution', 'NotSubstitution', 'OrSubstitution', 'PathJoinSubstitution',
    'PythonExpression', 'SubstitutionFailure', 'TextSubstitution', 'ThisLaunchFile',
    'ThisLaunchFileDir',
]
