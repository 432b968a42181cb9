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
(section 3.1.3). Both are zero where the stream does not reach back that far. Where the network's
input changes its size, they are resized.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import Frame, Observation, Segmentation, StreamState
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_network
from vidseg_ros.methods.network_method import NetworkMethod, NetworkObservation, NetworkState
from vidseg_ros.methods.resizing import resize_image, resize_planes
from vidseg_ros.networks.deploy_fassvid import DeployedFASSVid

# FDChangeNet halves a quarter of the image up to four times more.
MINIMUM_SIDE = 64


@dataclass(slots=True)
class FASSVidState(NetworkState):
    """
    What is remembered of a camera.

    observe's: ``quarters``, the last frames at a quarter, uint8 [1, h, w, 3], the newest last,
    and how many frames have been ``seen``. predict's: ``output``, O_t-1, float [1, C, h, w].
    """

    quarters: deque[NDArray[np.uint8]] = field(default_factory=deque)
    seen: int = 0
    output: NDArray[np.float32] | None = None


def _distance(knobs: Mapping[str, Any]) -> int:
    distance = int(knobs.get('frame_distance', 10))
    if distance < 1:
        raise MethodError(f'frame_distance: {distance} is not at least 1')
    return distance


class FASSVidMethod(NetworkMethod):
    """FASSVid in any of its variants; the knob is ``frame_distance``, the paper's k."""

    name: ClassVar[str] = 'fassvid'
    KNOBS: ClassVar[tuple[str, ...]] = ('frame_distance',)
    DEFAULT_CHECKPOINT: ClassVar[str] = 'fassvid_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'fassvid/full_hires'

    def __init__(self, options: MethodOptions) -> None:
        self._distance = _distance(options.extra)
        runnable = load_network(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        deployed = runnable.deployed
        if not isinstance(deployed, DeployedFASSVid):
            raise MethodError(
                f'method fassvid needs a FASSVid network; {runnable.checkpoint} holds '
                f'{runnable.metadata.network} (method per_frame runs any network)'
            )
        self._deployed = deployed
        self._black = np.zeros((0, 0), np.uint8)
        super().__init__(options, runnable, [runnable.engine], MINIMUM_SIDE)

    def _take_knobs(self, knobs: Mapping[str, Any]) -> None:
        self._distance = _distance(knobs)

    def new_state(self, camera: str) -> FASSVidState:
        """Return the state of a stream's start."""
        return FASSVidState(camera)

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Resize I_t, and a quarter of it, and recall I_t-k."""
        assert isinstance(state, FASSVidState)
        found = self._begin(frame)
        if 'quarter' in self._deployed.input_names:
            image = found.inputs['image']
            shape = 1, image.shape[1] // 4, image.shape[2] // 4, 3
            quarter = self._pool.take(shape)
            resize_image(image[0], quarter[0], self._pool)
            found.inputs['quarter'] = quarter
            found.inputs['earlier'] = self._earlier(shape, state, found)
            state.quarters.append(quarter)
        state.seen += 1
        return found

    def _earlier(
        self, shape: tuple[int, ...], state: FASSVidState, found: NetworkObservation
    ) -> NDArray[np.uint8]:
        """Return a quarter of I_t-k in that shape; black where the stream does not reach it."""
        distance = self._distance
        if state.seen < distance:
            black = self._black  # other cameras' threads may replace it
            if black.shape != shape:
                black = self._black = np.zeros(shape, np.uint8)
            return black
        while len(state.quarters) > distance:
            state.quarters.popleft()
        earlier = state.quarters[0]
        if len(state.quarters) == distance:
            # Its memory is free once I_t is segmented; otherwise k has just grown, and the
            # oldest frame there is has to do a little longer.
            found.borrowed.append(state.quarters.popleft())
        if earlier.shape != shape:
            resized = self._pool.take(shape)
            resize_image(earlier[0], resized[0], self._pool)
            found.borrowed.append(resized)
            earlier = resized
        return earlier

    def _segment(
        self, observations: list[NetworkObservation], states: list[Any]
    ) -> list[Segmentation]:
        remembers = 'previous' in self._deployed.input_names
        resized = [
            remembers and self._recall(observation, state)
            for observation, state in zip(observations, states, strict=True)
        ]
        outputs, took = self._run(
            self._engines[0], observations, also=('logits',) if remembers else ()
        )  # fmt: skip
        found = []
        for index, (observation, state) in enumerate(zip(observations, states, strict=True)):
            if remembers:
                # The engine overwrites its outputs with the next frame's, perhaps another's.
                np.copyto(state.output[0], outputs['logits'][index])
            about: dict[str, Any] = {'memory': 'resized'} if resized[index] else {}
            found.append(
                self._finish(
                    outputs, index, observation, state, took_ms=took, kind='segmented', **about
                )
            )  # fmt: skip
        return found

    def _recall(self, observation: NetworkObservation, state: FASSVidState) -> bool:
        """Give the network O_t-1; return whether it had to be resized."""
        image = observation.inputs['image']
        size = self._deployed.logits_size((image.shape[1], image.shape[2]))
        resized = False
        if state.output is None:
            state.output = np.zeros((1, self.label_space.num_classes, *size), np.float32)
        elif state.output.shape[2:] != size:
            state.output, resized = resize_planes(state.output, size), True
        observation.inputs['previous'] = state.output
        return resized

    def _described(self) -> dict[str, str]:
        return {'frame_distance': str(self._distance)}
