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
"""The operating points of EVS: Table 2 of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Stage(Enum):
    """What is done for a frame."""

    SEGMENT = 'key frame'
    PROPAGATE = 'propagated'
    REPEAT = 'repeated'
    REFINE = 'refined'


@dataclass(frozen=True)
class OperatingPoint:
    """
    The four parameters of section 4.4.2.

    ``downscaling`` is D, the factor on the image's sides for the network; ``segment_every`` S:
    each S-th frame is segmented in full; ``warping`` W and ``refinement`` R. The Refiner runs
    once in S frames, on the last before the next key frame: that is what the paper's frame
    rates amount to. With ``refine_every_frame`` it runs on each propagated frame.
    """

    downscaling: float = 1.0
    segment_every: int = 5
    warping: bool = True
    refinement: bool = False
    refine_every_frame: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.downscaling <= 1.0:
            raise ValueError(f'downscaling: {self.downscaling} is not above 0 and at most 1')
        if self.segment_every < 1:
            raise ValueError(f'segment_every: {self.segment_every} is not at least 1')
        if self.refinement and not self.warping:
            raise ValueError('refinement: there is nothing to refine without warping')

    def stage(self, since_key: int) -> Stage:
        """Return what is done ``since_key`` frames after the last key frame."""
        if since_key >= self.segment_every:
            return Stage.SEGMENT
        if not self.warping:
            return Stage.REPEAT
        if self.refinement and (self.refine_every_frame or since_key == self.segment_every - 1):
            return Stage.REFINE
        return Stage.PROPAGATE

    @property
    def refines_key_frames(self) -> bool:
        """Tell whether key frames are blended with their predecessors: R with S = 1."""
        return self.refinement and self.segment_every == 1

    @property
    def needs_flow(self) -> bool:
        """Tell whether anything is ever fetched along the flow."""
        return self.warping and (self.segment_every > 1 or self.refinement)

    def network_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the network's input (height, width) for images of ``size``: D of it."""
        height, width = (max(1, round(side * self.downscaling)) for side in size)
        return height, width


# Number: D, S, W, R, and the speedup over segmenting every frame that the paper measured.
_TABLE = {
    1: (1.0, 1, True, True, 0.95),
    2: (1.0, 2, True, True, 1.2),
    3: (1.0, 2, True, False, 2.0),
    4: (1.0, 3, True, True, 1.9),
    5: (1.0, 3, True, False, 3.0),
    6: (1.0, 5, True, True, 3.2),
    7: (1.0, 5, True, False, 4.9),
    8: (1.0, 5, False, False, 5.0),
    9: (0.5, 5, False, False, 8.8),
    10: (1.0, 10, True, False, 9.7),
    11: (1.0, 10, False, False, 10.1),
    12: (0.5, 10, True, False, 16.5),
    13: (0.5, 10, False, False, 17.6),
    14: (0.5, 17, True, False, 27.1),
}
OPERATING_POINTS: Mapping[int, OperatingPoint] = {
    number: OperatingPoint(*row[:4]) for number, row in _TABLE.items()
}
PAPER_SPEEDUP: Mapping[int, float] = {number: row[4] for number, row in _TABLE.items()}

DEFAULT = 7
_KNOBS = {
    'downscaling': float,
    'segment_every': int,
    'warping': bool,
    'refinement': bool,
    'refine_every_frame': bool,
}


def chosen(knobs: Mapping[str, Any]) -> tuple[int, OperatingPoint]:
    """
    Return the operating point that the knobs name, with its number; 0 is one of one's own.

    ``operating_point`` 1 to 14 is a row of Table 2; 0, or none but other knobs, is made of
    ``downscaling``, ``segment_every``, ``warping``, ``refinement`` and ``refine_every_frame``.

    :raises ValueError: if there is no such point.
    """
    own = {name: kind(knobs[name]) for name, kind in _KNOBS.items() if name in knobs}
    number = int(knobs.get('operating_point', 0 if own else DEFAULT))
    if number == 0:
        return 0, OperatingPoint(**own)
    if number not in OPERATING_POINTS:
        raise ValueError(f'operating_point: {number} is not 0 to {max(OPERATING_POINTS)}')
    return number, OPERATING_POINTS[number]


# Rows that one can move between while running, from the most costly to the cheapest: with
# warping, and without. 4 costs more than 3 and is worse.
def menu(number: int, point: OperatingPoint, *, refinable: bool) -> dict[str, OperatingPoint]:
    """
    Return the point asked for and the rows that cost less, by the names they have in diagnostics.

    A name is two digits, as in the paper, or 'custom' for the number 0.
    """
    points = {f'{number:02d}' if number else 'custom': point}
    rows = cheaper(point, refinable=refinable)
    return {**points, **{f'{row:02d}': OPERATING_POINTS[row] for row in rows}}


_LADDERS = ((1, 2, 3, 5, 6, 7, 10, 12, 14), (8, 9, 11, 13))


def cheaper(point: OperatingPoint, *, refinable: bool) -> list[int]:
    """
    Return the rows of Table 2 that cost less than ``point`` in all respects, the cheapest last.

    They have its W, no smaller S, no greater D, and R only if it has. ``refinable`` tells whether
    there is a Refiner for frames between key frames; without one no row with R is among them.
    """
    return [
        number
        for ladder in _LADDERS
        for number in ladder
        if (row := OPERATING_POINTS[number]) != point
        and row.warping == point.warping
        and row.segment_every >= point.segment_every
        and row.downscaling <= point.downscaling
        and (not row.refinement or (point.refinement and refinable))
    ]
