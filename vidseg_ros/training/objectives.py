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
What is minimised: one objective for each purpose that a network can have.

An objective runs the network it trains over a batch of clips, with whatever frozen networks that
needs, and returns the loss and counts that can be added up, of which it makes measures: mIoU from
confusion matrices, for instance. Refinement, decision and flow have their own modules.
"""

from __future__ import annotations

import abc
from contextlib import nullcontext
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.checkpoints.store import MEAN, STD
from vidseg_ros.networks.auxiliary import AuxiliaryHeads
from vidseg_ros.networks.clip import Past, SegmentsAlone, past_of, unroll
from vidseg_ros.networks.evaluating import evaluating
from vidseg_ros.networks.normalisation import Normalisation
from vidseg_ros.training.loader import Batch
from vidseg_ros.training.losses import SegmentationLoss, divergence
from vidseg_ros.training.recipe import Recipe

# While training every so many rows and columns are counted: enough for a running mIoU.
_COUNTED = 4


class Outcome(NamedTuple):
    """The loss of a batch, and its counts."""

    loss: Tensor
    counts: Tensor


def upsampled(logits: Tensor, size: torch.Size | tuple[int, ...]) -> Tensor:
    """Interpolate logits [N, C, h, w] bilinearly to ``size`` (height, width), in float32."""
    return F.interpolate(logits.float(), size=tuple(size), mode='bilinear', align_corners=False)


def confusion(predicted: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Return int64 [C, C], rows the truth, of labels uint8 and predictions of one shape."""
    known = labels < num_classes
    pairs = labels[known].long() * num_classes + predicted[known].long()
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes)


def mean_iou(matrix: Tensor) -> float:
    """Return the mean IoU over the classes that occur in truth or prediction."""
    hits = matrix.diagonal().double()
    union = matrix.sum(0).double() + matrix.sum(1).double() - hits
    there = union > 0
    return float((hits[there] / union[there]).mean()) if bool(there.any()) else 0.0


class Objective(nn.Module, abc.ABC):
    """
    Train ``network`` and its ``companions``; what else it holds is frozen.

    Companions are trained with the network and thrown away at the end, such as auxiliary heads.
    ``past`` says which frames clips have and ``with_flow`` whether they have the exact flow;
    ``measure`` names the number to watch, ``rising`` tells whether more is better.
    """

    past: Past
    with_flow: ClassVar[bool] = False
    measure: ClassVar[str]
    rising: ClassVar[bool] = True

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.companions = nn.ModuleList()

    def train(self, mode: bool = True) -> Objective:
        """Set the mode of what is trained alone: what is frozen stays in eval mode."""
        super().train(False)
        self.network.train(mode)
        self.companions.train(mode)
        self.training = mode
        return self

    def forward(self, batch: Batch) -> Outcome:
        """Run the network that is trained over a batch."""
        return self.run(self.network, batch)

    @abc.abstractmethod
    def run(self, network: nn.Module, batch: Batch) -> Outcome:
        """Run ``network`` (that which is trained, or its average) over a batch."""

    def validation_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of clips to validate on, for frames of ``size``."""
        return size

    @abc.abstractmethod
    def empty_counts(self) -> Tensor:
        """Return the counts of nothing."""

    @abc.abstractmethod
    def measures(self, counts: Tensor) -> dict[str, float]:
        """Return what added-up counts say."""


class SegmentationObjective(Objective):
    """
    Cross-entropy of every labelled frame that the network segments in a clip.

    While it trains, a network's auxiliary heads add theirs, of the last frame; and where the
    recipe has it, a network that takes something of the past learns from what it says of the
    last frame alone, so that the video does not flicker where it does the one after the other.
    """

    measure = 'miou'

    def __init__(
        self, network: nn.Module, loss: SegmentationLoss, recipe: Recipe, num_classes: int
    ) -> None:
        super().__init__(network)
        self.past = past_of(network)
        self._loss = loss
        self._past_weight = recipe.past_weight
        self._auxiliary_weight = recipe.auxiliary
        self._distillation = recipe.distillation
        if recipe.distillation and not isinstance(network, SegmentsAlone):
            raise ValueError(f'distillation: {type(network).__name__} has nothing to learn from')
        heads = AuxiliaryHeads(network if recipe.auxiliary else nn.Identity())
        if len(heads):
            self.companions.append(heads)
        self._num_classes = num_classes
        self._normalise = Normalisation(MEAN, STD)

    @property
    def _heads(self) -> AuxiliaryHeads | None:
        for companion in self.companions:
            assert isinstance(companion, AuxiliaryHeads)
            return companion
        return None

    def run(self, network: nn.Module, batch: Batch) -> Outcome:
        """Return the loss over the clip, and the confusion of what the method would show."""
        count = batch.images.shape[1]
        frames = self._normalise(batch.images.flatten(0, 1)).unflatten(0, (-1, count))
        heads = self._heads if self.training else None
        with nullcontext() if heads is None else heads.listening(network):
            outputs = unroll(network, frames, batch.starts)
        total = mass = frames.new_zeros(())
        counts = self.empty_counts().to(frames.device)
        step = _COUNTED if self.training else 1
        for index, logits in outputs.items():
            last = index == count - 1
            weight = 1.0 if last else self._past_weight
            labels = batch.labels[:, index]
            full = upsampled(logits, labels.shape[-2:])
            if weight:
                loss, divisor = self._loss.terms(full, labels)
                total, mass = total + weight * loss, mass + weight * divisor
            if last or self.past is Past.SEQUENCE:
                best = full.detach()[..., ::step, ::step].argmax(1)
                counts += confusion(best, labels[..., ::step, ::step], self._num_classes)
        loss = total / mass.clamp(min=1e-6)
        if heads is not None:
            labels = batch.labels[:, -1]
            for logits, weight in heads.logits():
                share = self._loss(upsampled(logits, labels.shape[-2:]), labels)
                loss = loss + self._auxiliary_weight * weight * share
        if self.training and self._distillation:
            taught = self._alone(network, frames[:, -1])
            loss = loss + self._distillation * divergence(outputs[count - 1], taught)
        return Outcome(loss, counts)

    @staticmethod
    @torch.no_grad()
    def _alone(network: nn.Module, image: Tensor) -> Tensor:
        """Return what the network says of a frame alone, with the statistics it has learned."""
        assert isinstance(network, SegmentsAlone)
        with evaluating(network):
            return network.alone(image)

    def empty_counts(self) -> Tensor:
        """Return an empty confusion matrix."""
        return torch.zeros(self._num_classes, self._num_classes, dtype=torch.int64)

    def measures(self, counts: Tensor) -> dict[str, float]:
        """Return the mean IoU; of the frame between key frames where there are such."""
        return {'miou': mean_iou(counts)}
