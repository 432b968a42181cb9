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
"""vidseg benchmark: measure speed on this machine, side by side in one run."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any

# What is measured, to its summary; the module of that name has add_arguments and main.
KINDS = {
    'networks': 'time networks by every engine and precision that is here, beside torch',
    'methods': "time each method's operating points in turns with segmenting every frame, "
               "beside the papers' ratios",
    'pipeline': 'time the way from publish to labels received, between processes, beside a '
                'plain node',
    'graph': "time the middleware: images between two processes, and the library's cost at rest",
    'soak': 'change parameters under load for minutes, and look for errors, gaps and leaks',
    'report': 'make a page of tables from the JSON files of the others',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    what = parser.add_subparsers(dest='what', required=True, metavar='WHAT')
    for name, summary in KINDS.items():
        module = importlib.import_module(f'vidseg_ros.cli.benchmarks.{name}')
        described = summary[0].upper() + summary[1:] + '.'
        sub = what.add_parser(name, help=summary, description=described)
        module.add_arguments(sub)
        sub.set_defaults(measure=module.main)


def main(args: argparse.Namespace) -> int:
    """Measure, print and write; the exit code is 1 if something could not be measured."""
    measure: Callable[[Any], int] = args.measure
    return measure(args)
