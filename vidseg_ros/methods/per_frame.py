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

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2

from vidseg_ros.methods.base import (
    Frame,
    Image,
    Observation,
    Segmentation,
    StreamState,
    VideoSegmenter,
)
from vidseg_ros.methods.finishing import segmentation_of
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_network
from vidseg_ros.methods.upsampling import LabelUpsampler


def network_input(image: Image, input_size: tuple[int, int]) -> Image:
    """Return the image at the network's input size, uint8 [h, w, 3]; itself if it fits."""
    if input_size in ((0, 0), image.shape[:2]):
        return image
    shape = input_size[1], input_size[0]
    smaller = input_size[0] < image.shape[0]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(image, shape, interpolation=method)  # type: ignore[return-value]


@dataclass(slots=True)
class NetworkObservation(Observation):
    """The frame at the network's input size."""

    network_input: Image | None = None


class PerFrame(VideoSegmenter):
    """Segment each frame by itself."""

    name: ClassVar[str] = 'per_frame'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'fassvid_base_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'fassvid/base_hires'

    def __init__(self, options: MethodOptions) -> None:
        self._runnable = load_network(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        needed = list(self._runnable.deployed.input_names)
        if needed != ['image']:
            raise MethodError(
                f'method per_frame gives a network nothing but the image; '
                f'{self._runnable.metadata.network} needs {", ".join(needed)}'
            )
        self._input_size = options.input_size
        self._upsampler = LabelUpsampler()
        self.label_space = self._runnable.label_space

    def prepare(self, size: tuple[int, int]) -> None:
        """Build what frames of ``size`` (height, width) need before the first comes."""
        chosen = size if self._input_size == (0, 0) else self._input_size
        self._runnable.engine.prepare(chosen)

    def new_state(self, camera: str) -> StreamState:
        """Return a state that remembers nothing."""
        return StreamState(camera)

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Resize the frame."""
        return NetworkObservation(
            frame, network_input=network_input(frame.image, self._input_size)
        )

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Run the network on each frame."""
        return [self._segment(observation) for observation in observations]

    def _segment(self, observation: Observation) -> Segmentation:
        assert isinstance(observation, NetworkObservation)
        assert observation.network_input is not None
        begun = time.perf_counter()
        outputs = self._runnable.engine.run({'image': observation.network_input[None]})
        return segmentation_of(
            outputs['logits'][0], observation, self._upsampler, begun=begun,
            provenance={'kind': 'segmented'},
        )  # fmt: skip

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            'network': self._runnable.metadata.network,
            'checkpoint': self._runnable.checkpoint,
            **self._runnable.engine.describe(),
        }

    def close(self) -> None:
        """Release the engine."""
        self._runnable.engine.close()
