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
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidseg_ros.checkpoints.store import CheckpointMetadata, save_checkpoint
from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.evaluation.machine import machine
from vidseg_ros.networks.spec import NetworkSpec
from vidseg_ros.training.assembly import Sources, TrainingError, make_objective, start
from vidseg_ros.training.curve import draw_curve, write_curve
from vidseg_ros.training.device_clips import DeviceClipLoader, DeviceFrames
from vidseg_ros.training.folds import held_out
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.loader import Batch, ClipLoader
from vidseg_ros.training.objectives import Objective
from vidseg_ros.training.recipe import Recipe

OVERFLOWS_IN_A_ROW = 3
"""A gradient that is not finite is passed over; after so many in a row the training ends."""


@dataclass(frozen=True)
class Progress:
    """
    What is known after an iteration.

    ``loss`` is smoothed, ``measured`` is the epoch's so far (mIoU, for instance), ``waiting`` the
    share of the epoch's time in which the next batch was not ready.
    """

    epoch: int
    epochs: int
    iteration: int
    iterations: int
    loss: float
    measure: str
    measured: float
    seconds_per_image: float
    waiting: float
    validation: dict[str, float] = field(default_factory=dict)

    @property
    def ends_epoch(self) -> bool:
        """Tell whether this was the last iteration of an epoch."""
        return self.iteration * self.epochs == self.iterations * self.epoch


@dataclass(frozen=True)
class Running:
    """
    How a training is run, which does not change what comes of it.

    ``devices`` and ``strategy`` as Lightning Fabric names them (a batch is shared by all devices,
    whose batch statistics are their own); ``checkpoint_every`` so many iterations the state is
    written within an epoch, too (0: only after each); ``validate_every`` so many epochs.
    """

    accelerator: str = 'auto'
    devices: int = 1
    strategy: str = 'auto'
    loader_threads: int = 1
    checkpoint_every: int = 0
    validate_every: int = 1


def _fabric(running: Running, precision: str) -> Fabric:
    """Return a Fabric without the log lines of its start."""
    logging.getLogger('lightning.fabric').setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator=running.accelerator, devices=running.devices, strategy=running.strategy,
        precision=precision,  # type: ignore[arg-type]
    )  # fmt: skip
    if fabric.world_size > 1:
        fabric.launch()
    return fabric


def averaging(decay: float) -> Callable[..., None]:
    """
    Return the update of an exponential moving average that forgets its start at once.

    After n updates the decay is min(decay, (1 + n) / (10 + n)): a fixed one, over few iterations,
    would leave much of the random first weights in the average.
    """
    def update(averaged: list[Tensor], current: list[Tensor], number: Tensor) -> None:
        n = int(number)
        get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(averaged, current, number)

    return update


def _rng_state() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {'cpu': torch.get_rng_state(), 'cuda': cuda}


def _set_rng_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state['cpu'])
    if state['cuda']:
        torch.cuda.set_rng_state_all(state['cuda'])


