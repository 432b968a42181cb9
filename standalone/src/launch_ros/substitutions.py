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
"""Substitutions that find packages and what is in them."""

from collections.abc import Callable
from typing import Any

from ament_index_python.packages import get_package_prefix, get_package_share_directory
from launch import LaunchContext, SomeSubstitutionsType, Substitution
from launch.substitutions import SubstitutionFailure
from launch.utilities import describe, normalize_to_list_of_substitutions, perform_substitutions
from ros2pkg.api import find_executable

from .parameters import to_rule


class FindPackage(Substitution):
    """Yield a folder of a package, as ``find`` does, which raises PackageNotFoundError."""

    find: Callable[[str], str]

    def __init__(self, package: SomeSubstitutionsType) -> None:
        self.package = normalize_to_list_of_substitutions(package)

    def describe(self) -> str:
        return f'{type(self).__name__}(pkg={describe(self.package)})'

    def perform(self, context: LaunchContext) -> str:
        return self.find(perform_substitutions(context, self.package))


class FindPackagePrefix(FindPackage):
    """Yield the prefix where a package is installed."""

    find = staticmethod(get_package_prefix)


class FindPackageShare(FindPackage):
    """Yield the share folder of a package."""

    find = staticmethod(get_package_share_directory)


class ExecutableInPackage(FindPackagePrefix):
    """Yield the path of an executable of a package."""

    def __init__(self, executable: SomeSubstitutionsType, package: SomeSubstitutionsType) -> None:
        super().__init__(package)
        self.executable = normalize_to_list_of_substitutions(executable)

    def describe(self) -> str:
        return f'ExecInPkg(pkg={describe(self.package)}, exec={describe(self.executable)})'

    def perform(self, context: LaunchContext) -> str:
        try:
            return find_executable(
                package_name=perform_substitutions(context, self.package),
                executable_name=perform_substitutions(context, self.executable))
        except FileNotFoundError as error:
            raise SubstitutionFailure(str(error)) from error


class Parameter(Substitution):
    """Yield the value of a parameter that SetParameter has set, or the default."""

    def __init__(self, name: SomeSubstitutionsType, *, default: Any = None) -> None:
        self.name = normalize_to_list_of_substitutions(name)
        self.default = default

    def describe(self) -> str:
        return f'Parameter(name={describe(self.name)})'

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.name)
        for item in reversed(context.launch_configurations.get('global_params', [])):
            if isinstance(item, tuple) and item[0] == name:
                value = item[1]
                return value if isinstance(value, str) else to_rule('', value)[2:]
        if self.default is None:
            raise SubstitutionFailure(f"parameter '{name}' not found")
        default = self.default if isinstance(self.default, (Substitution, list, tuple)) else (
            str(self.default))
        return perform_substitutions(context, normalize_to_list_of_substitutions(default))
