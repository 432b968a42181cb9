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
"""Packages of the index."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

from ament_index_python.resources import get_resources, has_resource
from ament_index_python.search_paths import get_search_paths


class PackageNotFoundError(KeyError):
    """There is no such package."""


def get_packages_with_prefixes() -> dict[str, str]:
    """Return the prefix of each package."""
    return get_resources('packages')


def get_package_prefix(package_name: str) -> str:
    """Return the prefix of a package.

    Raises
    ------
    PackageNotFoundError
        There is no such package.
    ValueError
        No package can have this name.

    """
    if not re.fullmatch(r'[a-zA-Z0-9][a-zA-Z0-9_-]+', package_name):
        raise ValueError(f"'{package_name}' is not a valid package name")
    prefix = has_resource('packages', package_name)
    if not isinstance(prefix, str):
        raise PackageNotFoundError(
            f"package '{package_name}' not found, searching: {get_search_paths()}")
    return prefix


def get_package_share_directory(package_name: str, print_warning: bool = True) -> str:
    """Return the `share` folder of a package."""
    path = os.path.join(get_package_prefix(package_name), 'share', package_name)
    if print_warning and not os.path.exists(path):
        warnings.warn(f'Share directory for {package_name} ({path}) does not exist.',
                      stacklevel=2)
    return path


def get_package_share_path(package_name: str, print_warning: bool = True) -> Path:
    """Return the `share` folder of a package as a path."""
    return Path(get_package_share_directory(package_name, print_warning))