class Trainer:
    """
    Train one network on one data set by a recipe.

    After each epoch the whole state is written beside ``out`` (``OUT.resume``); a new run with
    the same network, data and recipe goes on from there. The curve is beside it, too. At the end
    ``out`` holds the exponential moving average of the weights.

    ``validation`` is a data set, or the part of ``dataset`` to hold out (``folds.held_out``).
    """

    def __init__(
        self,
        spec: NetworkSpec,
        dataset: SegmentationDataset,
        recipe: Recipe,
        out: Path,
        sources: Sources | None = None,
        *,
        validation: SegmentationDataset | str | None = None,
        only: list[int] | None = None,
        running: Running | None = None,
    ) -> None:
        self._spec = spec
        self._dataset = dataset
        self._recipe = recipe
        self._out = out
        self._sources = sources or Sources()
        self._running = running or Running()
        self._validation_name = ''
        held: list[int] = []
        if isinstance(validation, str):
            self._validation_name = f'{validation} of {dataset.name} {dataset.split}'
            only, held = held_out(len(dataset), validation)
        elif validation is not None:
            self._validation_name = f'{validation.name} {validation.split}'

        self._fabric = _fabric(self._running, recipe.precision)
        self._fabric.seed_everything(recipe.seed, verbose=False)
        network = spec.build(dataset.label_space.num_classes)
        if self._sources.start_from is not None:
            start(network, self._sources.start_from)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

        store = FrameStore(dataset, only)
        self._only = only
        frequencies = store.class_frequencies(dataset.label_space.num_classes)
        objective = make_objective(
            spec, network, recipe, frequencies, dataset.label_space.name, self._sources
        )
        optimizer = self._make_optimizer(objective)
        self._objective = objective
        self._module, self._optimizer = self._fabric.setup(objective, optimizer)
        self._ema = AveragedModel(
            network, multi_avg_fn=averaging(recipe.ema), use_buffers=True
        )
        self._loader = self._make_loader(store, recipe)
        self._validation: ClipLoader | None = None
        if validation is not None:
            theirs = FrameStore(dataset, held) if isinstance(validation, str) else (
                FrameStore(validation))  # fmt: skip
            self._validation = self._make_loader(theirs, self._validation_recipe(theirs))

        self._total = recipe.epochs * len(self._loader)
        self._epoch = 0
        self._batch = 0
        self._loss_sum = 0.0
        self._overflows = 0
        self._seconds = 0.0
        self._counted_until = time.perf_counter()
        self._counts = objective.empty_counts().to(self._fabric.device)
        self._curve: list[dict[str, Any]] = []

    def _make_loader(self, store: FrameStore, recipe: Recipe) -> ClipLoader:
        options: dict[str, Any] = {
            'with_flow': self._objective.with_flow,
            'threads': self._running.loader_threads,
            'rank': self._fabric.global_rank,
            'world': self._fabric.world_size,
        }
        device, past = self._fabric.device, self._objective.past
        if device.type == 'cuda' and store.in_memory:
            free, _ = torch.cuda.mem_get_info(device)
            if DeviceFrames.bytes(store) < free // 2:
                return DeviceClipLoader(store, recipe, past, device, **options)
        return ClipLoader(store, recipe, past, **options)

    def _validation_recipe(self, store: FrameStore) -> Recipe:
        """Return how clips to validate on are made: whole frames as they are."""
        return replace(
            self._recipe, scale=(1.0, 1.0), flip=0.0, colour=0.0, saturation=0.0,
            stream_start=0.0, crop=self._objective.validation_size(store.size),
        )  # fmt: skip

    def _make_optimizer(self, objective: Objective) -> torch.optim.Optimizer:
        recipe, network = self._recipe, objective.network
        backbone: set[int] = set()
        if recipe.backbone_rate != 1.0:
            if not isinstance(getattr(network, 'backbone', None), nn.Module):
                raise TrainingError(f'backbone_rate: {self._spec.name} has no backbone')
            backbone = {id(p) for p in network.backbone.parameters()}  # type: ignore[union-attr]
        groups: list[dict[str, Any]] = []
        for decays in (True, False):
            for slow in (False, True):
                # Weights of convolutions decay; normalisation and biases don't.
                parameters = [
                    p for p in chain(network.parameters(), objective.companions.parameters())
                    if (p.ndim > 1) == decays and (id(p) in backbone) == slow
                ]  # fmt: skip
                if parameters:
                    groups.append({
                        'params': parameters,
                        'rate': recipe.backbone_rate if slow else 1.0,
                        'weight_decay': recipe.weight_decay if decays else 0.0,
                    })
        if recipe.optimizer == 'sgd':
            return torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9)
        if recipe.optimizer == 'adam':
            return torch.optim.Adam(groups, recipe.learning_rate)
        return torch.optim.AdamW(groups, recipe.learning_rate)

    # ---- the state

    @property
    def resume_path(self) -> Path:
        """Return where the state of an unfinished training lies."""
        return self._out.with_name(self._out.name + '.resume')

    @property
    def waits_for_frames(self) -> bool:
        """Tell whether frames are read anew each time, because they don't fit in memory."""
        return not self._loader.store.in_memory

    def _identity(self) -> dict[str, Any]:
        return {
            'network': self._spec.name,
            'dataset': f'{self._dataset.name} {self._dataset.split}',
            'only': '' if self._only is None else f'{len(self._only)} frames',
            'validation': self._validation_name,
            'parent': self._name_of(self._sources.parent),
            'flow': self._name_of(self._sources.flow),
            'recipe': self._recipe.as_mapping(),
        }

    @staticmethod
    def _name_of(checkpoint: Path | None) -> str:
        return '' if checkpoint is None else checkpoint.name

    def resume(self) -> int:
        """
        Take up an earlier run's state if there is one; return the number of epochs done.

        :raises TrainingError: if the state is of another network, data set or recipe.
        """
        if not self.resume_path.is_file():
            return 0
        saved = self._fabric.load(self.resume_path, weights_only=True)
        # What recipes did not have when the state was written was as it is by default.
        then = saved['identity']
        then = {**then, 'recipe': {**Recipe().as_mapping(), **then['recipe']}}
        companions = saved.get('companions', {})
        alike = companions.keys() == self._objective.companions.state_dict().keys()
        if then != self._identity() or not alike:
            raise TrainingError(
                f'{self.resume_path} is of another training ({saved["identity"]}); '
                f'move it away or name another --out'
            )
        self._objective.network.load_state_dict(saved['network'])
        self._objective.companions.load_state_dict(companions)
        self._ema.load_state_dict(saved['ema'])
        self._optimizer.load_state_dict(saved['optimizer'])
        _set_rng_state(saved['rng'])
        self._epoch, self._batch = saved['epoch'], saved['batch']
        self._overflows = saved['overflows']
        self._seconds = saved.get('seconds', 0.0)
        if self._fabric.is_global_zero:
            self._loss_sum = saved['loss_sum']
            self._counts = saved['counts'].to(self._fabric.device)
        self._curve = saved['curve']
        return self._epoch

    def _sum(self, values: Tensor) -> Tensor:
        """Add up what all the devices have."""
        if self._fabric.world_size == 1:
            return values
        total = self._fabric.all_reduce(self._fabric.to_device(values), reduce_op='sum')
        assert isinstance(total, Tensor)
        return total

    def _count_time(self) -> None:
        """Add the time since the last call, or since the training was made."""
        now = time.perf_counter()
        self._seconds += now - self._counted_until
        self._counted_until = now

    def _save_state(self) -> None:
        self._count_time()
        # What each device counted is added up before it is saved; the first one keeps it.
        counts = self._sum(self._counts)
        loss_sum = self._sum(torch.tensor(self._loss_sum, dtype=torch.float64))
        self._counts = counts if self._fabric.global_rank == 0 else torch.zeros_like(counts)
        self._loss_sum = float(loss_sum) if self._fabric.global_rank == 0 else 0.0
        partial = self.resume_path.with_name(self.resume_path.name + '.part')
        partial.parent.mkdir(parents=True, exist_ok=True)
        self._fabric.save(
            partial,
            {
                'identity': self._identity(),
                'network': self._objective.network.state_dict(),
                'companions': self._objective.companions.state_dict(),
                'ema': self._ema.state_dict(),
                'optimizer': self._optimizer.state_dict(),
                'rng': _rng_state(),
                'epoch': self._epoch,
                'batch': self._batch,
                'loss_sum': self._loss_sum,
                'overflows': self._overflows,
                'seconds': self._seconds,
                'counts': self._counts.cpu(),
                'curve': self._curve,
            },
        )
        if self._fabric.is_global_zero:
            partial.replace(self.resume_path)

    # ---- the loop

    def _set_rate(self, iteration: int) -> float:
        """Warm up linearly, then fall by poly (FASSVid, section 4.1) or stay."""
        recipe = self._recipe
        warmup = max(1, int(recipe.warmup * self._total))
        rate = recipe.learning_rate * min(1.0, (iteration + 1) / warmup)
        if recipe.schedule == 'poly':
            rate *= (1 - iteration / self._total) ** recipe.power
        for group in self._optimizer.param_groups:
            group['lr'] = rate * group['rate']
        return rate

    def _step(self, batch: Batch) -> float:
        parts = batch.parts(self._recipe.accumulate)
        losses, counts = [], torch.zeros_like(self._counts)
        for number, part in enumerate(parts, start=1):
            # Gradients are exchanged among devices once, with the last part's.
            with self._fabric.no_backward_sync(self._module, enabled=number < len(parts)):
                loss, counted = self._module(part.map(self._fabric.to_device))
                self._fabric.backward(loss / len(parts))
            losses.append(loss.detach())
            counts += counted
        norm = self._fabric.clip_gradients(
            self._module, self._optimizer, max_norm=self._recipe.clip_gradient or math.inf,
            error_if_nonfinite=False,
        )  # fmt: skip
        assert norm is not None
        if not math.isfinite(norm):
            # In bfloat16 a step in some ten thousands overflows; taken, it would ruin the weights.
            self._optimizer.zero_grad()
            self._overflows += 1
            return math.nan
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._ema.update_parameters(self._objective.network)
        self._counts += counts
        return float(torch.stack(losses).mean())

    def run(self, report: Callable[[Progress], None]) -> nn.Module:
        """
        Train to the end of the recipe and write the checkpoint; return the averaged network.

        :raises TrainingError: if ``OVERFLOWS_IN_A_ROW`` gradients in a row are not finite.
        """
        smoothed = None
        in_a_row = 0
        drawn = time.monotonic()
        measure = self._objective.measure
        while self._epoch < self._recipe.epochs:
            self._module.train()
            waiting = 0.0
            first = self._batch
            begun = before = time.perf_counter()
            for batch in self._loader.epoch(self._epoch, first):
                arrived = time.perf_counter()
                waiting += arrived - before
                iteration = self._epoch * len(self._loader) + self._batch
                rate = self._set_rate(iteration)
                loss = self._step(batch)
                self._batch += 1
                in_a_row = 0 if math.isfinite(loss) else in_a_row + 1
                if in_a_row == OVERFLOWS_IN_A_ROW:
                    raise TrainingError(
                        f'{in_a_row} gradients in a row were not finite in epoch '
                        f'{self._epoch + 1}; lower the learning rate'
                    )
                if not in_a_row:
                    self._loss_sum += loss
                    smoothed = loss if smoothed is None else 0.95 * smoothed + 0.05 * loss
                before = time.perf_counter()
                elapsed = before - begun
                images = (self._batch - first) * self._recipe.batch_size
                now = Progress(
                    self._epoch + 1, self._recipe.epochs, iteration + 1, self._total,
                    math.nan if smoothed is None else smoothed,
                    measure, self._objective.measures(self._counts.cpu())[measure],
                    elapsed / images, waiting / elapsed,
                )  # fmt: skip
                every = self._running.checkpoint_every
                if not now.ends_epoch:
                    if every and self._batch % every == 0:
                        self._save_state()
                    report(now)
            now = replace(now, validation=self._end_epoch(rate, now))
            if time.monotonic() - drawn > 60:
                self._draw()
                drawn = time.monotonic()
            report(now)
        self._loader.close()
        self._draw()
        self.write_checkpoint()
        return self._ema.module

    def _end_epoch(self, rate: float, now: Progress) -> dict[str, float]:
        """Enter the epoch into the curve, validate, and write the state."""
        counts = self._sum(self._counts)
        taken = max(1, self._batch - self._overflows)
        mean = self._loss_sum / taken / self._fabric.world_size
        loss = self._sum(torch.tensor(mean, dtype=torch.float64))
        due = (self._epoch + 1) % self._running.validate_every == 0
        last = self._epoch + 1 == self._recipe.epochs
        validation = self.validate() if self._validation is not None and (due or last) else {}
        self._count_time()
        self._curve.append({
            'epoch': self._epoch + 1,
            'loss': float(loss),
            'overflows': self._overflows,
            'rate': rate,
            'training': self._objective.measures(counts.cpu()),
            'validation': validation,
            'seconds_per_image': now.seconds_per_image,
            'hours': self._seconds / 3600,
            'waiting': now.waiting,
        })
        self._epoch += 1
        self._batch = 0
        self._loss_sum = 0.0
        self._overflows = 0
        self._counts = torch.zeros_like(counts)
        self._save_state()
        if self._fabric.is_global_zero:
            write_curve(self._out, self._header(), self._curve)
        return validation

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on the clips of the validation set, always the same."""
        assert self._validation is not None
        loader, network = self._validation, self._ema.module
        network.eval()
        self._module.eval()
        counts = self._objective.empty_counts().to(self._fabric.device)
        labelled = np.array(loader.store.labelled)
        mine = labelled[self._fabric.global_rank :: self._fabric.world_size]
        # A frame at a time: whole frames take more memory than crops.
        for index in mine:
            batch = loader.render(loader.plans(0, np.array([index])))
            with self._fabric.autocast():
                outcome = self._objective.run(network, batch.map(self._fabric.to_device))
            counts += outcome.counts
        counts = self._sum(counts)
        return self._objective.measures(counts.cpu())

    def _header(self) -> dict[str, Any]:
        identity = self._identity()
        return {**identity, 'measure': self._objective.measure, 'world': self._fabric.world_size}

    def _draw(self) -> None:
        if self._curve and self._fabric.is_global_zero:
            title = f'{self._spec.name} on {self._dataset.name} {self._dataset.split}'
            draw_curve(self._out, title, self._curve, self._objective.measure)

    @property
    def curve(self) -> list[dict[str, Any]]:
        """Return what was entered after each epoch."""
        return self._curve

    @property
    def leads(self) -> bool:
        """Tell whether this process writes the files."""
        return self._fabric.is_global_zero

    def _machine(self) -> dict[str, str]:
        """Return what the training runs on, as text for people."""
        device, count = self._fabric.device.type, self._fabric.world_size
        used = f'{torch.get_num_threads()} CPU threads' if device == 'cpu' else 'GPU'
        used = used if count == 1 else f'{count} devices, {used} each'
        return {**machine(), 'used': used, 'torch': torch.__version__}

    def write_checkpoint(self, metrics: dict[str, Any] | None = None) -> None:
        """Write the averaged weights to ``out``."""
        if not self._fabric.is_global_zero:
            return
        found = self._curve[-1]['validation'] if self._curve else {}
        measured: dict[str, Any] = {
            'epochs': self._epoch,
            'hours': round(self._seconds / 3600, 3),
            'machine': self._machine(),
        }
        if found:
            measured['validation'] = {'data': self._validation_name, **found}
        if self._sources.parent is not None:
            measured['parent'] = self._name_of(self._sources.parent)
        metadata = CheckpointMetadata(
            network=self._spec.name,
            label_space=self._dataset.label_space.name,
            input_size=self._recipe.crop,
            data=f'{self._dataset.name} {self._dataset.split}',
            recipe=self._recipe.as_mapping(),
            metrics={**measured, **(metrics or {})},
            licence=self._dataset.licence,
        )
        save_checkpoint(self._out, self._ema.module, metadata)
