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
Recurrent U-Nets as a method: the cells' states pass from frame to frame.

Source: Sheludzko, Schwemmer and Ruiz, "Video Semantic Segmentation", section 2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import Segmentation
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_network
from vidseg_ros.methods.network_method import NetworkMethod, NetworkObservation, NetworkState
from vidseg_ros.methods.resizing import resize_planes
from vidseg_ros.networks.deploy_temporal_unet import DeployedTemporalUNet


@dataclass(slots=True)
class TemporalUNetState(NetworkState):
    """
    What the cells remember; all fields are predict's.

    ``hidden`` holds float32 [1, c, h, w] by the names of the network's inputs; empty at the
    start. ``position`` counts the frames since the sequence began, ``size`` is theirs.
    """

    hidden: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    position: int = 0
    size: tuple[int, int] = (0, 0)


def _sequence_length(knobs: Mapping[str, Any]) -> int:
    length = int(knobs.get('sequence_length', 0))
    if length < 0:
        raise MethodError(f'sequence_length: {length} is negative')
    return length


class TemporalUNetMethod(NetworkMethod):
    """
    A recurrent U-Net in any of its configurations.

    The knob is ``sequence_length``: after how many frames the states are zero again, 0 = never.
    """

    name: ClassVar[str] = 'temporal_unet'
    KNOBS: ClassVar[tuple[str, ...]] = ('sequence_length',)
    DEFAULT_CHECKPOINT: ClassVar[str] = 'temporal_unet_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'temporal_unet/resnet_small_deep_cgru'

    def __init__(self, options: MethodOptions) -> None:
        self._sequence_length = _sequence_length(options.extra)
        # What starts from a seed has the classes of the other methods' weights.
        completed = replace(options, extra={'label_space': 'camvid', **options.extra})
        runnable = load_network(completed, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        deployed = runnable.deployed
        if not isinstance(deployed, DeployedTemporalUNet):
            raise MethodError(
                'method temporal_unet needs a recurrent U-Net, with crnn or cgru in its name; '
                f'{runnable.checkpoint} holds {runnable.metadata.network} '
                '(method per_frame runs it)'
            )
        self._deployed = deployed
        super().__init__(
            options, runnable, [runnable.engine], deployed.network.minimum_side
        )  # fmt: skip

    def _take_knobs(self, knobs: Mapping[str, Any]) -> None:
        self._sequence_length = _sequence_length(knobs)

    def new_state(self, camera: str) -> TemporalUNetState:
        """Return the state of a stream's start."""
        return TemporalUNetState(camera)

    def _recall(self, observation: NetworkObservation, state: TemporalUNetState) -> bool:
        """
        Give the network the states; return whether they had to be resized.

        They are zero where a sequence begins: at the start, at its end, at a new size of frames.
        Where only the network's input has another size they are resized.
        """
        image = observation.inputs['image']
        size = image.shape[1], image.shape[2]
        over = 0 < self._sequence_length <= state.position
        resized = False
        if over or state.size != observation.frame.size:
            self._zero(state, size)
            state.position, state.size = 0, observation.frame.size
        elif state.hidden[self._deployed.hidden_names[0]].shape[2:] != size:
            resized = True
            state.hidden = {
                name: resize_planes(state.hidden[name], (array.shape[2], array.shape[3]))
                for name, array in self._deployed.initial_hidden(size).items()
            }
        observation.inputs.update(state.hidden)
        return resized

    def _zero(self, state: TemporalUNetState, size: tuple[int, int]) -> None:
        """Zero the states, in their own memory where it fits."""
        finest = self._deployed.hidden_names[0]
        if not state.hidden or state.hidden[finest].shape[2:] != size:
            state.hidden = self._deployed.initial_hidden(size)
        for array in state.hidden.values():
            array.fill(0)

    def _segment(
        self, observations: list[NetworkObservation], states: list[Any]
    ) -> list[Segmentation]:
        resized = [self._recall(o, s) for o, s in zip(observations, states, strict=True)]
        remembered = [f'next_{name}' for name in self._deployed.hidden_names]
        outputs, took = self._run(self._engines[0], observations, also=remembered)
        found = []
        for index, (observation, state) in enumerate(zip(observations, states, strict=True)):
            # The engine overwrites its outputs with the next frame's, perhaps another camera's.
            for name, array in state.hidden.items():
                np.copyto(array[0], outputs[f'next_{name}'][index])
            about: dict[str, Any] = {'memory': 'resized'} if resized[index] else {}
            found.append(
                self._finish(
                    outputs, index, observation, state, took_ms=took,
                    kind='segmented', position=state.position, **about,
                )
            )  # fmt: skip
            state.position += 1
        return found

    def _described(self) -> dict[str, str]:
        return {'sequence_length': str(self._sequence_length)}
