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
"""The training loop, on Lightning Fabric: resumable, deterministic by seed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidseg_ros.checkpoints.store import (
    MEAN,
    STD,
    CheckpointMetadata,
    load_tensors,
    save_checkpoint,
)
from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.networks.spec import NetworkSpec
from vidseg_ros.training.loader import Batch, ClipLoader
from vidseg_ros.training.losses import SegmentationLoss
from vidseg_ros.training.recipe import Recipe
from vidseg_ros.training.unroll import Normalise, forward_clip


class TrainingError(RuntimeError):
    """The training cannot start or go on; the message says why."""


@dataclass(frozen=True)
class Progress:
    """What is known after an iteration; ``loss`` is smoothed."""

    epoch: int
    epochs: int
    iteration: int
    iterations: int
    loss: float
    seconds_per_image: float
    waiting: float


def _quiet_fabric(precision: str) -> Fabric:
    """Return a Fabric without the log lines of its start."""
    logging.getLogger('lightning.fabric').setLevel(logging.WARNING)
    return Fabric(accelerator='auto', devices=1, precision=precision)  # type: ignore[arg-type]


class Trainer:
    """
    Train one network on one data set by a recipe.

    After each epoch the whole state is written beside ``out`` (``OUT.resume``); a new run with
    the same network, data and recipe goes on from there. At the end ``out`` holds the
    exponential moving average of the weights.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        dataset: SegmentationDataset,
        recipe: Recipe,
        out: Path,
        start_from: Path | None = None,
        loader_threads: int = 1,
    ) -> None:
        self._spec = spec
        self._dataset = dataset
        self._recipe = recipe
        self._out = out
        self._fabric = _quiet_fabric(recipe.precision)
        self._fabric.seed_everything(recipe.seed, verbose=False)
        network = spec.build(dataset.label_space.num_classes)
        if start_from is not None:
            load_tensors(start_from, network, partial=True)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._loader = ClipLoader(dataset, recipe, loader_threads)
        frequencies = self._loader.class_frequencies(dataset.label_space.num_classes)
        optimizer = self._make_optimizer(network)
        self._network, self._optimizer = self._fabric.setup(network, optimizer)
        self._ema = AveragedModel(
            network, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema), use_buffers=True
        )
        self._loss = SegmentationLoss(recipe, frequencies).to(self._fabric.device)
        self._normalise = Normalise(MEAN, STD).to(self._fabric.device)
        self._epoch = 0
        self._total = recipe.epochs * len(self._loader)

    def _make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        recipe = self._recipe
        # Weights of convolutions decay; normalisation and biases don't.
        decay = [p for p in network.parameters() if p.ndim > 1]
        plain = [p for p in network.parameters() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [{'params': decay}, {'params': plain, 'weight_decay': 0.0}]
        if recipe.optimizer == 'sgd':
            return torch.optim.SGD(
                groups, recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay
            )
        return torch.optim.AdamW(groups, recipe.learning_rate, weight_decay=recipe.weight_decay)

    @property
    def resume_path(self) -> Path:
        """Return where the state of an unfinished training lies."""
        return self._out.with_name(self._out.name + '.resume')

    def _identity(self) -> dict[str, Any]:
        return {
            'network': self._spec.name,
            'dataset': f'{self._dataset.name} {self._dataset.split}',
            'recipe': self._recipe.as_mapping(),
        }

    def resume(self) -> int:
        """
        Take up an earlier run's state if there is one; return the number of epochs done.

        :raises TrainingError: if the state is of another network, data set or recipe.
        """
        if not self.resume_path.is_file():
            return 0
        saved = self._fabric.load(self.resume_path)
        if saved['identity'] != self._identity():
            raise TrainingError(
                f'{self.resume_path} is of another training ({saved["identity"]}); '
                f'move it away or name another --out'
            )
        self._network.load_state_dict(saved['network'])
        self._ema.load_state_dict(saved['ema'])
        self._optimizer.load_state_dict(saved['optimizer'])
        torch.set_rng_state(saved['rng'])
        self._epoch = saved['epoch']
        return self._epoch

    def _save_state(self) -> None:
        partial = self.resume_path.with_name(self.resume_path.name + '.part')
        partial.parent.mkdir(parents=True, exist_ok=True)
        self._fabric.save(
            partial,
            {
                'identity': self._identity(),
                'network': self._network.state_dict(),
                'ema': self._ema.state_dict(),
                'optimizer': self._optimizer.state_dict(),
                'rng': torch.get_rng_state(),
                'epoch': self._epoch,
            },
        )
        partial.replace(self.resume_path)

    def _set_rate(self, iteration: int) -> None:
        """Warm up linearly, then fall by poly (FASSVid, section 4.1)."""
        recipe = self._recipe
        warmup = max(1, int(recipe.warmup * self._total))
        rise = min(1.0, (iteration + 1) / warmup)
        fall = (1 - iteration / self._total) ** recipe.power
        for group in self._optimizer.param_groups:
            group['lr'] = recipe.learning_rate * rise * fall

    def _step(self, batch: Batch) -> float:
        with self._fabric.autocast():
            logits = forward_clip(self._network, batch, self._normalise)
        logits = F.interpolate(
            logits.float(), size=batch.labels.shape[-2:], mode='bilinear', align_corners=False
        )
        loss = self._loss(logits, batch.labels)
        self._fabric.backward(loss)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._ema.update_parameters(self._network.module)
        return float(loss.detach())

    def run(self, report: Callable[[Progress], None]) -> nn.Module:
        """
        Train to the end of the recipe and write the checkpoint; return the averaged network.

        :raises TrainingError: if the loss is not finite.
        """
        smoothed = None
        while self._epoch < self._recipe.epochs:
            self._network.train()
            waiting = 0.0
            begun = before = time.perf_counter()
            batches = self._loader.epoch(self._epoch)
            for index, batch in enumerate(batches):
                arrived = time.perf_counter()
                waiting += arrived - before
                iteration = self._epoch * len(self._loader) + index
                self._set_rate(iteration)
                loss = self._step(self._on_device(batch))
                if loss != loss or loss == float('inf'):
                    raise TrainingError(
                        f'the loss is {loss} in epoch {self._epoch + 1}; lower the learning rate'
                    )
                smoothed = loss if smoothed is None else 0.95 * smoothed + 0.05 * loss
                before = time.perf_counter()
                elapsed = before - begun
                images = (index + 1) * self._recipe.batch_size
                report(Progress(
                    self._epoch + 1, self._recipe.epochs, iteration + 1, self._total, smoothed,
                    elapsed / images, waiting / elapsed,
                ))  # fmt: skip
            self._epoch += 1
            self._save_state()
        self._loader.close()
        self.write_checkpoint()
        return self._ema.module

    def _on_device(self, batch: Batch) -> Batch:
        move = self._fabric.to_device
        return Batch(*(move(t) for t in (
            batch.image, batch.labels, batch.last, batch.earlier, batch.starts)))  # fmt: skip

    def write_checkpoint(self, metrics: dict[str, Any] | None = None) -> None:
        """Write the averaged weights to ``out``."""
        metadata = CheckpointMetadata(
            network=self._spec.name,
            label_space=self._dataset.label_space.name,
            input_size=self._recipe.crop,
            data=f'{self._dataset.name} {self._dataset.split}',
            recipe=self._recipe.as_mapping(),
            metrics={'epochs': self._epoch, **(metrics or {})},
            licence=self._dataset.licence,
        )
        save_checkpoint(self._out, self._ema.module, metadata)
