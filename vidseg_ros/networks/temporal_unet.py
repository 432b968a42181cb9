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
Recurrent U-Nets: U-Nets whose skips are convolutional RNN or GRU cells.

Source: Sheludzko, Schwemmer and Ruiz, "Video Semantic Segmentation", University of Bonn, WS22/23.
The template of Fig. 2 takes three kinds of blocks (Fig. 5: vanilla, ResNet, ConvNeXt) in three
sizes (Table 1) with two kinds of cells (Eq. 3; Eq. 8-11), or none: the baselines. All parameter
counts are those of Tables 2 and 3 to the last digit. docs/methods/temporal_unet.md says what the
paper leaves open and how it was settled here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.clip import Past
from vidseg_ros.networks.spec import NetworkSpec, Reference


class Block(Enum):
    """The convolution blocks of Fig. 5."""

    VANILLA = 'vanilla'
    RESNET = 'resnet'
    CONVNEXT = 'convnext'


class TemporalUnit(Enum):
    """The cells in place of the skips; NONE: plain skips, the baselines."""

    NONE = 'none'
    CRNN = 'crnn'
    CGRU = 'cgru'


# Channels of the encoder's blocks (Table 1), by the name of the size.
SIZES = {
    'original': (64, 128, 256),
    'small_shallow': (16, 32, 64),
    'small_deep': (16, 32, 64, 128),
}


@dataclass(frozen=True)
class TemporalUNetConfig:
    """
    One of the paper's configurations.

    ``num_classes`` is 20 in the paper: the 19 of Cityscapes and one for all others. ``widths``
    are the channels of the encoder's blocks, one per level.
    """

    num_classes: int = 20
    block: Block = Block.RESNET
    widths: tuple[int, ...] = SIZES['small_deep']
    unit: TemporalUnit = TemporalUnit.CGRU


class ConvRNNCell(nn.Module):
    """
    Convolutional RNN: y_t = ReLU(C_x * x_t + C_h * y_t-1) (Eq. 3).

    Input, output and state are [N, channels, H, W]; the output is the new state.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = nn.Conv2d(channels, channels, 3, padding=1)
        self.hidden = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Return y_t."""
        return torch.relu(self.input(x) + self.hidden(hidden))


class ConvGRUCell(nn.Module):
    """
    Convolutional GRU (Eq. 8-11).

    Input, output and state are [N, channels, H, W]; the output is the new state. One
    convolution gives both gates, r first (appendix A.2).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1)
        self.candidate = nn.Conv2d(2 * channels, channels, 3, padding=1)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Return h_t."""
        r, z = torch.sigmoid(self.gates(torch.cat([x, hidden], 1))).chunk(2, 1)
        n = torch.tanh(self.candidate(torch.cat([x, r * hidden], 1)))
        return (1 - z) * n + z * hidden


_CELLS: dict[TemporalUnit, type[ConvRNNCell] | type[ConvGRUCell]] = {
    TemporalUnit.CRNN: ConvRNNCell,
    TemporalUnit.CGRU: ConvGRUCell,
}


class ConvNorm(nn.Sequential):
    """Convolution (with a bias, as the counts ask for), batch normalisation, activation."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, activation: nn.Module | None
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2),
            nn.BatchNorm2d(out_channels),
        )
        if activation is not None:
            self.append(activation)


class VanillaBlock(nn.Sequential):
    """Two 3x3 convolutions (Fig. 5a)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            ConvNorm(in_channels, out_channels, 3, nn.ReLU(inplace=True)),
            ConvNorm(out_channels, out_channels, 3, nn.ReLU(inplace=True)),
        )


class ResNetBlock(nn.Module):
    """Two 3x3 convolutions and a projection shortcut (Fig. 5b)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            ConvNorm(in_channels, out_channels, 3, nn.ReLU(inplace=True)),
            ConvNorm(out_channels, out_channels, 3, None),
        )
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_channels, H, W]."""
        return torch.relu(self.residual(x) + self.shortcut(x))


class ConvNeXtBlock(nn.Module):
    """
    Depthwise 7x7, then four times as many channels and back (Fig. 5c).

    As in ConvUNeXt: batch instead of layer normalisation, and a GELU after the sum.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(
                channels, channels, 7, padding=3, groups=channels, padding_mode='reflect'
            ),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, 4 * channels, 1),
            nn.GELU(),
            nn.Conv2d(4 * channels, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, channels, H, W]."""
        return F.gelu(x + self.residual(x))


