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
Optical flow on a grid coarser than the images: what is cheap enough to be had for every frame.

DIS with a finest scale of n computes its flow on images of 1/2^n of the size and interpolates
the result to all pixels. Here images are brought to that size once, the flow stays on that grid
while flows are chained, and the pixels come last (``chain.PixelMaps``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.flow.dis import SMALLEST_SIDE

Gray = NDArray[np.uint8]
Flow = NDArray[np.float32]


@dataclass(frozen=True)
class GridSetting:
    """
    An operating point of DIS on a grid.

    ``reduction`` is the ratio of the image's sides to the grid's, and ``most_cells`` what the
    grid may have at most (0: any number), so that larger images don't cost more. A patch of 8x8
    cells begins every ``stride`` cells and is moved in at most ``iterations`` steps;
    ``mean_normalised`` patches do not mind a change of brightness. ``variational`` counts the
    steps of variational refinement at each scale.
    """

    reduction: float
    stride: int
    iterations: int
    mean_normalised: bool = True
    variational: int = 0
    most_cells: int = 0

    def grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of the grid for images of ``size``; 16 a side at least."""
        reduction = self.reduction
        if self.most_cells:
            reduction = max(reduction, math.sqrt(size[0] * size[1] / self.most_cells))
        height, width = (max(SMALLEST_SIDE, round(side / reduction)) for side in size)
        return height, width


# 'ultrafast', 'fast' and 'medium' are OpenCV's presets, the first with the numbers of the EVS
# paper (section 4.3.1). 'swift' takes more cells and fewer patches: on CamVid it is as good as
# the first, or a little better, for less; docs/methods/evs.md has the figures.
GRID_SETTINGS = {
    'swift': GridSetting(3.0, 6, 12, mean_normalised=False, most_cells=160 * 120),
    'ultrafast': GridSetting(4.0, 4, 12),
    'fast': GridSetting(4.0, 4, 16, variational=5),
    'medium': GridSetting(2.0, 3, 25, variational=5),
}


class GridFlow:
    """
    Grey images and the flow between them on a grid.

    Keeps OpenCV's buffers and its own between calls, so it belongs to one thread at a time.
    """

    def __init__(self, setting: str = 'swift') -> None:
        """Choose the setting, one of ``GRID_SETTINGS``; ValueError on any other name."""
        if setting not in GRID_SETTINGS:
            raise ValueError(
                f"unknown flow '{setting}'; there are {', '.join(GRID_SETTINGS)}"
            )
        chosen = GRID_SETTINGS[setting]
        self.setting = chosen
        self._dis: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._dis.setFinestScale(0)
        self._dis.setPatchStride(chosen.stride)
        self._dis.setGradientDescentIterations(chosen.iterations)
        self._dis.setUseMeanNormalization(chosen.mean_normalised)
        self._dis.setVariationalRefinementIterations(chosen.variational)
        self._levels: list[Gray] = []

    def shrink(
        self, image: NDArray[np.uint8], grid: tuple[int, int], out: Gray | None = None
    ) -> Gray:
        """
        Return an RGB image, uint8 [H, W, 3], in grey on a grid of (h, w), uint8 [h, w].

        It is halved by averaging as long as it is at least twice the grid, and then interpolated.
        What is returned is ``out`` where that is given, and a new array otherwise.
        """
        sizes = [image.shape[:2]]
        while sizes[-1][0] >= 2 * grid[0] and sizes[-1][1] >= 2 * grid[1]:
            sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
        if [level.shape for level in self._levels] != sizes:
            self._levels = [np.empty(size, np.uint8) for size in sizes]
        cv2.cvtColor(image, cv2.COLOR_RGB2GRAY, dst=self._levels[0])
        for finer, coarser in zip(self._levels, self._levels[1:], strict=False):
            shape = coarser.shape[1], coarser.shape[0]
            cv2.resize(finer, shape, dst=coarser, interpolation=cv2.INTER_AREA)
        if out is None:
            out = np.empty(grid, np.uint8)
        shape = grid[1], grid[0]
        cv2.resize(self._levels[-1], shape, dst=out, interpolation=cv2.INTER_LINEAR)
        return out

    def calc(self, first: Gray, second: Gray) -> Flow:
        """
        Return where each cell of ``first`` has gone in ``second``.

        Takes two grey images of one size as ``shrink`` makes them, and returns a new array of
        displacements (x, y) in cells, float32 [h, w, 2]. ValueError if the sizes differ.
        """
        if first.shape != second.shape:
            raise ValueError(f'the images differ in size: {first.shape} and {second.shape}')
        # Zeros, because OpenCV would otherwise take what lies in the buffer for a first guess.
        return self._dis.calc(first, second, np.zeros((*first.shape, 2), np.float32))
