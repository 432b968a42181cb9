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
"""vidseg pseudo-label: let a teacher network label video that nobody has annotated."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from vidseg_ros.cli.progress import frame_progress
from vidseg_ros.cli.teacher import add_teacher_arguments, open_teacher
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.options import parse_options
from vidseg_ros.datasets.registry import dataset_names, open_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = ("Label frames with a teacher network; the result is the data set "
                          "'folder': OUT/S (frames), OUT/Sannot (labels), OUT/S.json (origin).")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--dataset', choices=dataset_names(), help="e.g. 'folder' for any images")
    source.add_argument('--video', type=Path, metavar='FILE', help='a video file instead')
    parser.add_argument('--root', default=None, metavar='DIR', help="the data set's folder")
    parser.add_argument('--split', default='train', help='(default: %(default)s)')
    parser.add_argument('--dataset-option', action='append', default=[], metavar='KEY=VALUE')
    parser.add_argument('--every', type=int, default=1, metavar='N',
                        help='of a video file, each Nth frame (default: %(default)s)')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR')
    parser.add_argument('--force', action='store_true', help='replace a split that is there')
    parser.add_argument('--label-space', default='', metavar='NAME',
                        help="classes of the labels (default: the teacher's)")
    parser.add_argument('--min-confidence', type=float, default=0.0, metavar='P',
                        help='leave pixels unlabelled where the teacher is less certain, 0 to 1 '
                             '(default: %(default)s)')
    add_teacher_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command; return 0, or 1 after saying on stderr what is wrong."""
    from vidseg_ros.training.pseudo_labels import label_dataset, label_video

    try:
        with (open_teacher(args, args.label_space, args.min_confidence) as teacher,
              frame_progress('labelling frames') as progress):
            if args.video is not None:
                done = label_video(args.video, teacher, args.out, every=args.every,
                                   split=args.split, overwrite=args.force, progress=progress)
            else:
                dataset = open_dataset(args.dataset, args.root, args.split,
                                       **parse_options(args.dataset_option))
                done = label_dataset(dataset, teacher, args.out, overwrite=args.force,
                                     progress=progress)
            space = teacher.label_space.name
    except DatasetError as error:
        print(f'vidseg pseudo-label: {error}', file=sys.stderr)
        return 1
    Console().print(f"{args.out}: {done} frames of split '{args.split}', labels of {space}",
                    highlight=False, soft_wrap=True)
    return 0
