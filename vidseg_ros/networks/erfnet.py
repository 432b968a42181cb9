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
ERFNet: residual blocks whose 3x3 convolutions are factorised into 3x1 and 1x3.

Source: Romera et al., "ERFNet: Efficient Residual Factorized ConvNet for Real-Time Semantic
Segmentation", IEEE T-ITS 2018, Table I for the layers, Fig. 2c for the block.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.blocks import crop
from vidseg_ros.networks.spec import NetworkSpec, Reference

EPSILON = 1e-3


class Downsampler(nn.Module):
    """Halve the size: a 3x3 convolution of stride 2 beside a max pooling, as in ENet."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels - in_channels, 3, 2, 1)
        # ceil_mode: an odd row or column is rounded up, as the convolution rounds it.
        self.pool = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.norm = nn.BatchNorm2d(out_channels, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_channels, ceil(H / 2), ceil(W / 2)]."""
        return F.relu(self.norm(torch.cat([self.conv(x), self.pool(x)], 1)))


class NonBottleneck1D(nn.Module):
    """The factorised residual block (Fig. 2c): two pairs of 3x1 and 1x3, the second dilated."""

    def __init__(self, channels: int, dropout: float = 0.0, dilation: int = 1) -> None:
        super().__init__()
        d = dilation
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, (3, 1), padding=(1, 0)),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, (1, 3), padding=(0, 1)),
            nn.BatchNorm2d(channels, EPSILON),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, (3, 1), padding=(d, 0), dilation=(d, 1)),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, (1, 3), padding=(0, d), dilation=(1, d)),
            nn.BatchNorm2d(channels, EPSILON),
            nn.Dropout2d(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return F.relu(x + self.layers(x))


class Upsampler(nn.Module):
    """Double the size by a transposed convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(in_channels, out_channels, 3, 2, 1, output_padding=1),
            nn.BatchNorm2d(out_channels, EPSILON),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        """Return [N, out_channels, h, w] at the size of ``like``."""
        return crop(self.layers(x), like)


class ERFNet(nn.Module):
    """
    ERFNet (Table I).

    ``forward`` takes [N, 3, H, W] and returns logits [N, num_classes, H, W].
    """

    DILATIONS = (2, 4, 8, 16)

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.to_half = Downsampler(3, 16)
        self.to_quarter = nn.Sequential(
            Downsampler(16, 64), *(NonBottleneck1D(64, 0.03) for _ in range(5))
        )
        self.to_eighth = nn.Sequential(
            Downsampler(64, 128), *(NonBottleneck1D(128, 0.3, d) for d in self.DILATIONS * 2)
        )
        self.up_quarter = Upsampler(128, 64)
        self.refine_quarter = nn.Sequential(NonBottleneck1D(64), NonBottleneck1D(64))
        self.up_half = Upsampler(64, 16)
        self.refine_half = nn.Sequential(NonBottleneck1D(16), NonBottleneck1D(16))
        self.classifier = nn.ConvTranspose2d(16, num_classes, 2, 2)

    def forward(self, image: Tensor) -> Tensor:
        """Segment."""
        half = self.to_half(image)
        quarter = self.to_quarter(half)
        x = self.refine_quarter(self.up_quarter(self.to_eighth(quarter), quarter))
        x = self.refine_half(self.up_half(x, half))
        return crop(self.classifier(x), image)


def specs() -> list[NetworkSpec]:
    """Return ERFNet as the FASSVid paper compares with it."""
    reference = Reference(2.07, 107.4, 'FASSVid, Table 5')
    return [NetworkSpec('erfnet', 'full', ERFNet, (1024, 2048), 19, reference)]
