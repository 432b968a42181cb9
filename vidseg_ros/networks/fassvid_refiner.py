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
The Refiner of EVS for FASSVid's non-temporal base.

EVS takes any segmentation network (Paul et al., section 3.2); its Refiner takes the features of
the finest, dearest layers over from a past frame and computes the rest anew (section 3.5, Fig. 4).
"""

from __future__ import annotations

from torch import Tensor, nn

from vidseg_ros.networks.blocks import ConvBNReLU
from vidseg_ros.networks.fassvid import CASPP, HIGH_RESOLUTION, DecoderStage, FASSVidConfig
from vidseg_ros.networks.hardnet import HarDNetEncoder

# The block of the encoder that is given the past frame's features.
_FIRST = 2


class _DeepStages(nn.Module):
    """The encoder's blocks from the third on, under the names that they have in the encoder."""

    def __init__(self, encoder: HarDNetEncoder) -> None:
        super().__init__()
        indices = range(_FIRST, len(encoder.blocks))
        self.blocks = nn.ModuleDict({str(i): encoder.blocks[i] for i in indices})
        self.transitions = nn.ModuleDict({str(i): encoder.transitions[i] for i in indices})
        self.pool = encoder.pool

    def forward(self, features: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the deepest features and the skips, finest first."""
        x = features
        skips = []
        last = len(self.blocks) - 1
        stages = zip(self.blocks.values(), self.transitions.values(), strict=True)
        for index, (block, transition) in enumerate(stages):
            x = block(x)
            if index < last:
                skips.append(x)
            x = transition(x)
            if index < last:
                x = self.pool(x)
        return x, skips


class FASSVidRefiner(nn.Module):
    """
    Segment I_n from what the third block of the base's encoder was given for a past frame.

    Takes the image [N, 3, H, W] and those features (``FASSVid.with_features``) warped to it,
    [N, 96, h', w']; returns logits [N, num_classes, h, w] of the base's size. From there on
    encoder, C-ASPP and decoder are the base's and start from its weights; the two finest skips
    come from the new image by three convolutions of stride 2, as ICNet's branch 1 has them.
    """

    FINE = (32, 32, 64)

    def __init__(self, config: FASSVidConfig) -> None:
        super().__init__()
        self.config = config
        encoder = HarDNetEncoder(config.stem_strides)
        self.feature_channels = encoder.WIDTHS[_FIRST - 1]
        self._halvings = sum(stride == 2 for stride in config.stem_strides)
        first, second, third = self.FINE
        self.fine = nn.ModuleList([
            nn.Sequential(
                ConvBNReLU(3, first, 3, 2),
                ConvBNReLU(first, second, 3, 2),
                *(ConvBNReLU(second, second, 3, 2) for _ in range(self._halvings - 2)),
            ),
            ConvBNReLU(second, third, 3, 2),
        ])
        self.project = nn.ModuleList(
            ConvBNReLU(width, channels, 1)
            for width, channels in zip(
                (second, third), encoder.skip_channels[:_FIRST], strict=True
            )
        )
        self.encoder = _DeepStages(encoder)
        channels = encoder.out_channels
        self.caspp = CASPP(channels)
        self.decoder = nn.ModuleList()
        for skip in reversed(encoder.skip_channels):
            self.decoder.append(DecoderStage(channels, skip, config.decoder_channels, 0))
            channels = config.decoder_channels
        self.classifier = nn.Conv2d(channels, config.num_classes, 1)

    def features_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (h', w') of the features for images of ``size`` (height, width)."""
        stride = 1 << (self._halvings + _FIRST)
        return -(-size[0] // stride), -(-size[1] // stride)

    def part_for(self, network: str) -> nn.Module | None:
        """Return what takes the weights of its base: everything but the new image's branch."""
        fine = self.config.stem_strides == HIGH_RESOLUTION
        return self if network == ('fassvid/base_hires' if fine else 'fassvid/base') else None

    def started(self) -> None:
        """Keep the weights as they are."""

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        """Return the logits."""
        fine = self.fine[0](image)
        skips = [self.project[0](fine), self.project[1](self.fine[1](fine))]
        x, deep_skips = self.encoder(features)
        x = self.caspp(x)
        for stage, skip in zip(self.decoder, reversed([*skips, *deep_skips]), strict=True):
            x = stage(x, skip, None)
        return self.classifier(x)
