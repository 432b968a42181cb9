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
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from vidseg_ros.evaluation.benchmark import Video
    from vidseg_ros.evaluation.operating_points import BenchmarkPoint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    what = parser.add_subparsers(dest='what', required=True, metavar='WHAT')
    summary = (
        "time each method's operating points in turns with segmenting every frame, "
        "beside the papers' ratios"
    )
    methods = what.add_parser('methods', help=summary, description=f'{summary.capitalize()}.')
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
    methods.add_argument('--dataset', default='synthetic', metavar='NAME',
                         help='where frames come from (default: %(default)s)')
    methods.add_argument('--root', type=Path, metavar='DIR', help="the data set's directory")
    methods.add_argument('--split', default='val', metavar='NAME',
                         help='its split (default: %(default)s)')
    methods.add_argument('--engine', default='auto', metavar='NAME',
                         help='what runs the networks (default: %(default)s)')
    methods.add_argument('--device', default='auto', choices=('auto', 'cpu', 'cuda'))
    methods.add_argument('--precision', default='auto', choices=('auto', 'fp32', 'fp16', 'bf16'))
    methods.add_argument('--threads', type=int, default=0, metavar='N',
                         help='CPU threads of the networks (default: the engine decides)')
    methods.add_argument('--json', type=Path, metavar='FILE', help='write the figures as JSON')


def main(args: argparse.Namespace) -> int:
    """Measure, print and write; the exit code is 1 if a point could not be measured."""
    points = _chosen(args)
    console, messages = Console(), Console(stderr=True)
    if args.list:
        for point in points:
            line = f'{point.method}: {point.name} (against {point.every_frame[0]})'
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return 0

    from vidseg_ros.evaluation.benchmark import RunOptions, measure
    from vidseg_ros.evaluation.report import provenance, write_json
    from vidseg_ros.methods.registry import MethodError

    video = _video(args)
    options = RunOptions(args.engine, args.device, args.precision, args.threads, args.seconds)
    entries: list[dict[str, Any]] = []
    failed: list[str] = []
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
    made_with = provenance([Path(sys.argv[0]).name, *sys.argv[1:]])
    console.print(_table(entries))
    console.print(_footnote(entries, video, made_with['machine']), highlight=False, markup=False)
    for line in failed:
        messages.print(f'not measured: {line}', style='yellow', markup=False, highlight=False)
    if args.json:
        write_json(args.json, {
            'points': entries, 'not_measured': failed, 'size': list(video.size),
            'frames': len(video.images), 'dataset': args.dataset, 'split': args.split,
            'seconds': args.seconds, **made_with})  # fmt: skip
    return 1 if failed else 0


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
    from vidseg_ros.datasets.registry import open_dataset
    from vidseg_ros.datasets.street.settings import parse_size
    from vidseg_ros.evaluation.benchmark import Video

    size = parse_size(args.size) if args.size else None
    if args.frames < 2 or args.seconds <= 0:
        raise ValueError('--frames is at least 2 and --seconds above 0')
    options: dict[str, Any] = {}
    if args.dataset == 'synthetic' and args.root is None:
        options = {'frames': args.frames, 'size': size or (512, 1024)}
    dataset = open_dataset(args.dataset, args.root, args.split, **options)
    pieces = dataset.sequences()
    if not pieces:
        raise ValueError(f'{args.dataset} {args.split} has no frames')
    longest = max(pieces, key=len)[: args.frames]
    images = [dataset.image(index) for index in longest]
    if size is not None:
        shape = size[1], size[0]
        images = [
            image if image.shape[:2] == size
            else cv2.resize(image, shape, interpolation=cv2.INTER_AREA)  # type: ignore[misc]
            for image in images
        ]  # fmt: skip
    return Video(images, dataset.rate_hz)


def _table(entries: Sequence[dict[str, Any]]) -> Table:
    """Return the measurements as a table that fits 80 columns."""
    table = Table(
        title='Speed relative to segmenting every frame', title_justify='left', box=None,
        pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    table.add_column('operating point', overflow='fold')
    for column in ('in full', 'fps', 'every\nframe', 'ratio', 'paper'):
        table.add_column(column, justify='right', no_wrap=True)
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
            _figure(entry['fps']),
            _figure(entry['every_frame_fps']),
            f'x{entry["ratio"]:.2f}',
            '' if paper is None else f'x{paper:.2f}',
        )
    return table


def _figure(fps: float) -> str:
    return f'{fps:.1f}' if fps < 100 else f'{fps:.0f}'


def _footnote(
    entries: Sequence[dict[str, Any]], video: Video, machine: dict[str, str]
) -> str:
    """Say what was measured on."""
    lines = [f'{video.size[0]}x{video.size[1]}, {len(video.images)} frames to and fro']
    engines = {
        f'{d.get("engine", "?")} {d.get("version", "")} {d.get("precision", "")}'
        f' on {d.get("device", "?")}'
        for d in (entry['describe'] for entry in entries)
    }
    lines += sorted(engines)
    lines.append(', '.join(f'{key}: {value}' for key, value in machine.items()))
    papers = {entry['paper'] for entry in entries if entry['paper']}
    if papers:
        lines.append('ratios of the papers: ' + '; '.join(sorted(papers)))
    return '\n' + '\n'.join(lines)
