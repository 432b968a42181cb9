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
"""What DVSNet hands out of a frame: its labels, confidence and age, at its size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from vidseg_ros.methods.base import Image, Segmentation
from vidseg_ros.methods.buffers import BufferRing, Scratch
from vidseg_ros.methods.confidence import confidence
from vidseg_ros.methods.dvsnet_stream import DVSNetObservation, DVSNetState
from vidseg_ros.methods.regions import Joined
from vidseg_ros.methods.upsampling import LabelUpsampler

_OLDEST = 255


class DVSNetOutputs:
    """Make segmentations, in the memory of their camera. Not for several threads at a time."""

    def __init__(self) -> None:
        self._upsampler = LabelUpsampler()
        self._scratch = Scratch()

    def segmentation(
        self, observation: DVSNetObservation, state: DVSNetState, joined: Joined
    ) -> Segmentation:
        """Bring what was found for the padded frame to the frame's own size."""
        grid, logits, outputs = observation.grid, joined.logits, state.outputs
        assert grid is not None
        height, width = observation.frame.size
        # The padded frame in pixels of the frame, which may have been resized for the network.
        padded = (
            -(-grid.padded[0] * height // grid.size[0]),
            -(-grid.padded[1] * width // grid.size[1]),
        )

        def made(ring: BufferRing, make: Callable[[Image], Any]) -> Image:
            """Return an output that ``make`` enters into memory of the padded size."""
            out = ring.take((height, width))
            if padded == (height, width):
                make(out)
            else:
                whole = self._scratch.take('padded', padded)
                make(whole)
                np.copyto(out, whole[:height, :width])
            return out

        found = Segmentation(
            made(outputs.labels, lambda out: self._upsampler.labels(logits, padded, out))
        )
        if observation.wanted.confidence:
            found.confidence = made(
                outputs.confidence, lambda out: confidence(logits, padded, out, self._scratch)
            )
        if observation.wanted.age:
            ages = [min(observation.count - key.count, _OLDEST) for key in state.logits]
            coarse = np.array(ages, np.uint8)[joined.owner]
            found.age = made(outputs.age, lambda out: cv2.resize(
                coarse, padded[::-1], dst=out, interpolation=cv2.INTER_NEAREST))  # fmt: skip
        return found
