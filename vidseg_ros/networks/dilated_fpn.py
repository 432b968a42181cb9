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
Dilated FPN: a small residual network of dense convolutions with context at 1/16 and detail at 1/2.

For training from nothing on few images and a CPU. Dense 3x3 convolutions of multiples of 16
channels use a CPU's matrix units several times as well as depthwise or factorised ones. Its parts:

- encoder: residual blocks of two 3x3 convolutions (He et al., "Deep Residual Learning for Image
  Recognition", CVPR 2016, section 3.3), whose shortcuts average before they halve (He et al., "Bag
  of Tricks for Image Classification", CVPR 2019, section 4.2, ResNet-D);
- context: at 1/16 the second convolution of each block is dilated, by rates without a common
  factor, so that no grid is left out (Wang et al., "Understanding Convolution for Semantic
  Segmentation", WACV 2018, section 3.2), then pyramid pooling (Zhao et al., "Pyramid Scene Parsing
  Network", CVPR 2017, section 3.2);
- decoder: a top-down pathway with lateral connections (Lin et al., "Feature Pyramid Networks for
  Object Detection", CVPR 2017, section 3), down to 1/2 of the image, where a pole still has width;
- logits: those of the context and those of the finest features are added (Long et al., "Fully
  Convolutional Networks for Semantic Segmentation", CVPR 2015, section 4.2), so that the way from
  the loss to the encoder is short, and what the decoder learns is detail;
- start: residual branches begin at zero ("Bag of Tricks", section 3.1), other convolutions as
  He et al., "Delving Deep into Rectifiers", ICCV 2015, section 2.2, have it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.blocks import ConvBNReLU, adaptive_average_pool
from vidseg_ros.networks.spec import NetworkSpec


@dataclass(frozen=True)
class DilatedFPNConfig:
    """
    The sizes of the network.

    ``stem`` are the channels at 1/2 and ``widths`` those at 1/4, 1/8 and 1/16, where there is one
    residual block for each of ``dilations``. The pyramid has ``bins`` x ``bins`` regions of
    ``pooled`` channels each; ``decoder`` are its output's channels and those at 1/8, 1/4 and 1/2.
    """

    num_classes: int = 19
    stem: int = 32
    widths: tuple[int, int, int] = (64, 96, 128)
    dilations: tuple[tuple[int, ...], ...] = ((1, 1), (1, 1, 1), (1, 2, 5, 9, 2, 5))
    bins: tuple[int, ...] = (1, 2, 4, 8)
    pooled: int = 32
    decoder: tuple[int, int, int] = (96, 64, 32)
    dropout: float = 0.1


def _projection(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return a 1x1 convolution with normalisation, to be added to something else."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
    )


def _enlarge(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, size=size, mode='bilinear', align_corners=False)


class ResidualBlock(nn.Module):
    """
    Two 3x3 convolutions, the second dilated, beside a shortcut, which at first is all.

    [N, in, H, W] -> [N, out, ceil(H / stride), ceil(W / stride)], stride 1 or 2.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.first = ConvBNReLU(in_channels, out_channels, 3, stride)
        norm = nn.BatchNorm2d(out_channels)
        nn.init.zeros_(norm.weight)
        self.second = nn.Sequential(
            nn.Conv2d(
                out_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False
            ),
            norm,
        )
        self.shortcut = nn.Sequential()
        if stride == 2:
            # Rounded up, as the convolution rounds; what lies outside doesn't count.
            self.shortcut.append(nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False))
        if stride == 2 or in_channels != out_channels:
            self.shortcut.extend(_projection(in_channels, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the rectified sum."""
        return F.relu(self.shortcut(x) + self.second(self.first(x)))


class PyramidPooling(nn.Module):
    """
    Join features with their averages over coarse grids.

    [N, in, H, W] -> [N, out, H, W]; each average goes through a 1x1 convolution to ``pooled``
    channels, and all of it through another.
    """

    def __init__(
        self, in_channels: int, out_channels: int, bins: tuple[int, ...], pooled: int
    ) -> None:
        super().__init__()
        self.bins = bins
        # Not normalised: a batch has few values of an average over the whole image.
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(in_channels, pooled, 1), nn.ReLU(inplace=True)) for _ in bins
        )
        self.join = ConvBNReLU(in_channels + pooled * len(bins), out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the joined features."""
        parts = [x]
        for bins, level in zip(self.bins, self.levels, strict=True):
            parts.append(_enlarge(level(adaptive_average_pool(x, bins)), x.shape[-2:]))
        return self.join(torch.cat(parts, 1))


class Merge(nn.Module):
    """
    One step of the top-down pathway.

    Features [N, in, h, w] are projected and enlarged to the encoder's [N, skip, H, W], whose
    projection is added; a 3x3 convolution makes [N, out, H, W] of the rectified sum. (It is
    projected before it is enlarged, which is the same and cheaper.)
    """

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int) -> None:
        super().__init__()
        self.top = _projection(in_channels, out_channels)
        self.lateral = _projection(skip_channels, out_channels)
        self.refine = ConvBNReLU(out_channels, out_channels, 3)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return the merged features at the size of ``skip``."""
        return self.refine(F.relu(_enlarge(self.top(x), skip.shape[-2:]) + self.lateral(skip)))


class DilatedFPN(nn.Module):
    """
    Take a normalised image [N, 3, H, W]; return logits [N, num_classes, h, w] at 1/2 of its size.

    Sizes are rounded up.
    """

    def __init__(self, config: DilatedFPNConfig | None = None) -> None:
        super().__init__()
        config = config or DilatedFPNConfig()
        self.config = config
        self.stem = nn.Sequential(
            ConvBNReLU(3, config.stem, 3, 2), ConvBNReLU(config.stem, config.stem, 3)
        )
        channels = config.stem
        skips = []
        self.stages = nn.ModuleList()
        for width, dilations in zip(config.widths, config.dilations, strict=True):
            skips.append(channels)
            blocks = []
            for number, dilation in enumerate(dilations):
                blocks.append(ResidualBlock(channels, width, 1 if number else 2, dilation))
                channels = width
            self.stages.append(nn.Sequential(*blocks))
        self.context = PyramidPooling(channels, config.decoder[0], config.bins, config.pooled)
        self.dropout = nn.Dropout2d(config.dropout)
        channels = config.decoder[0]
        self.merges = nn.ModuleList()
        for width, skip in zip(config.decoder, reversed(skips), strict=True):
            self.merges.append(Merge(channels, skip, width))
            channels = width
        self.coarse = nn.Conv2d(config.decoder[0], config.num_classes, 1)
        self.classifier = nn.Conv2d(channels, config.num_classes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module not in (self.coarse, self.classifier):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    @property
    def output_stride(self) -> int:
        """Return the ratio of the image's size to the logits'."""
        return 2

    def forward(self, image: Tensor) -> Tensor:
        """Segment one image."""
        x = self.stem(image)
        skips = []
        for stage in self.stages:
            skips.append(x)
            x = stage(x)
        x = self.dropout(self.context(x))
        coarse = self.coarse(x)
        for merge, skip in zip(self.merges, reversed(skips), strict=True):
            x = merge(x, skip)
        return self.classifier(x) + _enlarge(coarse, x.shape[-2:])


def specs() -> list[NetworkSpec]:
    """Return the one variant there is; its sizes are for CamVid's 360x480."""
    return [
        NetworkSpec(
            'dilated_fpn',
            'base',
            lambda num_classes: DilatedFPN(DilatedFPNConfig(num_classes)),
            (360, 480),
            11,
        )
    ]