def _first(block: Block, channels: int) -> nn.Module:
    """Return the encoder's first block, [N, 3, H, W] -> [N, channels, H, W]."""
    if block is Block.VANILLA:
        return VanillaBlock(3, channels)
    if block is Block.RESNET:
        # ResNet's 7x7 at the start, and no shortcut.
        return nn.Sequential(
            ConvNorm(3, channels, 7, nn.ReLU(inplace=True)),
            ConvNorm(channels, channels, 3, nn.ReLU(inplace=True)),
        )
    return nn.Sequential(ConvNorm(3, channels, 7, nn.GELU()), ConvNeXtBlock(channels))


def _down(block: Block, in_channels: int, out_channels: int) -> nn.Sequential:
    """Return 2x2 downsampling and an encoder block (Fig. 4 left)."""
    if block is Block.CONVNEXT:
        # A ConvNeXt block keeps the number of channels: the downsampling changes it.
        return nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 2, stride=2), ConvNeXtBlock(out_channels)
        )
    kind = VanillaBlock if block is Block.VANILLA else ResNetBlock
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 2, stride=2), kind(in_channels, out_channels)
    )


def _fit(x: Tensor, like: Tensor) -> Tensor:
    """Repeat the last row and column where the size was odd before it was halved."""
    rows, columns = like.shape[-2] - x.shape[-2], like.shape[-1] - x.shape[-1]
    return F.pad(x, (0, columns, 0, rows), mode='replicate')


