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
DVSNet's decision network (Xu et al., CVPR 2018, section 3.4, Fig. 6 and 7).

It regresses the expected confidence score of warping a frame region, a number in [0, 1], from
features of the flow network; in the variant ``flow`` from the key frame and the flow (Table 2).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from vidseg_ros.networks.blocks import adaptive_average_pool
from vidseg_ros.networks.spec import NetworkSpec, Purpose

# Channels of what the network looks at, by variant: (flow network, layer).
INPUTS = {
    's_conv6': 384,
    's_conv5': 192,
    's_conv4': 192,
    'S_conv6': 1024,
    'S_conv5': 512,
    'S_conv4': 512,
    'flow': 5,
}


class DecisionNetwork(nn.Module):
    """
    One convolution and three fully connected layers: [N, in, h, w] -> score [N].

    The input is averaged over a grid of 4x8 first, so that regions of every size will do. The
    score is a plain regression, trained by its squared error; ``clamp`` it to compare it.
    """

    GRID = (4, 8)
    CHANNELS = 96
    HIDDEN = 1024

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.conv = nn.Conv2d(in_channels, self.CHANNELS, 3, padding=1)
        cells = self.GRID[0] * self.GRID[1]
        self.fc1 = nn.Linear(self.CHANNELS * cells, self.HIDDEN)
        self.fc2 = nn.Linear(self.HIDDEN, self.HIDDEN)
        self.fc3 = nn.Linear(self.HIDDEN, 1)
        self.activation = nn.LeakyReLU(0.1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, features: Tensor) -> Tensor:
        """Return the expected confidence score."""
        x = adaptive_average_pool(features, self.GRID)
        x = self.activation(self.conv(x)).flatten(1)
        x = self.dropout(self.activation(self.fc1(x)))
        x = self.dropout(self.activation(self.fc2(x)))
        return self.fc3(x).squeeze(1)


def _example(network: nn.Module, size: tuple[int, int]) -> list[Tensor | None]:
    assert isinstance(network, DecisionNetwork)
    return [torch.empty(1, network.in_channels, *size)]


def _build(in_channels: int, num_classes: int) -> DecisionNetwork:
    return DecisionNetwork(in_channels)


def specs() -> list[NetworkSpec]:
    """Return a decision network for each of the inputs of Table 2 and both flow networks."""
    sizes = {'conv6': (5, 9), 'conv5': (9, 17), 'conv4': (18, 34), 'flow': (72, 136)}
    return [
        NetworkSpec(
            'decision', variant, partial(_build, channels), sizes[variant.split('_')[-1]], 19,
            None, _example, purpose=Purpose.DECISION,
        )
        for variant, channels in INPUTS.items()
    ]  # fmt: skip
