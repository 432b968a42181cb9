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

The paper's last step is a bilinear interpolation of the logits and an argmax. Where the four
corners of a cell agree on the best class, every blend of them does too (it is a convex
combination), so only the cells that the boundaries run through are interpolated. The result is
that of the full interpolation, but for ties in the last bit.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def best_class(logits: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the argmax over the first axis, [C, ...] -> uint8 [...]; the first of equals."""
    # Comparing plane by plane is several times as fast as numpy's argmax over a short axis.
    best = logits[0].copy()
    labels = np.zeros(best.shape, np.uint8)
    for index in range(1, logits.shape[0]):
        plane = logits[index]
        better = plane > best
        np.copyto(best, plane, where=better)
        labels[better] = index
    return labels


class LabelUpsampler:
    """
    Labels from logits; keeps its work space between frames of the same size.

    Not for use by several threads at a time.
    """

    def __init__(self) -> None:
        self._canvas = np.zeros((0, 0), np.uint8)
        self._weights: dict[tuple[int, int], NDArray[np.float32]] = {}

    def labels(self, logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
        """
        Interpolate logits [C, h, w] bilinearly to ``size`` and take the best class.

        Returns a new uint8 array [H, W], contiguous.
        """
        height, width = logits.shape[1:]
        if size == (height, width):
            return best_class(logits)
        if size[0] % height or size[1] % width:
            return self._every_pixel(logits, size)
        return self._by_cells(logits, size[0] // height, size[1] // width)

    @staticmethod
    def _every_pixel(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
        """Interpolate everywhere, for sizes that are no multiple of the logits'."""
        shape = size[1], size[0]
        return best_class(
            np.stack([cv2.resize(p, shape, interpolation=cv2.INTER_LINEAR) for p in logits])
        )

    def _blend(self, rows: int, columns: int) -> NDArray[np.float32]:
        """Return the weights of a cell's corners at its pixels, [rows * columns, 4]."""
        key = rows, columns
        if key not in self._weights:
            # Pixel p of a cell lies (p + 0.5) / s - 0.5 after its low-resolution sample.
            y = (np.arange(rows) + (rows // 2) + 0.5) / rows - 0.5
            x = (np.arange(columns) + (columns // 2) + 0.5) / columns - 0.5
            y, x = np.meshgrid(y, x, indexing='ij')
            self._weights[key] = (
                np.stack([(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x], -1)
                .reshape(-1, 4)
                .astype(np.float32)
            )
        return self._weights[key]

    def _by_cells(
        self, logits: NDArray[np.float32], rows: int, columns: int
    ) -> NDArray[np.uint8]:
        """Fill agreeing cells with their class and interpolate the others."""
        classes, height, width = logits.shape
        # A margin of replicated samples makes whole cells of the image's border.
        coarse = np.pad(best_class(logits), 1, mode='edge')
        corners = coarse[:-1, :-1], coarse[:-1, 1:], coarse[1:, :-1], coarse[1:, 1:]
        differ = corners[0] != corners[1]
        differ |= corners[0] != corners[2]
        differ |= corners[0] != corners[3]

        shape = ((height + 1) * rows, (width + 1) * columns)
        if self._canvas.shape != shape:
            self._canvas = np.empty(shape, np.uint8)
        cells = self._canvas.reshape(height + 1, rows, width + 1, columns)
        cells[:] = corners[0][:, None, :, None]

        cell_y, cell_x = np.nonzero(differ)
        if len(cell_y):
            top, bottom = np.maximum(cell_y - 1, 0), np.minimum(cell_y, height - 1)
            left, right = np.maximum(cell_x - 1, 0), np.minimum(cell_x, width - 1)
            values = np.stack(
                [
                    logits[:, top, left],
                    logits[:, top, right],
                    logits[:, bottom, left],
                    logits[:, bottom, right],
                ]
            ).reshape(4, -1)
            # Not `@`: BLAS would wake its threads for this little, and wait for them.
            blended = np.einsum('pc,cn->pn', self._blend(rows, columns), values)
            blended = blended.reshape(-1, classes, len(cell_y))
            labels = best_class(blended.transpose(1, 0, 2)).reshape(rows, columns, -1)
            cells[cell_y, :, cell_x, :] = labels.transpose(2, 0, 1)
        first_y, first_x = rows - rows // 2, columns - columns // 2
        return np.ascontiguousarray(
            self._canvas[first_y : first_y + height * rows, first_x : first_x + width * columns]
        )


def confidence(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    """
    Return the probability of the best class at ``size``, uint8 with 255 for 1.

    The softmax is taken at the logits' resolution and its maximum interpolated bilinearly.
    """
    shifted = logits - logits.max(axis=0)
    np.exp(shifted, out=shifted)
    best = (255.0 / shifted.sum(axis=0)).astype(np.float32)
    full = cv2.resize(best, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return full.astype(np.uint8)
