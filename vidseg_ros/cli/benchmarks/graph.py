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
"""vidseg benchmark graph: the middleware's own latency and cost."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console
from rich.table import Table

from vidseg_ros.cli.benchmarks import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('--peer', action='append', default=[], metavar='NAME=COMMAND',
                        help='another Python with rclpy to measure in the same run: what is put '
                             "before a script's path to run it there, with variables of its own "
                             "before that; may be given again. E.g. --peer 'ROS 2="
                             "tools/in_ros2.sh /opt/ros/jazzy/setup.bash python3'")
    parser.add_argument('--rounds', type=int, default=3, metavar='N',
                        help='rounds, in each of which every library has its turn '
                             '(default: %(default)s)')
    parser.add_argument('--frames', type=int, default=100, metavar='N',
                        help='images of a kind in a round (default: %(default)s)')
    parser.add_argument('--rate', type=float, default=30.0, metavar='HZ',
                        help='images a second (default: %(default)s)')
    parser.add_argument('--rest-seconds', type=float, default=5.0, metavar='S',
                        help='time at rest in a round (default: %(default)s)')
    common.add_output_arguments(parser, 'one round of a few images')


def main(args: argparse.Namespace) -> int:
    """Measure, print and write."""
    from vidseg_ros.evaluation.benchmarks import graph

    if args.quick:
        args.rounds, args.frames, args.rest_seconds = 1, min(args.frames, 10), 0.5
    if args.rounds < 1 or args.frames < 1 or args.rate <= 0 or args.rest_seconds <= 0:
        raise ValueError('--rounds, --frames, --rate and --rest-seconds are above 0')
    libraries = [graph.this_library(), *(graph.peer(text) for text in args.peer)]
    if len({library.name for library in libraries}) < len(libraries):
        raise ValueError('--peer: two of the same name')
    before = common.warn_if_busy()
    with common.progress() as say:
        found = graph.measure(libraries, args.rounds, args.frames, args.rate, args.rest_seconds,
                              say)
    console = Console()
    console.print(_table(found))
    return common.finish(console, args, {**found, 'load_before': before}, found['load'],
                         notes=_notes(found))


def _table(found: dict[str, Any]) -> Table:
    """Return latencies, losses and costs as a table."""
    made = common.table(
        f'Images at {found["rate_hz"]:g} Hz, ms',
        ('image', 'median', 'p95', 'lost', 'CPU out', 'CPU in', 'ratio'))
    first = found['libraries'][0]['name']
    for entry in found['libraries']:
        made.add_row()
        made.add_row(f'[bold]{entry["name"]}[/]: {entry["library"]}, {entry["middleware"]}')
        for way in ('between', 'within'):
            for row in entry[way]:
                ratio = next((r for r in found['ratios'] if (
                    r['library'], r['way'], r['image']) == (entry['name'], way, row['image'])),
                    None)
                costs = ('publish_cpu_ms', 'listen_cpu_ms') if way == 'between' else ('cpu_ms',)
                made.add_row(
                    f' {row["image"]}' + (' within one process' if way == 'within' else ''),
                    common.figure(row['median_ms']['median']),
                    common.figure(row['p95_ms']['median']), f'{row["lost"]}/{row["frames"]}',
                    *(common.figure(row[cost]['median']) for cost in costs),
                    *([''] if way == 'within' else []),
                    '' if entry['name'] == first else common.ratio(ratio))
    return made


def _notes(found: dict[str, Any]) -> list[str]:
    """Say what it costs to do nothing."""
    lines = [f'{entry["name"]}: {entry["rest"]["entities"]} entities at rest take '
             f'{entry["rest"]["cpu_percent"]["median"]:.2f} % of a core'
             for entry in found['libraries']]
    if len(found['libraries']) == 1:
        lines.append('other libraries: none named (--peer)')
    return [*lines, 'ratio: to the first one; CPU out and in: of the publishing and of the '
            'listening process, for an image']
