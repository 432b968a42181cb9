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

"""The ``launch_test`` command."""

from __future__ import annotations

import argparse
import os
import sys

from launch.launch_description_sources import load_python_launch_file_as_module

from .loader import LoadTestsFromPythonModule
from .test_runner import LaunchTestRunner


def main(argv: list[str] | None = None) -> int:
    """Run a launch test file; return 0 if all tests pass, else 1."""
    parser = argparse.ArgumentParser(
        prog='launch_test', description='Launch integration testing tool')
    parser.add_argument('launch_test_file', help='Path to the launch test.')
    parser.add_argument('launch_arguments', nargs='*',
                        help="Arguments in '<name>:=<value>' format (for duplicates, last wins).")
    parser.add_argument('-v', '--verbose', action='store_true', help='Run with verbose output')
    parser.add_argument('-s', '--show-args', '--show-arguments', action='store_true',
                        help='Show arguments that may be given to the launch test.')
    args = parser.parse_args(argv)
    if not os.path.isfile(args.launch_test_file):
        parser.error(f"Test file '{args.launch_test_file}' does not exist")
    module = load_python_launch_file_as_module(args.launch_test_file)
    if not hasattr(module, 'generate_test_description'):
        parser.error(f"Test file '{args.launch_test_file}' is missing "
                     'generate_test_description function')
    name = os.path.splitext(os.path.basename(args.launch_test_file))[0]
    runs = LoadTestsFromPythonModule(module, name=name)
    if args.show_args:
        from ros2launch.api import print_arguments_of_launch_description

        print_arguments_of_launch_description(
            launch_description=runs[0].describe(lambda: None)[0])
        return 0
    runner = LaunchTestRunner(runs, args.launch_arguments, debug=args.verbose)
    runner.validate()
    results = runner.run()
    passed = all(result.wasSuccessful() for pair in results.values() for result in pair)
    return 0 if passed else 1


if __name__ == '__main__':
    sys.exit(main())
