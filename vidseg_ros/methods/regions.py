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
"""
Divide a frame into overlapping regions, and join what was found out about them.

Source: Xu et al., "Dynamic Video Segmentation Network", CVPR 2018, sections 3.3 and 4.6. All
regions of a frame have the same size, a multiple of 32 pixels, and begin at multiples of 32, so
that networks of every usual stride have whole cells in them. A frame whose size is no such
multiple is continued at its right and its bottom by its last pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 32


def _round_up(value: int) -> int:
    return -(-value // ALIGNMENT) * ALIGNMENT


def _side(length: int, count: int, overlap: int) -> tuple[int, list[int]]:
    """Return the length of ``count`` overlapping parts of ``length``, and where they begin."""
    borders = [round(length * i / count / ALIGNMENT) * ALIGNMENT for i in range(count + 1)]
    overlap = _round_up(overlap)
    reaches = [
        (max(0, begin - overlap), min(length, end + overlap))
        for begin, end in itertools.pairwise(borders)
    ]
    size = max(end - begin for begin, end in reaches)
    return size, [min(begin, length - size) for begin, _ in reaches]


@dataclass(frozen=True)
class Region:
    """A part of the padded frame: ``top`` and ``left`` pixel, ``height`` and ``width``."""

    top: int
    left: int
    height: int
    width: int

    def of(self, image: NDArray, stride: int = 1) -> NDArray:
        """Return the view of this region in an array [H / stride, W / stride, ...]."""
        return image[
            self.top // stride : (self.top + self.height) // stride,
            self.left // stride : (self.left + self.width) // stride,
        ]


@dataclass(frozen=True)
class RegionGrid:
    """
    The regions of frames of one size, row by row.

    ``size`` is the frame's (height, width) and ``padded`` what it is continued to.
    """

    size: tuple[int, int]
    padded: tuple[int, int]
    regions: tuple[Region, ...]

    @classmethod
    def divide(
        cls, size: tuple[int, int], rows: int, columns: int, overlap: int
    ) -> RegionGrid:
        """
        Divide frames of ``size`` (height, width) into ``rows`` x ``columns`` regions.

        Each reaches ``overlap`` pixels (rounded up to a multiple of 32) into its neighbours.

        :raises ValueError: if the frame is too small for so many regions.
        """
        if min(size) < 1:
            raise ValueError(f'an image of {size[1]}x{size[0]} has no pixels')
        padded = _round_up(size[0]), _round_up(size[1])
        if rows * ALIGNMENT > padded[0] or columns * ALIGNMENT > padded[1]:
            raise ValueError(
                f'an image of {size[1]}x{size[0]} is too small for {columns}x{rows} regions of at '
                f'least {ALIGNMENT}x{ALIGNMENT} pixels'
            )
        height, tops = _side(padded[0], rows, overlap)
        width, lefts = _side(padded[1], columns, overlap)
        return cls(
            size,
            padded,
            tuple(Region(top, left, height, width) for top in tops for left in lefts),
        )

    @property
    def region_size(self) -> tuple[int, int]:
        """Return (height, width) that all regions have."""
        return self.regions[0].height, self.regions[0].width

    def pad(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Continue an image of ``size`` to ``padded``; itself if there is nothing to do."""
        if self.size == self.padded:
            return image
        bottom, right = self.padded[0] - self.size[0], self.padded[1] - self.size[1]
        return cv2.copyMakeBorder(  # type: ignore[return-value]
            image, 0, bottom, 0, right, cv2.BORDER_REPLICATE
        )


@dataclass(frozen=True)
class Joined:
    """
    The regions' logits as those of the padded frame.

    ``logits`` float32 [C, h, w]; ``owner`` uint8 [h, w], the region that each cell is from.
    """

    logits: NDArray[np.float32]
    owner: NDArray[np.uint8]


def join(grid: RegionGrid, logits: Sequence[NDArray[np.float32]]) -> Joined:
    """
    Join the logits of all regions, float32 [h, w, C] each.

    Where regions overlap, the one whose best class has the larger logit has the cell.
    """
    rows, columns, classes = logits[0].shape
    stride = grid.regions[0].height // rows
    if rows * stride != grid.regions[0].height or columns * stride != grid.regions[0].width:
        raise ValueError(f'logits of {rows}x{columns} do not divide a region of '
                         f'{grid.regions[0].height}x{grid.regions[0].width}')
    height, width = grid.padded[0] // stride, grid.padded[1] // stride
    canvas = np.empty((height, width, classes), np.float32)
    best = np.full((height, width), -np.inf, np.float32)
    owner = np.zeros((height, width), np.uint8)
    for index, (region, values) in enumerate(zip(grid.regions, logits, strict=True)):
        highest = values.max(axis=2)
        best_here = region.of(best, stride)
        better = highest > best_here
        np.copyto(best_here, highest, where=better)
        np.copyto(region.of(canvas, stride), values, where=better[..., None])
        region.of(owner, stride)[better] = index
    return Joined(np.ascontiguousarray(canvas.transpose(2, 0, 1)), owner)
