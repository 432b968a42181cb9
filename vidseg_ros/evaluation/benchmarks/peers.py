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
"""Public segmentation networks and nodes to compare with, where they are installed."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Peer:
    """A network of another package, built with 19 classes and without its weights."""

    name: str
    package: str
    build: Callable[[], nn.Module]

    @property
    def installed(self) -> bool:
        """Tell whether its package is there."""
        return importlib.util.find_spec(self.package) is not None


class _Logits(nn.Module):
    """Give the logits of networks that return them among other things."""

    def __init__(self, network: nn.Module, pick: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.network, self.pick = network, pick

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits."""
        return self.pick(self.network(image))


def _torchvision(name: str) -> nn.Module:
    from torchvision.models import segmentation

    network = getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=19)
    return _Logits(network, lambda found: found['out'])


def _smp() -> nn.Module:
    import segmentation_models_pytorch as smp

    return smp.Unet('mobilenet_v2', encoder_weights=None, classes=19)


def _segformer() -> nn.Module:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    # The configuration's defaults are those of the smallest, B0.
    network = SegformerForSemanticSegmentation(SegformerConfig(num_labels=19))
    return _Logits(network, lambda found: found['logits'])


PEERS = (
    Peer('torchvision LR-ASPP MobileNetV3-L', 'torchvision',
         lambda: _torchvision('lraspp_mobilenet_v3_large')),
    Peer('torchvision DeepLabV3 MobileNetV3-L', 'torchvision',
         lambda: _torchvision('deeplabv3_mobilenet_v3_large')),
    Peer('segmentation_models_pytorch U-Net MobileNetV2', 'segmentation_models_pytorch', _smp),
    Peer('transformers SegFormer-B0', 'transformers', _segformer),
)

ROS_PEERS = ('isaac_ros_unet', 'isaac_ros_segformer', 'ros_deep_learning',
             'autoware_tensorrt_plugins', 'semantic_segmentation_ros')
"""ROS packages with segmentation nodes, which are only looked for."""


def ros_peers_there() -> list[str]:
    """Return which of ``ROS_PEERS`` the sourced ROS 2 has."""
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    return [name for name in ROS_PEERS if any(
        (Path(prefix) / 'share/ament_index/resource_index/packages' / name).exists()
        for prefix in prefixes)]


def looked_for() -> dict[str, list[str]]:
    """Return which peers were looked for, and which of them are there."""
    packages = sorted({peer.package for peer in PEERS})
    return {
        'looked_for': [*packages, *ROS_PEERS],
        'there': [*(p for p in packages if importlib.util.find_spec(p)), *ros_peers_there()],
    }

