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

"""Launch files by package or path, and the arguments they take."""

from __future__ import annotations

import argparse
import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.utilities import describe


class MultipleLaunchFilesError(Exception):
    """Say that a package has several launch files of that name."""

    def __init__(self, msg: str, paths: list[str]) -> None:
        super().__init__(msg)
        self.paths = paths


def get_share_file_path_from_package(*, package_name: str, file_name: str | None) -> str:
    """Return the path of a file below the share folder of a package.

    :raises PackageNotFoundError: if there is no such package.
    :raises FileNotFoundError: if there is no such file.
    :raises MultipleLaunchFilesError: if there are several.
    """
    share = get_package_share_directory(package_name)
    paths = sorted(os.path.join(folder, name)
                   for folder, _, names in os.walk(share, followlinks=True)
                   for name in names if name == file_name)
    where = f"the share directory of package '{package_name}'"
    if not paths:
        raise FileNotFoundError(
            f"file '{file_name}' was not found in {where} which is at '{share}'")
    if len(paths) > 1:
        found = ', '.join(f"'{path}'" for path in paths)
        raise MultipleLaunchFilesError(
            f"file '{file_name}' was found more than once in {where}: [{found}]", paths)
    return paths[0]


def print_arguments_of_launch_description(*, launch_description: LaunchDescription) -> None:
    """Print the arguments of a launch description, those of what it includes as well."""
    print("Arguments (pass arguments as '<name>:=<value>'):")
    arguments = launch_description.get_launch_arguments()
    for argument in arguments:
        star = '*' if argument._conditionally_included else ''
        print(f"\n    '{argument.name}':{star}\n        {argument.description}")
        if argument.default_value is not None:
            print(f'        (default: {describe(argument.default_value)})')
    if not arguments:
        print('\n  No arguments.')
    elif any(argument._conditionally_included for argument in arguments):
        print('\n* argument(s) which are only used if specific conditions occur')


def parse_launch_arguments(launch_arguments: list[str]) -> list[tuple[str, str]]:
    """Parse ``name:=value`` texts; the last one of a name wins.

    :raises RuntimeError: if one is malformed.
    """
    parsed: dict[str, str] = {}
    for argument in launch_arguments:
        name, separator, value = argument.partition(':=')
        if not name or not separator or not value:
            raise RuntimeError(f"malformed launch argument '{argument}', "
                               "expected format '<name>:=<value>'")
        parsed[name] = value
    return list(parsed.items())


def launch_a_launch_file(
    *, launch_file_path: str, launch_file_arguments: list[str], noninteractive: bool = False,
    args: argparse.Namespace | None = None, debug: bool = False,
) -> int:
    """Run a launch file to its end; return 0, or 1 after an error."""
    arguments = list(launch_file_arguments)
    if args is not None and args.launch_prefix:
        arguments.append(f'launch-prefix:={args.launch_prefix}')
    if args is not None and args.launch_prefix_filter:
        arguments.append(f'launch-prefix-filter:={args.launch_prefix_filter}')
    pairs = parse_launch_arguments(arguments)
    service = LaunchService(argv=arguments, noninteractive=noninteractive, debug=debug)
    service.include_launch_description(LaunchDescription([IncludeLaunchDescription(
        launch_file_path, launch_arguments=pairs)]))
    return service.run()
