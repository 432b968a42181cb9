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
LERNet and its temporal holistic attention (THA).

Source: Wu et al., Video semantic segmentation via feature propagation with holistic attention,
Pattern Recognition 104 (2020) 107268. The classes bear the paper's names: RDDS block (Fig. 1),
LERNet (Table 1), the three decoders (Table 2), THA (Fig. 2, Eq. 1 and 2), and propagation (Fig. 3,
Eq. 3 and 4). docs/methods/lernet_tha.md says what the paper leaves open and how it was settled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.blocks import DepthwiseConv2d
from vidseg_ros.networks.clip import Past
from vidseg_ros.networks.spec import NetworkSpec, Reference

# Table 1: the dilations of the blocks behind each downsampling.
TABLE_1 = ((1, 1, 1), (1, 1), (1, 2, 5, 9, 2, 5, 9))
# The counts of Tables 2 to 5 are those of an encoder with one block more.
COUNTED = ((1, 1, 1), (1, 1), (1, 2, 5, 9, 2, 5, 9, 17))


class Decoder(Enum):
    """What follows the encoder (Table 2)."""

    SIMPLE = 'simple'
    LEDNET = 'lednet'
    DEEPLAB = 'deeplab'


@dataclass(frozen=True)
class LERNetConfig:
    """
    The options of Tables 1 to 4.

    ``widths`` are the channels behind the three downsamplings and ``dilations`` those of the
    blocks there. ``branches`` is 2, or 1 for Table 3's single-branched block. ``tied`` lets the
    two branches of a block share their weights.
    """

    num_classes: int = 19
    widths: tuple[int, int, int] = (32, 64, 128)
    dilations: tuple[tuple[int, ...], ...] = TABLE_1
    branches: int = 2
    tied: bool = False
    decoder: Decoder = Decoder.SIMPLE


class Downsampling(nn.Module):
    """
    Halve the size: max-pooling and a 3x3 convolution of stride 2, concatenated (section 3.2).

    [N, in, H, W] -> [N, out, ceil(H / 2), ceil(W / 2)]; the convolution adds what channels the
    pooled input lacks.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels - in_channels, 3, stride=2, padding=1)
        # Rounded up, as the convolution does, so that odd sizes fit together.
        self.pool = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return both, normalised and rectified."""
        return F.relu(self.norm(torch.cat([self.conv(x), self.pool(x)], 1)))


def _branch(channels: int, dilation: int, dropout: float) -> nn.Sequential:
    """Return one branch of Fig. 1: two depthwise separable convolutions, the second dilated."""
    return nn.Sequential(
        DepthwiseConv2d(channels),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, channels, 1),
        nn.ReLU(inplace=True),
        DepthwiseConv2d(channels, dilation=dilation),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, channels, 1),
        nn.Dropout2d(dropout),
    )


class RDDSBlock(nn.Module):
    """
    Residual double-branched depthwise separable convolutions (section 3.2, Fig. 1).

    [N, C, H, W] -> [N, C, H, W]: the branches' outputs are concatenated, reduced to C by a 1x1
    convolution, added to the input and rectified. With one branch there is nothing to reduce.
    """

    def __init__(
        self, channels: int, dilation: int, dropout: float, branches: int = 2, tied: bool = False
    ) -> None:
        super().__init__()
        kept = 1 if tied else branches
        self.branches = nn.ModuleList(
            _branch(channels, dilation, dropout) for _ in range(kept)
        )
        self.repeat = branches // kept
        self.reduce = nn.Conv2d(branches * channels, channels, 1) if branches > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = [branch(x) for branch in self.branches for _ in range(self.repeat)]
        joined = y[0] if self.reduce is None else self.reduce(torch.cat(y, 1))
        return F.relu(x + joined)


class SimpleDecoder(nn.Conv2d):
    """The paper's decoder up to the upsampling: a 1x1 convolution (Table 1)."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__(channels, num_classes, 1)

    def forward(self, high: Tensor, first: Tensor | None = None) -> Tensor:
        """Return logits [N, num_classes, h, w] of the encoder's output."""
        return super().forward(high)


