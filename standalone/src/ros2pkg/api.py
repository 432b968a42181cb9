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

"""Packages and their executables.

Executables lie in ``<prefix>/lib/<package>``, as colcon and ament install them. A package that pip
installed into a virtual environment has no such folder; its console scripts are used instead.
"""

from __future__ import annotations

import os
import sysconfig
from importlib import metadata

from ament_index_python.packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_packages_with_prefixes,
)


class PackageNotFound(Exception):
    """Say that there is no package of that name."""

    def __init__(self, package_name: str) -> None:
        super().__init__(package_name)
        self.package_name = package_name


class MultipleExecutables(Exception):
    """Say that a package has several executables of that name."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(paths)
        self.paths = paths


def get_package_names() -> list[str]:
    return list(get_packages_with_prefixes())


def get_prefix_path(package_name: str) -> str | None:
    """Return the prefix of a package, or None if there is no such package."""
    try:
        return get_package_prefix(package_name)
    except (PackageNotFoundError, ValueError):
        return None


def _console_scripts(package_name: str) -> list[str]:
    try:
        entry_points = metadata.distribution(package_name).entry_points
    except (metadata.PackageNotFoundError, ValueError):
        return []
    folder = sysconfig.get_path('scripts')
    paths = [os.path.join(folder, e.name) for e in entry_points if e.group == 'console_scripts']
    return sorted(path for path in paths if os.access(path, os.X_OK))


def get_executable_paths(*, package_name: str) -> list[str]:
    """Return the paths of a package's executables, in order.

    :raises PackageNotFound: if there is no such package.
    """
    prefix = get_prefix_path(package_name)
    paths = []
    if prefix is not None:
        for folder, folders, names in os.walk(os.path.join(prefix, 'lib', package_name)):
            folders[:] = sorted(name for name in folders if not name.startswith('.'))
            paths += [os.path.join(folder, name) for name in sorted(names)]
    paths = [path for path in paths if os.access(path, os.X_OK)] or _console_scripts(package_name)
    if prefix is None and not paths:
        raise PackageNotFound(package_name)
    return paths


def get_executable_path(*, package_name: str, executable_name: str) -> str | None:
    """Return the path of an executable, or None if the package has none of that name.

    :raises PackageNotFound: if there is no such package.
    :raises MultipleExecutables: if there are several.
    """
    paths = [path for path in get_executable_paths(package_name=package_name)
             if os.path.basename(path) == executable_name]
    if len(paths) > 1:
        raise MultipleExecutables(paths)
    return paths[0] if paths else None


def find_executable(*, package_name: str, executable_name: str) -> str:
    """Return the path of an executable.

    :raises PackageNotFoundError: if there is no such package.
    :raises FileNotFoundError: if it has no such executable.
    """
    try:
        path = get_executable_path(package_name=package_name, executable_name=executable_name)
    except PackageNotFound:
        get_package_prefix(package_name)  # Raises, and says where it was looked for.
        raise
    except MultipleExecutables as error:
        path = error.paths[0]
    if path is None:
        prefix = get_prefix_path(package_name) or ''
        folder = os.path.join(prefix, 'lib', package_name)
        if not os.path.isdir(folder):
            raise FileNotFoundError(
                f"package '{package_name}' found at '{prefix}', but libexec directory "
                f"'{folder}' does not exist")
        raise FileNotFoundError(f"executable '{executable_name}' not found on the libexec "
                                f"directory '{folder}' ")
    return path
