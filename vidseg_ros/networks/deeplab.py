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
DeepLab-v2 and the DeepLab-Fast that DVSNet makes of it.

Sources: Chen et al., "DeepLab", TPAMI 2017, with ResNet-101 (without CRF and multiple scales, as
in DVSNet section 4.1); Xu et al., "Dynamic Video Segmentation Network", CVPR 2018, whose paper
calls DeepLab-Fast "a modified version of DeepLab-v2": what is modified is in the authors' code.
docs/methods/dvsnet.md says what was taken from where.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vidseg_ros.networks.resnet import RESNET101, DilatedResNet, conv_bn
from vidseg_ros.networks.spec import NetworkSpec


class DeepLabV2(nn.Module):
    """
    ResNet-101 at 1/8 and ASPP-L: four dilated classifiers, summed.

    [N, 3, H, W] -> logits [N, num_classes, H/8, W/8].
    """

    RATES = (6, 12, 18, 24)

    def __init__(self, num_classes: int = 19, layers: Sequence[int] = RESNET101) -> None:
        super().__init__()
        self.backbone = DilatedResNet(layers, (1, 2, 1, 1), ((1,), (1,), (2,), (4,)))
        self.classifiers = nn.ModuleList(
            nn.Conv2d(self.backbone.out_channels, num_classes, 3, padding=rate, dilation=rate)
            for rate in self.RATES
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.backbone(x)
        return torch.stack([classifier(x) for classifier in self.classifiers]).sum(0)


class DeepLabFast(nn.Module):
    """
    DeepLab-v2 at 1/16, with a grid of dilations and a narrow ASPP.

    [N, 3, H, W] -> logits [N, num_classes, H/16, W/16]. The fourth stage dilates by 4, 2, 2 in
    turn, the fifth by 4, 8, 16; four branches of 256 channels are summed.
    """

    RATES = (6, 12, 18)
    CHANNELS = 256

    def __init__(self, num_classes: int = 19, layers: Sequence[int] = RESNET101) -> None:
        super().__init__()
        fourth = [1] + [4 if i % 3 == 1 else 2 for i in range(1, layers[2])]
        fifth = (4, 8, 16)[-layers[3] :]
        self.backbone = DilatedResNet(layers, (1, 2, 2, 1), ((1,), (1,), fourth, fifth))
        channels = self.backbone.out_channels
        self.branches = nn.ModuleList(
            nn.Sequential(*conv_bn(channels, self.CHANNELS, 3, dilation=rate))
            for rate in self.RATES
        )
        self.branches.append(nn.Sequential(*conv_bn(channels, self.CHANNELS, 1)))
        self.project = nn.Sequential(*conv_bn(self.CHANNELS, self.CHANNELS, 1))
        self.classifier = nn.Conv2d(self.CHANNELS, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.backbone(x)
        x = torch.stack([branch(x) for branch in self.branches]).sum(0)
        return self.classifier(self.project(x))


def specs() -> list[NetworkSpec]:
    """Return DeepLab-v2 and DeepLab-Fast; DVSNet prints no counts of theirs."""
    return [
        NetworkSpec('deeplab', 'v2', DeepLabV2, (1024, 2048), 19),
        NetworkSpec('deeplab', 'fast', DeepLabFast, (1024, 2048), 19),
    ]
