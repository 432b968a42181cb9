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

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.buffers import Scratch
from vidseg_ros.methods.cells import CellGrid, Weights, cell_grid

# Cells that are interpolated at a time, so that what they need stays in the cache, and values of
# all classes, where all are needed.
_CELLS = 4096
_VALUES = 1 << 18
# Samples whose best class is looked for at a time, for the same reason.
_SAMPLES = 1 << 15
# Up to how many classes that may win in a cell are picked out of all.
_FEW = 4
# From how many values on that is cheaper than to interpolate all.
_WORTH_PICKING = 1 << 17
_NUMBERS = np.arange(4 * _CELLS)
_WORDS = {8: np.uint64, 4: np.uint32, 2: np.uint16, 1: np.uint8}


def best_class(
    logits: NDArray[np.float32],
    out: NDArray[np.uint8] | None = None,
    scratch: Scratch | None = None,
) -> NDArray[np.uint8]:
    """
    Return the argmax over the first axis, [C, ...] -> uint8 [...]; the first of equals.

    ``logits`` must be contiguous, and so must ``out`` where it is given.
    """
    scratch = scratch or Scratch()
    labels = np.empty(logits.shape[1:], np.uint8) if out is None else out
    planes, flat = logits.reshape(logits.shape[0], -1), labels.reshape(-1)
    count = flat.size
    step = min(count, _SAMPLES)
    best = scratch.take('best', (step,), np.float32)
    better = scratch.take('better', (step,), np.bool_)
    # Comparing plane by plane is many times as fast as numpy's argmax over a short axis. A class
    # that is better has a greater number than all before it, so that the maximum keeps the last.
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        length = part.stop - start
        top, above, found = best[:length], better[:length], flat[part]
        np.copyto(top, planes[0, part])
        found.fill(0)
        for index in range(1, planes.shape[0]):
            plane = planes[index, part]
            np.greater(plane, top, out=above)
            np.maximum(plane, top, out=top)
            numbers = above.view(np.uint8)
            np.multiply(numbers, np.uint8(index), out=numbers)
            np.maximum(found, numbers, out=found)
    return labels


