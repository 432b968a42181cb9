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
LEDNet: split-shuffle residual blocks and an attention pyramid as the decoder.

Source: Wang et al., "LEDNet: A Lightweight Encoder-Decoder Network for Real-Time Semantic
Segmentation", ICIP 2019, Table 1 for the layers, Fig. 2 for the blocks, whose names the classes
bear.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.erfnet import EPSILON, Downsampler
from vidseg_ros.networks.spec import NetworkSpec, Reference


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Interleave the channels of ``groups`` equal groups, [N, C, H, W]."""
    return x.unflatten(1, (groups, x.shape[1] // groups)).transpose(1, 2).flatten(1, 2)


class SSnbt(nn.Module):
    """
    Split-shuffle non-bottleneck (section 2.1, Fig. 2d).

    Half of the channels go through 3x1 then 1x3 convolutions, the other half through 1x3 then
    3x1, the second pair of each dilated; the halves are shuffled after the residual sum.
    """

    def __init__(self, channels: int, dropout: float, dilation: int = 1) -> None:
        super().__init__()
        self.width = channels // 2
        self.left = self._branch(((3, 1), (1, 3)), dropout, dilation)
        self.right = self._branch(((1, 3), (3, 1)), dropout, dilation)

    def _branch(
        self, kernels: tuple[tuple[int, int], tuple[int, int]], dropout: float, dilation: int
    ) -> nn.Sequential:
        layers: list[nn.Module] = []
        for d in (1, dilation):
            for kernel in kernels:
                rates = tuple(d if side == 3 else 1 for side in kernel)
                padding = tuple(d if side == 3 else 0 for side in kernel)
                conv = nn.Conv2d(
                    self.width, self.width, kernel, padding=padding, dilation=rates  # type: ignore[arg-type]
                )
                layers += [conv, nn.ReLU(inplace=True)]
            # Between convolution and nonlinearity of each pair's end.
            layers.insert(-1, nn.BatchNorm2d(self.width, EPSILON))
        layers[-1] = nn.Dropout2d(dropout)
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        left, right = x[:, : self.width], x[:, self.width :]
        y = torch.cat([self.left(left), self.right(right)], 1)
        return channel_shuffle(F.relu(x + y), 2)


class APN(nn.Module):
    """
    Attention pyramid network (section 2.2, Fig. 2 right).

    A pyramid of one-channel features from 1/2, 1/4 and 1/8 of the size gates the projected
    features; their global average is added.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.project = self._conv(in_channels, num_classes, 1)
        self.average = self._conv(in_channels, num_classes, 1)
        self.down1 = self._conv(in_channels, 1, 7, 2)
        self.down2 = self._conv(1, 1, 5, 2)
        self.down3 = nn.Sequential(self._conv(1, 1, 3, 2), self._conv(1, 1, 3))
        self.lateral2 = self._conv(1, 1, 5)
        self.lateral1 = self._conv(1, 1, 7)

    @staticmethod
    def _conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2),
            nn.BatchNorm2d(out_channels, EPSILON),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, num_classes, H, W]."""
        level1 = self.down1(x)
        level2 = self.down2(level1)
        attention = self._resize(self.down3(level2), level2) + self.lateral2(level2)
        attention = self._resize(attention, level1) + self.lateral1(level1)
        average = self.average(x.mean((2, 3), keepdim=True))
        return self.project(x) * self._resize(attention, x) + average

    @staticmethod
    def _resize(x: Tensor, like: Tensor) -> Tensor:
        return F.interpolate(x, size=like.shape[-2:], mode='bilinear', align_corners=False)


class LEDNet(nn.Module):
    """
    LEDNet (Table 1) up to its last interpolation.

    ``forward`` takes [N, 3, H, W] and returns logits [N, num_classes, ceil(H / 8), ceil(W / 8)].
    """

    DILATIONS = (1, 2, 5, 9, 2, 5, 9, 17)

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            Downsampler(3, 32),
            *(SSnbt(32, 0.03) for _ in range(3)),
            Downsampler(32, 64),
            *(SSnbt(64, 0.03) for _ in range(2)),
            Downsampler(64, 128),
            *(SSnbt(128, 0.3, d) for d in self.DILATIONS),
        )
        self.decoder = APN(128, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """Segment."""
        return self.decoder(self.encoder(image))


def specs() -> list[NetworkSpec]:
    """Return LEDNet as the FASSVid paper compares with it."""
    reference = Reference(0.93, 46.1, 'FASSVid, Table 5')
    return [NetworkSpec('lednet', 'full', LEDNet, (1024, 2048), 19, reference)]
