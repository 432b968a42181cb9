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

from __future__ import annotations

import importlib
import math
import os
import random
import shlex
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

from . import logging as launch_logging
from .substitution import SomeSubstitutionsType, Substitution, TextSubstitution
from .utilities import normalize_to_list_of_substitutions, perform_substitutions
from .utilities.type_utils import perform_typed_substitution

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class SubstitutionFailure(RuntimeError):
    """Say that a substitution has no text."""


def _describe(subs: list[Substitution]) -> str:
    return ' + '.join(sub.describe() for sub in subs)


def _is_true(context: LaunchContext, subs: list[Substitution]) -> bool:
    try:
        return perform_typed_substitution(context, subs, bool)
    except (TypeError, ValueError) as error:
        raise SubstitutionFailure(error) from error


def _truth(value: bool) -> str:
    return str(bool(value)).lower()


class LaunchConfiguration(Substitution):
    """Yield the value of a launch configuration, or the default."""

    def __init__(self, variable_name: SomeSubstitutionsType, *, default: Any = None) -> None:
        super().__init__()
        self.variable_name = normalize_to_list_of_substitutions(variable_name)
        self.__default: list[Substitution] | None = None
        if default is not None:
            items = default if isinstance(default, (list, tuple)) else [default]
            self.__default = normalize_to_list_of_substitutions(
                [x if isinstance(x, (str, Substitution)) else str(x) for x in items]
            )

    def describe(self) -> str:
        return f'LaunchConfig({_describe(self.variable_name)})'

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.variable_name)
        if name in context.launch_configurations:
            return context.launch_configurations[name]
        if self.__default is None:
            raise SubstitutionFailure(f"launch configuration '{name}' does not exist")
        return perform_substitutions(context, self.__default)


class EnvironmentVariable(Substitution):
    """Yield the value of an environment variable, or the default."""

    def __init__(self, name: SomeSubstitutionsType, *,
                 default_value: SomeSubstitutionsType | None = None) -> None:
        super().__init__()
        self.name = normalize_to_list_of_substitutions(name)
        self.default_value: list[Substitution] | None = None
        if default_value is not None:
            self.default_value = normalize_to_list_of_substitutions(default_value)

    def describe(self) -> str:
        return f'EnvVar({_describe(self.name)})'

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.name)
        if name in context.environment:
            return context.environment[name]
        if self.default_value is None:
            raise SubstitutionFailure(f"environment variable '{name}' does not exist")
        return perform_substitutions(context, self.default_value)


class PathJoinSubstitution(Substitution):
    """Join the parts with the separator of paths."""

    def __init__(self, substitutions: SomeSubstitutionsType) -> None:
        super().__init__()
        self.substitutions = normalize_to_list_of_substitutions(substitutions)

    def describe(self) -> str:
        return f"PathJoin('{_describe(self.substitutions)}')"

    def perform(self, context: LaunchContext) -> str:
        return os.path.join(*(sub.perform(context) for sub in self.substitutions))


class PythonExpression(Substitution):
    """Yield the value of a Python expression as text."""

    def __init__(self, expression: SomeSubstitutionsType,
                 python_modules: SomeSubstitutionsType = ('math',)) -> None:
        super().__init__()
        self.expression = normalize_to_list_of_substitutions(expression)
        self.python_modules = normalize_to_list_of_substitutions(python_modules)

    def describe(self) -> str:
        modules = ', '.join(sub.describe() for sub in self.python_modules)
        return f'PythonExpr({_describe(self.expression)}, [{modules}])'

    def perform(self, context: LaunchContext) -> str:
        names: dict[str, Any] = {}
        for sub in self.python_modules:
            module = importlib.import_module(context.perform_substitution(sub))
            if module is math:
                names.update(vars(math))
            names[module.__name__] = module
        return str(eval(perform_substitutions(context, self.expression), {}, names))


class Command(Substitution):
    """Yield what a command prints.

    :param on_stderr: what to do if it prints to stderr: fail, ignore, warn or capture.
    """

    def __init__(self, command: SomeSubstitutionsType, *,
                 on_stderr: SomeSubstitutionsType = 'fail') -> None:
        super().__init__()
        self.command = normalize_to_list_of_substitutions(command)
        self.on_stderr = normalize_to_list_of_substitutions(on_stderr)

    def describe(self) -> str:
        return f'Command({_describe(self.command)})'

    def perform(self, context: LaunchContext) -> str:
        command = perform_substitutions(context, self.command)
        on_stderr = perform_substitutions(context, self.on_stderr)
        if on_stderr not in ('fail', 'ignore', 'warn', 'capture'):
            raise SubstitutionFailure(
                "expected 'on_stderr' to be one of: 'fail', 'ignore', 'warn' or 'capture'"
            )
        try:
            result = subprocess.run(
                shlex.split(command), stdout=subprocess.PIPE, text=True, check=False,
                stderr=subprocess.STDOUT if on_stderr == 'capture' else subprocess.PIPE,
            )
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


class FindExecutable(Substitution):
    """Yield the path of an executable on the PATH."""

    def __init__(self, *, name: SomeSubstitutionsType) -> None:
        super().__init__()
        self.name = normalize_to_list_of_substitutions(name)

    def describe(self) -> str:
        return f'FindExec({_describe(self.name)})'

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.name)
        path = shutil.which(name)
        if path is None:
            raise SubstitutionFailure(f"executable '{name}' not found on the PATH")
        return path


class FileContent(Substitution):
    """Yield the text of a file."""

    def __init__(self, path: SomeSubstitutionsType) -> None:
        super().__init__()
        self.path = normalize_to_list_of_substitutions(path)

    def describe(self) -> str:
        return f'FileContent({_describe(self.path)})'

    def perform(self, context: LaunchContext) -> str:
        path = perform_substitutions(context, self.path)
        try:
            with open(path, encoding='utf-8') as file:
                return file.read()
        except OSError as error:
            raise SubstitutionFailure(f'Failed to open file: {path}') from error


