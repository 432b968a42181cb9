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
"""vidseg benchmark pipeline: from publish to labels received, beside a plain node."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from vidseg_ros.cli.benchmarks import common

PLAIN_ENGINES = ('openvino', 'torch')
DEFAULT_OURS = ('fassvid', 'per_frame,checkpoint=fassvid_base_camvid')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('--ours', action='append', default=[], metavar='METHOD[,NAME=VALUE...]',
                        help="this package's node with that method and parameters; may be given "
                             f'again (default: {" and ".join(DEFAULT_OURS)})')
    parser.add_argument('--exported', action='append', default=[], type=Path, metavar='FILE',
                        help='besides, a model that vidseg export wrote, such as one in int8, '
                             "run by its network's method; may be given again")
    parser.add_argument('--plain', action='append', default=[], metavar='ENGINE',
                        choices=(*PLAIN_ENGINES, 'none'),
                        help='the plain node with this engine, openvino or torch; may be given '
                             'again (default: both)')
    parser.add_argument('--checkpoint', default='fassvid_base_camvid', metavar='NAME',
                        help='what the plain node runs (default: %(default)s)')
    parser.add_argument('--size', action='append', default=[], metavar='HxW',
                        help='height and width of images; may be given again '
                             '(default: 512x1024 and 1024x2048; with --cameras 512x1024)')
    parser.add_argument('--frames', type=int, default=150, metavar='N',
                        help='images of a round, per camera (default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=3, metavar='N',
                        help='rounds, in each of which every node has its turn '
                             '(default: %(default)s)')
    parser.add_argument('--rate', type=float, default=30.0, metavar='HZ',
                        help='images a second, per camera (default: %(default)s)')
    parser.add_argument('--cameras', type=int, default=1, metavar='N',
                        help='more than one: all at the same time, as an overload; then memory '
                             "is compared with one camera's, too")
    parser.add_argument('--trace', type=Path, metavar='FILE',
                        help='have the first of our nodes write a Chrome trace')
    common.add_frames_arguments(parser)
    common.add_output_arguments(parser, 'one round of few small images')


def main(args: argparse.Namespace) -> int:
    """Measure, print and write; the exit code is 1 if a size could not be measured."""
    from vidseg_ros.evaluation.benchmarks import peers, pipeline
    from vidseg_ros.evaluation.benchmarks.frames import video_frames
    from vidseg_ros.evaluation.benchmarks.processes import BenchmarkError
    from vidseg_ros.evaluation.benchmarks.trace import summarize

    if args.quick:
        args.frames, args.rounds = min(args.frames, 12), 1
    if args.cameras < 1 or args.frames < 1 or args.rounds < 1 or args.rate <= 0:
        raise ValueError('--cameras, --frames, --rounds and --rate are above 0')
    usual = ['128x256'] if args.quick else \
        ['512x1024'] if args.cameras > 1 else ['512x1024', '1024x2048']
    sizes = common.sizes(args.size or usual)
    ours = [_parameters(text) for text in args.ours or DEFAULT_OURS]
    if args.trace:
        # rclpy gives no sign of a parameter that a node doesn't have: the file tells.
        args.trace.unlink(missing_ok=True)
    systems = [pipeline.our_node(values, args.trace if number == 0 else None)
               for number, values in enumerate(ours)]
    systems += [pipeline.exported_node(path) for path in args.exported]
    systems += [pipeline.plain_node(engine, args.checkpoint)
                for engine in args.plain or PLAIN_ENGINES if engine != 'none']
    plan = pipeline.Plan(args.frames, args.rounds, args.rate, 2 if args.quick else 10)
    before = common.warn_if_busy()
    console = Console()
    runs: list[dict[str, Any]] = []
    failed: list[str] = []
    with common.progress() as say:
        for size in sizes:
            frames, _ = video_frames(8 if args.quick else 16, size, args.dataset, args.root,
                                     args.split)
            path = pipeline.frames_file(frames)

            def tell(text: str, size: tuple[int, int] = size) -> None:
                say(f'{size[0]}x{size[1]}: {text}')

            try:
                if args.cameras > 1:
                    runs.append(pipeline.overload(systems, path, size, plan, args.cameras, tell))
                else:
                    runs.append(pipeline.measure(systems, path, size, plan, tell))
            except BenchmarkError as error:
                failed.append(f'{size[0]}x{size[1]}: {error}')
            except KeyboardInterrupt:
                failed.append(f'{size[0]}x{size[1]} and what follows: interrupted')
                break
            finally:
                path.unlink(missing_ok=True)
    for run in runs:
        console.print(_table(run))
        if args.cameras > 1:
            console.print(_overload_table(run))
    found = peers.looked_for()
    notes = [line for run in runs for line in _notes(run)]
    notes.append(f'other packages looked for: {", ".join(found["looked_for"])}; there: '
                 + (', '.join(found['there']) or 'none'))
    trace = None
    if args.trace and args.trace.exists():
        trace = {'node': systems[0].name, 'file': args.trace.name, **summarize(args.trace)}
        notes.append(f'trace of {trace["node"]}: {args.trace}, for ui.perfetto.dev; predict was '
                     f'at work for {trace["observe_beside_predict"]:.0%} of the time of observe')
    elif args.trace:
        notes.append('trace: not present, the node wrote none')
    loads = [run['load'] for run in runs]
    worst = max(loads, key=lambda load: load['others_cores'], default=None)
    return common.finish(
        console, args, {'runs': runs, 'peers': found, 'dataset': args.dataset, 'trace': trace,
                        'load_before': before}, worst, failed, notes)


def _parameters(text: str) -> dict[str, str]:
    """Return the parameters of 'METHOD,NAME=VALUE,...'."""
    method, *others = text.split(',')
    found = {'method': method}
    for other in others:
        name, sign, value = other.partition('=')
        if not sign or not name:
            raise ValueError(f'--ours: {other!r} should be NAME=VALUE')
        found[name] = value
    return found


def _table(run: dict[str, Any]) -> Table:
    """Return the latencies of one size as a table."""
    height, width = run['size']
    plains = [entry['system'] for entry in run['systems'] if entry['plain']]
    made = common.table(
        f'Publish to labels received, {height}x{width}, {run["cameras"]} '
        f'camera{"s" if run["cameras"] > 1 else ""} at {run["rate_hz"]:g} Hz, ms',
        ('node', 'median', 'p95', 'p99', 'max', 'kept', 'CPU', 'neither',
         *(f'to {name}'.replace(' plain ', '\n') for name in plains)))
    for entry in run['systems']:
        latency = entry['latency_ms']
        share = entry.get('neither_share')
        ratios = {r['against']: r for r in run['ratios'] if r['system'] == entry['system']}
        made.add_row(
            entry['system'],
            *(common.figure(latency[key]) for key in ('median', 'p95', 'p99', 'max')),
            f'{entry["received"]}/{entry["sent"]}', common.figure(entry['cpu_ms_per_frame']),
            '–' if share is None else f'{share:.0%}',  # noqa: RUF001
            *('' if entry['plain'] else common.ratio(ratios.get(name)) for name in plains))
    return made


def _overload_table(run: dict[str, Any]) -> Table:
    """Return what else counts with many cameras as a table."""
    made = common.table(
        f'{run["cameras"]} cameras at once: age in frames of work, rates, memory',
        ('node', 'work\nms', 'age\nmedian', 'p95', 'max', 'Hz per\ncamera', 'apart',
         'memory\nMB', 'of one\ncamera', 'growth'))
    for entry in run['systems']:
        age, rates = entry['age_in_frames_of_work'], list(entry['rate_by_camera_hz'].values())
        memory = entry['memory_mb']
        made.add_row(
            entry['system'], common.figure(entry['work_ms']),
            *(common.figure(age[key]) for key in ('median', 'p95', 'max')),
            f'{min(rates):.1f}', f'{entry["rates_apart"]:.0%}',
            f'{memory.get("pss", memory["rss"]):.0f}', f'x{entry["memory_ratio"]:.2f}',
            f'x{entry["memory_growth"]:.2f}')
    return made


def _notes(run: dict[str, Any]) -> list[str]:
    """Say where the time goes."""
    lines = [
        f'{run["size"][0]}x{run["size"][1]} {entry["system"]}: {entry["bottleneck"]}; '
        f'p99 is x{common.figure(entry["p99_over_median"])} the median'
        for entry in run['systems']]
    lines += [
        f'{entry["system"]}: published at an age of '
        f'{common.figure(entry["published_age_in_frames_of_work"]["median"])} frames of work'
        for entry in run['systems'] if entry.get('published_age_in_frames_of_work')]
    return [*lines, 'CPU: ms of all cores for a frame; neither: the share of the median latency '
            'that is neither observe nor predict']
