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
"""What EVS remembers of a camera, and what it finds out about a frame before the device."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.flow.chain import Flow
from vidseg_ros.methods.base import Image, Observation, StreamState
from vidseg_ros.methods.buffers import OutputRings, fitting
from vidseg_ros.methods.confidence import softmax
from vidseg_ros.methods.evs_operating_points import Stage
from vidseg_ros.methods.frame_flow import GreyFrames


@dataclass(slots=True)
class KeyFrame:
    """
    What the segmentation network found out about a key frame.

    ``number`` says which frame of the stream it was, -1: there has been none. ``labels`` uint8
    [H, W] are at the size of the frame, and ``packed`` are these in runs of pixels, once they
    have been warped (``is_packed``). ``prediction`` float32 [C, h, w] holds logits or, where the
    operating point refines, ``probabilities``; then there are the low-level ``features``
    [h', w', K], too, if the Refiner takes any. ``confidence`` uint8 [H, W] is there once somebody
    wanted it (``is_confident``).
    """

    number: int = -1
    labels: Image | None = None
    packed: Image | None = None
    is_packed: bool = False
    prediction: NDArray[np.float32] | None = None
    probabilities: bool = False
    features: NDArray[np.float32] | None = None
    confidence: Image | None = None
    is_confident: bool = False

    def enter(
        self, outputs: dict[str, NDArray[np.float32]], observation: EVSObservation
    ) -> NDArray[np.float32]:
        """
        Remember what the network says of a frame, in the memory of the frame before.

        Returns the prediction; the labels are up to the caller. The engine overwrites its outputs
        with the next frame's, perhaps another camera's.
        """
        logits = outputs['logits']
        self.number, self.probabilities = observation.number, observation.refinement
        self.is_packed = self.is_confident = False
        self.labels = fitting(self.labels, observation.frame.size, np.uint8)
        self.prediction = fitting(self.prediction, logits.shape)
        if not observation.refinement:
            np.copyto(self.prediction, logits)
            return self.prediction
        softmax(logits, out=self.prediction)
        if 'features' in outputs:
            self.features = fitting(self.features, outputs['features'].shape)
            np.copyto(self.features, outputs['features'])
        return self.prediction


@dataclass(slots=True)
class EVSState(StreamState):
    """
    What is remembered of a camera.

    observe's: how many frames there have been (``count``); the number of the last key frame among
    them (``key_number``, -1 before the first), and by how many frames the next one comes
    ``early``; the last frame in ``grey`` on the flow's grid; the chains of flows to the key frame
    (``back``) and from it (``forth``), None on the key frame; the sizes of the key frame and of
    the network's input there, and whether frames since then can be refined.

    predict's: the last ``key`` frame segmented, and the memory of what is handed out.
    """

    count: int = 0
    key_number: int = -1
    early: int = 0
    grey: GreyFrames = field(default_factory=GreyFrames)
    back: Flow | None = None
    forth: Flow | None = None
    size: tuple[int, int] = (0, 0)
    network_size: tuple[int, int] = (0, 0)
    refinable: bool = False

    key: KeyFrame = field(default_factory=KeyFrame)
    outputs: OutputRings = field(default_factory=OutputRings)


@dataclass(slots=True)
class EVSObservation(Observation):
    """
    What is to be done with a frame, and the way to its key frame.

    ``number`` is the frame's in the stream, ``key`` that of the last key frame before it (-1:
    there is none) and ``age`` how long ago that was. ``network_size`` is the network's input size
    for it. ``network_input`` [1, h, w, 3] is there where a network runs, ``back`` (a flow on a
    grid, in its cells) where something is fetched from the key frame, and ``forth`` where
    predictions are refined. ``point`` is the operating point's name, ``refinement`` its R.
    """

    stage: Stage = Stage.SEGMENT
    number: int = 0
    key: int = -1
    age: int = 0
    point: str = ''
    refinement: bool = False
    network_size: tuple[int, int] = (0, 0)
    network_input: Image | None = None
    back: Flow | None = None
    forth: Flow | None = None
