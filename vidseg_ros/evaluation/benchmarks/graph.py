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
"""The middleware under benchmarks/graph.py, for several client libraries in turns."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidseg_ros.engines.load import LoadMeter
from vidseg_ros.evaluation.benchmarks import spread
from vidseg_ros.evaluation.benchmarks.processes import BenchmarkError, ros_command, script

BETWEEN = ('median_ms', 'p95_ms', 'publish_cpu_ms', 'listen_cpu_ms')
WITHIN = ('median_ms', 'p95_ms', 'cpu_ms')


@dataclass(frozen=True)
class Library:
    """
    A Python with rclpy: what is put before the script's path to run it there.

    ``settings`` are environment variables of its own.
    """

    name: str
    command: tuple[str, ...]
    settings: tuple[tuple[str, str], ...] = ()


def this_library() -> Library:
    """Return the rclpy of this Python."""
    return Library('this rclpy', tuple(ros_command()))


def peer(text: str) -> Library:
    """
    Return the library of 'NAME=[VARIABLE=VALUE ...] COMMAND'.

    :raises BenchmarkError: if there is no name or no command.
    """
    name, _, command = text.partition('=')
    words = shlex.split(command)
    settings: list[tuple[str, str]] = []
    while words and words[0].partition('=')[0].isidentifier() and '=' in words[0]:
        variable, _, value = words.pop(0).partition('=')
        settings.append((variable, value))
    if not name.strip() or not words:
        raise BenchmarkError(f'{text!r} should be NAME=COMMAND, such as '
                             "'ROS 2=tools/in_ros2.sh /opt/ros/jazzy/setup.bash python3'")
    return Library(name.strip(), tuple(words), tuple(settings))


def measure(
    libraries: Sequence[Library], rounds: int, frames: int, rate_hz: float, rest_s: float,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """
    Measure libraries in turns; return plain data.

    Keys: ``libraries``, each with ``name library middleware python settings between within
    rest`` (summaries over the rounds; ``lost`` of ``frames`` are over all), ``ratios`` of each
    other library's latencies to the first's, ``load``.

    :raises BenchmarkError: if one of them fails.
    """
    found: dict[str, list[dict[str, Any]]] = {library.name: [] for library in libraries}
    meter = LoadMeter()
    for number in range(rounds):
        turn = number % len(libraries)
        for library in (*libraries[turn:], *libraries[:turn]):
            say(f'{library.name}: round {number + 1} of {rounds}')
            found[library.name].append(_round(library, frames, rate_hz, rest_s))
    load = meter.read()
    entries = [_entry(library, found[library.name]) for library in libraries]
    return {'rate_hz': rate_hz, 'rounds': rounds, 'libraries': entries,
            'ratios': _ratios(libraries, found), 'load': load.entry()}


def _round(library: Library, frames: int, rate_hz: float, rest_s: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix='vidseg_graph_') as directory:
        out = Path(directory) / 'graph.json'
        command = [*library.command, str(script('graph.py')), '--json', str(out), '--frames',
                   str(frames), '--rate', str(rate_hz), '--rest-seconds', str(rest_s)]
        patience_s = 240.0 + 6.0 * frames / rate_hz + rest_s
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=patience_s,
                                  env={**os.environ, **dict(library.settings)})
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BenchmarkError(f'{library.name}: {error}') from error
        if done.returncode or not out.exists():
            tail = '\n'.join((done.stdout + done.stderr).splitlines()[-12:])
            raise BenchmarkError(f'{library.name} ended with {done.returncode}:\n{tail}')
        found: dict[str, Any] = json.loads(out.read_text())
        return found


def _rows(rounds: Sequence[dict[str, Any]], part: str, keys: Sequence[str]) -> list[Any]:
    rows = []
    for index, first in enumerate(rounds[0][part]):
        same = [found[part][index] for found in rounds]
        row: dict[str, Any] = {
            'image': first['image'], 'frames': sum(r['frames'] for r in same),
            'lost': sum(r['lost'] for r in same)}
        for key in keys:
            row[key] = spread.summary([r[key] for r in same if r[key] is not None])
        rows.append(row)
    return rows


def _entry(library: Library, rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        'name': library.name, 'library': rounds[0]['library'],
        'middleware': rounds[0]['middleware'], 'python': rounds[0]['python'],
        'settings': dict(library.settings),
        'between': _rows(rounds, 'images', BETWEEN),
        'within': _rows(rounds, 'within', WITHIN),
        'rest': {'entities': rounds[0]['rest']['entities'],
                 'cpu_percent': spread.summary([r['rest']['cpu_percent'] for r in rounds])},
    }


def _ratios(libraries: Sequence[Library],
            found: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the others' median latencies by the first library's, round by round."""
    ours = found[libraries[0].name]
    ratios = []
    for library in libraries[1:]:
        theirs = found[library.name]
        for part in ('images', 'within'):
            for index, row in enumerate(ours[0][part]):
                pairs = [(a[part][index]['median_ms'], b[part][index]['median_ms'])
                         for a, b in zip(theirs, ours, strict=True)]
                pairs = [(a, b) for a, b in pairs if a is not None and b is not None]
                ratios.append({
                    'library': library.name, 'image': row['image'],
                    'way': 'between' if part == 'images' else 'within',
                    **spread.ratios([a for a, _ in pairs], [b for _, b in pairs])})
    return ratios
