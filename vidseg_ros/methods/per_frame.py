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
"""The baseline: any network on every frame, no memory."""

from __future__ import annotations

from typing import Any, ClassVar

from vidseg_ros.methods.base import Segmentation
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_network
from vidseg_ros.methods.network_method import NetworkMethod, NetworkObservation, NetworkState


class PerFrame(NetworkMethod):
    """Segment each frame by itself."""

    name: ClassVar[str] = 'per_frame'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'lernet_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'lernet/base'

    def __init__(self, options: MethodOptions) -> None:
        runnable = load_network(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        needed = list(runnable.deployed.input_names)
        if needed != ['image']:
            raise MethodError(
                f'method per_frame gives a network nothing but the image; '
                f'{runnable.metadata.network} needs {", ".join(needed)}'
            )
        super().__init__(options, runnable, [runnable.engine])

    def new_state(self, camera: str) -> NetworkState:
        """Return a state that remembers nothing."""
        return NetworkState(camera)

    def _segment(
        self, observations: list[NetworkObservation], states: list[Any]
    ) -> list[Segmentation]:
        outputs, took = self._run(self._engines[0], observations)
        return [
            self._finish(outputs, index, observation, state, took_ms=took, kind='segmented')
            for index, (observation, state) in enumerate(zip(observations, states, strict=True))
        ]