class LabelUpsampler:
    """
    Labels from logits; keeps its work space between frames.

    Not for use by several threads at a time.
    """

    def __init__(self) -> None:
        self._scratch = Scratch()

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
        least, cells = self._cells(logits, coarse, grid)
        if grid.scale != (0, 0):
            self._fill_even(out, least, cells, logits, grid)
        else:
            self._fill_uneven(out, least, cells, logits, grid)
        return out

    def _cells(
        self, logits: NDArray[np.float32], coarse: NDArray[np.uint8] | None, grid: CellGrid
    ) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
        """Return the least class of each cell's corners [h + 1, w + 1], and where they differ."""
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
        return least, np.flatnonzero(differ)

    # ---- where the labels of cells go

    def _fill_even(
        self, out: NDArray[np.uint8], least: NDArray[np.uint8], cells: NDArray[np.intp],
        logits: NDArray[np.float32], grid: CellGrid,
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
        for part, chosen in self._decided(cells, least, logits, grid):
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
        self, out: NDArray[np.uint8], least: NDArray[np.uint8], cells: NDArray[np.intp],
        logits: NDArray[np.float32], grid: CellGrid,
    ) -> None:  # fmt: skip
        """Fill where the size is no multiple of the logits': pixel by pixel along boundaries."""
        take = self._scratch.take
        y, x = grid.y, grid.x
        stretched = take('stretched', (least.shape[0], out.shape[1]))
        np.take(least, x.cell, axis=1, out=stretched, mode='clip')
        np.take(stretched, y.cell, axis=0, out=out, mode='clip')
        flat = out.reshape(-1)
        for part, chosen in self._decided(cells, least, logits, grid):
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

    # ---- the labels of cells

    def _decided(
        self, cells: NDArray[np.intp], least: NDArray[np.uint8], logits: NDArray[np.float32],
        grid: CellGrid,
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8]]]:  # fmt: skip
        """
        Yield some of the cells, and the labels of their pixels, until there are no more.

        The labels are uint8 [pixels down, pixels along, cells], valid until the next are asked
        for.
        """
        classes = logits.shape[0]
        planes = logits.reshape(classes, -1)
        take = self._scratch.take
        most = take('most', least.shape).reshape(-1)
        for start in range(0, len(cells), _CELLS):
            part = cells[start : start + _CELLS]
            count = len(part)
            corners = take('corners', (4, count), np.intp)
            np.take(grid.corners, part, axis=1, out=corners, mode='clip')
            values = take('values', (classes, 4, count), np.float32)
            np.take(planes, corners, axis=1, out=values, mode='clip')

            # A and B: the least and the greatest class of the corners.
            one, other = take('one', (count,)), take('other', (count,))
            np.take(least.reshape(-1), part, out=one, mode='clip')
            np.take(most, part, out=other, mode='clip')
            flat = values.reshape(-1)
            found = []
            for name, numbers in (('of_one', one), ('of_other', other)):
                at = take(f'at_{name}', (4, count), np.intp)
                np.copyto(at, numbers)
                at *= 4 * count
                at += _NUMBERS[: 4 * count].reshape(4, count)
                found.append((at, np.take(flat, at, out=take(name, at.shape, np.float32),
                                          mode='clip')))  # fmt: skip
            (at_one, of_one), (at_other, of_other) = found

            weights = self._weights(part, grid)
            shape = (weights[0].shape[0], weights[1].shape[0], count)
            difference = np.subtract(of_one, of_other, out=take('d', of_one.shape, np.float32))
            chosen = take('chosen', shape)
            above = take('above', shape, np.bool_)
            np.greater_equal(self._blended(difference, weights, 'sign'), 0, out=above)
            either = np.bitwise_xor(one, other, out=take('either', (count,)))
            np.multiply(above.view(np.uint8), either, out=chosen)
            np.bitwise_xor(chosen, other, out=chosen)

            # Whether the others are out of the question.
            flat[at_one] = flat[at_other] = -np.inf
            rest = take('rest', (4, count), np.float32)
            np.maximum.reduce(values, axis=0, out=rest)
            middle = np.add(of_one, of_other, out=difference)
            middle *= np.float32(0.5)
            below = np.less(rest, middle, out=take('below', (4, count), np.bool_))
            clear = np.logical_and.reduce(below, axis=0, out=take('clear', (count,), np.bool_))
            unclear = np.flatnonzero(np.logical_not(clear, out=clear))
            if len(unclear):
                able = None
                if len(unclear) * classes * shape[0] * shape[1] > _WORTH_PICKING:
                    # What is not always below the middle may win, and A and B may.
                    flat[at_one], flat[at_other] = np.inf, np.inf
                    able = self._able(values, middle, unclear)
                flat[at_one], flat[at_other] = of_one, of_other
                self._decide_among(able, values, unclear, weights, chosen)
            yield part, chosen

    def _able(
        self, values: NDArray[np.float32], middle: NDArray[np.float32],
        unclear: NDArray[np.intp],
    ) -> NDArray[np.bool_]:  # fmt: skip
        """Return which classes may win in which of the unclear cells, [cells, classes]."""
        take = self._scratch.take
        shape = values.shape[0], 4, len(unclear)
        some = np.take(values, unclear, axis=2, mode='clip',
                       out=take('some_values', shape, np.float32))  # fmt: skip
        bar = np.take(middle, unclear, axis=1, mode='clip',
                      out=take('some_middle', shape[1:], np.float32))  # fmt: skip
        reached = np.greater_equal(some, bar, out=take('reached', shape, np.bool_))
        able = take('able', (shape[0], shape[2]), np.bool_)
        np.logical_or.reduce(reached, axis=1, out=able)
        by_cell = take('able_by_cell', (shape[2], shape[0]), np.bool_)
        np.copyto(by_cell, able.T)
        return by_cell

    def _decide_among(
        self, able: NDArray[np.bool_] | None, values: NDArray[np.float32],
        unclear: NDArray[np.intp], weights: Weights, chosen: NDArray[np.uint8],
    ) -> None:  # fmt: skip
        """
        Enter the labels of cells in which more than two classes may win into ``chosen``.

        ``able`` says which; the cells with few such classes, which are most, need but these
        interpolated. None for any.
        """
        take = self._scratch.take
        classes, count = values.shape[0], values.shape[2]
        cells = unclear
        if able is not None:
            flat = values.reshape(-1)
            numbers = able.view(np.uint8).sum(axis=1, dtype=np.uint8)
            for number in range(3, _FEW + 1):
                which = np.flatnonzero(numbers == number)
                if len(which) == 0:
                    continue
                part = unclear[which]
                # Row by row, so that the classes of a cell follow one another.
                names = np.nonzero(able[which])[1].astype(np.uint8).reshape(-1, number)
                at = take('at_able', (number, 4, len(part)), np.intp)
                at[:] = names.T[:, None]
                at *= 4
                at += _NUMBERS[:4, None]
                at *= count
                at += part
                corners = take('some_values', at.shape, np.float32)
                np.take(flat, at, out=corners, mode='clip')
                best = self._best_blend(corners, part, weights)
                labels = take('some_labels', best.shape)
                np.copyto(labels, names[:, 0])
                for index in range(1, number):
                    np.copyto(labels, names[:, index], where=best == index)
                chosen[:, :, part] = labels
            cells = unclear[numbers > _FEW]
        step = max(1, _VALUES // (classes * chosen.shape[0] * chosen.shape[1]))
        for start in range(0, len(cells), step):
            part = cells[start : start + step]
            corners = take('some_values', (classes, 4, len(part)), np.float32)
            np.take(values, part, axis=2, out=corners, mode='clip')
            chosen[:, :, part] = self._best_blend(corners, part, weights)

    def _best_blend(
        self, corners: NDArray[np.float32], cells: NDArray[np.intp], weights: Weights
    ) -> NDArray[np.uint8]:
        """Interpolate [classes, 4, cells] and return the best [slots down, along, cells]."""
        if weights[0].shape[1] > 1:
            weights = weights[0][:, cells], weights[1][:, cells]
        blended = self._blended(corners, weights, 'some')
        best = self._scratch.take('some_best', blended.shape[1:])
        return best_class(blended, best, self._scratch)

    def _weights(self, part: NDArray[np.intp], grid: CellGrid) -> Weights:
        """Return the weights of the lower and of the right corners, [slots, cells or 1]."""
        if grid.scale != (0, 0):
            return grid.weights
        take = self._scratch.take
        at = take('at', (len(part),), np.intp)
        found = []
        for name, axis, cell in (
            ('down_weight', grid.y, grid.row),
            ('along_weight', grid.x, grid.column),
        ):
            np.take(cell, part, out=at, mode='clip')
            weight = take(name, (axis.slots, len(part)), np.float32)
            np.take(axis.weight, at, axis=1, out=weight, mode='clip')
            found.append(weight)
        return found[0], found[1]

    def _blended(
        self, corners: NDArray[np.float32], weights: Weights, name: str
    ) -> NDArray[np.float32]:
        """Interpolate between corners [..., 4, cells] -> [..., slots down, slots along, cells]."""
        take = self._scratch.take
        outer, count = corners.shape[:-2], corners.shape[-1]
        down, along = weights
        rows, columns = down.shape[0], along.shape[0]
        upper, lower = corners[..., :2, :], corners[..., 2:, :]
        fall = np.subtract(lower, upper, out=take(f'{name}_fall', upper.shape, np.float32))
        sides = take(f'{name}_sides', (*outer, 2, rows, count), np.float32)
        np.multiply(fall[..., None, :], down, out=sides)
        sides += upper[..., None, :]
        left, right = sides[..., 0, :, :], sides[..., 1, :, :]
        rise = np.subtract(right, left, out=take(f'{name}_rise', left.shape, np.float32))
        blended = take(f'{name}_blended', (*outer, rows, columns, count), np.float32)
        np.multiply(rise[..., None, :], along, out=blended)
        blended += left[..., None, :]
        return blended
