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
Networks in the form that engines run: from uint8 images to logits, normalisation included.

An engine is given named inputs and gives named outputs, so that it needs to know nothing of the
network. Images go in as they lie in memory, uint8 [N, H, W, 3] RGB: their conversion and
normalisation are part of the graph. What is here of a network computes what the network itself
does, within rounding, in whatever order is cheapest (streamlining.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from vidseg_ros.networks.normalisation import PixelNormalisation
from vidseg_ros.networks.streamlining import streamlined


class DeployedNetwork(nn.Module):
    """A per-frame network: ``image`` uint8 [N, H, W, 3] -> ``logits`` float [N, C, h, w]."""

    input_names: Sequence[str] = ('image',)
    output_names: Sequence[str] = ('logits',)

    def __init__(
        self,
        network: nn.Module,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__()
        self.network = streamlined(network)
        self.normalisation = PixelNormalisation(mean, std)

    def normalise(self, image: Tensor) -> Tensor:
        """Turn uint8 [N, H, W, 3] into float [N, 3, H, W]; channels last in memory, as it came."""
        return self.normalisation(image)

    def forward(self, image: Tensor) -> Tensor:
        """Run the network."""
        return self.network(self.normalise(image))

    def example_inputs(self, size: tuple[int, int]) -> dict[str, NDArray]:
        """Return inputs of the right shapes and types for images of ``size`` (height, width)."""
        return {'image': np.zeros((1, *size, 3), np.uint8)}


def deploy(
    network: nn.Module, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> DeployedNetwork:
    """Wrap a network for engines, in eval mode."""
    # Here because what wraps these networks builds on this module.
    from vidseg_ros.networks.deploy_fassvid import DeployedFASSVid
    from vidseg_ros.networks.deploy_temporal_unet import DeployedTemporalUNet
    from vidseg_ros.networks.fassvid import FASSVid
    from vidseg_ros.networks.temporal_unet import TemporalUNet

    kinds: dict[type[nn.Module], type[DeployedNetwork]] = {
        FASSVid: DeployedFASSVid,
        TemporalUNet: DeployedTemporalUNet,
    }
    return kinds.get(type(network), DeployedNetwork)(network, mean, std).eval()
