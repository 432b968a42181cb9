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
Training the Refiner of EVS on a frozen segmentation network.

Paul et al. (WACV 2020, sections 3.4 and 3.5) do not say how their Refiner was trained. Here it
sees what it will see when it runs: the frozen network's features of a key frame, warped along the
DIS flow, and the new image; and its loss has IAM's weights, as elsewhere its output is not used.
"""

from __future__ import annotations

import threading

import numpy as np
import torch
from torch import Tensor, nn

from vidseg_ros.flow.chain import Flow, resize_flow
from vidseg_ros.flow.dis import DisFlow, to_gray
from vidseg_ros.methods.iam import attention, inconsistent
from vidseg_ros.networks.clip import Past
from vidseg_ros.networks.flownet import warp
from vidseg_ros.networks.normalisation import Normalisation
from vidseg_ros.networks.refiner import GivesFeatures
from vidseg_ros.training.loader import Batch
from vidseg_ros.training.losses import SegmentationLoss
from vidseg_ros.training.objectives import Objective, Outcome, confusion, mean_iou, upsampled
from vidseg_ros.training.recipe import Recipe


def _as_flow(flows: list[Flow], size: tuple[int, int]) -> Tensor:
    """Return flows for another size as float [N, 2, h, w]."""
    return torch.from_numpy(np.stack([resize_flow(flow, size) for flow in flows])).permute(
        0, 3, 1, 2
    )


class RefinementObjective(Objective):
    """
    The Refiner's cross-entropy, where IAM has it decide, and a little elsewhere.

    The counts are two confusion matrices: of the refined prediction (Eq. 4) and of the warped
    one alone.
    """

    past = Past.KEY_FRAME
    measure = 'miou'

    def __init__(
        self,
        network: nn.Module,
        parent: nn.Module,
        normalise: Normalisation,
        loss: SegmentationLoss,
        recipe: Recipe,
        num_classes: int,
    ) -> None:
        super().__init__(network)
        if not isinstance(parent, GivesFeatures):
            raise ValueError(
                f'the parent is a {type(parent).__name__}, which has no features for a Refiner'
            )
        self._parent = parent
        self._normalise = normalise
        self._loss = loss
        self._floor = min(1.0, recipe.attention_floor)
        self._num_classes = num_classes
        self._dis = threading.local()

    def _flows(self, images: Tensor) -> tuple[list[Flow], list[Flow]]:
        """Return the DIS flows of every clip from its last frame to its first, and back."""
        if not hasattr(self._dis, 'flow'):
            self._dis.flow = DisFlow('ultrafast')
        back, forth = [], []
        for clip in images.permute(0, 1, 3, 4, 2).cpu().numpy():
            key, current = (to_gray(np.ascontiguousarray(clip[i])) for i in (0, -1))
            back.append(self._dis.flow.calc(current, key))
            forth.append(self._dis.flow.calc(key, current))
        return back, forth

    def run(self, network: nn.Module, batch: Batch) -> Outcome:
        """Return the loss of the Refiner, and both confusions."""
        device = batch.images.device
        key, image = (self._normalise(batch.images[:, i]) for i in (0, -1))
        with torch.no_grad():
            logits, features = self._parent.with_features(key)
            probabilities = logits.float().softmax(1)
            features = features.float()
        back, forth = self._flows(batch.images)
        size = (logits.shape[-2], logits.shape[-1])
        best = probabilities.argmax(1).byte().cpu().numpy()
        weight = torch.from_numpy(np.stack([
            attention(inconsistent(labels, resize_flow(b, size), resize_flow(f, size)))
            for labels, b, f in zip(best, back, forth, strict=True)
        ])).to(device)  # fmt: skip
        shape = (features.shape[-2], features.shape[-1])
        refined = network(image, warp(features, _as_flow(back, shape).to(device)))

        labels = batch.labels[:, -1]
        whole = labels.shape[-2:]
        # Warped, probabilities stay within 0 and 1 and sum to 1, as what method evs warps.
        warped = warp(probabilities, _as_flow(back, size).to(device))
        importance = upsampled(weight[:, None], whole)[:, 0]
        total, mass = self._loss.terms(
            upsampled(refined, whole), labels, self._floor + (1 - self._floor) * importance
        )
        with torch.no_grad():
            mixed = weight[:, None] * refined.float().softmax(1) + (1 - weight[:, None]) * warped
            counts = torch.stack([
                confusion(upsampled(p, whole).argmax(1), labels, self._num_classes)
                for p in (mixed, warped)
            ])
        return Outcome(total / mass.clamp(min=1e-6), counts)

    def empty_counts(self) -> Tensor:
        """Return two empty confusion matrices."""
        return torch.zeros(2, self._num_classes, self._num_classes, dtype=torch.int64)

    def measures(self, counts: Tensor) -> dict[str, float]:
        """Return the mean IoU of refined frames, and of the same ones warped alone."""
        return {'miou': mean_iou(counts[0]), 'warped_miou': mean_iou(counts[1])}
