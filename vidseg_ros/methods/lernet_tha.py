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
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import Segmentation, StreamState
from vidseg_ros.methods.extremes import extremes
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_module
from vidseg_ros.methods.network_method import NetworkMethod, NetworkObservation, NetworkState
from vidseg_ros.methods.stagger import Stagger
from vidseg_ros.networks.deploy_lernet import DeployedKeyFrame, DeployedPropagation
from vidseg_ros.networks.lernet import THA, LERNetTHA

# An eighth of it squared is 64 positions, enough for the attention to be taken in parts.
MINIMUM_SIDE = 64
# The operating points' K, besides the one asked for; 5 is the paper's.
_INTERVALS = (1, 3, 5, 10)


@dataclass(slots=True)
class KeyFrame:
    """
    What is kept of a key frame: its features, and the size of the image they come from.

    ``high``: F_h^k float [1, C, h, w]. ``reduced``: F^kl float [1, C', h, w]; of it the attention
    takes the ``extremes`` float [1, C', E] and the ``mean`` float [1, C', 1], which are found
    when a frame asks for them: the key frame itself has taken long enough.
    """

    size: tuple[int, int]
    high: NDArray
    reduced: NDArray
    extremes: NDArray | None = None
    mean: NDArray | None = None

    def take(self, high: NDArray, reduced: NDArray) -> None:
        """Copy features [C, h, w]: the engine overwrites them with the next key frame's."""
        np.copyto(self.high[0], high)
        np.copyto(self.reduced[0], reduced)
        self.extremes = self.mean = None

    def features(self) -> dict[str, NDArray]:
        """Return what the network needs for another frame, by the names of its inputs."""
        if self.extremes is None:
            vectors = self.reduced[0].reshape(self.reduced.shape[1], -1)
            self.extremes = extremes(vectors, THA.EXTREMES)[None]
            self.mean = vectors.mean(1, keepdims=True)[None]
        assert self.mean is not None
        return {'high': self.high, 'extremes': self.extremes, 'mean': self.mean}


@dataclass(slots=True)
class LERNetTHAState(NetworkState):
    """
    ``key``: the last key frame; ``steps``: frames since then.

    ``early``: by how many frames the first interval is shorter. All are predict's.
    """

    early: int = 0
    key: KeyFrame | None = None
    steps: int = 0


def _interval(knobs: Mapping[str, Any]) -> int:
    interval = int(knobs.get('key_interval', 5))
    if interval < 1:
        raise MethodError(f'key_interval: {interval} is not at least 1')
    return interval


def _staggers(knobs: Mapping[str, Any]) -> bool:
    return bool(knobs.get('stagger', False))


class LERNetTHAMethod(NetworkMethod):
    """
    LERNet + THA; the knob is ``key_interval``, the paper's K: one frame in K is a key frame.

    The operating points are that K and greater ones, 'K=5' for example. ``stagger``: whether the
    first intervals of cameras differ, so that their key frames do not coincide.
    """

    name: ClassVar[str] = 'lernet_tha'
    KNOBS: ClassVar[tuple[str, ...]] = ('key_interval', 'stagger')
    DEFAULT_CHECKPOINT: ClassVar[str] = 'lernet_tha_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'lernet_tha/base'
    DEFAULT_LABEL_SPACE: ClassVar[str] = 'camvid'

    def __init__(self, options: MethodOptions) -> None:
        _interval(options.extra)
        completed = replace(
            options, extra={'label_space': self.DEFAULT_LABEL_SPACE, **options.extra}
        )
        loaded = load_module(completed, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        network, metadata = loaded.network, loaded.metadata
        if not isinstance(network, LERNetTHA):
            raise MethodError(
                f'method lernet_tha needs a network lernet_tha/...; {loaded.checkpoint} holds '
                f'{metadata.network} (method per_frame runs any network)'
            )
        parts = DeployedKeyFrame, DeployedPropagation
        engines = [
            loaded.on_engine(part(network, metadata.mean, metadata.std).eval(), completed)
            for part in parts
        ]
        super().__init__(options, loaded, engines, MINIMUM_SIDE)
        self._stagger = Stagger(on=_staggers(options.extra))

    def _points_for(self, knobs: Mapping[str, Any]) -> tuple[str, ...]:
        asked = _interval(knobs)
        return tuple(f'K={k}' for k in (asked, *(k for k in _INTERVALS if k > asked)))

    def _take_knobs(self, knobs: Mapping[str, Any]) -> None:
        _interval(knobs)  # it is the first of the operating points
        self._stagger.on = _staggers(knobs)

    def new_state(self, camera: str) -> LERNetTHAState:
        """Return the state of a stream's start: the first frame will be a key frame."""
        interval = self._interval_of(self.operating_point)
        return LERNetTHAState(camera, early=self._stagger.early(camera, interval))

    @staticmethod
    def _interval_of(operating_point: str) -> int:
        return int(operating_point.removeprefix('K='))

    def _kind(self, observation: NetworkObservation, state: StreamState) -> Hashable:
        """Return whether the frame is a key frame."""
        assert isinstance(state, LERNetTHAState)
        image = observation.inputs['image']
        key, size = state.key, (image.shape[1], image.shape[2])
        interval = self._interval_of(observation.operating_point)
        return key is None or key.size != size or state.steps + 1 + state.early >= interval

    def _segment(
        self, observations: list[NetworkObservation], states: list[Any]
    ) -> list[Segmentation]:
        if self._kind(observations[0], states[0]):
            return self._key_frames(observations, states)
        begun = time.perf_counter()
        for observation, state in zip(observations, states, strict=True):
            observation.inputs.update(state.key.features())
            state.steps += 1
        outputs, _ = self._run(self._engines[1], observations)
        took = (time.perf_counter() - begun) * 1e3
        return [
            self._finish(
                outputs, index, observation, state, took_ms=took, kind='propagated',
                stage='propagation', age=state.steps, since_key_frame=state.steps,
            )
            for index, (observation, state) in enumerate(zip(observations, states, strict=True))
        ]  # fmt: skip

    def _key_frames(
        self, observations: list[NetworkObservation], states: list[LERNetTHAState]
    ) -> list[Segmentation]:
        outputs, took = self._run(self._engines[0], observations, also=('high', 'reduced'))
        found = []
        for index, (observation, state) in enumerate(zip(observations, states, strict=True)):
            if state.key is not None:
                state.early = 0  # it was the first interval that is shorter
            if self._interval_of(observation.operating_point) > 1:
                image = observation.inputs['image']
                self._keep(state, (image.shape[1], image.shape[2]), outputs, index)
            else:
                # Nobody asks for the features; should the interval grow, not for older ones.
                state.key = None
            state.steps = 0
            found.append(
                self._finish(
                    outputs, index, observation, state, took_ms=took,
                    kind='key frame', stage='key_frame', since_key_frame=0,
                )
            )  # fmt: skip
        return found

    @staticmethod
    def _keep(
        state: LERNetTHAState, size: tuple[int, int], outputs: Mapping[str, NDArray], index: int
    ) -> None:
        """Keep the features of the ``index``-th of the key frames."""
        high, reduced = outputs['high'], outputs['reduced']
        if state.key is None or state.key.size != size:
            state.key = KeyFrame(size, np.empty_like(high[:1]), np.empty_like(reduced[:1]))
        state.key.take(high[index], reduced[index])

    def _described(self) -> dict[str, str]:
        return {'key_interval': str(self._interval_of(self.operating_point))}
