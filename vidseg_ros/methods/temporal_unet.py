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

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import (
    Frame,
    Observation,
    Segmentation,
    StreamState,
    UnfitFrameError,
    VideoSegmenter,
)
from vidseg_ros.methods.finishing import segmentation_of
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_network
from vidseg_ros.methods.per_frame import NetworkObservation, network_input
from vidseg_ros.methods.upsampling import LabelUpsampler
from vidseg_ros.networks.deploy_temporal_unet import DeployedTemporalUNet


@dataclass(slots=True)
class TemporalUNetState(StreamState):
    """
    What the cells remember; both fields are predict's.

    ``hidden`` holds float32 [1, c, h, w] by the names of the network's inputs; empty at the
    start. ``position`` counts the frames since the sequence began.
    """

    hidden: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    position: int = 0


class TemporalUNetMethod(VideoSegmenter):
    """
    A recurrent U-Net in any of its configurations.

    The knob is ``sequence_length``: after how many frames the states are zero again, 0 = never.
    """

    name: ClassVar[str] = 'temporal_unet'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'random:0'
    DEFAULT_NETWORK: ClassVar[str] = 'temporal_unet/resnet_small_deep_cgru'

    def __init__(self, options: MethodOptions) -> None:
        self._sequence_length = int(options.extra.get('sequence_length', 0))
        if self._sequence_length < 0:
            raise MethodError(f'sequence_length: {self._sequence_length} is negative')
        # What starts from a seed has the classes of the other methods' weights.
        options = replace(options, extra={'label_space': 'camvid', **options.extra})
        self._runnable = load_network(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        deployed = self._runnable.deployed
        if not isinstance(deployed, DeployedTemporalUNet):
            raise MethodError(
                'method temporal_unet needs a recurrent U-Net, with crnn or cgru in its name; '
                f'{self._runnable.checkpoint} holds {self._runnable.metadata.network} '
                '(method per_frame runs it)'
            )
        self._deployed = deployed
        self._minimum_side = deployed.network.minimum_side
        self._input_size = options.input_size
        self._upsampler = LabelUpsampler()
        self.label_space = self._runnable.label_space

    def prepare(self, size: tuple[int, int]) -> None:
        """Build what frames of ``size`` (height, width) need before the first comes."""
        chosen = size if self._input_size == (0, 0) else self._input_size
        self._runnable.engine.prepare(chosen)

    def new_state(self, camera: str) -> TemporalUNetState:
        """Return the state of a stream's start."""
        return TemporalUNetState(camera)

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Resize the frame."""
        image = network_input(frame.image, self._input_size)
        if min(image.shape[:2]) < self._minimum_side:
            raise UnfitFrameError(
                f'an image of {image.shape[1]}x{image.shape[0]} is too small for '
                f'{self._runnable.metadata.network}, which needs at least '
                f'{self._minimum_side} pixels a side'
            )
        return NetworkObservation(frame, network_input=image)

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Run the network on each frame with its stream's states."""
        return [self._segment(o, s) for o, s in zip(observations, states, strict=True)]

    def _begin(self, state: TemporalUNetState, size: tuple[int, int]) -> None:
        """Zero the states where a sequence begins: at the start, at its end, at a new size."""
        finest = self._deployed.hidden_names[0]
        another_size = not state.hidden or state.hidden[finest].shape[-2:] != size
        if another_size or state.position == self._sequence_length > 0:
            state.hidden = self._deployed.initial_hidden(size)
            state.position = 0

    def _remember(self, state: TemporalUNetState, outputs: Mapping[str, NDArray]) -> None:
        # The engine overwrites its outputs with the next frame's, perhaps another camera's.
        for name, array in state.hidden.items():
            np.copyto(array, outputs[f'next_{name}'])
        state.position += 1

    def _segment(self, observation: Observation, state: StreamState) -> Segmentation:
        assert isinstance(observation, NetworkObservation)
        assert isinstance(state, TemporalUNetState)
        image = observation.network_input
        assert image is not None
        begun = time.perf_counter()
        self._begin(state, (image.shape[0], image.shape[1]))
        outputs = self._runnable.engine.run({'image': image[None], **state.hidden})
        self._remember(state, outputs)
        return segmentation_of(
            outputs['logits'][0], observation, self._upsampler, begun=begun,
            provenance={'kind': 'segmented', 'position': state.position - 1},
        )  # fmt: skip

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            'network': self._runnable.metadata.network,
            'checkpoint': self._runnable.checkpoint,
            'sequence_length': str(self._sequence_length),
            **self._runnable.engine.describe(),
        }

    def close(self) -> None:
        """Release the engine."""
        self._runnable.engine.close()
