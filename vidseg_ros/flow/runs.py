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
Warping labels four pixels at a time.

Fetching labels pixel by pixel costs more than all else that is done for a propagated frame but
the flow. Four neighbours in a row are nearly always led to four neighbours in a row: their flow is
interpolated from a grid that is coarser than they. So they are fetched as one word, by the flow in
their middle; on CamVid one pixel in 800 is another than by itself.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.flow.chain import Flow, PixelMaps

Labels = NDArray[np.uint8]
RUN = 4


class RunWarper:
    """Warp labels in runs of ``RUN`` pixels; belongs to one thread at a time."""

    def __init__(self) -> None:
        self._maps = PixelMaps()
        self._wide = np.empty((0, 0), np.uint8)

    @staticmethod
    def fits(size: tuple[int, int]) -> bool:
        """Tell whether the rows of images of ``size`` (height, width) are made of whole runs."""
        return size[1] % RUN == 0

    @staticmethod
    def packed_shape(size: tuple[int, int]) -> tuple[int, int, int]:
        """Return the shape of what ``pack`` makes of labels of ``size`` (height, width)."""
        return size[0], size[1] + RUN - 1, RUN

    def pack(self, labels: Labels, out: Labels | None = None) -> Labels:
        """
        Return the run around each pixel, uint8 [H, W + RUN - 1, RUN]: what ``warp`` fetches from.

        Pixel ``RUN // 2`` of a run is the pixel itself. Beyond its ends a row is continued: the
        first and the last run are the first and the last pixel throughout. Returns ``out`` or,
        without, a new array.
        """
        height, width = labels.shape
        shape = self.packed_shape((height, width))
        if out is None:
            out = np.empty(shape, np.uint8)
        runs, margin = shape[1], RUN - 1
        if self._wide.shape != (height, width + 2 * margin):
            self._wide = np.empty((height, width + 2 * margin), np.uint8)
        cv2.copyMakeBorder(
            labels, 0, 0, margin, margin, cv2.BORDER_REPLICATE, dst=self._wide
        )
        cv2.merge([self._wide[:, i : i + runs] for i in range(RUN)], dst=out)
        return out

    def warp(self, packed: Labels, flow: Flow, out: Labels) -> Labels:
        """
        Fetch labels along a flow, nearest neighbour, beyond the border the ones at the border.

        ``packed`` comes from ``pack``; ``flow`` float32 [h, w, 2] is in cells of a grid that
        covers the image; ``out`` uint8 [H, W], contiguous, is returned.
        """
        height, width = out.shape
        maps = self._maps(flow, (height, width), RUN)
        maps[0][:] += RUN - 1 - RUN // 2  # runs before the first pixel
        # OpenCV has no 32-bit integers here; floats are moved as they are.
        words = packed.view(np.float32)[..., 0]
        cv2.remap(
            words, *maps, cv2.INTER_NEAREST, dst=out.view(np.float32),
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return out
