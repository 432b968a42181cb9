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
The Refiner of EVS: a network without its low-level part, which it takes over from past frames.

Source: Paul et al., "Efficient Video Semantic Segmentation with Labels Propagation and
Refinement", section 3.5 and Fig. 4. ``DeployedICNet`` and ``DeployedRefiner`` are the two models
that EVS has on the device (section 4.2). fassvid_refiner.py has the Refiner of another network.
docs/methods/evs.md says what the paper leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vidseg_ros.networks.deploy import DeployedNetwork
from vidseg_ros.networks.fassvid import BASE, HIGH_RESOLUTION, FASSVid, FASSVidConfig
from vidseg_ros.networks.fassvid_refiner import FASSVidRefiner
from vidseg_ros.networks.icnet import HighLevelFeatures, ICNet, ICNetConfig
from vidseg_ros.networks.spec import NetworkSpec, Purpose


@runtime_checkable
class GivesFeatures(Protocol):
    """A segmentation network that has low-level features for a Refiner."""

    def with_features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits and the features of normalised images [N, 3, H, W]."""


class RefinesFeatures(Protocol):
    """A Refiner: ``forward`` takes images and warped features and returns logits."""

    @property
    def feature_channels(self) -> int:
        """Return how many channels the features have."""

    def features_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (h', w') of the features for images of ``size`` (height, width)."""

    def __call__(self, image: Tensor, features: Tensor) -> Tensor:
        """Return the logits of images [N, 3, H, W] with features [N, K, h', w']."""


class Refiner(nn.Module):
    """
    Segment I_n from the low-level features of a past frame, warped to it.

    Takes the image [N, 3, H, W] and the features [N, 256 width, H/16, W/16]; returns logits
    [N, num_classes, H/4, W/4]. With ``of`` an ICNet's weights are shared: given that ICNet's
    features of the same image the output is then the ICNet's own.
    """

    def __init__(self, config: ICNetConfig | None = None, of: ICNet | None = None) -> None:
        super().__init__()
        self.config = of.config if of is not None else config or ICNetConfig()
        self.high_level = of.high_level if of is not None else HighLevelFeatures(self.config)

    @property
    def feature_channels(self) -> int:
        """Return how many channels the features have."""
        return 256 * self.config.width

    def features_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (h', w') of the features for images of ``size`` (height, width)."""
        # Half the image, rounded down, and three strided layers, which round up.
        return -(-(size[0] // 2) // 8), -(-(size[1] // 2) // 8)

    def part_for(self, network: str) -> nn.Module | None:
        """Return what takes the weights of an ICNet: everything here bears the names it has."""
        return self if network.startswith('icnet/') else None

    def started(self) -> None:
        """Keep the weights as they are."""

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        """Return the logits."""
        return self.high_level(image, features)


class DeployedICNet(DeployedNetwork):
    """
    A segmentation network that also gives what the Refiner wants.

    ``image`` uint8 [N, H, W, 3] -> ``logits`` float [N, C, h, w] and ``features`` float
    [N, h', w', K]: channels last, as warping on the CPU wants them.
    """

    network: ICNet | FASSVid
    output_names: Sequence[str] = ('logits', 'features')

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Run the network."""
        logits, features = self.network.with_features(self.normalise(image))
        return logits, features.permute(0, 2, 3, 1).contiguous()


class DeployedRefiner(DeployedNetwork):
    """``image`` uint8 [N, H, W, 3] and ``features`` float [N, h', w', K] -> ``logits``."""

    network: Refiner | FASSVidRefiner
    input_names: Sequence[str] = ('image', 'features')

    def forward(self, image: Tensor, features: Tensor) -> Tensor:  # type: ignore[override]
        """Run the network."""
        return self.network(self.normalise(image), features.permute(0, 3, 1, 2))

    def features_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (h', w') of the features for images of ``size`` (height, width)."""
        return self.network.features_size(size)

    def example_inputs(self, size: tuple[int, int]) -> dict[str, NDArray]:
        """Return inputs of the right shapes and types for images of ``size`` (height, width)."""
        features = (1, *self.features_size(size), self.network.feature_channels)
        return {
            'image': np.zeros((1, *size, 3), np.uint8),
            'features': np.zeros(features, np.float32),
        }


def _example(network: nn.Module, size: tuple[int, int]) -> list[Tensor]:
    """Return an image and the features of a past one."""
    assert isinstance(network, Refiner | FASSVidRefiner)
    features = network.features_size(size)
    return [torch.empty(1, 3, *size), torch.empty(1, network.feature_channels, *features)]


def _of_icnet(num_classes: int) -> nn.Module:
    return Refiner(ICNetConfig(num_classes))


def _of_fassvid(config: FASSVidConfig, num_classes: int) -> nn.Module:
    return FASSVidRefiner(replace(config, num_classes=num_classes))


def specs() -> list[NetworkSpec]:
    """Return the Refiners of the published ICNet and of FASSVid's base; no counts are printed."""
    table: dict[str, Callable[[int], nn.Module]] = {
        'icnet_half': _of_icnet,
        'fassvid': partial(_of_fassvid, BASE),
        'fassvid_hires': partial(_of_fassvid, replace(BASE, stem_strides=HIGH_RESOLUTION)),
    }
    return [
        NetworkSpec(
            'refiner', variant, build, (1024, 2048), 19, None, _example, Purpose.REFINER, 'evs'
        )
        for variant, build in table.items()
    ]
