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
"""Dense optical flow on the CPU: DIS (Kroeger et al., ECCV 2016) as OpenCV has it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

PRESETS = {
    'ultrafast': cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    'fast': cv2.DISOPTICAL_FLOW_PRESET_FAST,
    'medium': cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}

# Below this many pixels a side there is no room for DIS' pyramid of 8x8 patches.
SMALLEST_SIDE = 16


class DisFlow:
    """
    Compute dense inverse search optical flow between two grey images.

    An object keeps OpenCV's buffers between calls, so it belongs to one thread at a time.
    Source: Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse Search",
    ECCV 2016; the presets are its operating points.
    """

    def __init__(self, preset: str = 'fast') -> None:
        """Choose the operating point, one of ``PRESETS``; ValueError on any other name."""
        if preset not in PRESETS:
            raise ValueError(f"unknown DIS preset '{preset}'; there are {', '.join(PRESETS)}")
        self.preset = preset
        self._dis: Any = cv2.DISOpticalFlow.create(PRESETS[preset])

    def calc(self, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Return where each pixel of ``first`` has gone in ``second``.

        Takes two uint8 [H, W] grey images, and returns float32 [H, W, 2] displacements (x, y) in
        pixels: ``first[p]`` is seen at ``second[p + flow[p]]``. Raises ValueError where the
        images differ in size, are not uint8 [H, W], or have a side under 16 pixels.
        """
        for image in (first, second):
            if image.ndim != 2 or image.dtype != np.uint8:
                raise ValueError(f'flow takes uint8 [H, W] images, not {image.dtype} '
                                 f'{list(image.shape)}')
        if first.shape != second.shape:
            raise ValueError(f'the images differ in size: {first.shape} and {second.shape}')
        if min(first.shape) < SMALLEST_SIDE:
            raise ValueError(f'flow needs at least {SMALLEST_SIDE} pixels a side, '
                             f'not {first.shape}')
        flow = np.empty((*first.shape, 2), np.float32)
        # Zeros, because OpenCV would otherwise take what lies in the buffer for a first guess.
        flow.fill(0.0)
        return self._dis.calc(first, second, flow)


def to_gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the grey image, uint8 [H, W], of an RGB one, uint8 [H, W, 3]."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