class Up(nn.Module):
    """2x2 upsampling, concatenation with the skip, and a decoder block (Fig. 4 right)."""

    def __init__(self, block: Block, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
        kind = VanillaBlock if block is Block.VANILLA else ResNetBlock
        self.block = kind(2 * out_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return [N, out_channels, H, W] at the skip's size."""
        return self.block(torch.cat([_fit(self.upsample(x), skip), skip], 1))


class GatedUp(nn.Module):
    """
    ConvUNeXt's decoder stage: the upsampled features gate the skip before they are joined.

    Three gates g are a 1x1 convolution of the upsampled features: the skip s becomes
    W (sigmoid(V (g1 + s)) s + sigmoid(g2) tanh(g3)).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.upsample = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
        self.gates = nn.Conv2d(out_channels, 3 * out_channels, 1)
        self.attention = nn.Conv2d(out_channels, out_channels, 1)
        self.mix = nn.Conv2d(out_channels, out_channels, 1)
        self.project = nn.Conv2d(2 * out_channels, out_channels, 1)
        self.block = ConvNeXtBlock(out_channels)

    def gate(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return the gated skip, [N, out_channels, H, W]."""
        g1, g2, g3 = self.gates(x).chunk(3, 1)
        kept = torch.sigmoid(self.attention(g1 + skip)) * skip
        return self.mix(kept + torch.sigmoid(g2) * torch.tanh(g3))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return [N, out_channels, H, W] at the skip's size."""
        x = _fit(self.upsample(self.norm(x)), skip)
        return self.block(self.project(torch.cat([self.gate(x, skip), x], 1)))


def _initialise(module: nn.Module) -> None:
    """Let features keep their scale from layer to layer before any statistics are learned."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class UNet(nn.Module):
    """The template without cells: image [N, 3, H, W] -> logits [N, num_classes, H, W]."""

    def __init__(self, config: TemporalUNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        pairs = list(pairwise(widths))
        self.encoder = nn.ModuleList([_first(config.block, widths[0])])
        self.encoder.extend(_down(config.block, a, b) for a, b in pairs)
        self.decoder = nn.ModuleList(
            GatedUp(b, a) if config.block is Block.CONVNEXT else Up(config.block, b, a)
            for a, b in reversed(pairs)
        )
        self.classifier = nn.Conv2d(widths[0], config.num_classes, 3, padding=1)
        self.apply(_initialise)

    @property
    def minimum_side(self) -> int:
        """Return the fewest rows and columns that an image can have."""
        # A reflection of 3 needs 4.
        deepest = 4 if self.config.block is Block.CONVNEXT else 1
        return deepest << (len(self.config.widths) - 1)

    def encode(self, image: Tensor) -> list[Tensor]:
        """Return the features of every level, the finest first."""
        features: list[Tensor] = []
        for block in self.encoder:
            features.append(block(features[-1] if features else image))
        return features

    def decode(self, features: list[Tensor]) -> Tensor:
        """Return logits from the features of every level."""
        *skips, x = features
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip)
        return self.classifier(x)

    def forward(self, image: Tensor) -> Tensor:
        """Segment one image by itself."""
        return self.decode(self.encode(image))


class TemporalUNet(UNet):
    """
    The recurrent U-Net of Fig. 2: every level's features go to the decoder through a cell.

    The encoder goes on from the features themselves; the decoder starts from the deepest
    cell's output.
    """

    def __init__(self, config: TemporalUNetConfig | None = None) -> None:
        config = config or TemporalUNetConfig()
        super().__init__(config)
        # The cells start as torch would have them: smaller, so that a recurrence can't run away.
        cell = _CELLS[config.unit]
        self.cells = nn.ModuleList(cell(width) for width in config.widths)

    def hidden_shapes(self, size: tuple[int, int]) -> list[tuple[int, int, int]]:
        """Return (channels, h, w) of each level's state for images of ``size`` (h, w)."""
        return [
            (width, size[0] >> level, size[1] >> level)
            for level, width in enumerate(self.config.widths)
        ]

    def forward(self, image: Tensor, *hidden: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """
        Segment I_t.

        ``image`` [N, 3, H, W] is normalised; ``hidden`` are the states after I_t-1, the finest
        level's first, of ``hidden_shapes`` each; zeros at the start. Returns the logits and the
        new states.
        """
        features = self.encode(image)
        states = [c(x, h) for c, x, h in zip(self.cells, features, hidden, strict=True)]
        return self.decode(states), *states

    @property
    def past(self) -> Past:
        """Return what a clip holds: consecutive frames."""
        return Past.SEQUENCE

    def unroll(self, frames: Tensor, starts: Tensor) -> dict[int, Tensor]:
        """
        Return the logits of every frame, from zero states on.

        The gradient goes back through all the states: backpropagation through time.
        """
        size = frames.shape[-2], frames.shape[-1]
        hidden = [
            frames.new_zeros(frames.shape[0], *shape) for shape in self.hidden_shapes(size)
        ]
        found = {}
        for index in range(frames.shape[1]):
            found[index], *hidden = self(frames[:, index], *hidden)
        return found


def build(config: TemporalUNetConfig) -> UNet:
    """Return the network of a configuration: recurrent, or plain if it has no cells."""
    return UNet(config) if config.unit is TemporalUnit.NONE else TemporalUNet(config)


def _example(network: nn.Module, size: tuple[int, int]) -> list[Tensor]:
    assert isinstance(network, UNet)
    inputs = [torch.empty(1, 3, *size)]
    if isinstance(network, TemporalUNet):
        inputs += [torch.empty(1, *shape) for shape in network.hidden_shapes(size)]
    return inputs


# Parameters by Table 3: original, small shallow, small deep. Table 2 contradicts it once (ResNet,
# small deep, cRNN: 760,420); that is the count of ConvNeXt, as Table 3 says too.
_COUNTS = {
    (Block.VANILLA, TemporalUnit.NONE): (1_958_996, 125_732, 507_940),
    (Block.VANILLA, TemporalUnit.CRNN): (3_508_180, 222_724, 900_100),
    (Block.VANILLA, TemporalUnit.CGRU): (6_605_204, 416_372, 1_683_700),
    (Block.RESNET, TemporalUnit.CRNN): (3_598_356, 229_908, 923_860),
    (Block.RESNET, TemporalUnit.CGRU): (6_695_380, 423_556, 1_707_460),
    (Block.CONVNEXT, TemporalUnit.CRNN): (2_933_588, None, 760_420),
    (Block.CONVNEXT, TemporalUnit.CGRU): (6_030_612, None, 1_544_020),
}


def specs() -> list[NetworkSpec]:
    """Return every combination of block, size and cell; those without a cell end with the size."""
    found = []
    for block in Block:
        for index, (size, widths) in enumerate(SIZES.items()):
            for unit in TemporalUnit:
                config = TemporalUNetConfig(block=block, widths=widths, unit=unit)
                count = _COUNTS.get((block, unit), (None,) * len(SIZES))[index]
                found.append(
                    NetworkSpec(
                        'temporal_unet',
                        f'{block.value}_{size}'
                        + ('' if unit is TemporalUnit.NONE else f'_{unit.value}'),
                        lambda classes, config=config: build(  # type: ignore[misc]
                            replace(config, num_classes=classes)
                        ),
                        (512, 1024),
                        config.num_classes,
                        None
                        if count is None
                        else Reference(count / 1e6, None, 'Recurrent U-Nets, Table 3'),
                        _example,
                        method=(
                            'per_frame' if unit is TemporalUnit.NONE else 'temporal_unet'
                        ),
                    )
                )
    return found
