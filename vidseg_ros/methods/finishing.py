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
"""The last step that methods share: from a frame's logits to what is published of it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import Observation, Segmentation
from vidseg_ros.methods.buffers import OutputRings, Scratch
from vidseg_ros.methods.confidence import confidence
from vidseg_ros.methods.upsampling import LabelUpsampler


class Finisher:
    """Make segmentations from logits. Not for several threads at a time."""

    def __init__(self) -> None:
        self._upsampler = LabelUpsampler()
        self._scratch = Scratch()

    def finish(
        self,
        found: NDArray[Any],
        observation: Observation,
        rings: OutputRings,
        *,
        stages_ms: dict[str, float],
        age: int = 0,
        provenance: dict[str, Any],
    ) -> Segmentation:
        """
        Return the segmentation of a frame, with what is wanted of it.

        ``found`` is its logits, float [C, h, w], or its labels, uint8 [H, W], if the device made
        them; confidence needs logits. ``stages_ms`` holds the times of the parts of ``predict``
        so far; this one's is added. ``age`` is in frames, alike for all pixels. The arrays lie
        in ``rings``.
        """
        begun = time.perf_counter()
        size = observation.frame.size
        labels = rings.labels.take(size)
        if found.ndim == 2:
            np.copyto(labels, found)
        else:
            self._upsampler.labels(found, size, labels)
        segmentation = Segmentation(labels, provenance=provenance, stages_ms=stages_ms)
        if observation.wanted.confidence:
            segmentation.confidence = confidence(
                found, size, rings.confidence.take(size), self._scratch
            )
        if observation.wanted.age:
            segmentation.age = rings.age.take(size)
            segmentation.age.fill(min(age, 255))
        stages_ms['upsampling'] = (time.perf_counter() - begun) * 1e3
        return segmentation
