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
ICNet: a cascade of three branches, the deeper the smaller.

Source: Zhao et al., "ICNet for Real-Time Semantic Segmentation on High-Resolution Images", ECCV
2018, with the layers of its authors' published prototxt; it is the segmentation network of EVS
(Paul et al., section 3.2). The network is written as the two halves that EVS needs one by one:
``LowLevelFeatures``, which its Refiner takes over from past frames, and ``HighLevelFeatures``,
which the Refiner computes anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.auxiliary import Auxiliary
from vidseg_ros.networks.blocks import ConvBNReLU
from vidseg_ros.networks.spec import NetworkSpec, Reference


@dataclass(frozen=True)
class ICNetConfig:
    """``width`` multiplies all channels: 1 after kernel compression (published), 2 before."""

    num_classes: int = 19
    width: int = 1


def bin_averages(x: Tensor, bins: int) -> Tensor:
    """
    Average [N, C, H, W] over a grid of ``bins`` x ``bins``, as adaptive average pooling does.

    Two products with small matrices made from the size: unlike the pooling operator this can
    be exported to ONNX for every size.
    """
    rows = _bin_weights(x, x.shape[2], bins)
    columns = _bin_weights(x, x.shape[3], bins)
    return torch.matmul(torch.matmul(rows, x), columns.t())


def _bin_weights(x: Tensor, length: int, bins: int) -> Tensor:
    """Return [bins, length]: bin i averages floor(i L / bins) to ceil((i + 1) L / bins)."""
    edges = torch.arange(bins + 1, device=x.device).unsqueeze(1) * length
    first = torch.div(edges[:-1], bins, rounding_mode='floor')
    last = torch.div(edges[1:] + (bins - 1), bins, rounding_mode='floor')
    index = torch.arange(length, device=x.device).unsqueeze(0)
    within = ((index >= first) & (index < last)).to(x.dtype)
    return within / within.sum(1, keepdim=True)


def _conv_bn(
    in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Return convolution and batch normalisation."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(
            in_channels, out_channels, kernel, stride, padding, dilation=dilation, bias=False
        ),
        nn.BatchNorm2d(out_channels),
    )


