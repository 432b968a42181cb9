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
"""``vidseg evaluate``: score a method on a data set, without ROS."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console

from vidseg_ros.cli.progress import frame_progress

# What takes long to import (torch, matplotlib) is imported where it is needed, so that --help
# of any command stays quick.
if TYPE_CHECKING:
    from vidseg_ros.datasets.base import SegmentationDataset
    from vidseg_ros.evaluation.runner import Outcome
    from vidseg_ros.methods.registry import MethodOptions


class UsageError(ValueError):
    """What was asked for makes no sense; the message is meant for people."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument('--dataset', required=True, metavar='NAME',
                        help='data set: camvid, cityscapes, cityscapes_sequence, stuttgart, '
                             'synthetic')
    parser.add_argument('--root', type=Path, metavar='DIR', help="the data set's directory")
    parser.add_argument('--split', default='val', metavar='NAME',
                        help='its split (default: %(default)s)')
    parser.add_argument('--method', required=True, metavar='NAME',
                        help='method: per_frame, fassvid, or one that another package adds')
    parser.add_argument('--checkpoint', default='', metavar='FILE',
                        help='weights (default: those shipped with the method)')
    parser.add_argument('--engine', default='auto', metavar='NAME',
                        help='what runs the network: auto, torch, openvino, onnxruntime, '
                             'tensorrt (default: %(default)s)')
    parser.add_argument('--set', action='append', default=[], metavar='KEY=VALUE',
                        help='an option of the method, such as network=..., threads=2 or one of '
                             'its own; may be given again')
    parser.add_argument('--label-space', default='', metavar='NAME',
                        help='convert the ground truth to these classes (default: its own)')
    parser.add_argument('--limit', type=int, default=0, metavar='N',
                        help='stop after N frames (default: all)')
    parser.add_argument('--no-consistency', action='store_true',
                        help='leave temporal consistency out: it needs optical flow')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures as JSON')
    parser.add_argument('--report', type=Path, metavar='DIR',
                        help='write report.json and report.html there')
    parser.add_argument('--save-predictions', type=Path, metavar='DIR',
                        help='write the label images there, as PNG')


def main(args: argparse.Namespace) -> int:
    """
    Evaluate, and print and write what came of it.

    A ValueError, its message meant for people, says why it could not be done.
    """
    options = method_options(args.checkpoint, args.engine, args.set)
    dataset = _open(args)

    from vidseg_ros.evaluation.report import Report, provenance, write_json, write_report
    from vidseg_ros.evaluation.runner import run
    from vidseg_ros.evaluation.table import figures_table
    from vidseg_ros.methods.registry import create_method

    console = Console()
    segmenter = create_method(args.method, options)
    try:
        with frame_progress(f'{args.method} on {dataset.name} {dataset.split}') as progress:
            outcome = run(segmenter, dataset, limit=args.limit,
                          consistency=not args.no_consistency,
                          pictures=6 if args.report else 0,
                          save_predictions=args.save_predictions, progress=progress)
    finally:
        segmenter.close()
    outcome.figures.update(
        checkpoint=args.checkpoint or 'shipped', engine=_engine(outcome, args.engine),
        options=dict(item.split('=', 1) for item in args.set), **provenance(_command()))
    title = f'{args.method} on {dataset.name} {dataset.split} ({outcome.figures["engine"]})'
    console.print(figures_table(outcome.figures, title))
    for note in outcome.notes:
        console.print(note, style='yellow', markup=False, highlight=False)
    if args.json:
        write_json(args.json, outcome.figures)
    if args.report:
        page = write_report(args.report, Report(
            title=f'{args.method} on {dataset.name} {dataset.split}', figures=outcome.figures,
            account=outcome.account, notes=outcome.notes))
        console.print(f'Report: {page}', markup=False, highlight=False, soft_wrap=True)
    return 0


def method_options(checkpoint: str, engine: str, settings: Sequence[str]) -> MethodOptions:
    """
    Return a method's options from ``KEY=VALUE`` settings, whose values are read as YAML.

    Keys that every method knows go to their field; all others are the method's own. UsageError
    where a setting is not of that form.
    """
    from vidseg_ros.methods.registry import MethodOptions

    known = {field.name for field in dataclasses.fields(MethodOptions)} - {'extra'}
    common: dict[str, Any] = {'checkpoint': checkpoint, 'engine': engine}
    extra: dict[str, Any] = {}
    for setting in settings:
        key, separator, text = setting.partition('=')
        if not separator or not key:
            raise UsageError(f"--set takes KEY=VALUE, not '{setting}'")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        value = tuple(value) if isinstance(value, list) else '' if value is None else value
        (common if key in known else extra)[key] = value
    return MethodOptions(**common, extra=extra)


def _open(args: argparse.Namespace) -> SegmentationDataset:
    from vidseg_ros.datasets.registry import open_dataset

    options: Mapping[str, Any] = {'label_space': args.label_space} if args.label_space else {}
    return open_dataset(args.dataset, args.root, args.split, **options)


def _engine(outcome: Outcome, asked: str) -> str:
    return str(outcome.figures.get('describe', {}).get('engine', asked))


def _command() -> list[str]:
    return [Path(sys.argv[0]).name, *sys.argv[1:]]
