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

from __future__ import annotations

from typing import Any

from ament_index_python.packages import get_package_prefix, get_package_share_directory
from launch import LaunchContext, SomeSubstitutionsType, Substitution
from launch.substitutions import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from ros2pkg.api import find_executable

from .parameters import to_rule


def _describe(subs: list[Substitution]) -> str:
    return ' + '.join(sub.describe() for sub in subs)


class FindPackage(Substitution):
    """Yield a folder of a package."""

    def __init__(self, package: SomeSubstitutionsType) -> None:
        super().__init__()
        self.package = normalize_to_list_of_substitutions(package)

    def describe(self) -> str:
        return f'{type(self).__name__}(pkg={_describe(self.package)})'

    def find(self, package_name: str) -> str:
        """Return the folder.

        :raises ament_index_python.PackageNotFoundError: if there is no such package.
        """
        raise NotImplementedError

    def perform(self, context: LaunchContext) -> str:
        return self.find(perform_substitutions(context, self.package))


class FindPackagePrefix(FindPackage):
    """Yield the prefix where a package is installed."""

    def find(self, package_name: str) -> str:
        return get_package_prefix(package_name)


class FindPackageShare(FindPackage):
    """Yield the share folder of a package."""

    def find(self, package_name: str) -> str:
        return get_package_share_directory(package_name)


class ExecutableInPackage(FindPackagePrefix):
    """Yield the path of an executable of a package."""

    def __init__(self, executable: SomeSubstitutionsType, package: SomeSubstitutionsType) -> None:
        super().__init__(package)
        self.executable = normalize_to_list_of_substitutions(executable)

    def describe(self) -> str:
        return f'ExecInPkg(pkg={_describe(self.package)}, exec={_describe(self.executable)})'

    def perform(self, context: LaunchContext) -> str:
        package = perform_substitutions(context, self.package)
        executable = perform_substitutions(context, self.executable)
        try:
            return find_executable(package_name=package, executable_name=executable)
        except FileNotFoundError as error:
            raise SubstitutionFailure(str(error)) from error


class Parameter(Substitution):
    """Yield the value of a parameter that SetParameter has set, or the default."""

    def __init__(self, name: SomeSubstitutionsType, *, default: Any = None) -> None:
        super().__init__()
        self.name = normalize_to_list_of_substitutions(name)
        self.default = default

    def describe(self) -> str:
        return f'Parameter(name={_describe(self.name)})'

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.name)
        for item in reversed(context.launch_configurations.get('global_params', [])):
            if isinstance(item, tuple) and item[0] == name:
                value = item[1]
                return value if isinstance(value, str) else to_rule('', value)[2:]
        if self.default is None:
            raise SubstitutionFailure(f"parameter '{name}' not found")
        if isinstance(self.default, (Substitution, list, tuple)):
            return perform_substitutions(
                context, normalize_to_list_of_substitutions(self.default))
        return str(self.default)


__all__ = ['ExecutableInPackage', 'FindPackage', 'FindPackagePrefix', 'FindPackageShare',
           'Parameter']
