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

"""The ``ros2 launch`` command."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from functools import partial

from ament_index_python.packages import PackageNotFoundError
from launch import LaunchIntrospector
from launch.launch_description_sources import get_launch_description_from_any_launch_file
from ros2cli.verbs import add_options, flag, one_of, option

from .api import (
    MultipleLaunchFilesError,
    get_share_file_path_from_package,
    launch_a_launch_file,
    print_arguments_of_launch_description,
)


def _main(args: argparse.Namespace) -> int:
    launch_arguments = []
    if os.path.isfile(args.package_name):
        path = args.package_name
        if args.launch_file_name is not None:
            launch_arguments.append(args.launch_file_name)
    else:
        # A package wins over a folder of its name, which a source tree often has.
        try:
            path = get_share_file_path_from_package(
                package_name=args.package_name, file_name=args.launch_file_name)
        except PackageNotFoundError as error:
            raise RuntimeError(f"Package '{args.package_name}' not found: {error}") from None
        except (FileNotFoundError, MultipleLaunchFilesError, ValueError) as error:
            raise RuntimeError(str(error)) from None
    launch_arguments += args.launch_arguments
    if args.launch_prefix is None and args.launch_prefix_filter is not None:
        raise RuntimeError(
            '--launch-prefix must be specified if --launch-prefix-filter is provided')
    if args.show_all_subprocesses_output:
        os.environ['OVERRIDE_LAUNCH_PROCESS_OUTPUT'] = 'both'
    if args.print or args.show_args:
        description = get_launch_description_from_any_launch_file(path)
        if args.show_args:
            print_arguments_of_launch_description(launch_description=description)
        else:
            print(LaunchIntrospector().format_launch_description(description))
        return 0
    # After its children, launch itself ends by the signal, as its parent expects.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return launch_a_launch_file(
        launch_file_path=path, launch_file_arguments=launch_arguments,
        noninteractive=args.noninteractive, args=args, debug=args.debug)


add_arguments = partial(add_options, main=_main, options=(
    flag('-n', '--noninteractive', default=not sys.stdin.isatty(),
         help='Run the launch system non-interactively, with no terminal associated'),
    flag('-d', '--debug',
         help='Put the launch system in debug mode, provides more verbose output.'),
    one_of(
        flag('-p', '--print', '--print-description',
             help='Print the launch description to the console without launching it.'),
        flag('-s', '--show-args', '--show-arguments',
             help='Show arguments that may be given to the launch file.')),
    flag('-a', '--show-all-subprocesses-output',
         help="Show all launched subprocesses' output by overriding their output configuration "
         'using the OVERRIDE_LAUNCH_PROCESS_OUTPUT envvar.'),
    option('--launch-prefix', help='Prefix command, which should go before all executables. '
           'Command must be wrapped in quotes if it contains spaces (e.g. --launch-prefix '
           "'xterm -e gdb -ex run --args')."),
    option('--launch-prefix-filter', help='Regex pattern for filtering which executables the '
           '--launch-prefix is applied to by matching the executable name.'),
    option('package_name', help='Name of the ROS package which contains the launch file'),
    option('launch_file_name', nargs='?', help='Name of the launch file'),
    option('launch_arguments', nargs='*', help="Arguments to the launch file; '<name>:=<value>' "
           '(for duplicates, last one wins)'),
))
