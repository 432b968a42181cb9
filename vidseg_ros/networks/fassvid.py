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
FASSVid: fast and accurate semantic segmentation for video sequences.

Source: Portillo-Portillo et al., Entropy 2022, 24, 942. The classes bear the names of the
paper's figures: HarDNet encoder (hardnet.py), C-ASPP (Fig. 3), FDChangeNet (Fig. 4), TAM (Fig. 5)
and the decoder of Fig. 2. docs/methods/fassvid.md says what the paper leaves open and how it was
settled here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.blocks import ConvBNReLU
from vidseg_ros.networks.clip import Past
from vidseg_ros.networks.evaluating import evaluating
from vidseg_ros.networks.hardnet import HarDNetEncoder
from vidseg_ros.networks.spec import NetworkSpec, Reference


class ChangePosition(Enum):
    """Where FDChangeNet's features are added (Table 1)."""

    NONE = 'none'
    BEFORE_CASPP = 'before_caspp'
    AFTER_CASPP = 'after_caspp'


class Attention(Enum):
    """How the previous output gates the network (Table 3)."""

    NONE = 'none'
    ATT = 'att'
    ATT_CONV = 'att_conv'
    ATT_CONV_ALL = 'att_conv_all'
    ATT_CONV_DEC = 'att_conv_dec'

    @property
    def in_decoder(self) -> bool:
        """Tell whether every decoder stage is gated."""
        return self in (Attention.ATT_CONV_DEC, Attention.ATT_CONV_ALL)

    @property
    def at_output(self) -> bool:
        """Tell whether the output convolution is gated."""
        return self in (Attention.ATT, Attention.ATT_CONV, Attention.ATT_CONV_ALL)


@dataclass(frozen=True)
class FASSVidConfig:
    """
    The options of the ablation study (Tables 1 to 4).

    ``stem_strides`` (2, 2, 2, 1) is the paper's network; (2, 1, 2, 1) keeps twice the
    resolution throughout, for images of CamVid's size. ``change_width`` is the first width of
    FDChangeNet's branches: 16, or 8 for the light version of Table 2.
    """

    num_classes: int = 19
    stem_strides: tuple[int, int, int, int] = (2, 2, 2, 1)
    change: ChangePosition = ChangePosition.AFTER_CASPP
    change_width: int = 16
    attention: Attention = Attention.ATT_CONV_DEC
    decoder_channels: int = 90


# The network without memory, and the strides of a stem for images of CamVid's size.
BASE = FASSVidConfig(change=ChangePosition.NONE, attention=Attention.NONE)
HIGH_RESOLUTION = (2, 1, 2, 1)


