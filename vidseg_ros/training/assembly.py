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
"""Make what is trained: the network with its first weights, and its objective."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from vidseg_ros.checkpoints.store import (
    CheckpointMetadata,
    load_checkpoint,
    load_tensors,
    read_metadata,
)
from vidseg_ros.networks.clip import Past, TakesWeightsOf, past_of
from vidseg_ros.networks.flownet import FlowNetS
from vidseg_ros.networks.normalisation import Normalisation
from vidseg_ros.networks.registry import network_spec
from vidseg_ros.networks.spec import NetworkSpec, Purpose
from vidseg_ros.training.decision import DecisionObjective
from vidseg_ros.training.flow import FlowObjective
from vidseg_ros.training.losses import SegmentationLoss
from vidseg_ros.training.objectives import Objective, SegmentationObjective
from vidseg_ros.training.recipe import Recipe
from vidseg_ros.training.refinement import RefinementObjective


class TrainingError(RuntimeError, ValueError):
    """The training cannot start or go on; the message says why."""


@dataclass(frozen=True)
class Sources:
    """
    Checkpoints that a training needs.

    ``start_from`` gives the network its first weights as far as they fit; ``parent`` is the
    frozen segmentation network of a part of a method, ``flow`` the frozen flow network of a
    decision network.
    """

    start_from: Path | None = None
    parent: Path | None = None
    flow: Path | None = None


def start(network: nn.Module, checkpoint: Path) -> None:
    """
    Give a network the weights of a checkpoint, as far as they fit.

    :raises TrainingError: if none does; CheckpointError if shapes differ.
    """
    part: nn.Module | None = None
    if isinstance(network, TakesWeightsOf):
        part = network.part_for(read_metadata(checkpoint).network)
    target = network if part is None else part
    missing = load_tensors(checkpoint, target, partial=True)
    tensors = [n for n in target.state_dict() if not n.endswith('num_batches_tracked')]
    if len(missing) == len(tensors):
        raise TrainingError(f'{checkpoint}: none of its tensors fits the network')
    if part is not None and isinstance(network, TakesWeightsOf):
        network.started()


def _frozen(
    checkpoint: Path | None, what: str, classes: str | None = None
) -> tuple[nn.Module, CheckpointMetadata]:
    if checkpoint is None:
        raise TrainingError(f'this network is trained on a frozen {what}: name its checkpoint')
    network, metadata = load_checkpoint(checkpoint)
    if classes is not None and metadata.label_space != classes:
        raise TrainingError(
            f'{checkpoint} has the classes of {metadata.label_space}, the data those of {classes}'
        )
    return network.requires_grad_(False), metadata


def _parent(sources: Sources, label_space: str) -> tuple[nn.Module, Normalisation]:
    network, metadata = _frozen(sources.parent, 'segmentation network (--parent)', label_space)
    per_frame = past_of(network) is Past.NONE
    if not network_spec(metadata.network).segments or not per_frame:
        raise TrainingError(
            f'{sources.parent} holds {metadata.network}, which does not segment single frames'
        )
    return network, Normalisation(metadata.mean, metadata.std)


def make_objective(
    spec: NetworkSpec,
    network: nn.Module,
    recipe: Recipe,
    frequencies: np.ndarray,
    label_space: str,
    sources: Sources,
) -> Objective:
    """
    Return what to minimise for a network of this kind.

    ``frequencies`` are the classes' shares among the labelled pixels.

    :raises TrainingError: if a frozen network is missing or is none of the right kind.
    """
    loss = SegmentationLoss(recipe, frequencies)
    num_classes = len(frequencies)
    if spec.purpose is Purpose.SEGMENTATION:
        return SegmentationObjective(network, loss, recipe, num_classes)
    if spec.purpose is Purpose.FLOW:
        if sources.parent is None:
            return FlowObjective(network, loss, recipe)
        return FlowObjective(network, loss, recipe, *_parent(sources, label_space))
    parent, normalise = _parent(sources, label_space)
    if spec.purpose is Purpose.REFINER:
        return RefinementObjective(network, parent, normalise, loss, recipe, num_classes)
    if spec.variant == 'flow':
        return DecisionObjective(network, parent, normalise, recipe)
    flow, metadata = _frozen(sources.flow, 'flow network (--flow)', label_space)
    width, layer = spec.variant.split('_')
    if not isinstance(flow, FlowNetS) or metadata.network != f'flownet2/{width}':
        raise TrainingError(f'{spec.name} looks at flownet2/{width}, not {metadata.network}')
    return DecisionObjective(network, parent, normalise, recipe, flow, layer)
