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

from vidseg_ros.methods.base import Observation, Segmentation, zeros_age
from vidseg_ros.methods.upsampling import LabelUpsampler, confidence


def segmentation_of(
    logits: NDArray[np.float32],
    observation: Observation,
    upsampler: LabelUpsampler,
    *,
    begun: float,
    stage: str = 'network',
    age: int = 0,
    provenance: dict[str, Any],
) -> Segmentation:
    """
    Return the segmentation of a frame from its logits [C, h, w], with what is wanted of it.

    ``begun`` is when ``predict`` began with the frame (time.perf_counter, seconds): the time up
    to now is that of ``stage``. ``age`` is in frames, alike for all pixels.
    """
    inferred = time.perf_counter()
    size = observation.frame.size
    segmentation = Segmentation(upsampler.labels(logits, size), provenance=provenance)
    if observation.wanted.confidence:
        segmentation.confidence = confidence(logits, size)
    if observation.wanted.age:
        segmentation.age = zeros_age(size)
        segmentation.age += np.uint8(min(age, 255))
    segmentation.stages_ms = {
        stage: (inferred - begun) * 1e3,
        'upsampling': (time.perf_counter() - inferred) * 1e3,
    }
    return segmentation
