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
Training DVSNet's flow network on clips whose flow is known.

The paper takes FlowNet2-S and -s as they were published (Xu et al., section 4.1), trained on
moving objects before moving pictures with exact flow; clips made from stills are just that. The
scale field is trained as deep feature flow trains it (Zhu et al., CVPR 2017): through the labels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.methods.region_motion import FLOW_STRIDE
from vidseg_ros.networks.clip import Past
from vidseg_ros.networks.flownet import warp
from vidseg_ros.networks.normalisation import Normalisation
from vidseg_ros.training.decision import half_size
from vidseg_ros.training.loader import Batch
from vidseg_ros.training.losses import SegmentationLoss
from vidseg_ros.training.objectives import Objective, Outcome, upsampled
from vidseg_ros.training.recipe import Recipe

# Six halvings of half the image.
_MULTIPLE = 128


class FlowObjective(Objective):
    """
    End-point error in cells of the output and, with a ``parent``, the loss of warped logits.

    The counts are the number of cells, the sum of their end-point errors in pixels, and that of
    a flow of zero.
    """

    past = Past.KEY_FRAME
    with_flow = True
    measure = 'epe'
    rising = False

    def __init__(
        self,
        network: nn.Module,
        loss: SegmentationLoss,
        recipe: Recipe,
        parent: nn.Module | None = None,
        normalise: Normalisation | None = None,
    ) -> None:
        super().__init__(network)
        if any(side % _MULTIPLE for side in recipe.crop):
            raise ValueError(f'crop: {recipe.crop}; a flow network wants multiples of {_MULTIPLE}')
        self._parent = parent
        self._normalise = normalise
        self._loss = loss
        self._weight = recipe.warping_weight if parent is not None else 0.0

    def run(self, network: nn.Module, batch: Batch) -> Outcome:
        """Return the loss."""
        assert batch.flow is not None
        key, current = (half_size(batch.images[:, i]) for i in (0, -1))
        output = network(current, key)
        flow = output.flow.float()
        truth = F.avg_pool2d(batch.flow, FLOW_STRIDE) / FLOW_STRIDE
        errors = (flow - truth).square().sum(1).add(1e-6).sqrt()
        loss = errors.mean()
        if self._weight:
            assert self._parent is not None and self._normalise is not None
            with torch.no_grad():
                logits = self._parent(self._normalise(batch.images[:, 0])).float()
                logits = F.interpolate(
                    logits, size=flow.shape[-2:], mode='bilinear', align_corners=False
                )
            warped = warp(logits, flow, output.scale.float())
            labels = batch.labels[:, -1]
            loss = loss + self._weight * self._loss(upsampled(warped, labels.shape[-2:]), labels)
        pixels = errors.detach().double() * FLOW_STRIDE
        still = truth.norm(dim=1).double() * FLOW_STRIDE
        counts = torch.stack([torch.ones_like(pixels).sum(), pixels.sum(), still.sum()])
        return Outcome(loss, counts)

    def validation_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the largest size that the network can take within ``size``."""
        height, width = (max(1, side // _MULTIPLE) * _MULTIPLE for side in size)
        return height, width

    def empty_counts(self) -> Tensor:
        """Return zeros."""
        return torch.zeros(3, dtype=torch.float64)

    def measures(self, counts: Tensor) -> dict[str, float]:
        """Return the mean end-point error in pixels, and that of no motion at all."""
        number, errors, still = (float(value) for value in counts)
        return {
            'epe': errors / max(number, 1.0),
            'epe_of_zero': still / max(number, 1.0),
        }