class Bottleneck(nn.Module):
    """Residual block of ResNet-50 as PSPNet has it: 1x1 (strided), 3x3 (dilated), 1x1."""

    def __init__(
        self, in_channels: int, middle: int, out_channels: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.reduce = ConvBNReLU(in_channels, middle, 1, stride)
        self.middle = ConvBNReLU(middle, middle, 3, dilation=dilation)
        self.increase = _conv_bn(middle, out_channels)
        self.project: nn.Module | None = None
        if in_channels != out_channels or stride != 1:
            self.project = _conv_bn(in_channels, out_channels, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_channels, h, w]."""
        short = x if self.project is None else self.project(x)
        return F.relu(self.increase(self.middle(self.reduce(x))) + short)


def _stage(
    in_channels: int, middle: int, out_channels: int, blocks: int, dilation: int = 1
) -> nn.Sequential:
    inputs = [in_channels, *[out_channels] * (blocks - 1)]
    return nn.Sequential(*(Bottleneck(i, middle, out_channels, dilation=dilation) for i in inputs))


class PyramidPooling(nn.Module):
    """Add averages over 1x1, 2x2, 3x3 and 6x6 bins to the features (no parameters)."""

    BINS = (1, 2, 3, 6)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, C, h, w]."""
        total = x
        for bins in self.BINS:
            pooled = bin_averages(x, bins)
            total = total + F.interpolate(
                pooled, size=x.shape[-2:], mode='bilinear', align_corners=False
            )
        return total


class CascadeFeatureFusion(nn.Module):
    """
    CFF: join a deeper branch with one of twice its size (ICNet, section 3.3).

    The deeper features are upsampled and refined by a dilated 3x3, the finer ones projected by
    a 1x1, and their sum goes through ReLU.
    """

    def __init__(self, deep_channels: int, fine_channels: int, out_channels: int) -> None:
        super().__init__()
        self.refine = _conv_bn(deep_channels, out_channels, 3, dilation=2)
        self.project = _conv_bn(fine_channels, out_channels)

    def forward(self, deep: Tensor, fine: Tensor) -> Tensor:
        """Return [N, out_channels, h, w] at the size of ``fine``."""
        deep = F.interpolate(deep, size=fine.shape[-2:], mode='bilinear', align_corners=False)
        return F.relu(self.refine(deep) + self.project(fine))


class LowLevelFeatures(nn.Module):
    """
    What branches 2 and 4 share: from half of the image to conv3_1 at 1/16.

    [N, 3, H, W] -> [N, 256 width, H/16, W/16]: the features that EVS warps (128x64 of a
    2048x1024 image, section 4.3.2).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvBNReLU(3, 32 * width, 3, 2),
            ConvBNReLU(32 * width, 32 * width, 3),
            ConvBNReLU(32 * width, 64 * width, 3),
            nn.MaxPool2d(3, 2, 1),
        )
        self.conv2 = _stage(64 * width, 32 * width, 128 * width, 3)
        self.conv3_1 = Bottleneck(128 * width, 64 * width, 256 * width, stride=2)
        self.out_channels = 256 * width

    def forward(self, image: Tensor) -> Tensor:
        """Return conv3_1."""
        half = F.interpolate(image, scale_factor=0.5, mode='bilinear', align_corners=False)
        return self.conv3_1(self.conv2(self.stem(half)))


class HighLevelFeatures(nn.Module):
    """
    The rest of ICNet: branch 4 from conv3_2 on, branch 1, both fusions and the classifier.

    Takes the image [N, 3, H, W] and conv3_1 [N, 256 width, H/16, W/16]; returns logits
    [N, num_classes, H/4, W/4].
    """

    def __init__(self, config: ICNetConfig) -> None:
        super().__init__()
        width = config.width
        self.branch1 = nn.Sequential(
            ConvBNReLU(3, 32 * width, 3, 2),
            ConvBNReLU(32 * width, 32 * width, 3, 2),
            ConvBNReLU(32 * width, 64 * width, 3, 2),
        )
        self.conv3 = _stage(256 * width, 64 * width, 256 * width, 3)
        self.conv4 = _stage(256 * width, 128 * width, 512 * width, 6, dilation=2)
        self.conv5 = _stage(512 * width, 256 * width, 1024 * width, 3, dilation=4)
        self.pyramid_pooling = PyramidPooling()
        self.conv5_4 = ConvBNReLU(1024 * width, 256 * width, 1)
        self.cff24 = CascadeFeatureFusion(256 * width, 256 * width, 128 * width)
        self.cff12 = CascadeFeatureFusion(128 * width, 64 * width, 128 * width)
        self.classifier = nn.Conv2d(128 * width, config.num_classes, 1)

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        """Return the logits."""
        small = F.interpolate(features, scale_factor=0.5, mode='bilinear', align_corners=False)
        deep = self.conv5(self.conv4(self.conv3(small)))
        deep = self.conv5_4(self.pyramid_pooling(deep))
        fused = self.cff24(deep, features)
        quarter = self.branch1[:2](image)
        fused = self.cff12(fused, self.branch1[2:](quarter))
        # The published network doubles the size before the classifier.
        fused = F.interpolate(
            fused, size=quarter.shape[-2:], mode='bilinear', align_corners=False
        )
        return self.classifier(fused)


class ICNet(nn.Module):
    """The image cascade network: [N, 3, H, W] -> logits [N, num_classes, H/4, W/4]."""

    # Weights of the losses of the branches at 1/16 and 1/8 of the image beside the last one's.
    GUIDANCE = (0.16, 0.4)

    def __init__(self, config: ICNetConfig | None = None) -> None:
        super().__init__()
        config = config or ICNetConfig()
        self.config = config
        self.low_level = LowLevelFeatures(config.width)
        self.high_level = HighLevelFeatures(config)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits."""
        return self.high_level(image, self.low_level(image))

    def with_features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits and the low-level features that the Refiner takes over."""
        features = self.low_level(image)
        return self.high_level(image, features), features

    def auxiliaries(self) -> list[Auxiliary]:
        """
        Return the heads of cascade label guidance (section 3.4).

        Each classifies a branch's output at twice its size, as it enters the next fusion.
        """
        width, classes = self.config.width, self.config.num_classes
        return [
            Auxiliary(
                at,
                nn.Sequential(
                    nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False),
                    nn.Conv2d(channels * width, classes, 1),
                ),
                weight,
            )
            for at, channels, weight in zip(
                ('high_level.conv5_4', 'high_level.cff24'), (256, 128), self.GUIDANCE, strict=True
            )
        ]


def specs() -> list[NetworkSpec]:
    """Return ICNet as published (kernels compressed to a half) and before that."""
    table = {
        # One table, two networks: the operations are those after compression, the parameters
        # those before it. docs/methods/evs.md has the reckoning.
        'half': (ICNetConfig(), Reference(None, 28.3, 'LERNet, Table 5, ICNet (GFLOPs)')),
        'full': (ICNetConfig(width=2), Reference(26.5, None, 'LERNet, Table 5, ICNet (Params)')),
    }

    def spec(variant: str, config: ICNetConfig, reference: Reference) -> NetworkSpec:
        return NetworkSpec(
            'icnet',
            variant,
            lambda num_classes: ICNet(replace(config, num_classes=num_classes)),
            (1024, 2048),
            config.num_classes,
            reference,
        )

    return [spec(variant, *row) for variant, row in table.items()]