class CASPP(nn.Module):
    """
    Custom atrous spatial pyramid pooling (section 3.1.1, Fig. 3 right).

    [N, K, H, W] -> [N, K, H, W]: a 1x1 branch and three asymmetric atrous branches
    (3x1 then 1x3, rates 12, 24, 36) of K / alpha channels each, joined by a 1x1 convolution.
    """

    RATES = (12, 24, 36)

    def __init__(self, channels: int, alpha: int = 2) -> None:
        super().__init__()
        width = channels // alpha
        self.branches = nn.ModuleList([ConvBNReLU(channels, width, 1)])
        for rate in self.RATES:
            self.branches.append(
                nn.Sequential(
                    ConvBNReLU(channels, width, (3, 1), dilation=rate),
                    ConvBNReLU(width, width, (1, 3), dilation=rate),
                )
            )
        self.project = ConvBNReLU(width * len(self.branches), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the joined branches."""
        return self.project(torch.cat([branch(x) for branch in self.branches], 1))


class FDChangeNet(nn.Module):
    """
    Encode what changed between I_t and I_t-k (section 3.1.2, Fig. 4).

    Takes both frames at a quarter of their size (``quarter``), [N, 3, H/4, W/4]; two branches of
    independent weights halve it with 3x3 convolutions of stride 2 until the deepest encoder
    stage's size; their difference goes through a 1x1 convolution.
    """

    def __init__(self, out_channels: int, width: int, halvings: int) -> None:
        super().__init__()
        # Widths double at each halving and end at 8 x the first whatever the number of halvings.
        widths = [width << max(0, 4 - halvings + i) for i in range(halvings)]
        self.current = self._branch(widths)
        self.earlier = self._branch(widths)
        self.project = ConvBNReLU(widths[-1], out_channels, 1)

    @staticmethod
    def _branch(widths: list[int]) -> nn.Sequential:
        return nn.Sequential(
            *(ConvBNReLU(a, b, 3, 2) for a, b in zip([3, *widths], widths, strict=False))
        )

    @staticmethod
    def quarter(image: Tensor) -> Tensor:
        """Downsample [N, 3, H, W] to a quarter by area, [N, 3, H // 4, W // 4]."""
        return F.avg_pool2d(image, 4)

    def forward(self, current: Tensor, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the change features at ``size`` (that of the features they are added to)."""
        x = self.project(self.current(current) - self.earlier(earlier))
        # Where the image's size is odd the two ways of halving differ by a row or a column.
        return F.interpolate(x, size=size, mode='bilinear', align_corners=False)


class TAM(nn.Module):
    """
    Temporal attention: Y = sigmoid(F(O_t-1)) * X (section 3.1.3, Eq. 1, Fig. 5).

    F resizes the previous output [N, num_classes, h, w] to X's size, unless it ``fits`` as it
    comes, and adjusts its channels by a 1x1 convolution.
    """

    def __init__(self, num_classes: int, channels: int, fits: bool = False) -> None:
        super().__init__()
        self.fits = fits
        self.adjust = nn.Conv2d(num_classes, channels, 1)

    def forward(self, x: Tensor, previous: Tensor) -> Tensor:
        """Gate ``x``."""
        if not self.fits:
            previous = F.interpolate(
                previous, size=x.shape[-2:], mode='bilinear', align_corners=False
            )
        return x * torch.sigmoid(self.adjust(previous))


class DecoderStage(nn.Module):
    """
    One stage of the decoder: upsample to the skip, concatenate, gate, 1x1 halving, 3x3.

    The input of the stage, which TAM gates, is what the convolutions see: the upsampled features
    together with the skip. ``fits``: the previous output has the skip's size.
    """

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, tam_classes: int,
        fits: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in_channels = in_channels
        joined = in_channels + skip_channels
        self.attention = TAM(tam_classes, joined, fits) if tam_classes else None
        self.reduce = ConvBNReLU(joined, joined // 2, 1)
        self.refine = ConvBNReLU(joined // 2, out_channels, 3)

    def forward(self, x: Tensor, skip: Tensor, previous: Tensor | None) -> Tensor:
        """Return [N, out_channels, h, w] at the skip's size."""
        x = F.interpolate(x, size=skip.shape[-2:], mode='bilinear', align_corners=False)
        x = torch.cat([x, skip], 1)
        if self.attention is not None:
            assert previous is not None
            x = self.attention(x, previous)
        return self.refine(self.reduce(x))


class FASSVid(nn.Module):
    """
    The network of Fig. 2 up to the final bilinear interpolation.

    ``forward`` returns logits [N, num_classes, h, w] at the decoder's resolution: 1/8 of the
    image (1/4 with the high-resolution stem). ``upsample`` is the interpolation that
    re-establishes the input size. The previous output is taken as such logits, before the
    interpolation: TAM downsamples it anyway.
    """

    def __init__(self, config: FASSVidConfig | None = None) -> None:
        super().__init__()
        config = config or FASSVidConfig()
        self.config = config
        self.encoder = HarDNetEncoder(config.stem_strides)
        channels = self.encoder.out_channels
        self.caspp = CASPP(channels)
        self.fdchangenet: FDChangeNet | None = None
        if config.change is not ChangePosition.NONE:
            # From a quarter of the image down to the deepest stage's size.
            halvings = sum(s == 2 for s in config.stem_strides) + 3 - 2
            self.fdchangenet = FDChangeNet(channels, config.change_width, halvings)
        tam_classes = config.num_classes if config.attention.in_decoder else 0
        self.decoder = nn.ModuleList()
        finest = len(self.encoder.skip_channels) - 1
        for index, skip in enumerate(reversed(self.encoder.skip_channels)):
            # The logits are of the last stage's size unless they are gated at the image's.
            fits = index == finest and not config.attention.at_output
            self.decoder.append(
                DecoderStage(channels, skip, config.decoder_channels, tam_classes, fits)
            )
            channels = config.decoder_channels
        self.classifier = nn.Conv2d(channels, config.num_classes, 1)
        self.output_adjust: nn.Module | None = None
        if config.attention is Attention.ATT_CONV:
            self.output_adjust = nn.Conv2d(config.num_classes, config.num_classes, 1)

    @property
    def uses_change(self) -> bool:
        """Tell whether the pair of frames is needed."""
        return self.fdchangenet is not None

    @property
    def uses_previous(self) -> bool:
        """Tell whether the previous output is needed."""
        return self.config.attention is not Attention.NONE

    @property
    def output_stride(self) -> int:
        """Return the ratio of the image's size to the logits'."""
        if self.config.attention.at_output:
            return 1
        return 1 << sum(s == 2 for s in self.config.stem_strides)

    def forward(
        self,
        image: Tensor,
        quarter: Tensor | None = None,
        earlier: Tensor | None = None,
        previous: Tensor | None = None,
    ) -> Tensor:
        """
        Segment I_t.

        ``image`` [N, 3, H, W] is I_t, normalised; ``quarter`` and ``earlier``
        [N, 3, H/4, W/4] are I_t and I_t-k downsampled (needed with FDChangeNet); ``previous``
        [N, num_classes, h, w] is O_t-1 (needed with TAM), zeros at the start.
        """
        x, skips, _ = self.encoder.trace(image)
        return self._decode(image, x, skips, quarter, earlier, previous)

    def with_features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return the logits and the low-level features that a Refiner takes over.

        For variants without a memory. The features are what the third block of the encoder is
        given: [N, 96, H/16, W/16] in the high resolution, H/32 and W/32 else, rounded up.
        """
        x, skips, inputs = self.encoder.trace(image)
        return self._decode(image, x, skips), inputs[2]

    def _decode(
        self,
        image: Tensor,
        x: Tensor,
        skips: list[Tensor],
        quarter: Tensor | None = None,
        earlier: Tensor | None = None,
        previous: Tensor | None = None,
    ) -> Tensor:
        change = None
        if self.fdchangenet is not None:
            assert quarter is not None and earlier is not None
            change = self.fdchangenet(quarter, earlier, (x.shape[-2], x.shape[-1]))
        if change is not None and self.config.change is ChangePosition.BEFORE_CASPP:
            x = x + change
        x = self.caspp(x)
        if change is not None and self.config.change is ChangePosition.AFTER_CASPP:
            x = x + change
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip, previous)
        logits = self.classifier(x)
        if self.config.attention.at_output:
            # Table 3: the output convolution is gated at the image's size, which is what makes
            # the 1x1 convolution of Att_conv cost 0.8 GMACs.
            assert previous is not None
            size = image.shape[-2:]
            logits = self.upsample(logits, size)
            previous = self.upsample(previous, size)
            if self.output_adjust is not None:
                previous = self.output_adjust(previous)
            logits = logits * torch.sigmoid(previous)
        return logits

    @property
    def past(self) -> Past:
        """Return what a clip for this variant holds."""
        return Past.CHANGE if self.uses_change or self.uses_previous else Past.NONE

    def unroll(self, frames: Tensor, starts: Tensor) -> dict[int, Tensor]:
        """
        Return the logits of I_t, given I_t-k and O_t-1 as a stream would.

        O_t-1 comes from the network in eval mode without a gradient, itself as at a stream's
        start, and is zero where the clip starts the stream.
        """
        last = frames.shape[1] - 1
        image = frames[:, last]
        if self.past is Past.NONE:
            return {last: self(image)}
        quarter = earlier = previous = None
        if self.fdchangenet is not None:
            quarter = self.fdchangenet.quarter(image)
            earlier = self.fdchangenet.quarter(frames[:, 0])
        if self.uses_previous:
            previous = self._previous_output(frames[:, 1], starts, earlier)
        return {last: self(image, quarter, earlier, previous)}

    @torch.no_grad()
    def _previous_output(self, image: Tensor, starts: Tensor, earlier: Tensor | None) -> Tensor:
        """Run on I_t-1 from a stream's start; zeros where the clip starts one."""
        stride = self.output_stride
        size = (-(-image.shape[-2] // stride), -(-image.shape[-1] // stride))
        zeros = image.new_zeros(image.shape[0], self.config.num_classes, *size)
        quarter = None if self.fdchangenet is None else self.fdchangenet.quarter(image)
        with evaluating(self):
            logits = self(image, quarter, earlier, zeros).float()
        return torch.where(starts.view(-1, 1, 1, 1), torch.zeros_like(logits), logits)

    @staticmethod
    def upsample(logits: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
        """Interpolate the logits bilinearly to the input's size (Fig. 2, last step)."""
        return F.interpolate(logits, size=size, mode='bilinear', align_corners=False)


def _example(network: nn.Module, size: tuple[int, int]) -> list[Tensor]:
    """Return I_t, I_t and I_t-k at a quarter, and O_t-1."""
    assert isinstance(network, FASSVid)
    quarter = torch.empty(1, 3, size[0] // 4, size[1] // 4)
    stride = network.output_stride
    previous = torch.empty(
        1, network.config.num_classes, -(-size[0] // stride), -(-size[1] // stride)
    )
    return [torch.empty(1, 3, *size), quarter, quarter, previous]


def specs() -> list[NetworkSpec]:
    """Return FASSVid in every variant, in the paper's resolution and in twice that (hires)."""
    att, base = Attention, BASE
    table = [
        ('base', base, 1.99, 7.9, 'Table 1, baseline'),
        ('fdchange_before_caspp', replace(base, change=ChangePosition.BEFORE_CASPP), 2.22, 8.2,
         'Table 1, FDChangeNet before C-ASPP'),
        ('fdchange', replace(base, change=ChangePosition.AFTER_CASPP), 2.22, 8.2,
         'Table 1, FDChangeNet after C-ASPP'),
        ('fdchange_light',
         replace(base, change=ChangePosition.AFTER_CASPP, change_width=8), 2.06, 8.0,
         'Table 2, light version'),
        ('att', replace(base, attention=att.ATT), 1.99, 7.9, 'Table 3, Att'),
        ('att_conv', replace(base, attention=att.ATT_CONV), 1.99, 8.7, 'Table 3, Att_conv'),
        ('att_conv_all', replace(base, attention=att.ATT_CONV_ALL), 2.0, 8.0,
         'Table 3, Att_conv_all'),
        ('tam', replace(base, attention=att.ATT_CONV_DEC), 2.0, 8.0, 'Table 3, Att_conv_dec'),
        ('full', FASSVidConfig(), 2.22, 8.2, 'Table 4, FDChangeNet + TAM'),
    ]  # fmt: skip

    def spec(variant: str, config: FASSVidConfig, reference: Reference | None) -> NetworkSpec:
        return NetworkSpec(
            'fassvid',
            variant,
            lambda num_classes: FASSVid(replace(config, num_classes=num_classes)),
            (1024, 2048),
            config.num_classes,
            reference,
            _example,
            method='per_frame' if variant.startswith('base') else 'fassvid',
        )

    found = []
    for variant, config, parameters, gmacs, source in table:
        found.append(spec(variant, config, Reference(parameters, gmacs, f'FASSVid, {source}')))
    for variant, config, *_ in table:
        found.append(spec(f'{variant}_hires', replace(config, stem_strides=HIGH_RESOLUTION), None))
    return found
