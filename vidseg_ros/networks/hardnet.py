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
HarDNet encoder: harmonic dense blocks.

Source: Chao et al., "HarDNet: A Low Memory Traffic Network", ICCV 2019, section 3; the
configuration is that of its segmentation network FC-HarDNet-70 without the last block, as the
FASSVid paper (section 3.1) takes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vidseg_ros.networks.blocks import ConvBNReLU


def _links(layer: int, in_channels: int, growth: int, multiplier: float) -> tuple[int, list[int]]:
    """
    Return the output channels of a layer (1-based) and the layers it reads, nearest first.

    Layer l reads layer l - 2^n for every n such that 2^n divides l; its width grows by
    ``multiplier`` with each link beyond the first (HarDNet, section 3.1).
    """
    if layer == 0:
        return in_channels, []
    links = [layer - (1 << n) for n in range(layer.bit_length()) if layer % (1 << n) == 0]
    width = growth * multiplier ** (len(links) - 1)
    return int(int(width + 1) / 2) * 2, links


class HarDBlock(nn.Module):
    """Harmonic dense block: [N, C, H, W] -> [N, out_channels, H, W]."""

    def __init__(
        self, in_channels: int, growth: int, n_layers: int, multiplier: float = 1.7
    ) -> None:
        super().__init__()
        # By layer, what it reads, and which layers are the output: 0 is the block's input, 1 the
        # first layer.
        self.reads: list[list[int]] = []
        self.outputs = [i for i in range(1, n_layers + 1) if i % 2 == 1 or i == n_layers]
        layers = []
        self.out_channels = 0
        for index in range(1, n_layers + 1):
            width, links = _links(index, in_channels, growth, multiplier)
            read = sum(_links(link, in_channels, growth, multiplier)[0] for link in links)
            layers.append(ConvBNReLU(read, width))
            self.reads.append(links)
            if index in self.outputs:
                self.out_channels += width
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers and concatenate the odd ones and the last."""
        outputs = [x]
        for layer, links in zip(self.layers, self.reads, strict=True):
            read = [outputs[link] for link in links]
            outputs.append(layer(torch.cat(read, 1) if len(read) > 1 else read[0]))
        return torch.cat([outputs[i] for i in self.outputs], 1)


class HarDNetEncoder(nn.Module):
    """
    Encode an image [N, 3, H, W] into the features of every stage, finest first.

    With the strides of the stem multiplying to s, stage i is ceil(H / (s 2^i)) high and has
    ``widths[i]`` channels (the last) or its block's (the others, which serve as skips).
    """

    STEM = (16, 24, 32, 48)
    WIDTHS = (64, 96, 160, 224)
    GROWTH = (10, 16, 18, 24)
    LAYERS = (4, 4, 8, 8)

    def __init__(self, stem_strides: Sequence[int] = (2, 2, 2, 1)) -> None:
        super().__init__()
        channels = 3
        stem = []
        for width, stride in zip(self.STEM, stem_strides, strict=True):
            stem.append(ConvBNReLU(channels, width, 3, stride))
            channels = width
        self.stem = nn.Sequential(*stem)
        self.blocks = nn.ModuleList()
        self.transitions = nn.ModuleList()
        self.skip_channels: list[int] = []
        for width, growth, n_layers in zip(self.WIDTHS, self.GROWTH, self.LAYERS, strict=True):
            block = HarDBlock(channels, growth, n_layers)
            self.blocks.append(block)
            self.transitions.append(ConvBNReLU(block.out_channels, width, 1))
            self.skip_channels.append(block.out_channels)
            channels = width
        self.skip_channels.pop()
        self.out_channels = channels
        # ceil_mode keeps odd sizes whole, as FC-HarDNet does for any input size.
        self.pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the deepest features and the skips, finest first."""
        x, skips, _ = self.trace(image)
        return x, skips

    def trace(self, image: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return the deepest features, the skips, and what each block was given."""
        x = self.stem(image)
        skips = []
        inputs = []
        last = len(self.blocks) - 1
        for index, (block, transition) in enumerate(
            zip(self.blocks, self.transitions, strict=True)
        ):
            inputs.append(x)
            x = block(x)
            if index < last:
                skips.append(x)
            x = transition(x)
            if index < last:
                x = self.pool(x)
        return x, skips, inputs
