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
Fast-SCNN: a shallow branch at 1/8 and a deep one at 1/32 that share their first layers.

Source: Poudel et al., "Fast-SCNN: Fast Semantic Segmentation Network", 2019, Table 1 for the
layers and section 3.2 for the modules, whose names the classes bear.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.auxiliary import Auxiliary
from vidseg_ros.networks.blocks import ConvBNReLU, adaptive_average_pool
from vidseg_ros.networks.spec import NetworkSpec, Reference


class DSConv(nn.Sequential):
    """Depthwise then pointwise convolution, without a nonlinearity between them."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False),
            nn.BatchNorm2d(in_channels),
            ConvBNReLU(in_channels, out_channels, 1),
        )


class Bottleneck(nn.Module):
    """Inverted residual of MobileNetV2 (Table 2): expand by t, depthwise 3x3, project."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, t: int = 6) -> None:
        super().__init__()
        width = in_channels * t
        self.residual = stride == 1 and in_channels == out_channels
        self.layers = nn.Sequential(
            ConvBNReLU(in_channels, width, 1),
            ConvBNReLU(width, width, 3, stride, groups=width),
            nn.Conv2d(width, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_channels, ceil(H / stride), ceil(W / stride)]."""
        y = self.layers(x)
        return x + y if self.residual else y


class PyramidPooling(nn.Module):
    """Pyramid pooling of PSPNet: [N, C, H, W] -> [N, out_channels, H, W]."""

    BINS = (1, 2, 3, 6)

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width = in_channels // len(self.BINS)
        self.branches = nn.ModuleList(ConvBNReLU(in_channels, width, 1) for _ in self.BINS)
        self.project = ConvBNReLU(in_channels + width * len(self.BINS), out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Join the features with their averages over ever smaller regions."""
        levels = [x]
        for bins, branch in zip(self.BINS, self.branches, strict=True):
            pooled = branch(adaptive_average_pool(x, bins))
            levels.append(
                F.interpolate(pooled, size=x.shape[-2:], mode='bilinear', align_corners=False)
            )
        return self.project(torch.cat(levels, 1))


class LearningToDownsample(nn.Sequential):
    """The layers that both branches share (section 3.2.1): the image to 64 channels at 1/8."""

    def __init__(self) -> None:
        super().__init__(ConvBNReLU(3, 32, 3, 2), DSConv(32, 48, 2), DSConv(48, 64, 2))


class GlobalFeatureExtractor(nn.Sequential):
    """The deep branch (section 3.2.2): bottlenecks down to 1/32, then pyramid pooling."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        channels = 64
        for width, stride in ((64, 2), (96, 2), (128, 1)):
            for index in range(3):
                layers.append(Bottleneck(channels, width, stride if index == 0 else 1))
                channels = width
        super().__init__(*layers, PyramidPooling(channels, 128))


class FeatureFusion(nn.Module):
    """Add the branches at the shallow one's size (section 3.2.3, Table 3)."""

    DILATION = 4

    def __init__(self) -> None:
        super().__init__()
        self.higher = nn.Sequential(nn.Conv2d(64, 128, 1), nn.BatchNorm2d(128))
        self.lower = nn.Sequential(
            ConvBNReLU(128, 128, 3, dilation=self.DILATION, groups=128),
            nn.Conv2d(128, 128, 1),
            nn.BatchNorm2d(128),
        )

    def forward(self, higher: Tensor, lower: Tensor) -> Tensor:
        """Return [N, 128, h, w] at the size of ``higher``."""
        lower = F.interpolate(
            lower, size=higher.shape[-2:], mode='bilinear', align_corners=False
        )
        return F.relu(self.higher(higher) + self.lower(lower))


class FastSCNN(nn.Module):
    """
    Fast-SCNN up to its classifier.

    ``forward`` takes [N, 3, H, W] and returns logits [N, num_classes, ceil(H / 8), ceil(W / 8)].
    """

    AUXILIARY_CHANNELS = 32
    AUXILIARY_WEIGHT = 0.4

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.learning_to_downsample = LearningToDownsample()
        self.global_feature_extractor = GlobalFeatureExtractor()
        self.feature_fusion = FeatureFusion()
        self.classifier = nn.Sequential(
            DSConv(128, 128), DSConv(128, 128), nn.Dropout(0.1), nn.Conv2d(128, num_classes, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Segment."""
        shallow = self.learning_to_downsample(image)
        deep = self.global_feature_extractor(shallow)
        return self.classifier(self.feature_fusion(shallow, deep))

    def auxiliaries(self) -> list[Auxiliary]:
        """Return heads on what both branches start from, and on the deep one (section 4)."""
        return [
            Auxiliary(
                at,
                nn.Sequential(
                    ConvBNReLU(channels, self.AUXILIARY_CHANNELS, 3),
                    nn.Dropout(0.1),
                    nn.Conv2d(self.AUXILIARY_CHANNELS, self.num_classes, 1),
                ),
                self.AUXILIARY_WEIGHT,
            )
            for at, channels in (
                ('learning_to_downsample', 64), ('global_feature_extractor', 128)
            )
        ]  # fmt: skip


def specs() -> list[NetworkSpec]:
    """Return Fast-SCNN as the FASSVid paper compares with it."""
    reference = Reference(1.14, 7.0, 'FASSVid, Table 5')
    return [NetworkSpec('fast_scnn', 'full', FastSCNN, (1024, 2048), 19, reference)]
