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
The labels of the pixels in cells that a boundary runs through.

``upsampling`` has the mathematics: most of these cells lie between two classes, whose difference
decides; in the others the few classes that may win are interpolated, or all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.best_class import best_class
from vidseg_ros.methods.buffers import Scratch
from vidseg_ros.methods.cells import CellGrid, Weights

# Cells that are interpolated at a time, so that what they need stays in the cache, and values of
# all classes, where all are needed.
_CELLS = 4096
_VALUES = 1 << 18
# Up to how many classes that may win in a cell are picked out of all.
_FEW = 4
# From how many values on that is cheaper than to interpolate all.
_WORTH_PICKING = 1 << 17
_NUMBERS = np.arange(4 * _CELLS)


class CellLabels:
    """Decide the labels of cells; keeps its work space, so it belongs to one thread at a time."""

    def __init__(self) -> None:
        self._scratch = Scratch()

    def decided(
        self, cells: NDArray[np.intp], least: NDArray[np.uint8], most: NDArray[np.uint8],
        logits: NDArray[np.float32], grid: CellGrid,
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8]]]:  # fmt: skip
        """
        Yield some of the cells, and the labels of their pixels, until there are no more.

        ``least`` and ``most`` uint8 [h + 1, w + 1] are the least and the greatest class of each
        cell's corners, ``logits`` float32 [C, h, w]. The labels are uint8 [pixels down, pixels
        along, cells], valid until the next are asked for.
        """
        classes = logits.shape[0]
        planes = logits.reshape(classes, -1)
        take = self._scratch.take
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
            np.take(most.reshape(-1), part, out=other, mode='clip')
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
