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

from collections.abc import Sequence
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

    The input is averaged over a grid of 4x8 first, so that regions of every size will do, and
    multiplied by ``scales``, one for each channel, where its channels are of different size. The
    score is a plain regression, trained by its squared error; ``clamp`` it to compare it. Scores
    vary little about ``USUAL_SCORE``, so that is what it starts from.
    """

    GRID = (4, 8)
    CHANNELS = 96
    HIDDEN = 1024
    USUAL_SCORE = 0.9

    def __init__(self, in_channels: int, scales: Sequence[float] | None = None) -> None:
        super().__init__()
        values = torch.tensor(scales or [1.0] * in_channels).view(-1, 1, 1)
        self.register_buffer('scales', values, persistent=False)
        self.scales: Tensor
        self.in_channels = in_channels
        self.conv = nn.Conv2d(in_channels, self.CHANNELS, 3, padding=1)
        cells = self.GRID[0] * self.GRID[1]
        self.fc1 = nn.Linear(self.CHANNELS * cells, self.HIDDEN)
        self.fc2 = nn.Linear(self.HIDDEN, self.HIDDEN)
        self.fc3 = nn.Linear(self.HIDDEN, 1)
        self.activation = nn.LeakyReLU(0.1)
        self.dropout = nn.Dropout(0.5)
        with torch.no_grad():
            self.fc3.weight.mul_(0.1)
            self.fc3.bias.fill_(self.USUAL_SCORE)

    def forward(self, features: Tensor) -> Tensor:
        """Return the expected confidence score."""
        x = adaptive_average_pool(features, self.GRID) * self.scales
        x = self.activation(self.conv(x)).flatten(1)
        x = self.dropout(self.activation(self.fc1(x)))
        x = self.dropout(self.activation(self.fc2(x)))
        return self.fc3(x).squeeze(1)


def _example(network: nn.Module, size: tuple[int, int]) -> list[Tensor | None]:
    assert isinstance(network, DecisionNetwork)
    return [torch.empty(1, network.in_channels, *size)]


def _build(variant: str, num_classes: int) -> DecisionNetwork:
    # Colours lie within 0 and 1, flow is in pixels.
    scales = (1.0, 1.0, 1.0, 1 / 16, 1 / 16) if variant == 'flow' else None
    return DecisionNetwork(INPUTS[variant], scales)


def specs() -> list[NetworkSpec]:
    """Return a decision network for each of the inputs of Table 2 and both flow networks."""
    sizes = {'conv6': (5, 9), 'conv5': (9, 17), 'conv4': (18, 34), 'flow': (72, 136)}
    return [
        NetworkSpec(
            'decision', variant, partial(_build, variant), sizes[variant.split('_')[-1]], 19,
            None, _example, purpose=Purpose.DECISION,
        )
        for variant in INPUTS
    ]  # fmt: skip
