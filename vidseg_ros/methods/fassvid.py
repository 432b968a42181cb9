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
FASSVid: the change since frame t-k and the last output help to segment frame t.

Source: Portillo-Portillo et al., Entropy 2022, 24, 942, section 3.1; the network is in
networks/fassvid.py. Of each camera the state keeps the last k frames at a quarter of their size,
which is all that FDChangeNet looks at (section 3.1.2), and the last output O_t-1 for TAM
(section 3.1.3). Both are zero where the stream does not reach back that far.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import (
    Frame,
    Image,
    Observation,
    Segmentation,
    StreamState,
    UnfitFrameError,
    VideoSegmenter,
)
from vidseg_ros.methods.finishing import segmentation_of
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_network
from vidseg_ros.methods.per_frame import network_input
from vidseg_ros.methods.upsampling import LabelUpsampler
from vidseg_ros.networks.deploy import DeployedFASSVid

# FDChangeNet halves a quarter of the image up to four times more.
MINIMUM_SIDE = 64


@dataclass(slots=True)
class FASSVidState(StreamState):
    """``quarters``: the last k frames at a quarter (observe's); ``output``: O_t-1 (predict's)."""

    quarters: deque[Image] = field(default_factory=deque)
    output: NDArray[np.float32] | None = None


@dataclass(slots=True)
class FASSVidObservation(Observation):
    """I_t at the network's input size, I_t and I_t-k at a quarter of it."""

    inputs: dict[str, NDArray] = field(default_factory=dict)


class FASSVidMethod(VideoSegmenter):
    """FASSVid in any of its variants; the knob is ``frame_distance``, the paper's k."""

    name: ClassVar[str] = 'fassvid'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'fassvid_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'fassvid/full_hires'

    def __init__(self, options: MethodOptions) -> None:
        self._distance = int(options.extra.get('frame_distance', 10))
        if self._distance < 1:
            raise MethodError(f'frame_distance: {self._distance} is not at least 1')
        self._runnable = load_network(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        deployed = self._runnable.deployed
        if not isinstance(deployed, DeployedFASSVid):
            raise MethodError(
                f'method fassvid needs a FASSVid network; {self._runnable.checkpoint} holds '
                f'{self._runnable.metadata.network} (method per_frame runs any network)'
            )
        self._deployed = deployed
        self._input_size = options.input_size
        self._upsampler = LabelUpsampler()
        self.label_space = self._runnable.label_space

    def prepare(self, size: tuple[int, int]) -> None:
        """Build what frames of ``size`` (height, width) need before the first comes."""
        chosen = size if self._input_size == (0, 0) else self._input_size
        self._runnable.engine.prepare(chosen)

    def new_state(self, camera: str) -> FASSVidState:
        """Return the state of a stream's start."""
        return FASSVidState(camera, deque(maxlen=self._distance))

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Resize I_t, and a quarter of it, and recall I_t-k."""
        assert isinstance(state, FASSVidState)
        image = network_input(frame.image, self._input_size)
        if min(image.shape[:2]) < MINIMUM_SIDE:
            raise UnfitFrameError(
                f'an image of {image.shape[1]}x{image.shape[0]} is too small for FASSVid, which '
                f'needs at least {MINIMUM_SIDE} pixels a side'
            )
        inputs: dict[str, NDArray] = {'image': image[None]}
        if 'quarter' in self._deployed.input_names:
            shape = image.shape[1] // 4, image.shape[0] // 4
            quarter = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
            full = len(state.quarters) == state.quarters.maxlen
            earlier = state.quarters[0] if full else np.zeros_like(quarter)
            state.quarters.append(quarter)  # type: ignore[arg-type]
            inputs |= {'quarter': quarter[None], 'earlier': earlier[None]}
        return FASSVidObservation(frame, inputs=inputs)

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Run the network on each frame with its stream's last output."""
        return [self._segment(o, s) for o, s in zip(observations, states, strict=True)]

    def _segment(self, observation: Observation, state: StreamState) -> Segmentation:
        assert isinstance(observation, FASSVidObservation)
        assert isinstance(state, FASSVidState)
        begun = time.perf_counter()
        inputs = observation.inputs
        if 'previous' in self._deployed.input_names:
            if state.output is None:
                state.output = self._zero_output(inputs['image'])
            inputs = {**inputs, 'previous': state.output}
        logits = self._runnable.engine.run(inputs)['logits']
        if state.output is not None:
            # The engine overwrites its output with the next frame's, perhaps another camera's.
            np.copyto(state.output, logits)
        return segmentation_of(
            logits[0], observation, self._upsampler, begun=begun,
            provenance={'kind': 'segmented'},
        )  # fmt: skip

    def _zero_output(self, image: NDArray) -> NDArray[np.float32]:
        size = self._deployed.logits_size((image.shape[1], image.shape[2]))
        return np.zeros((1, self.label_space.num_classes, *size), np.float32)

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            'network': self._runnable.metadata.network,
            'checkpoint': self._runnable.checkpoint,
            'frame_distance': str(self._distance),
            **self._runnable.engine.describe(),
        }

    def close(self) -> None:
        """Release the engine."""
        self._runnable.engine.close()
