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
"""Blocks that several networks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def crop(x: Tensor, like: Tensor) -> Tensor:
    """
    Cut ``x`` [N, C, H, W] to the height and width of ``like``, from the top left.

    What an upsampling gives where the halving before it rounded an odd size up.
    """
    return x[..., : like.shape[-2], : like.shape[-1]]


def adaptive_average_pool(x: Tensor, bins: int | tuple[int, int]) -> Tensor:
    """
    Average [N, C, H, W] over ``bins`` (rows, columns) regions, as torch's adaptive pooling does.

    One number stands for as many rows as columns. Written as two matrix products, because ONNX
    has adaptive pooling only where ``bins`` divides the size.
    """
    rows, columns = (bins, bins) if isinstance(bins, int) else bins

    def weights(length: int, bins: int) -> Tensor:
        positions = torch.arange(length, device=x.device)
        region = torch.arange(bins, device=x.device)[:, None]
        first = region * length // bins
        end = ((region + 1) * length + bins - 1) // bins
        inside = ((positions >= first) & (positions < end)).to(x.dtype)
        return inside / inside.sum(1, keepdim=True)

    return weights(x.shape[-2], rows) @ x @ weights(x.shape[-1], columns).T


class DepthwiseConv2d(nn.Conv2d):
    """
    Convolve each channel by itself, with as many outputs as inputs and the size kept.

    Dilated, it leaves autocast on a CPU: with channels last and bfloat16 the gradient of its
    weights that torch 2.13 (oneDNN) gives is garbage, and single precision is faster besides.
    """

    def __init__(self, channels: int, kernel: int | tuple[int, int] = 3, *, stride: int = 1,
                 dilation: int = 1, bias: bool = True) -> None:
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (dilation * (sides[0] // 2), dilation * (sides[1] // 2))
        super().__init__(channels, channels, sides, stride, padding, dilation, channels, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution, [N, C, H, W]."""
        if x.is_cpu and max(self.dilation) > 1 and torch.is_autocast_enabled('cpu'):
            with torch.autocast('cpu', enabled=False):
                return super().forward(x.float())
        return super().forward(x)


class ConvBNReLU(nn.Sequential):
    """
    Apply convolution, batch normalisation and ReLU.

    Padding keeps the size (at stride 1) for every odd kernel and dilation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        convolution: nn.Conv2d
        if 1 < groups == in_channels == out_channels:
            convolution = DepthwiseConv2d(
                in_channels, kernel_size, stride=stride, dilation=dilation, bias=False
            )
        else:
            kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
            padding = (dilation * (kernel[0] // 2), dilation * (kernel[1] // 2))
            convolution = nn.Conv2d(
                in_channels,
                out_channels,
                kernel,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
                bias=False,
            )
        super().__init__(
            convolution,
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )
