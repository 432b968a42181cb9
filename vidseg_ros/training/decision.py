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
Training DVSNet's decision network on frozen segmentation and flow networks.

Xu et al., CVPR 2018, section 3.4, Fig. 6: it regresses the confidence score (Eq. 1), the share of
a region's pixels at which warping and segmentation agree, by its squared error.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.methods.region_motion import (
    FLOW_STRIDE,
    HALF,
    DisMotion,
    Motion,
    RegionImage,
    region_images,
    warp,
    warpable,
)
from vidseg_ros.methods.regions import RegionGrid
from vidseg_ros.networks.clip import Past
from vidseg_ros.networks.flownet import FlowNetS
from vidseg_ros.networks.normalisation import Normalisation
from vidseg_ros.training.loader import Batch
from vidseg_ros.training.objectives import Objective, Outcome
from vidseg_ros.training.recipe import Recipe


def _tensor(images: list[np.ndarray]) -> Tensor:
    """Return images uint8 [h, w, 3] as float [N, 3, h, w] in [0, 1]."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


class DecisionObjective(Objective):
    """
    Squared error of the expected confidence score of every region.

    Without ``flow`` the motion is DIS', and the network looks at key frame and flow (variant
    ``flow``); with it, at the ``layer`` of that flow network. The counts are the number of
    regions and the sums of squared and absolute errors, of the scores and of their squares.
    """

    past = Past.KEY_FRAME
    measure = 'r2'

    def __init__(
        self,
        network: nn.Module,
        parent: nn.Module,
        normalise: Normalisation,
        recipe: Recipe,
        flow: FlowNetS | None = None,
        layer: str = '',
    ) -> None:
        super().__init__(network)
        self._parent = parent
        self._normalise = normalise
        self._flow = flow
        self._layer = layer
        self._divide = partial(
            RegionGrid.divide, rows=recipe.regions[0], columns=recipe.regions[1],
            overlap=recipe.overlap,
        )  # fmt: skip
        self._dis = DisMotion()

    @torch.no_grad()
    def examples(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what the network is given for each region, and the regions' scores, [M]."""
        device = batch.images.device
        grid = self._divide((batch.images.shape[-2], batch.images.shape[-1]))
        frames = batch.images[:, [0, -1]].permute(0, 1, 3, 4, 2).cpu().numpy()
        padded = np.stack([grid.pad(np.ascontiguousarray(f)) for pair in frames for f in pair])
        images = torch.from_numpy(padded).permute(0, 3, 1, 2).to(device)
        logits = self._parent(self._normalise(images)).float().cpu().numpy()
        views = [region_images(image, grid) for image in padded]
        keys = [region for view in views[::2] for region in view]
        currents = [region for view in views[1::2] for region in view]
        motions, given = self._motions(currents, keys, device)
        scores = []
        count = len(grid.regions)
        stride = grid.padded[0] // logits.shape[-2]
        for number, motion in enumerate(motions):
            region = grid.regions[number % count]
            before, now = (
                warpable(
                    region.of(logits[2 * (number // count) + i].transpose(1, 2, 0), stride)
                    .transpose(2, 0, 1),
                    grid.region_size,
                )
                for i in (0, 1)
            )  # fmt: skip
            warped = warp(before, motion, grid.region_size)
            scores.append(float((warped.argmax(2) == now.argmax(2)).mean()))
        return given, torch.tensor(scores, device=device)

    def _motions(
        self, currents: list[RegionImage], keys: list[RegionImage], device: torch.device
    ) -> tuple[list[Motion], Tensor]:
        key = _tensor([region.colour for region in keys]).to(device)
        if self._flow is None:
            motions = self._dis.estimate(currents, keys)
            flows = torch.from_numpy(np.stack([motion.flow for motion in motions]))
            return motions, torch.cat([key, flows.permute(0, 3, 1, 2).to(device)], 1)
        current = _tensor([region.colour for region in currents]).to(device)
        output = self._flow(current, key)
        flow, scale = (
            values.float().permute(0, 2, 3, 1).contiguous().cpu().numpy()
            for values in (output.flow, output.scale)
        )
        motions = [
            Motion(f * np.float32(FLOW_STRIDE), s) for f, s in zip(flow, scale, strict=True)
        ]
        return motions, getattr(output, self._layer).float()

    def run(self, network: nn.Module, batch: Batch) -> Outcome:
        """Return the squared error over all regions."""
        given, scores = self.examples(batch)
        expected = network(given).float()
        errors = (expected.detach().clamp(0, 1) - scores).double()
        truth = scores.double()
        counts = torch.stack([
            torch.ones_like(truth).sum(), errors.square().sum(), errors.abs().sum(),
            truth.sum(), truth.square().sum(),
        ])  # fmt: skip
        return Outcome(F.mse_loss(expected, scores), counts)

    def empty_counts(self) -> Tensor:
        """Return zeros."""
        return torch.zeros(5, dtype=torch.float64)

    def measures(self, counts: Tensor) -> dict[str, float]:
        """Return how much of the scores' variance is explained, and the mean error."""
        number, squares, absolute, total, total_squares = (float(v) for v in counts)
        if not number:
            return {'r2': 0.0, 'mean_error': 0.0}
        variance = total_squares / number - (total / number) ** 2
        return {
            'r2': 1.0 - squares / number / max(variance, 1e-9),
            'mean_error': absolute / number,
        }


def half_size(images: Tensor) -> Tensor:
    """Return images uint8 [N, 3, H, W] at half their size, by area, float in [0, 1]."""
    return F.avg_pool2d(images.float(), HALF) / 255
