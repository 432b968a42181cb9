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

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.buffers import BufferPool, Scratch

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

    def pad(
        self, image: NDArray[np.uint8], pool: BufferPool | None = None
    ) -> NDArray[np.uint8]:
        """
        Continue an image of ``size`` to ``padded``; itself if there is nothing to do.

        Otherwise the result is an array of ``pool``, which whoever is done with it may give back.
        """
        if self.size == self.padded:
            return image
        bottom, right = self.padded[0] - self.size[0], self.padded[1] - self.size[1]
        padded = (pool or BufferPool(keep=0)).take((*self.padded, image.shape[2]))
        cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE, dst=padded)
        return padded


@dataclass(frozen=True)
class Joined:
    """
    The regions' logits as those of the padded frame.

    ``logits`` float32 [C, h, w]; ``owner`` uint8 [h, w], the region that each cell is from.
    """

    logits: NDArray[np.float32]
    owner: NDArray[np.uint8]


@dataclass(frozen=True)
class _Seams:
    """
    Where regions overlap, on a grid of cells.

    ``owner`` uint8 [h, w] is the last region that has each cell, ``cells`` the flat indices of
    those that more than one has; for each region, ``here`` are the positions in ``cells`` of its
    own, and ``there`` their flat indices in the region.
    """

    owner: NDArray[np.uint8]
    cells: NDArray[np.intp]
    here: tuple[NDArray[np.intp], ...]
    there: tuple[NDArray[np.intp], ...]


@functools.lru_cache(maxsize=8)
def _seams(grid: RegionGrid, stride: int) -> _Seams:
    size = grid.padded[0] // stride, grid.padded[1] // stride
    owner, count = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    for index, region in enumerate(grid.regions):
        region.of(owner, stride)[:] = index
        region.of(count, stride)[:] += 1
    shared = count > 1
    number = np.cumsum(shared).reshape(size) - 1  # of each shared cell, in their order
    here, there = [], []
    for region in grid.regions:
        part = region.of(shared, stride)
        here.append(region.of(number, stride)[part])
        there.append(np.flatnonzero(part))
    return _Seams(owner, np.flatnonzero(shared), tuple(here), tuple(there))


def join(
    grid: RegionGrid, logits: Sequence[NDArray[np.float32]], scratch: Scratch | None = None
) -> Joined:
    """
    Join the logits of all regions, float32 [h, w, C] each.

    Where regions overlap, the one whose best class has the larger logit has the cell, of equals
    the first. What is returned lies in ``scratch`` where that is given.
    """
    rows, columns, classes = logits[0].shape
    stride = grid.regions[0].height // rows
    if rows * stride != grid.regions[0].height or columns * stride != grid.regions[0].width:
        raise ValueError(f'logits of {rows}x{columns} do not divide a region of '
                         f'{grid.regions[0].height}x{grid.regions[0].width}')
    take = (scratch or Scratch()).take
    height, width = grid.padded[0] // stride, grid.padded[1] // stride
    seams = _seams(grid, stride)
    canvas = take('canvas', (height, width, classes), np.float32)
    best = np.full(seams.cells.shape, -np.inf, np.float32)
    winner = np.zeros(seams.cells.shape, np.uint8)
    for index, (region, values) in enumerate(zip(grid.regions, logits, strict=True)):
        np.copyto(region.of(canvas, stride), values)
        here, there = seams.here[index], seams.there[index]
        highest = values.reshape(-1, classes)[there].max(axis=1)
        better = highest > best[here]
        best[here[better]] = highest[better]
        winner[here[better]] = index
    # Each cell holds what the last region says; put right those that another has won.
    owner = take('owner', (height, width))
    np.copyto(owner, seams.owner)
    cells = canvas.reshape(-1, classes)
    for index, values in enumerate(logits):
        here, there = seams.here[index], seams.there[index]
        won = (winner[here] == index) & (seams.owner.reshape(-1)[seams.cells[here]] != index)
        cells[seams.cells[here[won]]] = values.reshape(-1, classes)[there[won]]
    owner.reshape(-1)[seams.cells] = winner
    planes = take('planes', (classes, height, width), np.float32)
    cv2.split(canvas, list(planes))
    return Joined(planes, owner)
