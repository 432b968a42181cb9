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
The optical flow from each frame of a camera to the one before, and its chains to key frames.

It is computed once for a frame, on the CPU, between images on the flow's grid (``flow.grid``).
What lies several frames back is found along the composed flow (``flow.chain``).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.flow.chain import Flow, compose
from vidseg_ros.flow.grid import GRID_SETTINGS, GridFlow

Grey = NDArray[np.uint8]


class ThreadFlow:
    """DIS for any number of threads, each of which has OpenCV's buffers for itself."""

    def __init__(self, setting: str = 'swift') -> None:
        """Choose the setting, one of ``flow.grid.GRID_SETTINGS``; ValueError on any other."""
        GridFlow(setting)
        self._setting = setting
        self._own = threading.local()

    @property
    def setting(self) -> str:
        """Return the name of the setting."""
        return self._setting

    def change(self, setting: str) -> None:
        """Take another setting from the next frame on; ValueError if there is none such."""
        GridFlow(setting)
        self._setting = setting

    def here(self) -> GridFlow:
        """Return this thread's flow, as it is set now."""
        setting = self._setting
        flow = getattr(self._own, 'flow', None)
        if flow is None or flow.setting != GRID_SETTINGS[setting]:
            flow = self._own.flow = GridFlow(setting)
        return flow


@dataclass(slots=True)
class GreyFrames:
    """
    The last frame of a camera in grey on the flow's grid, uint8 [h, w].

    ``last`` is None before the first; ``spare`` is memory for the next one.
    """

    last: Grey | None = None
    spare: Grey | None = None

    def shrink(
        self, flow: GridFlow, image: NDArray[np.uint8], size: tuple[int, int]
    ) -> Grey:
        """Return the next frame, RGB uint8 [H, W, 3], in grey on the grid of ``size``."""
        grid = flow.setting.grid(size)
        fits = self.spare is not None and self.spare.shape == grid
        return flow.shrink(image, grid, out=self.spare if fits else None)

    def advance(self, grey: Grey | None) -> None:
        """Go on to the frame that ``shrink`` returned; None if its grey is not known."""
        self.last, self.spare = grey, self.last


def back_along(step: Flow, chain: Flow | None) -> Flow:
    """
    Return the flow from a frame to a key frame.

    ``step`` leads from the frame to the one before, ``chain`` from there to the key frame; None
    if that is the key frame.
    """
    return step if chain is None else compose(step, chain)


def forth_along(chain: Flow | None, step: Flow) -> Flow:
    """Return the flow from the key frame to a frame, with ``step`` from the one before to it."""
    return step if chain is None else compose(chain, step)
