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
"""What EVS hands out of a frame: its labels, confidence and age, at its size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import Image, Segmentation
from vidseg_ros.methods.buffers import Scratch, fitting
from vidseg_ros.methods.confidence import confidence, confidence_of_probabilities
from vidseg_ros.methods.evs_operating_points import Stage
from vidseg_ros.methods.evs_propagation import Propagation
from vidseg_ros.methods.evs_stream import EVSObservation, EVSState
from vidseg_ros.methods.upsampling import LabelUpsampler

NEVER = 255


class EVSOutputs:
    """Make segmentations, in the memory of their camera. Not for several threads at a time."""

    def __init__(self) -> None:
        self._upsampler = LabelUpsampler()
        self._propagation = Propagation()
        self._scratch = Scratch()

    def segmented(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Return a key frame's own segmentation, and remember its labels."""
        size, key = observation.frame.size, state.key
        assert key.prediction is not None and key.labels is not None
        self._upsampler.labels(key.prediction, size, out=key.labels)
        labels = state.outputs.labels.take(size)
        np.copyto(labels, key.labels)
        found = Segmentation(labels, provenance={'kind': 'key frame'})
        if observation.wanted.confidence:
            out = state.outputs.confidence.take(size)
            found.confidence = self._confidence(key.prediction, key.probabilities, out)
        if observation.wanted.age:
            found.age = state.outputs.age.take(size)
            found.age.fill(0)
        return found

    def propagated(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Return the key frame's segmentation, fetched along the flow or repeated."""
        propagation, key, back = self._propagation, state.key, observation.back
        size, wanted = observation.frame.size, observation.wanted
        found = Segmentation(
            propagation.labels(key, back, state.outputs.labels.take(size)),
            provenance={'kind': observation.stage.value, 'age': observation.age},
        )
        at = propagation.positions(back, size) if wanted.confidence or wanted.age else None
        if wanted.confidence:
            if not key.is_confident:
                assert key.prediction is not None
                memory = fitting(key.confidence, size, np.uint8)
                key.confidence = self._confidence(key.prediction, key.probabilities, memory)
                key.is_confident = True
            assert key.confidence is not None
            found.confidence = propagation.fetch(
                key.confidence, at, state.outputs.confidence.take(size), nearest=False, outside=0
            )
        if wanted.age:
            ages = self._scratch.take('age', size)
            ages.fill(min(observation.age, NEVER))
            found.age = propagation.fetch(
                ages, at, state.outputs.age.take(size), nearest=True, outside=NEVER
            )
        return found

    def refined(
        self,
        observation: EVSObservation,
        state: EVSState,
        probabilities: NDArray[np.float32],
        weight: NDArray[np.float32],
    ) -> Segmentation:
        """Return the segmentation of P_refined [C, h, w], of which M_i [h, w] is fresh."""
        size, outputs = observation.frame.size, state.outputs
        found = Segmentation(
            self._upsampler.labels(probabilities, size, out=outputs.labels.take(size)),
            provenance={
                'kind': 'refined' if observation.stage is Stage.REFINE else 'key frame, refined',
                'age': observation.age,
                'refined_fraction': float(np.mean(weight >= 0.5)),
            },
        )
        if observation.wanted.confidence:
            out = outputs.confidence.take(size)
            found.confidence = self._confidence(probabilities, True, out)
        if observation.wanted.age:
            # What the fresh prediction has the greater say in is as old as that: 0.
            age = np.where(weight < 0.5, min(observation.age, NEVER), 0).astype(np.uint8)
            found.age = outputs.age.take(size)
            cv2.resize(age, size[::-1], dst=found.age, interpolation=cv2.INTER_NEAREST)
        return found

    def _confidence(
        self, prediction: NDArray[np.float32], probabilities: bool, out: Image
    ) -> Image:
        """Return the probability of the best class of logits or ``probabilities``."""
        make = confidence_of_probabilities if probabilities else confidence
        return make(prediction, (out.shape[0], out.shape[1]), out, self._scratch)
