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
Propagation of a key frame's labels along the optical flow.

Source: Paul et al., "Efficient Video Semantic Segmentation with Labels Propagation and
Refinement", section 3.3, Eq. 1 and 2. What lies several frames back is fetched once, along the
composed flow, in place of rounding to the nearest pixel from frame to frame.
"""

from __future__ import annotations

import numpy as np

from vidseg_ros.flow.chain import Flow, PixelMaps, Plane, fetch_pixels
from vidseg_ros.flow.runs import RunWarper
from vidseg_ros.methods.base import Image
from vidseg_ros.methods.buffers import fitting
from vidseg_ros.methods.evs_stream import KeyFrame


class Propagation:
    """Fetch what belongs to the pixels of a key frame. Not for several threads at a time."""

    def __init__(self) -> None:
        self._maps, self._runs = PixelMaps(), RunWarper()

    def labels(self, key: KeyFrame, back: Flow | None, out: Image) -> Image:
        """
        Return the key frame's labels, remapped with the nearest neighbours (Eq. 2).

        ``back`` leads from the frame to the key frame; None repeats the labels as they are.
        ``out`` uint8 [H, W] is returned.
        """
        assert key.labels is not None
        size = out.shape[0], out.shape[1]
        if back is None:
            np.copyto(out, key.labels)
        elif not self._runs.fits(size):
            fetch_pixels(key.labels, self._maps(back, size), out)
        else:
            if not key.is_packed:
                memory = fitting(key.packed, self._runs.packed_shape(size), np.uint8)
                key.packed, key.is_packed = self._runs.pack(key.labels, memory), True
            assert key.packed is not None
            self._runs.warp(key.packed, back, out)
        return out

    def positions(self, back: Flow | None, size: tuple[int, int]) -> tuple[Plane, Plane] | None:
        """Return where each pixel of the frame lies on the key frame (Eq. 1), for ``fetch``."""
        return None if back is None else self._maps(back, size)

    @staticmethod
    def fetch(
        image: Image, at: tuple[Plane, Plane] | None, out: Image, *, nearest: bool, outside: int
    ) -> Image:
        """Remap an image of the key frame, uint8 [H, W], into ``out``, which is returned."""
        if at is None:
            np.copyto(out, image)
            return out
        return fetch_pixels(image, at, out, nearest=nearest, outside=outside)
