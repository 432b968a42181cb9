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
"""The teacher network that commands let label frames."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidseg_ros.training.pseudo_labels import Teacher


def add_teacher_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the teacher is."""
    teacher = parser.add_argument_group('teacher')
    teacher.add_argument('--checkpoint', required=True, metavar='FILE',
                         help='its weights (.safetensors), or the name of shipped ones')
    teacher.add_argument('--network', default='', metavar='NAME',
                         help="its network and variant, if the checkpoint doesn't say")
    teacher.add_argument('--engine', default='auto', metavar='NAME', help='(default: auto)')
    teacher.add_argument('--input-size', default='0x0', metavar='HxW',
                         help='size at which it sees the frames (default: their own)')


@contextmanager
def open_teacher(args: argparse.Namespace, label_space: str,
                 min_confidence: float) -> Iterator[Teacher]:
    """Yield the teacher that the arguments name; raises ValueError if it can't be made."""
    # Seconds to import, so only when they are needed.
    from vidseg_ros.methods.registry import MethodOptions, create_method
    from vidseg_ros.training.pseudo_labels import Teacher

    try:
        height, width = (int(side) for side in args.input_size.split('x'))
    except ValueError:
        raise ValueError(f"a size is HEIGHTxWIDTH, not '{args.input_size}'") from None
    segmenter = create_method('per_frame', MethodOptions(
        checkpoint=args.checkpoint, network=args.network, engine=args.engine,
        input_size=(height, width)))
    try:
        yield Teacher(segmenter, label_space, min_confidence)
    finally:
        segmenter.close()
