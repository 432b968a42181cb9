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
"""`vidseg make-bag`: turn a split of a data set into a rosbag2 bag with ground truth."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from vidseg_ros.bags.errors import BagError
from vidseg_ros.bags.track import CameraTrack, plan_track
from vidseg_ros.bags.writer import STORAGES, BagSummary, write_bag
from vidseg_ros.cli.progress import frame_progress
from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.options import parse_options
from vidseg_ros.datasets.registry import dataset_names, open_dataset
from vidseg_ros.labels.registry import LABEL_SPACES


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(',') if name.strip()]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = ('Turn a split of a data set into a rosbag2 bag: images, camera_info and '
                          'ground truth, stamped at the rate of the data set.')
    data = parser.add_argument_group('data')
    data.add_argument('--dataset', required=True, choices=dataset_names(), help='which data set')
    data.add_argument('--root', default=None, metavar='DIR', help='the folder that holds it')
    data.add_argument('--split', required=True, help="which split of it, e.g. 'val'")
    data.add_argument('--sequences', type=_names, default=[], metavar='A,B',
                      help='only these recordings of the split; with as many as there are '
                           'cameras, each camera shows its own (default: all)')
    data.add_argument('--label-space', choices=sorted(LABEL_SPACES), default=None,
                      help="convert labels to this label space (default: the data set's own)")
    data.add_argument('--dataset-option', action='append', default=[], metavar='KEY=VALUE',
                      help="an option of the data set, e.g. 'seed=3' (repeatable)")
    data.add_argument('--limit', type=int, default=None, metavar='N',
                      help='at most this many frames of each camera')
    bag = parser.add_argument_group('bag')
    bag.add_argument('--out', required=True, metavar='BAG', help='the folder to write')
    bag.add_argument('--storage', choices=STORAGES, default='mcap',
                     help='format of the bag (default: %(default)s)')
    bag.add_argument('--cameras', '--camera', type=_names, default=['front'], metavar='A,B',
                     help='names of the cameras (default: front)')
    bag.add_argument('--rate', type=float, default=None, metavar='HZ',
                     help="frames per second of stamps (default: the data set's own)")
    bag.add_argument('--compressed', choices=('jpeg', 'png'), default=None,
                     help='write image_raw/compressed, so encoded, instead of image_raw')
    bag.add_argument('--force', action='store_true', help='replace a bag that is there')


def _tracks(args: argparse.Namespace, dataset: SegmentationDataset) -> list[CameraTrack]:
    shared = len(args.sequences) != len(args.cameras) or len(args.cameras) == 1
    tracks: list[CameraTrack] = []
    for i, camera in enumerate(args.cameras):
        tracks.append(plan_track(
            camera, dataset, recordings=args.sequences if shared else [args.sequences[i]],
            rate_hz=args.rate, limit=args.limit,
            start_ns=tracks[0].stamps_ns[0] if tracks else None))
    return tracks


def _show(console: Console, summary: BagSummary) -> None:
    console.print(f'{summary.path}: {sum(summary.messages.values())} messages, '
                  f'{summary.duration_ns / 1e9:.2f} s, {summary.size_bytes / 2**20:.1f} MiB',
                  highlight=False, soft_wrap=True)
    for topic, count in summary.messages.items():
        console.print(f'  {count:6d}  {topic}', highlight=False, soft_wrap=True)


def main(args: argparse.Namespace) -> int:
    """Write the bag; return 0, or 1 after saying on stderr what is wrong."""
    try:
        options = parse_options(args.dataset_option)
        if args.label_space is not None:
            options['label_space'] = args.label_space
        dataset = open_dataset(args.dataset, args.root, args.split, **options)
        tracks = _tracks(args, dataset)
        with frame_progress('writing frames') as progress:
            summary = write_bag(
                args.out, tracks, storage=args.storage, compression=args.compressed,
                overwrite=args.force, progress=progress)
    except (BagError, DatasetError) as error:
        print(f'vidseg make-bag: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('vidseg make-bag: stopped; nothing was written', file=sys.stderr)
        return 130
    _show(Console(), summary)
    return 0
