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
ENet: bottlenecks at low resolution early on, and unpooling by the encoder's indices.

Source: Paszke et al., "ENet: A Deep Neural Network Architecture for Real-Time Semantic
Segmentation", 2016, Table 1 for the layers, Fig. 2 for the blocks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.blocks import crop
from vidseg_ros.networks.spec import NetworkSpec, Reference

EPSILON = 1e-3
Activation = Callable[[int], nn.Module]


def corners(x: Tensor) -> Tensor:
    """
    Return the four pixels of every 2x2 window, [N, C, H, W] -> [N, C, 4, ceil(H/2), ceil(W/2)].

    The last row and column are replicated where the size is odd.
    """
    padded = F.pad(x, (0, 1, 0, 1), mode='replicate')
    return torch.stack(
        [
            x[..., 0::2, 0::2],
            padded[..., :-1, 1::2][..., 0::2, :],
            padded[..., 1::2, :-1][..., 0::2],
            padded[..., 1::2, 1::2],
        ],
        2,
    )


def pool_with_positions(x: Tensor) -> tuple[Tensor, Tensor]:
    """
    Take the maximum of each 2x2 window and where it is, the first of equals.

    Returns [N, C, h, w] and [N, C, 4, h, w], 1 at the maximum and 0 elsewhere: the indices of
    max pooling in a form that every engine can read.
    """
    window = corners(x)
    pooled = window.amax(2, keepdim=True)
    is_maximum = (window == pooled).to(x.dtype)
    first = is_maximum * (is_maximum.cumsum(2) == 1).to(x.dtype)
    return pooled.squeeze(2), first


def unpool(x: Tensor, positions: Tensor) -> Tensor:
    """Put each value of [N, C, h, w] where its maximum was, zeros elsewhere: [N, C, 2h, 2w]."""
    return F.pixel_shuffle((x.unsqueeze(2) * positions).flatten(1, 2), 2)


class Initial(nn.Module):
    """A 3x3 convolution of stride 2 beside a max pooling (Fig. 2a): 3 channels to 16."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(3, 13, 3, 2, 1), nn.BatchNorm2d(13, EPSILON), nn.PReLU(13)
        )
        self.pool = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, image: Tensor) -> Tensor:
        """Return [N, 16, ceil(H / 2), ceil(W / 2)]."""
        return torch.cat([self.conv(image), self.pool(image)], 1)


def _extension(
    in_channels: int,
    channels: int,
    middle: nn.Module,
    activation: Activation,
    dropout: float,
    first: nn.Module | None = None,
) -> nn.Sequential:
    """Return the branch of Fig. 2b: projection, the main convolution, expansion."""
    width = channels // 4
    return nn.Sequential(
        first or nn.Conv2d(in_channels, width, 1, bias=False),
        nn.BatchNorm2d(width, EPSILON),
        activation(width),
        middle,
        nn.BatchNorm2d(width, EPSILON),
        activation(width),
        nn.Conv2d(width, channels, 1, bias=False),
        nn.BatchNorm2d(channels, EPSILON),
        activation(channels),
        nn.Dropout2d(dropout),
    )


class Bottleneck(nn.Module):
    """A bottleneck that keeps the size (Fig. 2b): regular, dilated or asymmetric 5x5."""

    def __init__(
        self,
        channels: int,
        dilation: int = 1,
        asymmetric: bool = False,
        activation: Activation = nn.PReLU,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        width = channels // 4
        middle: nn.Module = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        if asymmetric:
            middle = nn.Sequential(
                nn.Conv2d(width, width, (5, 1), padding=(2, 0), bias=False),
                nn.Conv2d(width, width, (1, 5), padding=(0, 2)),
            )
        self.extension = _extension(channels, channels, middle, activation, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return F.relu(x + self.extension(x))


class DownBottleneck(nn.Module):
    """A bottleneck that halves the size and remembers where its maxima were."""

    def __init__(self, in_channels: int, channels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.added = channels - in_channels
        width = channels // 4
        self.extension = _extension(
            in_channels, channels, nn.Conv2d(width, width, 3, padding=1), nn.PReLU, dropout,
            first=nn.Conv2d(in_channels, width, 2, 2, bias=False),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return [N, channels, ceil(H / 2), ceil(W / 2)] and the positions of the maxima."""
        pooled, positions = pool_with_positions(x)
        main = F.pad(pooled, (0, 0, 0, 0, 0, self.added))
        # One row and column more let the 2x2 windows of an odd size reach its end.
        extended = self.extension(F.pad(x, (0, 1, 0, 1), mode='replicate'))
        return F.relu(main + extended), positions


class UpBottleneck(nn.Module):
    """A bottleneck that doubles the size, unpooling to where the maxima were."""

    def __init__(self, in_channels: int, channels: int, dropout: float = 0.1) -> None:
        super().__init__()
        width = channels // 4
        self.main = nn.Sequential(
            nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels, EPSILON)
        )
        middle = nn.ConvTranspose2d(width, width, 3, 2, 1, output_padding=1)
        self.extension = _extension(in_channels, channels, middle, _relu, dropout)

    def forward(self, x: Tensor, positions: Tensor, like: Tensor) -> Tensor:
        """Return [N, channels, h, w] at the size of ``like``."""
        return crop(F.relu(unpool(self.main(x), positions) + self.extension(x)), like)


def _relu(_channels: int) -> nn.Module:
    """Return the decoder's activation, which has no parameter."""
    return nn.ReLU(inplace=True)


def _context() -> list[Bottleneck]:
    """Return stage 2 without its first block, which stage 3 repeats (Table 1)."""
    return [
        Bottleneck(128),
        Bottleneck(128, dilation=2),
        Bottleneck(128, asymmetric=True),
        Bottleneck(128, dilation=4),
        Bottleneck(128),
        Bottleneck(128, dilation=8),
        Bottleneck(128, asymmetric=True),
        Bottleneck(128, dilation=16),
    ]


class ENet(nn.Module):
    """
    ENet (Table 1).

    ``forward`` takes [N, 3, H, W] and returns logits [N, num_classes, H, W].
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.initial = Initial()
        self.down1 = DownBottleneck(16, 64, 0.01)
        self.stage1 = nn.Sequential(*(Bottleneck(64, dropout=0.01) for _ in range(4)))
        self.down2 = DownBottleneck(64, 128)
        self.stages2and3 = nn.Sequential(*_context(), *_context())
        self.up4 = UpBottleneck(128, 64)
        self.stage4 = nn.Sequential(*(Bottleneck(64, activation=_relu) for _ in range(2)))
        self.up5 = UpBottleneck(64, 16)
        self.stage5 = Bottleneck(16, activation=_relu)
        self.full = nn.ConvTranspose2d(16, num_classes, 2, 2)

    def forward(self, image: Tensor) -> Tensor:
        """Segment."""
        half = self.initial(image)
        x, half_positions = self.down1(half)
        quarter = self.stage1(x)
        x, quarter_positions = self.down2(quarter)
        x = self.stages2and3(x)
        x = self.stage4(self.up4(x, quarter_positions, quarter))
        x = self.stage5(self.up5(x, half_positions, half))
        return crop(self.full(x), image)


def specs() -> list[NetworkSpec]:
    """Return ENet as the FASSVid paper compares with it."""
    reference = Reference(0.35, 22.2, 'FASSVid, Table 5')
    return [NetworkSpec('enet', 'full', ENet, (1024, 2048), 19, reference)]
