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
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from vidseg_ros.networks.spec import NetworkSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('network', help="'network/variant', as `vidseg inspect` lists them")
    parser.add_argument('--dataset', required=True, help='data set, e.g. camvid')
    parser.add_argument('--root', default='', help='folder of the data set')
    parser.add_argument('--split', default='train')
    parser.add_argument('--out', type=Path, required=True, help='checkpoint (.safetensors)')
    parser.add_argument('--recipe', type=Path, help='YAML file, as in config/training/')
    parser.add_argument('--start-from', help='checkpoint to take the weights that fit from')
    parser.add_argument('--score', metavar='SPLIT',
                        help='score the result on this split and put it in the checkpoint')
    parser.add_argument('--epochs', type=int, help="instead of the recipe's")
    parser.add_argument('--threads', type=int, default=0, help='CPU threads (0: as torch likes)')


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    # Seconds to import, so only when they are needed.
    import torch

    from vidseg_ros.checkpoints.card import write_card
    from vidseg_ros.checkpoints.store import find_checkpoint
    from vidseg_ros.datasets.registry import open_dataset
    from vidseg_ros.networks.registry import network_spec
    from vidseg_ros.training.recipe import Recipe
    from vidseg_ros.training.trainer import Progress as Step
    from vidseg_ros.training.trainer import Trainer

    console = Console(stderr=True)
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = Recipe.load(args.recipe) if args.recipe else Recipe()
    if args.epochs:
        recipe = replace(recipe, epochs=args.epochs)
    spec = network_spec(args.network)
    dataset = open_dataset(args.dataset, args.root, args.split)
    start_from = find_checkpoint(args.start_from) if args.start_from else None
    trainer = Trainer(spec, dataset, recipe, args.out, start_from)
    done = trainer.resume()
    if done:
        console.print(f'going on after epoch {done} of {recipe.epochs}')
    columns = (
        TextColumn('epoch {task.fields[epoch]}/{task.fields[epochs]}'),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('loss {task.fields[loss]:.4f}  {task.fields[speed]:.3f} s/image  '
                   'waiting {task.fields[waiting]:.0%}'),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task('', total=None, epoch=done, epochs=recipe.epochs, loss=float('nan'),
                            speed=0.0, waiting=0.0)  # fmt: skip
        printed = 0

        def report(step: Step) -> None:
            nonlocal printed
            bar.update(
                task, total=step.iterations, completed=step.iteration, epoch=step.epoch,
                loss=step.loss, speed=step.seconds_per_image, waiting=step.waiting,
            )  # fmt: skip
            # Where there is no terminal, a line per epoch tells how it goes.
            last_of_epoch = step.iteration * step.epochs == step.iterations * step.epoch
            if not console.is_terminal and last_of_epoch and step.epoch != printed:
                printed = step.epoch
                console.print(
                    f'epoch {step.epoch}/{step.epochs} loss {step.loss:.4f} '
                    f'{step.seconds_per_image:.3f} s/image, waiting {step.waiting:.1%}'
                )

        trainer.run(report)
    metrics: dict[str, Any] = {'command': shlex.join(['vidseg', *sys.argv[1:]])}
    if args.score:
        metrics['scores'] = _score(args, spec)
    trainer.write_checkpoint(metrics)
    card = write_card(args.out)
    console.print(f'wrote {args.out} and {card}')
    return 0


def _score(args: argparse.Namespace, spec: NetworkSpec) -> dict[str, Any]:
    """Return what the checkpoint reaches on another split, frame after frame, in fp32."""
    from vidseg_ros.datasets.registry import open_dataset
    from vidseg_ros.evaluation.runner import run
    from vidseg_ros.methods.registry import MethodOptions, create_method

    temporal = spec.network == 'fassvid' and not spec.variant.startswith('base')
    method = create_method(
        'fassvid' if temporal else 'per_frame',
        MethodOptions(checkpoint=str(args.out), precision='fp32'),
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
