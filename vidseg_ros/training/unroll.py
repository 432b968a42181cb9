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
"""How a network is run over a clip: what it is given of the past."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidseg_ros.networks.fassvid import FASSVid
from vidseg_ros.training.loader import Batch


class Normalise(nn.Module):
    """Turn uint8 RGB [N, 3, H, W] into normalised floats."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.scale: Tensor
        self.shift: Tensor
        self.register_buffer('scale', 1.0 / (255.0 * torch.tensor(std)).view(1, 3, 1, 1))
        self.register_buffer('shift', (torch.tensor(mean) / torch.tensor(std)).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return (image / 255 - mean) / std, float32."""
        return image.float() * self.scale - self.shift


def forward_clip(network: nn.Module, batch: Batch, normalise: Normalise) -> Tensor:
    """
    Return the logits of I_t.

    FASSVid is given I_t-k and its own output O_t-1 as it would have them in a stream: O_t-1
    comes from the network in eval mode without a gradient, itself from a stream's start, and is
    zero where the clip starts the stream.
    """
    image = normalise(batch.image)
    raw = getattr(network, 'module', network)
    if not isinstance(raw, FASSVid):
        return network(image)
    quarter = earlier = previous = None
    if raw.fdchangenet is not None:
        quarter = raw.fdchangenet.quarter(image)
        earlier = raw.fdchangenet.quarter(normalise(batch.earlier))
    if raw.uses_previous:
        previous = _previous_output(raw, batch, normalise, earlier)
    return network(image, quarter, earlier, previous)


@torch.no_grad()
def _previous_output(
    network: FASSVid, batch: Batch, normalise: Normalise, earlier: Tensor | None
) -> Tensor:
    """Run the network on I_t-1 from a stream's start; zeros where the clip starts one."""
    image = normalise(batch.last)
    stride = network.output_stride
    size = (-(-image.shape[-2] // stride), -(-image.shape[-1] // stride))
    zeros = image.new_zeros(image.shape[0], network.config.num_classes, *size)
    was_training = network.training
    network.eval()
    quarter = None
    if network.fdchangenet is not None:
        quarter = network.fdchangenet.quarter(image)
    logits = network(image, quarter, earlier, zeros).float()
    network.train(was_training)
    return torch.where(batch.starts.view(-1, 1, 1, 1), torch.zeros_like(logits), logits)