class DeepLabDecoder(nn.Module):
    """
    The "Deeplab v3+ decoder" of section 4.3.1.

    The encoder's output is upsampled to that of the first downsampling and concatenated with it; a
    3x3 convolution makes the classes.
    """

    def __init__(self, channels: int, first_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels + first_channels, num_classes, 3, padding=1)

    def forward(self, high: Tensor, first: Tensor) -> Tensor:
        """Return logits [N, num_classes, H / 2, W / 2]."""
        size = first.shape[-2:]
        high = F.interpolate(high, size=size, mode='bilinear', align_corners=False)
        return self.conv(torch.cat([high, first], 1))


class _ConvBNReLU(nn.Sequential):
    """Apply a convolution with bias, normalisation and ReLU, as LEDNet's decoder has it."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class LEDNetDecoder(nn.Module):
    """
    LEDNet's attention pyramid network (Table 2; Wang et al., ICIP 2019, Fig. 3).

    A pyramid of single-channel maps, from strided convolutions of kernels 7, 5 and 3, gates the
    1x1 convolution of the features; a globally pooled branch is added.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.pooled = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), _ConvBNReLU(channels, num_classes, 1)
        )
        self.classes = _ConvBNReLU(channels, num_classes, 1)
        self.down1 = _ConvBNReLU(channels, 1, 7, 2)
        self.down2 = _ConvBNReLU(1, 1, 5, 2)
        self.down3 = nn.Sequential(_ConvBNReLU(1, 1, 3, 2), _ConvBNReLU(1, 1, 3))
        self.conv2 = _ConvBNReLU(1, 1, 5)
        self.conv1 = _ConvBNReLU(1, 1, 7)

    def forward(self, high: Tensor, first: Tensor | None = None) -> Tensor:
        """Return logits [N, num_classes, h, w] of the encoder's output."""

        def enlarge(x: Tensor, like: Tensor) -> Tensor:
            return F.interpolate(x, size=like.shape[-2:], mode='bilinear', align_corners=False)

        half = self.down1(high)
        quarter = self.down2(half)
        gate = self.conv2(quarter) + enlarge(self.down3(quarter), quarter)
        gate = self.conv1(half) + enlarge(gate, half)
        return enlarge(gate, high) * self.classes(high) + self.pooled(high)


class LERNet(nn.Module):
    """
    LERNet up to the final upsampling (section 3.2, Table 1).

    ``forward`` takes a normalised image [N, 3, H, W] and returns logits [N, num_classes, h, w]
    at 1/8 of its size, rounded up (1/2 with the Deeplab v3+ decoder). ``low`` and ``deep`` are the
    P_l and P_h of section 3.4.
    """

    # Nothing is said of the rates; these are LEDNet's, whose layout the encoder follows.
    DROPOUT = (0.03, 0.03, 0.3)

    def __init__(self, config: LERNetConfig | None = None) -> None:
        super().__init__()
        config = config or LERNetConfig()
        self.config = config

        def blocks(stage: int) -> list[nn.Module]:
            return [
                RDDSBlock(
                    config.widths[stage],
                    dilation,
                    self.DROPOUT[stage],
                    config.branches,
                    config.tied,
                )
                for dilation in config.dilations[stage]
            ]

        narrow, middle, wide = config.widths
        self.first = Downsampling(3, narrow)
        self.shallow = nn.Sequential(
            *blocks(0), Downsampling(narrow, middle), *blocks(1), Downsampling(middle, wide)
        )
        self.deep = nn.Sequential(*blocks(2))
        self.decoder: nn.Module
        if config.decoder is Decoder.DEEPLAB:
            self.decoder = DeepLabDecoder(wide, narrow, config.num_classes)
        elif config.decoder is Decoder.LEDNET:
            self.decoder = LEDNetDecoder(wide, config.num_classes)
        else:
            self.decoder = SimpleDecoder(wide, config.num_classes)

    @property
    def output_stride(self) -> int:
        """Return the ratio of the image's size to the logits'."""
        return 2 if self.config.decoder is Decoder.DEEPLAB else 8

    def low(self, image: Tensor) -> Tensor:
        """Return P_l's features [N, C, H / 8, W / 8]: up to the last downsampling."""
        return self.shallow(self.first(image))

    def forward(self, image: Tensor) -> Tensor:
        """Segment one image."""
        first = self.first(image)
        return self.decoder(self.deep(self.shallow(first)), first)


