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
"""Launch descriptions from files."""

import os
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import Any

from .launch_description import LaunchDescription
from .launch_description_source import LaunchDescriptionSource
from .substitution import SomeSubstitutionsType


class InvalidLaunchFileError(Exception):
    """Say that a launch file can't be loaded, and why."""

    def __init__(self, extension: str = '', *, likely_errors: Any = None) -> None:
        message = 'The launch file may have a syntax error, or its format is unknown'
        if extension and likely_errors:
            count = 'multiple exceptions' if len(likely_errors) > 1 else 'exception'
            message = '\n - '.join([
                f'Caught {count} when trying to load file of format [{extension}]:',
                *(f'{type(error).__name__}: {error}' for error in likely_errors)])
            self.__cause__ = likely_errors[0]
        super().__init__(message)


class InvalidFrontendLaunchFileError(InvalidLaunchFileError):
    """Say that a file is no launch file in XML or YAML."""


class InvalidPythonLaunchFileError(Exception):
    """Say that a Python file has no generate_launch_description()."""


def load_python_launch_file_as_module(python_launch_file_path: str) -> ModuleType:
    """Execute a Python launch file as a module that is not importable by others."""
    loader = SourceFileLoader('python_launch_file', python_launch_file_path)
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def get_launch_description_from_python_launch_file(
    python_launch_file_path: str,
) -> LaunchDescription:
    """Give what a Python launch file's generate_launch_description() returns."""
    module = load_python_launch_file_as_module(python_launch_file_path)
    if not hasattr(module, 'generate_launch_description'):
        raise InvalidPythonLaunchFileError(
            f"launch file at '{python_launch_file_path}' does not contain the required "
            "function 'generate_launch_description()'")
    return module.generate_launch_description()


def get_launch_description_from_any_launch_file(launch_file_path: str) -> LaunchDescription:
    """Give the description of a launch file in Python.

    :raises FileNotFoundError: if there is no such file.
    :raises InvalidLaunchFileError: if it can't be loaded.
    """
    if not os.path.exists(launch_file_path):
        raise FileNotFoundError(f"launch file '{launch_file_path}' does not exist")
    extension = os.path.splitext(launch_file_path)[1][1:]
    if extension in ('xml', 'yaml', 'yml'):
        raise InvalidLaunchFileError(extension, likely_errors=[NotImplementedError(
            'launch files in XML and YAML (launch.frontend) are not supported here, '
            'only those in Python')])
    try:
        return get_launch_description_from_python_launch_file(launch_file_path)
    except Exception as error:
        raise InvalidLaunchFileError(
            extension if extension == 'py' else '',
            likely_errors=[error, InvalidFrontendLaunchFileError()]) from error


class PythonLaunchDescriptionSource(LaunchDescriptionSource):
    """Load a launch file in Python."""

    _load = staticmethod(get_launch_description_from_python_launch_file)

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        super().__init__(None, launch_file_path, 'interpreted python launch file')


class AnyLaunchDescriptionSource(LaunchDescriptionSource):
    """Load a launch file by its extension."""

    _load = staticmethod(get_launch_description_from_any_launch_file)

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        super().__init__(None, launch_file_path, 'interpreted launch file')


def FrontendLaunchDescriptionSource(*args: Any, **kwargs: Any) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError('launch.frontend: launch files in XML and YAML are not supported')
