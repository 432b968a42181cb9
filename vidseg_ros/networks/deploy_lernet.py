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
"""LERNetTHA in the form that engines run: one part for key frames, one for the frames between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vidseg_ros.networks.deploy import DeployedNetwork
from vidseg_ros.networks.lernet import LERNetTHA


class DeployedKeyFrame(DeployedNetwork):
    """
    The whole of LERNet.

    ``image`` uint8 [N, H, W, 3] -> ``logits`` [N, classes, h, w], and what the frames after it
    need: the deep features ``high`` [N, C, h, w] and the compressed low-level features ``reduced``
    [N, C', h, w].
    """

    network: LERNetTHA
    output_names = ('logits', 'high', 'reduced')

    def forward(  # type: ignore[override]
        self, image: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run the network."""
        return self.network.key_frame(self.normalise(image))


class DeployedPropagation(DeployedNetwork):
    """
    LERNet's shallow half and the attention.

    ``image`` uint8 [N, H, W, 3], ``high`` of its key frame, and of the ``reduced`` of that the
    ``extremes`` [N, C', E] and the ``mean`` [N, C', 1] -> ``logits`` [N, classes, h, w].
    """

    network: LERNetTHA
    input_names = ('image', 'high', 'extremes', 'mean')

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run the network; the inputs are in the order of ``input_names``."""
        image, *key = inputs
        return self.network.propagate_from_extremes(self.normalise(image), *key)

    def example_inputs(self, size: tuple[int, int]) -> dict[str, NDArray]:
        """Return inputs of the right shapes and types for images of ``size`` (height, width)."""
        h, w = (-(-side // self.network.output_stride) for side in size)
        channels = self.network.config.widths[-1]
        reduced = self.network.attention.reduce.out_channels
        return {
            'image': np.zeros((1, *size, 3), np.uint8),
            'high': np.zeros((1, channels, h, w), np.float32),
            'extremes': np.zeros((1, reduced, self.network.attention.EXTREMES), np.float32),
            'mean': np.zeros((1, reduced, 1), np.float32),
        }
