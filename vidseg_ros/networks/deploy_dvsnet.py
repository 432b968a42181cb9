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
"""DVSNet's flow and decision networks in the form that engines run."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidseg_ros.networks.decision import DecisionNetwork
from vidseg_ros.networks.deploy import DeployedNetwork
from vidseg_ros.networks.flownet import FlowNetS

# FlowNet takes images on [0, 1] as they are.
MEAN, STD = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


class DeployedFlow(DeployedNetwork):
    """
    The flow network over all regions of a frame, with the decision network if there is one.

    ``current`` and ``key`` uint8 [N, H/2, W/2, 3] for regions of height H and width W ->
    ``flow`` float [N, 2, H/8, W/8] in cells, ``scale`` float [N, C, H/8, W/8] and, with
    ``decision``, ``score`` float [N] within 0 and 1. ``layer`` is the one of the flow network
    that the decision network looks at.
    """

    network: FlowNetS

    def __init__(
        self,
        network: FlowNetS,
        decision: DecisionNetwork | None = None,
        layer: str = 'conv6',
        regions: int = 4,
    ) -> None:
        super().__init__(network, MEAN, STD)
        self.decision = decision
        self.layer = layer
        self.regions = regions
        self.input_names = ('current', 'key')
        self.output_names = ('flow', 'scale') if decision is None else ('flow', 'scale', 'score')

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """Run the networks; the inputs are in the order of ``input_names``."""
        current, key = inputs
        output = self.network(self.normalise(current), self.normalise(key))
        if self.decision is None:
            return output.flow, output.scale
        score = self.decision(getattr(output, self.layer))
        return output.flow, output.scale, score.clamp(0.0, 1.0)

    def example_inputs(self, size: tuple[int, int]) -> dict[str, NDArray]:
        """Return inputs for regions of ``size`` (height, width)."""
        image = np.zeros((self.regions, size[0] // 2, size[1] // 2, 3), np.uint8)
        return {'current': image, 'key': image}


class DeployedFlowDecision(DeployedNetwork):
    """
    The decision network that looks at key frame and flow, over all regions of a frame.

    ``key`` uint8 [N, H/2, W/2, 3] and ``flow`` float [N, H/2, W/2, 2] in pixels of the whole
    size -> ``score`` float [N] within 0 and 1.
    """

    network: DecisionNetwork

    def __init__(self, network: DecisionNetwork, regions: int = 4) -> None:
        super().__init__(network, MEAN, STD)
        self.regions = regions
        self.input_names = ('key', 'flow')
        self.output_names = ('score',)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run the network; the inputs are in the order of ``input_names``."""
        key, flow = inputs
        features = torch.cat([self.normalise(key), flow.permute(0, 3, 1, 2)], 1)
        return self.network(features).clamp(0.0, 1.0)

    def example_inputs(self, size: tuple[int, int]) -> dict[str, NDArray]:
        """Return inputs for regions of ``size`` (height, width)."""
        height, width = size[0] // 2, size[1] // 2
        return {
            'key': np.zeros((self.regions, height, width, 3), np.uint8),
            'flow': np.zeros((self.regions, height, width, 2), np.float32),
        }
