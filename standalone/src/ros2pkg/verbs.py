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
"""`ros2 pkg`."""

import argparse
import os
from functools import partial

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from ros2cli.verbs import Verb, add_verbs, flag, option

from .api import PackageNotFound, get_executable_paths, get_package_names, get_prefix_path


def _list(args: argparse.Namespace) -> None:
    for name in sorted(get_package_names()):
        print(name)


def _prefix(args: argparse.Namespace) -> str | None:
    path = get_prefix_path(args.package_name)
    if args.share and path is not None:
        try:
            path = get_package_share_directory(args.package_name)
        except PackageNotFoundError:
            path = None
    if path is None:
        return 'Package not found'
    print(path)
    return None


def _executables(args: argparse.Namespace) -> None:
    names = sorted(get_package_names()) if args.package_name is None else [args.package_name]
    for name in names:
        try:
            paths = get_executable_paths(package_name=name)
        except PackageNotFound:
            raise RuntimeError(f"Package '{name}' not found") from None
        for path in sorted(paths):
            print(path if args.full_path else f'{name} {os.path.basename(path)}')


add_arguments = partial(add_verbs, verbs={
    'executables': Verb(
        'Output a list of package specific executables', _executables,
        (option('package_name', nargs='?', help='The package name'),
         flag('--full-path', help='Show full path of each executable'))),
    'list': Verb('Output a list of available packages', _list),
    'prefix': Verb('Output the prefix path of a package', _prefix,
                   (option('package_name', help='The package name'),
                    flag('--share', help='Show share directory for the package'))),
})
