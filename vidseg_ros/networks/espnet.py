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
ESPNet: efficient spatial pyramids of dilated convolutions.

Source: Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic
Segmentation", ECCV 2018, section 3 and Fig. 1 for the ESP module, Fig. 4 for the networks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.blocks import crop
from vidseg_ros.networks.spec import NetworkSpec, Reference

EPSILON = 1e-3


class NormPReLU(nn.Sequential):
    """Batch normalisation and PReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.BatchNorm2d(channels, EPSILON), nn.PReLU(channels))


class DilatedPyramid(nn.Module):
    """
    Reduce, split, transform, merge (section 3.1, Fig. 1b).

    The reduction to a fifth of the channels is a 1x1 convolution, or a 3x3 of stride 2 that
    halves the size; dilations 1, 2, 4, 8, 16 see its output in parallel, and their outputs are
    summed hierarchically (Eq. 3) before they are concatenated, against gridding.
    """

    RATES = (1, 2, 4, 8, 16)

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        width = out_channels // len(self.RATES)
        if width == 0:
            raise ValueError(f'ESPNet needs at least {len(self.RATES)} classes')
        kernel = 1 if stride == 1 else 3
        self.reduce = nn.Conv2d(in_channels, width, kernel, stride, kernel // 2, bias=False)
        # What the division leaves over goes to the dilation of 1.
        widths = (out_channels - width * (len(self.RATES) - 1), *[width] * (len(self.RATES) - 1))
        self.transforms = nn.ModuleList(
            nn.Conv2d(width, out, 3, padding=rate, dilation=rate, bias=False)
            for out, rate in zip(widths, self.RATES, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_channels, ceil(H / stride), ceil(W / stride)]."""
        reduced = self.reduce(x)
        first, total = self.transforms[0](reduced), self.transforms[1](reduced)
        merged = [first, total]
        for transform in self.transforms[2:]:
            total = total + transform(reduced)
            merged.append(total)
        return torch.cat(merged, 1)


class ESP(nn.Module):
    """The ESP module; with ``residual`` its input is added to what the pyramid gives."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, residual: bool = True
    ) -> None:
        super().__init__()
        self.residual = residual
        self.pyramid = DilatedPyramid(in_channels, out_channels, stride)
        self.norm = NormPReLU(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_channels, ceil(H / stride), ceil(W / stride)]."""
        y = self.pyramid(x)
        return self.norm(x + y if self.residual else y)


class ESPNet(nn.Module):
    """
    ESPNet (Fig. 4d) with ``p`` ESP modules at 1/4 and ``q`` at 1/8.

    ``forward`` takes [N, 3, H, W] and returns logits [N, num_classes, H, W].
    """

    def __init__(self, num_classes: int, p: int = 2, q: int = 3) -> None:
        super().__init__()
        c = num_classes
        self.to_half = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), NormPReLU(16))
        self.norm_half = NormPReLU(16 + 3)
        self.down_quarter = ESP(16 + 3, 64, stride=2, residual=False)
        self.stage_quarter = nn.Sequential(*(ESP(64, 64) for _ in range(p)))
        self.norm_quarter = NormPReLU(128 + 3)
        self.down_eighth = ESP(128 + 3, 128, stride=2, residual=False)
        self.stage_eighth = nn.Sequential(*(ESP(128, 128) for _ in range(q)))
        self.norm_eighth = NormPReLU(256)

        self.project_eighth = nn.Sequential(
            nn.Conv2d(256, c, 1, bias=False), nn.BatchNorm2d(c, EPSILON)
        )
        self.up_eighth = nn.ConvTranspose2d(c, c, 2, 2, bias=False)
        self.project_quarter = nn.Conv2d(128 + 3, c, 1, bias=False)
        self.combine_quarter = nn.Sequential(NormPReLU(2 * c), ESP(2 * c, c, residual=False))
        self.up_quarter = nn.ConvTranspose2d(c, c, 2, 2, bias=False)
        self.norm_up = NormPReLU(c)
        self.combine_half = nn.Sequential(
            nn.Conv2d(16 + 3 + c, c, 3, 1, 1, bias=False), NormPReLU(c)
        )
        self.up_half = nn.ConvTranspose2d(c, c, 2, 2, bias=False)

    @staticmethod
    def _halve(image: Tensor) -> Tensor:
        """Return the image at half its size, which reinforces the features of that size."""
        return F.avg_pool2d(image, 3, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Segment."""
        image_half = self._halve(image)
        half = self.norm_half(torch.cat([self.to_half(image), image_half], 1))
        down = self.down_quarter(half)
        quarter = self.norm_quarter(
            torch.cat([self.stage_quarter(down), down, self._halve(image_half)], 1)
        )
        down = self.down_eighth(quarter)
        eighth = self.norm_eighth(torch.cat([down, self.stage_eighth(down)], 1))

        x = crop(self.up_eighth(self.project_eighth(eighth)), quarter)
        x = self.combine_quarter(torch.cat([self.project_quarter(quarter), x], 1))
        x = self.norm_up(crop(self.up_quarter(x), half))
        x = self.combine_half(torch.cat([x, half], 1))
        return crop(self.up_half(x), image)


def specs() -> list[NetworkSpec]:
    """Return ESPNet with q = 3, as the FASSVid paper compares with it, and with its own q = 8."""
    return [
        NetworkSpec(
            'espnet', 'q3', lambda num_classes: ESPNet(num_classes, q=3), (1024, 2048), 19,
            Reference(0.2, 13.8, 'FASSVid, Table 5'),
        ),
        NetworkSpec(
            'espnet', 'q8', lambda num_classes: ESPNet(num_classes, q=8), (1024, 2048), 19,
            Reference(0.36, None, 'ESPNet, section 4'),
        ),
    ]  # fmt: skip
