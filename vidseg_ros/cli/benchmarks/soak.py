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
"""vidseg benchmark soak: change parameters under load, and see what breaks."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console

from vidseg_ros.cli.benchmarks import common

QUICK_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('--minutes', type=float, default=10.0, metavar='N',
                        help='how long (default: %(default)s)')
    parser.add_argument('--rate', type=float, default=8.0, metavar='HZ',
                        help='images a second, per camera (default: %(default)s)')
    parser.add_argument('--size', default='256x512', metavar='HxW',
                        help='height and width of images (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, metavar='N',
                        help='of the order of changes (default: %(default)s)')
    common.add_output_arguments(parser, f'{QUICK_SECONDS:g} seconds of small images')


def main(args: argparse.Namespace) -> int:
    """Run it; the exit code is 1 if something is broken."""
    from vidseg_ros.engines.load import LoadMeter
    from vidseg_ros.evaluation.benchmarks.processes import BenchmarkError, ros_command, script

    seconds = QUICK_SECONDS if args.quick else 60.0 * args.minutes
    size = '64x128' if args.quick else args.size
    common.sizes([size])
    if seconds <= 0 or args.rate <= 0:
        raise ValueError('--minutes and --rate are above 0')
    meter = LoadMeter()
    with tempfile.TemporaryDirectory(prefix='vidseg_soak_') as directory:
        out = Path(directory) / 'soak.json'
        status = subprocess.call(
            [*ros_command(), str(script('soak.py')), '--seconds', str(seconds), '--rate',
             str(args.rate), '--size', size, '--seed', str(args.seed), '--json', str(out)])
        if not out.exists():
            raise BenchmarkError(f'the soak ended early, with {status}')
        found = json.loads(out.read_text())
    load = meter.read().entry()
    code = common.finish(Console(), args, {**found, 'load': load}, load)
    return code or int(bool(found['broken']))
