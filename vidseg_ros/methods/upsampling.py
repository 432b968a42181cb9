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
From low-resolution logits to labels at the input's size, without full-size logits.

The paper's last step is a bilinear interpolation of the logits and an argmax. Two facts make it
cheap, because a bilinear blend is a convex combination of a cell's four corners:

- where the corners agree on the best class, every blend of them does too, so that only the cells
  that boundaries run through need interpolating;
- of those, most lie between two classes A and B. Where every other class is below (A + B) / 2 at
  each corner, it stays below it, and so below the greater of A and B, all over the cell: the sign
  of one blend, that of A - B, decides.

The result is that of the full interpolation, but for ties in the last bit.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.best_class import best_class
from vidseg_ros.methods.buffers import Scratch
from vidseg_ros.methods.cell_labels import CellLabels
from vidseg_ros.methods.cells import CellGrid, cell_grid

_WORDS = {8: np.uint64, 4: np.uint32, 2: np.uint16, 1: np.uint8}


class LabelUpsampler:
    """
    Labels from logits; keeps its work space between frames.

    Not for use by several threads at a time.
    """

    def __init__(self) -> None:
        self._scratch = Scratch()
        self._cell_labels = CellLabels()

    def labels(
        self,
        logits: NDArray[np.float32],
        size: tuple[int, int],
        out: NDArray[np.uint8] | None = None,
        coarse: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """
        Interpolate logits [C, h, w] bilinearly to ``size`` and take the best class.

        ``coarse`` uint8 [h, w] is the best class of the logits, for who has it already. Returns
        ``out``, or a new array where there is none: uint8 [H, W], contiguous.
        """
        logits = np.ascontiguousarray(logits, np.float32)
        if out is None:
            out = np.empty(size, np.uint8)
        samples = logits.shape[1], logits.shape[2]
        if size == samples:
            if coarse is None:
                return best_class(logits, out, self._scratch)
            np.copyto(out, coarse)
            return out
        grid = cell_grid(samples, size)
        least, most, cells = self._cells(logits, coarse, grid)
        if grid.scale != (0, 0):
            self._fill_even(out, least, most, cells, logits, grid)
        else:
            self._fill_uneven(out, least, most, cells, logits, grid)
        return out

    def _cells(
        self, logits: NDArray[np.float32], coarse: NDArray[np.uint8] | None, grid: CellGrid
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.intp]]:
        """
        Return where the best classes of a cell's corners differ, as indices of cells.

        Before that the least and the greatest of these classes, uint8 [h + 1, w + 1].
        """
        height, width = grid.samples
        take = self._scratch.take
        if coarse is None:
            coarse = best_class(logits, take('coarse', (height, width)), self._scratch)
        # A margin of replicated samples makes whole cells of the image's border.
        wide = take('wide', (height + 2, width + 2))
        cv2.copyMakeBorder(coarse, 1, 1, 1, 1, cv2.BORDER_REPLICATE, dst=wide)
        shape = height + 1, width + 1
        least, most = take('least', shape), take('most', shape)
        pair = take('pair', (height + 2, width + 1))
        for join, found in ((np.minimum, least), (np.maximum, most)):
            join(wide[:, :-1], wide[:, 1:], out=pair)
            join(pair[:-1], pair[1:], out=found)
        differ = take('differ', shape, np.bool_)
        np.not_equal(least, most, out=differ)
        if grid.gaps:
            differ[grid.y.empty] = False
            differ[:, grid.x.empty] = False
        return least, most, np.flatnonzero(differ)

    # ---- where the labels of cells go

    def _fill_even(
        self, out: NDArray[np.uint8], least: NDArray[np.uint8], most: NDArray[np.uint8],
        cells: NDArray[np.intp], logits: NDArray[np.float32], grid: CellGrid,
    ) -> None:  # fmt: skip
        """
        Fill where all cells are of a size: a cell's row of pixels is then one or a few words.

        The canvas is larger than the image by half a cell on each side.
        """
        height, width = grid.samples
        rows, columns = grid.scale
        size = next(size for size in _WORDS if columns % size == 0)
        word, pieces = _WORDS[size], columns // size
        take = self._scratch.take

        canvas = take('canvas', ((height + 1) * rows, (width + 1) * columns))
        words = canvas.view(word).reshape(height + 1, rows, width + 1, pieces)
        alike = take(f'alike{size}', least.shape, word)
        # Copied first: a ufunc that converts allocates buffers for it.
        np.copyto(alike, least)
        alike *= word(0x0101010101010101 >> (64 - 8 * size))
        for piece in range(pieces):
            words[..., piece] = alike[:, None]

        flat = words.reshape(-1)
        pitch = (width + 1) * pieces
        for part, chosen in self._cell_labels.decided(cells, least, most, logits, grid):
            count = len(part)
            packed = take('packed', (rows, count, columns))
            for column in range(columns):
                packed[:, :, column] = chosen[:, column]
            at = take('at', (count,), np.intp)
            np.take(grid.row, part, out=at, mode='clip')
            at *= (rows - 1) * pitch
            # A cell begins rows * pitch further for each row of cells, pieces for each column.
            at += part * pieces if pieces > 1 else part
            where = take('where', (rows, count, pieces), np.intp)
            steps = np.arange(rows)[:, None] * pitch
            for piece in range(pieces):
                np.add(at, steps + piece, out=where[:, :, piece])
            flat[where.reshape(-1)] = packed.view(word).reshape(-1)
        first_y, first_x = rows - rows // 2, columns - columns // 2
        np.copyto(out, canvas[first_y : first_y + out.shape[0], first_x : first_x + out.shape[1]])

    def _fill_uneven(
        self, out: NDArray[np.uint8], least: NDArray[np.uint8], most: NDArray[np.uint8],
        cells: NDArray[np.intp], logits: NDArray[np.float32], grid: CellGrid,
    ) -> None:  # fmt: skip
        """Fill where the size is no multiple of the logits': pixel by pixel along boundaries."""
        take = self._scratch.take
        y, x = grid.y, grid.x
        stretched = take('stretched', (least.shape[0], out.shape[1]))
        np.take(least, x.cell, axis=1, out=stretched, mode='clip')
        np.take(stretched, y.cell, axis=0, out=out, mode='clip')
        flat = out.reshape(-1)
        for part, chosen in self._cell_labels.decided(cells, least, most, logits, grid):
            count = len(part)
            down = take('down', (y.slots, count), np.intp)
            along = take('along', (x.slots, count), np.intp)
            at = take('at', (count,), np.intp)
            np.take(y.pixel, np.take(grid.row, part, out=at, mode='clip'),
                    axis=1, out=down, mode='clip')  # fmt: skip
            np.take(x.pixel, np.take(grid.column, part, out=at, mode='clip'),
                    axis=1, out=along, mode='clip')  # fmt: skip
            down *= out.shape[1]
            where = take('where', (y.slots, x.slots, count), np.intp)
            np.add(down[:, None], along[None], out=where)
            flat[where.reshape(-1)] = chosen.reshape(-1)