class THA(nn.Module):
    """
    Temporal holistic attention (section 3.3, Fig. 2).

    ``reduced`` compresses low-level features [N, C, H, W] to [N, C / 32, H, W], once for each
    frame; ``forward`` takes those of the key frame and of the current one and returns W_a
    [N, 1, H, W], one weight in (0, 1) for each position of the current frame.
    """

    REDUCTION = 32
    # The key frame's positions are taken in so many parts (and there must be as many positions):
    # all at once A has 67 million elements at 512x1024; a part stays in the CPU's cache, which
    # makes it several times as fast.
    PARTS = 32
    # How many extremes are looked at, and in how many parts.
    EXTREMES = 512
    EXTREME_PARTS = 2

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, max(1, channels // self.REDUCTION), 1)
        self.conv = nn.Conv2d(2, 1, 5, padding=2)

    def reduced(self, low: Tensor) -> Tensor:
        """Return F^l [N, C', H, W]."""
        return self.reduce(low)

    @classmethod
    def responses(cls, key: Tensor, current: Tensor) -> Tensor:
        """
        Return the maximum and the mean of A (Eq. 1) over the key frame's positions, [N, 2, H, W].

        A's entry (i, j) is the product of F^kl at i and F^nl at j; A as a whole never exists.
        """
        columns = key.flatten(2)  # F^kl: [N, C', positions i]
        return cls._responses(columns, columns.mean(2, keepdim=True), current, cls.PARTS)

    @staticmethod
    def _responses(columns: Tensor, mean: Tensor, current: Tensor, parts: int) -> Tensor:
        rows = current.flatten(2).transpose(1, 2)  # F^nl: [N, positions j, C']
        maximum = torch.matmul(rows, columns[..., ::parts]).amax(2)
        for part in range(1, parts):
            products = torch.matmul(rows, columns[..., part::parts])
            maximum = torch.maximum(maximum, products.amax(2))
        # The mean of products with one vector is the product with the mean.
        average = torch.matmul(rows, mean).squeeze(2)
        pooled = torch.stack([maximum, average], 1)
        return pooled.unflatten(2, current.shape[-2:])

    def forward(self, key: Tensor, current: Tensor) -> Tensor:
        """Return W_a (Eq. 2)."""
        return torch.sigmoid(self.conv(self.responses(key, current)))

    def from_extremes(self, extremes: Tensor, mean: Tensor, current: Tensor) -> Tensor:
        """
        Return W_a (Eq. 2) without looking at each of the key frame's positions.

        ``extremes`` [N, C', E] are F^kl where it can have the greatest product with anything,
        which is at the vertices of its convex hull; ``mean`` [N, C', 1] is its mean.
        """
        responses = self._responses(extremes, mean, current, self.EXTREME_PARTS)
        return torch.sigmoid(self.conv(responses))


class LERNetTHA(nn.Module):
    """
    LERNet with feature propagation (section 3.4, Fig. 3).

    Key frames go through the whole of LERNet (``key_frame``); other frames through P_l only, and
    the attention fetches the deep features from the key frame (``propagate``). Each of the two
    has its last convolution.
    """

    def __init__(self, config: LERNetConfig | None = None) -> None:
        super().__init__()
        config = replace(config or LERNetConfig(), decoder=Decoder.SIMPLE)
        self.config = config
        self.backbone = LERNet(config)
        channels = config.widths[-1]
        self.attention = THA(channels)
        self.decoder = SimpleDecoder(channels, config.num_classes)

    @property
    def output_stride(self) -> int:
        """Return the ratio of the image's size to the logits'."""
        return self.backbone.output_stride

    def key_frame(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Segment a key frame.

        Returns its logits [N, num_classes, h, w], and what the frames after it need: the deep
        features F_h^k [N, C, h, w] and the reduced low-level ones F^kl [N, C', h, w].
        """
        low = self.backbone.low(image)
        high = self.backbone.deep(low)
        return self.backbone.decoder(high), high, self.attention.reduced(low)

    def propagate(self, image: Tensor, high: Tensor, reduced: Tensor) -> Tensor:
        """Segment another frame with the key frame's F_h^k and F^kl; return its logits."""
        low = self.backbone.low(image)
        weight = self.attention(reduced, self.attention.reduced(low))
        return self._fetched(low, weight, high)

    def propagate_from_extremes(
        self, image: Tensor, high: Tensor, extremes: Tensor, mean: Tensor
    ) -> Tensor:
        """Do what ``propagate`` does, with the extremes and the mean of F^kl in its place."""
        low = self.backbone.low(image)
        weight = self.attention.from_extremes(extremes, mean, self.attention.reduced(low))
        return self._fetched(low, weight, high)

    def _fetched(self, low: Tensor, weight: Tensor, high: Tensor) -> Tensor:
        return self.decoder(low + weight * high)  # Eq. 3 and 4

    def forward(
        self, image: Tensor, high: Tensor | None = None, reduced: Tensor | None = None
    ) -> Tensor:
        """Return the logits of a frame: a key frame unless one's features are given."""
        if high is None or reduced is None:
            return self.backbone(image)
        return self.propagate(image, high, reduced)

    @property
    def past(self) -> Past:
        """Return what a clip holds: a key frame and a frame after it."""
        return Past.KEY_FRAME

    def unroll(self, frames: Tensor, starts: Tensor) -> dict[int, Tensor]:
        """
        Return the logits of the key frame and of the frame after it (section 4.2).

        The gradient of the latter goes through both: the key frame's features are not detached.
        """
        last = frames.shape[1] - 1
        logits, high, reduced = self.key_frame(frames[:, 0])
        return {0: logits, last: self.propagate(frames[:, last], high, reduced)}

    def alone(self, image: Tensor) -> Tensor:
        """Return the logits of a frame as if it were a key frame."""
        return self.backbone(image)

    def part_for(self, network: str) -> nn.Module | None:
        """Return the part that takes the weights of a LERNet: the backbone."""
        return self.backbone if network == 'lernet/base' else None

    def started(self) -> None:
        """Let the classifier of propagated frames begin as that of key frames."""
        self.decoder.load_state_dict(self.backbone.decoder.state_dict())


def _propagation_example(network: nn.Module, size: tuple[int, int]) -> list[Tensor]:
    """Return a frame and a key frame's features."""
    assert isinstance(network, LERNetTHA)
    h, w = (-(-side // network.output_stride) for side in size)
    channels = network.config.widths[-1]
    reduced = network.attention.reduce.out_channels
    image = torch.empty(1, 3, *size)
    return [image, torch.empty(1, channels, h, w), torch.empty(1, reduced, h, w)]


def specs() -> list[NetworkSpec]:
    """
    Return LERNet's variants, as the text describes them and as the paper counted, and LERNetTHA.

    LERNetTHA's counts are those of a frame that is no key frame.
    """
    rows = [
        ('', {}, 0.65, 12.7, 'Tables 3 and 5'),
        ('single_branch', {'branches': 1}, 0.37, 5.0, 'Table 3, single-branched'),
        ('channels_64', {'widths': (16, 32, 64)}, 0.17, 3.6, 'Table 4, 64 channels'),
        ('lednet_decoder', {'decoder': Decoder.LEDNET}, 0.662, 12.78, 'Table 2, LEDNet decoder'),
        ('deeplab_decoder', {'decoder': Decoder.DEEPLAB}, 0.67, 14.70,
         'Table 2, Deeplab v3+ decoder'),
    ]  # fmt: skip
    text = LERNetConfig()
    found = []
    for family, start in (
        ('', text),
        ('counted', replace(text, dilations=COUNTED, tied=True)),
    ):
        for row, options, parameters, gmacs, source in rows:
            config = replace(start, **options)  # type: ignore[arg-type]
            if config.branches == 1:
                config = replace(config, tied=False)
            found.append(
                NetworkSpec(
                    'lernet',
                    '_'.join(part for part in (family, row) if part) or 'base',
                    lambda num_classes, config=config: LERNet(  # type: ignore[misc]
                        replace(config, num_classes=num_classes)
                    ),
                    (512, 1024),
                    config.num_classes,
                    Reference(parameters, gmacs, f'LERNet, {source}'),
                )
            )
    found.append(
        NetworkSpec(
            'lernet_tha',
            'base',
            lambda num_classes: LERNetTHA(LERNetConfig(num_classes)),
            (512, 1024),
            text.num_classes,
            None,
            _propagation_example,
            method='lernet_tha',
        )
    )
    return found