class ThisLaunchFile(Substitution):
    """Yield the path of the launch file in hand."""

    _local = 'current_launch_file_path'

    def describe(self) -> str:
        return f'{type(self).__name__}()'

    def perform(self, context: LaunchContext) -> str:
        values = context.get_locals_as_dict()
        if self._local not in values:
            raise SubstitutionFailure(
                f'{type(self).__name__} used outside of a launch file (in a script)'
            )
        return values[self._local]


class ThisLaunchFileDir(ThisLaunchFile):
    """Yield the folder of the launch file in hand."""

    _local = 'current_launch_file_directory'


class LaunchLogDir(Substitution):
    """Yield the folder of this launch's log files."""

    def describe(self) -> str:
        return f'{type(self).__name__}()'

    def perform(self, context: LaunchContext) -> str:
        return launch_logging.launch_config.log_dir


class AnonName(Substitution):
    """Yield a name that no other process uses, the same each time within a launch."""

    def __init__(self, name: SomeSubstitutionsType) -> None:
        super().__init__()
        self.name = normalize_to_list_of_substitutions(name)

    def describe(self) -> str:
        return f'AnonName({_describe(self.name)})'

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
        super().__init__()
        self.expression = expression
        self.description = description

    def describe(self) -> str:
        return f"LocalVar('{self.description or self.expression}')"

    def perform(self, context: LaunchContext) -> str:
        return eval('context.locals.' + self.expression)


class EqualsSubstitution(Substitution):
    """Yield true if both sides are the same text, number or truth value; else false."""

    def __init__(self, left: Any, right: Any) -> None:
        super().__init__()
        self.left, self.right = (self.__normalize(side) for side in (left, right))

    @staticmethod
    def __normalize(side: Any) -> list[Substitution]:
        if isinstance(side, (str, Substitution, list, tuple)):
            return normalize_to_list_of_substitutions(side)
        if side is None:
            return normalize_to_list_of_substitutions('')
        return normalize_to_list_of_substitutions(
            _truth(side) if isinstance(side, bool) else str(side)
        )

    def describe(self) -> str:
        return f'{type(self).__name__}({_describe(self.left)} {_describe(self.right)})'

    def _equal(self, context: LaunchContext) -> bool:
        left = perform_substitutions(context, self.left)
        right = perform_substitutions(context, self.right)
        truths = {'true': True, '1': True, 'false': False, '0': False}
        if left.lower() in truths and right.lower() in truths:
            return truths[left.lower()] == truths[right.lower()]
        try:
            return math.isclose(float(left), float(right))
        except ValueError:
            return left == right

    def perform(self, context: LaunchContext) -> str:
        return _truth(self._equal(context))


class NotEqualsSubstitution(EqualsSubstitution):
    """Yield true if both sides differ."""

    def perform(self, context: LaunchContext) -> str:
        return _truth(not self._equal(context))


class _BooleanSubstitution(Substitution):
    def __init__(self, *args: SomeSubstitutionsType) -> None:
        super().__init__()
        self.args = [normalize_to_list_of_substitutions(arg) for arg in args]

    def describe(self) -> str:
        return f'{type(self).__name__}({" ".join(_describe(arg) for arg in self.args)})'

    def _values(self, context: LaunchContext) -> list[bool]:
        return [_is_true(context, arg) for arg in self.args]


class NotSubstitution(_BooleanSubstitution):
    """Yield the opposite of a truth value."""

    def __init__(self, value: SomeSubstitutionsType) -> None:
        super().__init__(value)
        self.value = self.args[0]

    def perform(self, context: LaunchContext) -> str:
        return _truth(not self._values(context)[0])


class AnySubstitution(_BooleanSubstitution):
    """Yield true if any of the truth values is true."""

    def perform(self, context: LaunchContext) -> str:
        return _truth(any(self._values(context)))


class AllSubstitution(_BooleanSubstitution):
    """Yield true if all the truth values are true."""

    def perform(self, context: LaunchContext) -> str:
        return _truth(all(self._values(context)))


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


class IfElseSubstitution(Substitution):
    """Yield one of two texts, by a truth value."""

    def __init__(self, condition: SomeSubstitutionsType, if_value: SomeSubstitutionsType = '',
                 else_value: SomeSubstitutionsType = '') -> None:
        super().__init__()
        if if_value == else_value == '':
            raise RuntimeError('One of if_value and else_value must be specified')
        self.condition = normalize_to_list_of_substitutions(condition)
        self.if_value = normalize_to_list_of_substitutions(if_value)
        self.else_value = normalize_to_list_of_substitutions(else_value)

    def describe(self) -> str:
        return (f'IfElseSubstitution({_describe(self.condition)}, {_describe(self.if_value)}, '
                f'{_describe(self.else_value)})')

    def perform(self, context: LaunchContext) -> str:
        chosen = self.if_value if _is_true(context, self.condition) else self.else_value
        return perform_substitutions(context, chosen)


__all__ = [
    'AllSubstitution', 'AndSubstitution', 'AnonName', 'AnySubstitution', 'Command',
    'EnvironmentVariable', 'EqualsSubstitution', 'FileContent', 'FindExecutable',
    'IfElseSubstitution', 'LaunchConfiguration', 'LaunchLogDir', 'LocalSubstitution',
    'NotEqualsSubstitution', 'NotSubstitution', 'OrSubstitution', 'PathJoinSubstitution',
    'PythonExpression', 'SubstitutionFailure', 'TextSubstitution', 'ThisLaunchFile',
    'ThisLaunchFileDir',
]
