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
"""Losses for semantic segmentation."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.labels.space import IGNORE
from vidseg_ros.training.recipe import Recipe


def log_class_weights(frequencies: np.ndarray) -> Tensor:
    """Return 1 / ln(1.02 + p), scaled to a mean of 1 (Paszke et al., ENet, section 4)."""
    weights = 1.0 / np.log(1.02 + frequencies)
    return torch.tensor(weights / weights.mean(), dtype=torch.float32)


class SegmentationLoss(nn.Module):
    """
    Cross-entropy over the labelled pixels, bootstrapped if the recipe says so.

    Online bootstrapping keeps the hardest fraction of the pixels of a batch (Wu, Shen, van den
    Hengel, arXiv 1604.04339, section 3.3).

    Weighted by w, cross-entropy is least where softmax(logits) is w * P(class | image), scaled:
    rare classes come out too broad. With tau * log(w) added to the logits in the loss alone, what
    the network gives is w^(1 - tau) * P(class | image), and the weights still say which mistakes
    to learn from (logit adjustment: Menon et al., ICLR 2021, section 5.1, there with the classes'
    frequencies for 1 / w).
    """

    def __init__(self, recipe: Recipe, frequencies: np.ndarray) -> None:
        super().__init__()
        self._fraction = recipe.bootstrap_fraction if recipe.loss == 'bootstrapped' else 1.0
        weight = log_class_weights(frequencies) if recipe.class_weight == 'log' else None
        self.weight: Tensor | None
        self.register_buffer('weight', weight)
        self.adjustment: Tensor | None
        self.register_buffer('adjustment', self._adjustment(recipe.logit_adjustment, weight))

    @staticmethod
    def _adjustment(share: float, weight: Tensor | None) -> Tensor | None:
        """Return what to add to logits, [C, 1, 1]."""
        return share * weight.log()[:, None, None] if share and weight is not None else None

    def terms(
        self, logits: Tensor, labels: Tensor, importance: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """
        Return the summed loss of logits [N, C, H, W] and what to divide it by.

        ``labels`` are uint8 [N, H, W], 255 ignored; ``importance`` float [N, H, W] weighs
        pixels. Apart, so that frames of which some have no labels can be added up.
        """
        target = labels.long()
        if self.adjustment is not None:
            logits = logits + self.adjustment
        if importance is None and self._fraction >= 1.0:
            total = F.cross_entropy(
                logits, target, self.weight, ignore_index=IGNORE, reduction='sum'
            )
            counts = torch.bincount(target.flatten(), minlength=IGNORE + 1)[: logits.shape[1]]
            if self.weight is None:
                return total, counts.sum().to(total.dtype)
            return total, (counts * self.weight).sum()
        losses = F.cross_entropy(
            logits, target, self.weight, ignore_index=IGNORE, reduction='none'
        )
        labelled = target != IGNORE
        if importance is not None:
            return (losses * importance).sum(), (labelled * importance).sum()
        hardest = max(1, int(int(labelled.sum()) * self._fraction))
        return losses.flatten().topk(hardest).values.sum(), losses.new_tensor(float(hardest))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of logits [N, C, H, W] at labels uint8 [N, H, W], 255 ignored."""
        total, mass = self.terms(logits, labels)
        return total / mass.clamp(min=1e-6)


def divergence(logits: Tensor, taught: Tensor) -> Tensor:
    """
    Return KL(softmax(taught) || softmax(logits)), both [N, C, h, w], as a mean over the pixels.

    This is distillation at temperature 1 (Hinton, Vinyals, Dean, arXiv 1503.02531, section 2).
    """
    given, wanted = logits.float().log_softmax(1), taught.float().log_softmax(1)
    return F.kl_div(given, wanted, reduction='none', log_target=True).sum(1).mean()
