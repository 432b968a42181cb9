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
"""`vidseg make-street`: render a synthetic street in the layout of Cityscapes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from vidseg_ros.cli.progress import frame_progress
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.street.settings import StreetSettings, parse_size
from vidseg_ros.datasets.street.writer import write_street


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = ('Render driving video of a synthetic street with exact labels, in the '
                          'layout of Cityscapes (leftImg8bit_sequence, gtFine, camera).')
    parser.add_argument('--out', required=True, metavar='DIR',
                        help="the root to write; read it as the data set 'synthetic' or "
                             "'cityscapes_sequence'")
    parser.add_argument('--split', default='train',
                        help='name of the split; each is a street of its own '
                             '(default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='(default: %(default)s)')
    parser.add_argument('--frames', type=int, default=60, metavar='N',
                        help='frames of each drive, at 17 Hz (default: %(default)s)')
    parser.add_argument('--sequences', type=int, default=1, metavar='N',
                        help='how many drives (default: %(default)s)')
    parser.add_argument('--size', default='512x1024', metavar='HxW',
                        help='height and width in pixels (default: %(default)s)')
    parser.add_argument('--force', action='store_true',
                        help='replace a rendered split that is there')


def main(args: argparse.Namespace) -> int:
    """Render; return 0, or 1 after saying on stderr what is wrong."""
    out = Path(args.out).expanduser()
    try:
        settings = StreetSettings(args.split, args.seed, args.frames, args.sequences,
                                  parse_size(args.size))
        with frame_progress('rendering frames') as progress:
            write_street(out, settings, overwrite=args.force, progress=progress)
    except DatasetError as error:
        print(f'vidseg make-street: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('vidseg make-street: stopped; nothing was written', file=sys.stderr)
        return 130
    Console().print(f'{out}: {settings.frames * settings.sequences} frames of split '
                    f"'{settings.split}', {settings.size[0]}x{settings.size[1]}, all labelled",
                    highlight=False, soft_wrap=True)
    return 0
