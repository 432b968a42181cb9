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
PSPNet: the pyramid scene parsing network.

Source: Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, with ResNet-101; without multiple
scales and sliding windows, as in DVSNet section 4.1. The auxiliary head is for training only.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.auxiliary import Auxiliary
from vidseg_ros.networks.blocks import ConvBNReLU, adaptive_average_pool
from vidseg_ros.networks.resnet import EXPANSION, RESNET101, WIDTHS, DilatedResNet
from vidseg_ros.networks.spec import NetworkSpec


class PyramidPooling(nn.Module):
    """
    The pyramid pooling module (Fig. 3): averages over 1, 2, 3 and 6 bins a side.

    [N, K, H, W] -> [N, 2 K, H, W]: each average goes through a 1x1 convolution to K / 4
    channels, is resized back and joins the input.
    """

    BINS = (1, 2, 3, 6)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(
            ConvBNReLU(channels, channels // len(self.BINS), 1) for _ in self.BINS
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the input with its averages."""
        levels = [x]
        for bins, reduce in zip(self.BINS, self.reduce, strict=True):
            level = reduce(adaptive_average_pool(x, bins))
            levels.append(
                F.interpolate(level, size=x.shape[-2:], mode='bilinear', align_corners=False)
            )
        return torch.cat(levels, 1)


class PSPNet(nn.Module):
    """ResNet-101 at 1/8 with pyramid pooling; [N, 3, H, W] -> [N, num_classes, H/8, W/8]."""

    CHANNELS = 512
    AUXILIARY_CHANNELS = 256
    AUXILIARY_WEIGHT = 0.4

    def __init__(self, num_classes: int = 19, layers: Sequence[int] = RESNET101) -> None:
        super().__init__()
        self.backbone = DilatedResNet(
            layers, (1, 2, 1, 1), ((1,), (1,), (2,), (4,)), deep_stem=True
        )
        channels = self.backbone.out_channels
        self.pyramid = PyramidPooling(channels)
        self.head = ConvBNReLU(2 * channels, self.CHANNELS, 3)
        self.dropout = nn.Dropout2d(0.1)
        self.classifier = nn.Conv2d(self.CHANNELS, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.pyramid(self.backbone(x))
        return self.classifier(self.dropout(self.head(x)))

    def auxiliaries(self) -> list[Auxiliary]:
        """Return the head after the fourth stage, res4b22 (section 3.3, Fig. 4)."""
        head = nn.Sequential(
            ConvBNReLU(WIDTHS[2] * EXPANSION, self.AUXILIARY_CHANNELS, 3),
            nn.Dropout2d(0.1),
            nn.Conv2d(self.AUXILIARY_CHANNELS, self.classifier.out_channels, 1),
        )
        return [Auxiliary('backbone.stages.2', head, self.AUXILIARY_WEIGHT)]


def specs() -> list[NetworkSpec]:
    """Return PSPNet; DVSNet prints no counts of it."""
    return [NetworkSpec('pspnet', 'resnet101', PSPNet, (1024, 2048), 19)]
