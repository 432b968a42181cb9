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
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import Any
from xml.etree import ElementTree

from .loader import LoadTestsFromPythonModule, TestRun
from .test_runner import LaunchTestRunner


def _load_module(path: str) -> Any:
    loader = SourceFileLoader(os.path.splitext(os.path.basename(path))[0], path)
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def _write_junit_xml(path: str, package: str,
                     results: dict[TestRun, list[unittest.TestResult]]) -> None:
    root = ElementTree.Element('testsuites')
    for run, pair in results.items():
        suite = ElementTree.SubElement(root, 'testsuite', {
            'name': f'{package}.{run}',
            'tests': str(sum(max(result.testsRun, len(result.errors)) for result in pair)),
            'failures': str(sum(len(result.failures) for result in pair)),
            'errors': str(sum(len(result.errors) for result in pair)),
            'skipped': str(sum(len(result.skipped) for result in pair)),
        })
        for result in pair:
            for kind, cases in (('failure', result.failures), ('error', result.errors),
                                ('skipped', result.skipped)):
                for test, text in cases:
                    case = ElementTree.SubElement(suite, 'testcase', {'name': test.id()})
                    ElementTree.SubElement(case, kind).text = text
    ElementTree.ElementTree(root).write(path, encoding='utf-8', xml_declaration=True)


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
    parser.add_argument('--package-name', help='Name of the package under test.')
    parser.add_argument('--junit-xml', help='Do write xUnit reports to the given path.')
    args = parser.parse_args(argv)
    if not os.path.isfile(args.launch_test_file):
        parser.error(f"Test file '{args.launch_test_file}' does not exist")
    module = _load_module(args.launch_test_file)
    if not hasattr(module, 'generate_test_description'):
        parser.error(f"Test file '{args.launch_test_file}' is missing "
                     'generate_test_description function')
    runs = LoadTestsFromPythonModule(module, name=module.__name__)
    if args.show_args:
        from ros2launch.api import print_arguments_of_launch_description

        print_arguments_of_launch_description(
            launch_description=runs[0].describe(lambda: None)[0])
        return 0
    runner = LaunchTestRunner(runs, args.launch_arguments, debug=args.verbose)
    runner.validate()
    results = runner.run()
    if args.junit_xml:
        _write_junit_xml(args.junit_xml, args.package_name or module.__name__, results)
    passed = all(result.wasSuccessful() for pair in results.values() for result in pair)
    return 0 if passed else 1


if __name__ == '__main__':
    sys.exit(main())
