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
LERNet with temporal holistic attention: deep features are computed on key frames only.

Source: Wu et al., Pattern Recognition 104 (2020) 107268, sections 3.3 and 3.4; the network is in
networks/lernet.py. Every K-th frame of a camera is a key frame and goes through the whole network;
its deep features and its compressed low-level features are kept. The frames between go through
the shallow half and are given the key frame's deep features, weighted by the attention.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_module
from vidseg_ros.methods.per_frame import NetworkObservation, network_input
from vidseg_ros.methods.upsampling import LabelUpsampler
from vidseg_ros.networks.deploy_lernet import DeployedKeyFrame, DeployedPropagation
from vidseg_ros.networks.lernet import LERNetTHA

# An eighth of it squared is 64 positions, enough for the attention to be taken in parts.
MINIMUM_SIDE = 64


@dataclass(frozen=True)
class KeyFrame:
    """
    What is kept of a key frame: its features, and the size of the image they come from.

    ``features``: F_h^k ('high') float [1, C, h, w] and F^kl ('reduced') float [1, C', h, w].
    """

    size: tuple[int, int]
    features: Mapping[str, NDArray]


@dataclass(slots=True)
class LERNetTHAState(StreamState):
    """``key``: the last key frame; ``steps``: frames since then. Both are predict's."""

    key: KeyFrame | None = None
    steps: int = 0


class LERNetTHAMethod(VideoSegmenter):
    """LERNet + THA; the knob is ``key_interval``, the paper's K: one frame in K is a key frame."""

    name: ClassVar[str] = 'lernet_tha'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'random:0'
    DEFAULT_NETWORK: ClassVar[str] = 'lernet_tha/base'
    DEFAULT_LABEL_SPACE: ClassVar[str] = 'camvid'

    def __init__(self, options: MethodOptions) -> None:
        self._interval = int(options.extra.get('key_interval', 5))
        if self._interval < 1:
            raise MethodError(f'key_interval: {self._interval} is not at least 1')
        options = replace(
            options, extra={'label_space': self.DEFAULT_LABEL_SPACE, **options.extra}
        )
        loaded = load_module(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        network, metadata = loaded.network, loaded.metadata
        if not isinstance(network, LERNetTHA):
            raise MethodError(
                f'method lernet_tha needs a network lernet_tha/...; {loaded.checkpoint} holds '
                f'{metadata.network} (method per_frame runs any network)'
            )
        self._loaded = loaded
        self._input_size = options.input_size
        self._key_engine = loaded.on_engine(
            DeployedKeyFrame(network, metadata.mean, metadata.std).eval(), options
        )
        self._propagation_engine = loaded.on_engine(
            DeployedPropagation(network, metadata.mean, metadata.std).eval(), options
        )
        self._upsampler = LabelUpsampler()
        self.label_space = loaded.label_space

    def prepare(self, size: tuple[int, int]) -> None:
        """Build what frames of ``size`` (height, width) need before the first comes."""
        chosen = size if self._input_size == (0, 0) else self._input_size
        if min(chosen) < MINIMUM_SIDE:
            return  # such frames are refused one by one
        self._key_engine.prepare(chosen)
        self._propagation_engine.prepare(chosen)

    def new_state(self, camera: str) -> LERNetTHAState:
        """Return the state of a stream's start: the first frame will be a key frame."""
        return LERNetTHAState(camera)

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Resize the frame."""
        image = network_input(frame.image, self._input_size)
        if min(image.shape[:2]) < MINIMUM_SIDE:
            raise UnfitFrameError(
                f'an image of {image.shape[1]}x{image.shape[0]} is too small for LERNet + THA, '
                f'which needs at least {MINIMUM_SIDE} pixels a side'
            )
        return NetworkObservation(frame, network_input=image)

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Segment each frame, by the whole network or with its key frame's features."""
        return [self._segment(o, s) for o, s in zip(observations, states, strict=True)]

    def _segment(self, observation: Observation, state: StreamState) -> Segmentation:
        assert isinstance(observation, NetworkObservation)
        assert isinstance(state, LERNetTHAState)
        assert observation.network_input is not None
        begun = time.perf_counter()
        logits = self._logits(observation.network_input[None], state)
        kind = 'propagated' if state.steps else 'key frame'
        return segmentation_of(
            logits, observation, self._upsampler, begun=begun,
            stage='propagation' if state.steps else 'key_frame', age=state.steps,
            provenance={'kind': kind, 'since_key_frame': state.steps},
        )  # fmt: skip

    def _logits(self, image: NDArray, state: LERNetTHAState) -> NDArray[np.float32]:
        """Return the frame's logits [classes, h, w], and move the state on."""
        size = image.shape[1], image.shape[2]
        key = state.key
        if key is not None and key.size == size and state.steps + 1 < self._interval:
            state.steps += 1
            return self._propagation_engine.run({'image': image, **key.features})['logits'][0]
        outputs = self._key_engine.run({'image': image})
        # The engine overwrites its outputs with the next key frame's, perhaps another camera's.
        # With an interval of 1 nobody will ask for the features.
        if self._interval > 1:
            state.key = KeyFrame(
                size, {name: np.array(outputs[name], order='C') for name in ('high', 'reduced')}
            )
        state.steps = 0
        return outputs['logits'][0]

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            'network': self._loaded.metadata.network,
            'checkpoint': self._loaded.checkpoint,
            'key_interval': str(self._interval),
            **self._key_engine.describe(),
        }

    def close(self) -> None:
        """Release the engines."""
        self._key_engine.close()
        self._propagation_engine.close()
