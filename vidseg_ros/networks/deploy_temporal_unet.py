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
"""Recurrent U-Nets in the form that engines run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vidseg_ros.networks.deploy import DeployedNetwork
from vidseg_ros.networks.temporal_unet import TemporalUNet


class DeployedTemporalUNet(DeployedNetwork):
    """
    A recurrent U-Net with its states as inputs and outputs.

    ``image`` uint8 [N, H, W, 3] and, per level, ``hidden_I`` float [N, c, h, w] ->
    ``logits`` float [N, C, H, W] and ``next_hidden_I``, which are the next frame's ``hidden_I``.
    """

    network: TemporalUNet

    def __init__(
        self,
        network: TemporalUNet,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__(network, mean, std)
        self.hidden_names = tuple(f'hidden_{i}' for i in range(len(network.cells)))
        self.input_names = ('image', *self.hidden_names)
        self.output_names = ('logits', *(f'next_{name}' for name in self.hidden_names))

    def forward(self, image: Tensor, *hidden: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """Run the network."""
        return self.network(self.normalise(image), *hidden)

    def initial_hidden(self, size: tuple[int, int]) -> dict[str, NDArray[np.float32]]:
        """Return the states at a stream's start, zeros, for images of ``size`` (h, w)."""
        shapes = self.network.hidden_shapes(size)
        return {
            name: np.zeros((1, *shape), np.float32)
            for name, shape in zip(self.hidden_names, shapes, strict=True)
        }

    def example_inputs(self, size: tuple[int, int]) -> dict[str, NDArray]:
        """Return inputs of the right shapes and types for images of ``size`` (height, width)."""
        return {**super().example_inputs(size), **self.initial_hidden(size)}
