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
ResNet with bottlenecks as a dilated backbone (He et al., CVPR 2016), for DeepLab and PSPNet.

The deeper stages may keep their resolution and dilate their 3x3 convolutions instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

RESNET101 = (3, 4, 23, 3)
WIDTHS = (64, 128, 256, 512)
EXPANSION = 4


def conv_bn(
    in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    """Return a convolution that keeps the size (at stride 1) and its batch normalisation."""
    padding = dilation * (kernel_size // 2)
    return [
        nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, dilation, bias=False
        ),
        nn.BatchNorm2d(out_channels),
    ]


class Bottleneck(nn.Module):
    """
    1x1, dilated 3x3, 1x1, added to the input; [N, in, H, W] -> [N, 4 width, H/s, W/s].

    As in the original (and in DeepLab) the first convolution has the stride.
    """

    def __init__(self, in_channels: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        out_channels = width * EXPANSION
        self.residual = nn.Sequential(
            *conv_bn(in_channels, width, 1, stride),
            nn.ReLU(inplace=True),
            *conv_bn(width, width, 3, dilation=dilation),
            nn.ReLU(inplace=True),
            *conv_bn(width, out_channels, 1),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(*conv_bn(in_channels, out_channels, 1, stride))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        return self.relu(self.residual(x) + self.shortcut(x))


class DilatedResNet(nn.Module):
    """
    [N, 3, H, W] -> [N, 2048, h, w].

    ``layers`` are the blocks of the four stages and ``strides`` those of their first blocks (the
    stem divides by 4 before them).
    ``dilations`` gives each stage's dilation by block: the sequence is as long as the stage, or
    one number long for all of its blocks. ``deep_stem`` has three 3x3 convolutions for the 7x7.
    """

    def __init__(
        self,
        layers: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[Sequence[int]],
        deep_stem: bool = False,
    ) -> None:
        super().__init__()
        if deep_stem:
            channels = 128
            stem = [
                *conv_bn(3, 64, 3, 2),
                nn.ReLU(inplace=True),
                *conv_bn(64, 64, 3),
                nn.ReLU(inplace=True),
                *conv_bn(64, channels, 3),
            ]
        else:
            channels = 64
            stem = conv_bn(3, channels, 7, 2)
        self.stem = nn.Sequential(*stem, nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
        self.stages = nn.Sequential()
        for number, width, stride, dilated in zip(
            layers, WIDTHS, strides, dilations, strict=True
        ):
            rates = list(dilated) if len(dilated) == number else list(dilated) * number
            blocks = []
            for index, rate in enumerate(rates):
                blocks.append(Bottleneck(channels, width, stride if index == 0 else 1, rate))
                channels = width * EXPANSION
            self.stages.append(nn.Sequential(*blocks))
        self.out_channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the deepest features."""
        return self.stages(self.stem(x))
