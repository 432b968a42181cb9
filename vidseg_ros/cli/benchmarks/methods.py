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
"""vidseg benchmark methods: operating points beside segmenting every frame."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from vidseg_ros.cli.benchmarks import common
from vidseg_ros.cli.benchmarks.common import messages

if TYPE_CHECKING:
    from vidseg_ros.evaluation.benchmarks.methods import Video
    from vidseg_ros.evaluation.operating_points import BenchmarkPoint

QUICK_SECONDS, QUICK_FRAMES, QUICK_SIZE = 0.01, 6, '128x256'


def add_arguments(methods: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    methods.add_argument('--method', action='append', default=[], metavar='NAME',
                         help='only this method; may be given again (default: all)')
    methods.add_argument('--point', action='append', default=[], metavar='TEXT',
                         help='only points with this text in their name; may be given again')
    methods.add_argument('--list', action='store_true', help='name the points and stop')
    methods.add_argument('--size', metavar='HxW',
                         help='height and width of the frames (default: their own; 512x1024 for '
                              'the synthetic street)')
    methods.add_argument('--frames', type=int, default=40, metavar='N',
                         help='frames of video, played to and fro (default: %(default)s)')
    methods.add_argument('--seconds', type=float, default=20.0, metavar='S',
                         help='how long to measure each point, but at least three rounds '
                              '(default: %(default)s)')
    common.add_frames_arguments(methods)
    methods.add_argument('--engine', default='auto', metavar='NAME',
                         help='what runs the networks (default: %(default)s)')
    methods.add_argument('--device', default='auto', choices=('auto', 'cpu', 'cuda'))
    methods.add_argument('--precision', default='auto', metavar='NAME',
                         help='auto, fp32, bf16, fp16, ... (default: %(default)s)')
    methods.add_argument('--threads', type=int, default=0, metavar='N',
                         help='CPU threads of the networks (default: the engine decides)')
    common.add_output_arguments(methods, 'three rounds of few small frames: does it run at all?')


def main(args: argparse.Namespace) -> int:
    """Measure, print and write; the exit code is 1 if a point could not be measured."""
    points = _chosen(args)
    console = Console()
    if args.list:
        for point in points:
            line = f'{point.method}: {point.name} (against {point.every_frame[0]})'
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return 0

    from vidseg_ros.engines.load import LoadMeter
    from vidseg_ros.evaluation.benchmarks.methods import RunOptions, measure
    from vidseg_ros.methods.registry import MethodError

    if args.frames < 2 or args.seconds <= 0:
        raise ValueError('--frames is at least 2 and --seconds above 0')
    if args.quick:
        args.seconds, args.frames = QUICK_SECONDS, min(args.frames, QUICK_FRAMES)
        args.size = args.size or QUICK_SIZE
    video = _video(args)
    options = RunOptions(args.engine, args.device, args.precision, args.threads, args.seconds,
                         4 if args.quick else 10)
    before = common.warn_if_busy()
    entries: list[dict[str, Any]] = []
    failed: list[str] = []
    meter = LoadMeter()
    with Progress(TextColumn('{task.description}'), BarColumn(), TimeRemainingColumn(),
                  console=messages, transient=True) as bar:  # fmt: skip
        task = bar.add_task('', total=len(points))
        for number, point in enumerate(points):
            bar.update(task, description=f'{point.method} {point.name}', completed=number)

            def advance(done: float, number: int = number) -> None:
                bar.update(task, completed=number + done)

            try:
                entries.append(measure(point, video, options, advance).entry())
            except MethodError as error:
                failed.append(f'{point.method} {point.name}: {error}')
                continue
            except KeyboardInterrupt:
                # What has been measured by now may have taken long.
                failed += [f'{p.method} {p.name}: interrupted' for p in points[number:]]
                break
            if not messages.is_terminal:
                line = f'{point.method} {point.name}: x{entries[-1]["ratio"]:.2f}'
                messages.print(line, markup=False, highlight=False, soft_wrap=True)
    load = meter.read().entry()
    console.print(_table(entries))
    return common.finish(
        console, args,
        {'points': entries, 'size': list(video.size), 'frames': len(video.images),
         'dataset': args.dataset, 'split': args.split, 'seconds': args.seconds,
         'load': load, 'load_before': before},
        load, failed, _notes(entries, video))


def _chosen(args: argparse.Namespace) -> list[BenchmarkPoint]:
    from vidseg_ros.evaluation.operating_points import benchmark_points

    points = benchmark_points()
    known = {point.method for point in points}
    for name in args.method:
        if name not in known:
            raise ValueError(f'no method is called {name!r}; there are: {", ".join(known)}')
    points = [p for p in points if not args.method or p.method in args.method]
    points = [p for p in points if not args.point or any(text in p.name for text in args.point)]
    if not points:
        raise ValueError('no point has such a name; --list names them')
    return points


def _video(args: argparse.Namespace) -> Video:
    """Read or render the frames."""
    from vidseg_ros.evaluation.benchmarks.frames import video_frames
    from vidseg_ros.evaluation.benchmarks.methods import Video

    size = common.sizes([args.size])[0] if args.size else None
    return Video(*video_frames(args.frames, size, args.dataset, args.root, args.split))


def _table(entries: Sequence[dict[str, Any]]) -> Table:
    """Return the measurements as a table that fits 80 columns."""
    table = common.table(
        'Speed relative to segmenting every frame',
        ('operating point', 'in full', 'fps', 'every\nframe', 'ratio', 'one by\none', 'paper'))
    last_group = None
    for entry in entries:
        group = entry['method'], entry['every_frame_network']
        if group != last_group:
            table.add_row()
            table.add_row(f'[bold]{group[0]}[/] against {group[1]}')
            last_group = group
        paper = entry['paper_ratio']
        table.add_row(
            f' {entry["point"]}',
            f'{entry["segmented"]:.0%}',
            common.figure(entry['fps']),
            common.figure(entry['every_frame_fps']),
            f'x{entry["ratio"]:.2f}',
            common.ratio(entry['sequential_ratio']),
            '' if paper is None else f'x{paper:.2f}',
        )
    return table


def _notes(entries: Sequence[dict[str, Any]], video: Video) -> list[str]:
    """Say what was measured, with what."""
    lines = [f'{video.size[0]}x{video.size[1]}, {len(video.images)} frames to and fro']
    engines = {
        f'{d.get("engine", "?")} {d.get("version", "")} {d.get("precision", "")}'
        f' on {d.get("device", "?")}'
        for d in (entry['describe'] for entry in entries)
    }
    lines += sorted(engines)
    lines.append('ratio: frames per second, the next frame observed beside; one by one: the '
                 'cost of a frame')
    papers = {entry['paper'] for entry in entries if entry['paper']}
    if papers:
        lines.append('ratios of the papers: ' + '; '.join(sorted(papers)))
    limits = {f'{entry["method"]} {entry["point"]}: {entry["bottleneck"]}' for entry in entries}
    return [*lines, 'most of the time goes to: ' + '; '.join(sorted(limits))]
