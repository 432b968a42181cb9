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
The cells between low-resolution samples, and the pixels of the full-size image in them.

Pixel p of an axis of P pixels lies at (p + 0.5) n / P - 0.5 among n samples, as for bilinear
interpolation whose corners are not aligned.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

# The weights of a cell's lower and of its right corners at its pixels, float32 [slots, cells], or
# [slots, 1] where they are the same in every cell.
Weights = tuple[NDArray[np.float32], NDArray[np.float32]]


class CellAxis:
    """
    How the pixels of one axis fall into the cells between its samples.

    Cell i lies between samples i - 1 and i, the outermost cells between a sample and itself;
    there are ``samples`` + 1. ``cell`` [pixels] is each pixel's cell. ``pixel`` and ``weight``
    [slots, cells] are each cell's pixels and the weights of its second sample there; a cell with
    fewer pixels than others repeats its last, and one without any is ``empty``.
    """

    def __init__(self, samples: int, pixels: int) -> None:
        at = (np.arange(pixels) + 0.5) * (samples / pixels) - 0.5
        if pixels % samples == 0:
            scale = pixels // samples
            # Exact where rounding might move a pixel that lies on a sample to the cell before.
            at = (2 * np.arange(pixels) + 1 - scale) / (2 * scale)
        before = np.floor(at).astype(np.intp)
        self.cell = before + 1
        counts = np.bincount(self.cell, minlength=samples + 1)
        self.slots = int(counts.max())
        self.empty = counts == 0
        first = np.cumsum(counts) - counts
        slot = np.arange(self.slots)[:, None]
        self.pixel = np.minimum(
            first + np.minimum(slot, np.maximum(counts - 1, 0)), pixels - 1
        )  # fmt: skip
        self.weight = (at - before).astype(np.float32)[self.pixel]

    def samples(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return each cell's first and second sample."""
        cell = np.arange(len(self.empty))
        return np.maximum(cell - 1, 0), np.minimum(cell, len(cell) - 2)


def _even_weights(scale: int) -> NDArray[np.float32]:
    """Return the second sample's weight at a whole cell's pixels, [slots, 1]."""
    weight = (np.arange(scale) + scale // 2 + 0.5) / scale - 0.5
    return weight.astype(np.float32)[:, None]


class CellGrid:
    """
    What depends on the sizes alone: where cells, their corners and their pixels are.

    ``corners`` [4, cells] are flat indices of samples: top left, top right, bottom left, bottom
    right. ``row`` and ``column`` [cells] say where a cell is. Where the size is a multiple,
    ``scale`` holds the factors (down, along), and ``weights`` those of every whole cell; it is
    (0, 0) where not.
    """

    def __init__(self, samples: tuple[int, int], size: tuple[int, int]) -> None:
        height, width = samples
        self.samples, self.size = samples, size
        self.y, self.x = CellAxis(height, size[0]), CellAxis(width, size[1])
        rows, columns = self.y.samples(), self.x.samples()
        self.corners = np.stack(
            [(row[:, None] * width + column).reshape(-1) for row in rows for column in columns]
        )
        self.row = np.repeat(np.arange(height + 1), width + 1)
        self.column = np.tile(np.arange(width + 1), height + 1)
        self.gaps = bool(self.y.empty.any() or self.x.empty.any())
        self.scale = (0, 0)
        if size[0] % height == 0 and size[1] % width == 0:
            self.scale = size[0] // height, size[1] // width
            # They hold for the half cells at the border, too: both samples there are the same.
            self.weights = _even_weights(self.scale[0]), _even_weights(self.scale[1])


@functools.lru_cache(maxsize=16)
def cell_grid(samples: tuple[int, int], size: tuple[int, int]) -> CellGrid:
    """Return the cells between ``samples`` (h, w) in an image of ``size`` (height, width)."""
    return CellGrid(samples, size)
