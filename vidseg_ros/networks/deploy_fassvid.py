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
"""FASSVid in the form that engines run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vidseg_ros.networks.deploy import DeployedNetwork
from vidseg_ros.networks.fassvid import FASSVid


class DeployedFASSVid(DeployedNetwork):
    """
    FASSVid with the past it needs.

    ``image`` uint8 [N, H, W, 3]; with FDChangeNet ``quarter`` and ``earlier``
    uint8 [N, H // 4, W // 4, 3]; with TAM ``previous`` float [N, C, h, w] (the last ``logits``).
    """

    network: FASSVid

    def __init__(
        self,
        network: FASSVid,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__(network, mean, std)
        names = ['image']
        if network.uses_change:
            names += ['quarter', 'earlier']
        if network.uses_previous:
            names.append('previous')
        self.input_names = tuple(names)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run the network; the inputs are in the order of ``input_names``."""
        given = dict(zip(self.input_names, inputs, strict=True))
        image = self.normalise(given['image'])
        quarter = earlier = None
        if 'quarter' in given:
            quarter = self.normalise(given['quarter'])
            earlier = self.normalise(given['earlier'])
        return self.network(image, quarter, earlier, given.get('previous'))

    def logits_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (h, w) of the logits for images of ``size`` (height, width)."""
        stride = self.network.output_stride
        return -(-size[0] // stride), -(-size[1] // stride)

    def example_inputs(self, size: tuple[int, int]) -> dict[str, NDArray]:
        """Return inputs of the right shapes and types for images of ``size`` (height, width)."""
        quarter = np.zeros((1, size[0] // 4, size[1] // 4, 3), np.uint8)
        classes = self.network.config.num_classes
        every: dict[str, NDArray] = {
            'image': np.zeros((1, *size, 3), np.uint8),
            'quarter': quarter,
            'earlier': quarter,
            'previous': np.zeros((1, classes, *self.logits_size(size)), np.float32),
        }
        return {name: every[name] for name in self.input_names}
