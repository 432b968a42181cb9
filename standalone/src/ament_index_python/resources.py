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
"""Resources of the index: files named by type and name."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from ament_index_python.constants import RESOURCE_INDEX_SUBFOLDER
from ament_index_python.search_paths import get_search_paths

# Those without interfaces.
OTHER_PACKAGES = (
    'ament_index_python', 'cv_bridge', 'launch', 'launch_ros', 'launch_testing', 'rclpy',
    'ros2bag', 'ros2cli', 'ros2interface', 'ros2launch', 'ros2lifecycle', 'ros2node', 'ros2param',
    'ros2pkg', 'ros2run', 'ros2service', 'ros2topic', 'rosidl_parser', 'rosidl_runtime_py')


class InvalidResourceTypeNameError(ValueError):
    """The type of a resource holds a path separator."""


class InvalidResourceNameError(ValueError):
    """The name of a resource holds a path separator."""


def _folder(prefix: str, resource_type: str) -> Path:
    if not resource_type:
        raise AssertionError('The resource type must not be empty')
    if '/' in resource_type or '\\' in resource_type:
        raise InvalidResourceTypeNameError(
            f"Resource type '{resource_type}' has an invalid name")
    return Path(prefix, RESOURCE_INDEX_SUBFOLDER, resource_type)


@cache
def _built_in(resource_type: str) -> dict[str, str]:
    """
    Return name and content of the resources of the packages that come with this one.

    Pip installs no files for them; they count as installed in the environment's prefix.
    """
    from standalone_ros.interfaces import interface_names

    interfaces: dict[str, list[str]] = {}
    for name in interface_names():
        package, _, rest = name.partition('/')
        interfaces.setdefault(package, []).extend(
            (f'{rest}.idl', f'{rest}.{rest.partition("/")[0]}'))
    if resource_type == 'rosidl_interfaces':
        return {package: '\n'.join(names) for package, names in interfaces.items()}
    return dict.fromkeys([*OTHER_PACKAGES, *interfaces], '') if resource_type == 'packages' else {}


def has_resource(resource_type: str, resource_name: str) -> str | bool:
    """Return the prefix that holds a resource, or False."""
    if not resource_name:
        raise AssertionError('The resource name must not be empty')
    if '/' in resource_name or '\\' in resource_name:
        raise InvalidResourceNameError(f"Resource name '{resource_name}' has an invalid name")
    for prefix in get_search_paths():
        if (_folder(prefix, resource_type) / resource_name).is_file():
            return prefix
    return sys.prefix if resource_name in _built_in(resource_type) else False


def get_resource(resource_type: str, resource_name: str) -> tuple[str, str]:
    """Return the content of a resource, and its prefix.

    Raises
    ------
    LookupError
        There is no such resource.
    OSError
        It cannot be read.

    """
    prefix = has_resource(resource_type, resource_name)
    if not isinstance(prefix, str):
        raise LookupError(
            f"Could not find the resource '{resource_name}' of type '{resource_type}'")
    path = _folder(prefix, resource_type) / resource_name
    if not path.exists():
        return _built_in(resource_type)[resource_name], prefix
    try:
        return path.read_text(), prefix
    except OSError as error:
        raise OSError(f"Could not open the resource '{resource_name}' of type '{resource_type}':"
                      f'\n{error}') from error


def get_resources(resource_type: str) -> dict[str, str]:
    """Return the prefix of each resource of a type."""
    found: dict[str, str] = {}
    for prefix in get_search_paths():
        folder = _folder(prefix, resource_type)
        if folder.is_dir():
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                if entry.is_file() and not entry.name.startswith('.'):
                    found.setdefault(entry.name, prefix)
    for name in _built_in(resource_type):
        found.setdefault(name, sys.prefix)
    return found


def get_resource_types() -> set[str]:
    """Return the types that any prefix has resources of."""
    return {'packages', 'rosidl_interfaces'} | {
        entry.name for prefix in get_search_paths()
        if Path(prefix, RESOURCE_INDEX_SUBFOLDER).is_dir()
        for entry in os.scandir(Path(prefix, RESOURCE_INDEX_SUBFOLDER)) if entry.is_dir()}
