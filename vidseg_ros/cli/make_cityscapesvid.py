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
"""vidseg make-cityscapesvid: make CityscapesVid of the Stuttgart videos and a teacher."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from vidseg_ros.cli.progress import frame_progress
from vidseg_ros.cli.teacher import add_teacher_arguments, open_teacher
from vidseg_ros.datasets.errors import DatasetError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = ('Make the data set of the FASSVid paper: 2899 frames of the videos '
                          'stuttgart_00 to 02 with the labels of a teacher (the paper took '
                          'FC-HarDNet-70), the first 420, 770 and 840 for training.')
    parser.add_argument('--root', type=Path, required=True, metavar='DIR',
                        help='Cityscapes, with leftImg8bit/demoVideo/stuttgart_0X')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR')
    parser.add_argument('--hood', type=Path, metavar='PNG',
                        help="not 0 where the car's hood is, which is void (default: where the "
                             'annotated stills gtFine/*/stuttgart have it, if they are there)')
    parser.add_argument('--force', action='store_true', help='replace what is there')
    add_teacher_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command; return 0, or 1 after saying on stderr what is wrong."""
    from vidseg_ros.datasets.image_files import read_labels
    from vidseg_ros.training.cityscapesvid import hood_of, make_cityscapesvid

    console = Console(stderr=True)
    try:
        hood = read_labels(args.hood) if args.hood else hood_of(args.root)
        if hood is None:
            console.print("no annotated stills and no --hood: the car's hood will be labelled")
        with (open_teacher(args, 'cityscapes', 0.0) as teacher,
              frame_progress('labelling frames') as progress):
            counts = make_cityscapesvid(args.root, teacher, args.out, hood=hood,
                                        overwrite=args.force, progress=progress)
    except DatasetError as error:
        print(f'vidseg make-cityscapesvid: {error}', file=sys.stderr)
        return 1
    Console().print(f'{args.out}: {counts["train"]} frames for training, {counts["test"]} for '
                    'testing', highlight=False, soft_wrap=True)
    return 0
