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
"""vidseg train: train a network on a data set; a stopped training goes on where it was."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from vidseg_ros.networks.spec import NetworkSpec
    from vidseg_ros.training.trainer import Progress as Step


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('network', help="'network/variant', as `vidseg inspect` lists them")
    parser.add_argument('--dataset', required=True, help='data set, e.g. camvid')
    parser.add_argument('--root', default='', help='folder of the data set')
    parser.add_argument('--split', default='train')
    parser.add_argument('--out', type=Path, required=True, help='checkpoint (.safetensors)')
    parser.add_argument('--recipe', type=Path, help='YAML file, as in config/training/')
    parser.add_argument('--start-from', help='checkpoint to take the weights that fit from')
    parser.add_argument('--parent', help='frozen segmentation network of a refiner, a decision '
                        'or a flow network: a checkpoint')
    parser.add_argument('--flow', help='frozen flow network of a decision network: a checkpoint')
    parser.add_argument('--validate', metavar='WHAT',
                        help='measure after epochs: a split, a share of the frames to hold out '
                        '(0.2), or one of several equal parts of them (2/5)')
    parser.add_argument('--validate-every', type=int, default=1, metavar='EPOCHS')
    parser.add_argument('--score', metavar='SPLIT',
                        help='score the result on this split and put it in the checkpoint')
    parser.add_argument('--epochs', type=int, help="instead of the recipe's")
    parser.add_argument('--accumulate', type=int, metavar='N',
                        help="run batches in N parts, for small memories; instead of the recipe's")
    parser.add_argument('--overfit', type=int, metavar='N',
                        help='learn the first N frames by heart, without augmentation')
    parser.add_argument('--threads', type=int, default=0, help='CPU threads (0: as torch likes)')
    parser.add_argument('--loader-threads', type=int, default=1, help='that make clips')
    parser.add_argument('--checkpoint-every', type=int, default=0, metavar='ITERATIONS',
                        help='write the state within epochs, too')
    parser.add_argument('--accelerator', default='auto', help="'auto', 'cpu' or 'cuda'")
    parser.add_argument('--devices', type=int, default=1, help='how many GPUs (or processes)')
    parser.add_argument('--strategy', default='auto', help='of Lightning Fabric, e.g. ddp')


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    # Seconds to import, so only when they are needed.
    import torch

    from vidseg_ros.checkpoints.card import write_card
    from vidseg_ros.checkpoints.store import find_checkpoint
    from vidseg_ros.datasets.base import SegmentationDataset
    from vidseg_ros.datasets.registry import open_dataset
    from vidseg_ros.networks.registry import network_spec
    from vidseg_ros.training.assembly import Sources
    from vidseg_ros.training.folds import is_share
    from vidseg_ros.training.overfit import by_heart
    from vidseg_ros.training.recipe import Recipe
    from vidseg_ros.training.trainer import Running, Trainer

    console = Console(stderr=True)
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = Recipe.load(args.recipe) if args.recipe else Recipe()
    if args.epochs:
        recipe = replace(recipe, epochs=args.epochs)
    if args.accumulate:
        recipe = replace(recipe, accumulate=args.accumulate)
    spec = network_spec(args.network)
    dataset = open_dataset(args.dataset, args.root, args.split)
    only = None
    if args.overfit:
        recipe = by_heart(recipe, args.overfit)
        only = list(range(min(args.overfit, len(dataset))))
    validation: SegmentationDataset | str | None = args.validate
    if args.validate and not is_share(args.validate):
        validation = open_dataset(args.dataset, args.root, args.validate)
    trainer = Trainer(
        spec, dataset, recipe, args.out,
        Sources(*(find_checkpoint(name) if name else None
                  for name in (args.start_from, args.parent, args.flow))),
        validation=validation,
        only=only,
        running=Running(
            args.accelerator, args.devices, args.strategy, args.loader_threads,
            args.checkpoint_every, args.validate_every,
        ),
    )  # fmt: skip
    done = trainer.resume()
    if done:
        console.print(f'going on after epoch {done} of {recipe.epochs}')
    if trainer.waits_for_frames:
        console.print('the frames do not fit in memory: each is read when it is needed')
    _run_with_bar(trainer.run, console, quiet=not trainer.leads)
    if not trainer.leads:
        return 0
    metrics: dict[str, Any] = {'command': shlex.join(['vidseg', *sys.argv[1:]])}
    if args.score:
        metrics['scores'] = _score(args, spec)
    trainer.write_checkpoint(metrics)
    card = write_card(args.out)
    console.print(f'wrote {args.out} and {card}')
    return 0


def _run_with_bar(
    run: Callable[[Callable[[Step], None]], Any], console: Console, *, quiet: bool
) -> None:
    """Run a training under a progress bar; where there is no terminal, a line per epoch."""
    columns = (
        TextColumn('epoch {task.fields[epoch]}'),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn('{task.fields[said]}'),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task('', total=None, epoch='-', said='')

        def report(step: Step) -> None:
            said = (
                f'loss {step.loss:.4f}  {step.measure} {step.measured:.3f}  '
                f'{step.seconds_per_image:.3f} s/image  waiting {step.waiting:.1%}'
            )
            bar.update(
                task, total=step.iterations, completed=step.iteration, said=said,
                epoch=f'{step.epoch}/{step.epochs}',
            )  # fmt: skip
            if quiet or not step.ends_epoch or (console.is_terminal and not step.validation):
                return
            validated = ''.join(f'  {k} {v:.4f}' for k, v in step.validation.items())
            console.print(
                f'epoch {step.epoch}/{step.epochs}  {said}'
                + (f'  validation:{validated}' if validated else ''),
                soft_wrap=True,
            )

        run(report)


def _score(args: argparse.Namespace, spec: NetworkSpec) -> dict[str, Any]:
    """Return what the checkpoint reaches on another split, frame after frame, in fp32."""
    from vidseg_ros.datasets.registry import open_dataset
    from vidseg_ros.evaluation.runner import run
    from vidseg_ros.methods.registry import MethodOptions, create_method

    if not spec.segments:
        raise ValueError(f'--score: {spec.name} is a part of a method and is not scored alone')
    method = create_method(
        spec.method, MethodOptions(checkpoint=str(args.out), precision='fp32')
    )
    dataset = open_dataset(args.dataset, args.root, args.score)
    figures = run(method, dataset, pictures=0).figures
    method.close()
    names = ('miou', 'pixel_accuracy', 'mean_accuracy', 'temporal_consistency', 'frames',
             'per_class_iou')  # fmt: skip
    return {
        'data': f'{dataset.name} {dataset.split}',
        'method': method.name,
        **{name: figures[name] for name in names},
    }
