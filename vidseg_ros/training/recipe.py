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
"""Recipes: everything that decides how a training goes, in one YAML file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml


class RecipeError(ValueError):
    """A recipe has a key or a value that makes no sense."""


@dataclass(frozen=True)
class Recipe:
    """
    How to train.

    The optimiser: ``optimizer`` 'sgd' (momentum 0.9), 'adam' or 'adamw'; ``schedule`` 'poly', by
    which the rate falls as (1 - iteration / total)^power, or 'constant', both after a linear
    warm-up over that share of the training; ``backbone_rate`` multiplies the rate of a network's
    backbone; gradients longer than ``clip_gradient`` are cut to that length (0: never); ``ema``
    is the decay of the weights' moving average. ``precision`` as Lightning Fabric names it. A
    batch is run in ``accumulate`` equal parts whose gradients are averaged, where it does not fit
    in memory; batch statistics are those of a part.

    The loss: ``loss`` 'cross_entropy' or 'bootstrapped' (only the hardest ``bootstrap_fraction``
    of the pixels); ``class_weight`` 'none' or 'log' (1 / ln(1.02 + p), ENet), of which the share
    ``logit_adjustment`` is kept out of the logits (0: the network itself learns to prefer rare
    classes; 1: it learns their probabilities in the data); ``past_weight`` is that of a clip's
    frames before the last, where a network segments them, too; ``distillation`` multiplies the
    divergence of the last frame's classes from those that the network gives it alone (for
    networks that can do both); ``auxiliary`` multiplies what the papers give the auxiliary losses
    that some networks are trained with. A Refiner's loss has the weight of IAM and at least
    ``attention_floor``. A flow network's is the
    end-point error plus ``warping_weight`` times that of labels warped by it. A decision network
    sees frames in ``regions`` (rows, columns) that overlap by ``overlap`` pixels.

    The frames: ``scale`` is the range of the random scaling, ``crop`` (height, width), ``flip``
    how often, ``colour`` and ``saturation`` the strength of their jitter (0: none).

    The clips: ``clips`` 'stills' makes them from single frames by smooth camera motion that goes
    over the share ``motion`` of the image in ``frame_distance`` frames, with ``occluders`` moving
    objects, on average, cut from other frames; 'video' takes them from the data set; 'auto' does
    that where it has dense video. ``stream_start`` is how often a clip begins the stream,
    ``clip_length`` how many frames a sequence has, ``max_distance`` how many frames a key frame
    lies back at most. An epoch goes ``passes`` times over the frames, each time with the same
    clips; with ``fixed_clips`` they are the same in all epochs (to be learned by heart).
    """

    epochs: int = 60
    batch_size: int = 8
    accumulate: int = 1
    optimizer: str = 'adamw'
    learning_rate: float = 2e-3
    backbone_rate: float = 1.0
    weight_decay: float = 1e-2
    schedule: str = 'poly'
    warmup: float = 0.05
    power: float = 0.9
    clip_gradient: float = 0.0
    loss: str = 'cross_entropy'
    bootstrap_fraction: float = 0.25
    class_weight: str = 'log'
    logit_adjustment: float = 0.0
    past_weight: float = 1.0
    distillation: float = 0.0
    auxiliary: float = 1.0
    attention_floor: float = 0.2
    warping_weight: float = 1.0
    regions: tuple[int, int] = (2, 2)
    overlap: int = 64
    scale: tuple[float, float] = (0.6, 1.8)
    crop: tuple[int, int] = (360, 480)
    flip: float = 0.5
    colour: float = 0.3
    saturation: float = 0.0
    ema: float = 0.995
    clips: str = 'auto'
    stream_start: float = 0.15
    motion: float = 0.12
    frame_distance: int = 10
    clip_length: int = 5
    max_distance: int = 4
    occluders: float = 0.0
    passes: int = 1
    fixed_clips: bool = False
    precision: str = 'bf16-mixed'
    seed: int = 1

    def __post_init__(self) -> None:
        """Check the values; raise RecipeError."""
        choices = {
            'optimizer': ('sgd', 'adam', 'adamw'),
            'schedule': ('poly', 'constant'),
            'clips': ('auto', 'stills', 'video'),
            'loss': ('cross_entropy', 'bootstrapped'),
            'class_weight': ('none', 'log'),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f'{name}: {getattr(self, name)!r} is not one of {allowed}')
        for name in ('epochs', 'batch_size', 'accumulate', 'frame_distance', 'clip_length',
                     'max_distance', 'passes'):
            if getattr(self, name) < 1:
                raise RecipeError(f'{name}: must be at least 1')
        for name in ('clip_gradient', 'past_weight', 'distillation', 'auxiliary',
                     'attention_floor', 'occluders', 'overlap'):
            if getattr(self, name) < 0:
                raise RecipeError(f'{name}: must not be negative')
        if not 0 <= self.logit_adjustment <= 1:
            raise RecipeError(f'logit_adjustment: {self.logit_adjustment} is not from 0 to 1')
        if self.logit_adjustment and self.class_weight == 'none':
            raise RecipeError('logit_adjustment: there are no class weights to keep out')
        if not 0 < self.scale[0] <= self.scale[1]:
            raise RecipeError(f'scale: {self.scale} is not a range of positive factors')

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> Recipe:
        """Make a recipe of a mapping; raise RecipeError for a key that there is not."""
        known = {f.name for f in fields(cls)}
        unknown = set(values) - known
        if unknown:
            raise RecipeError(f'unknown keys: {", ".join(sorted(unknown))}')
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**values)

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe; raise RecipeError with the file's name."""
        try:
            values = yaml.safe_load(path.read_text())
        except (OSError, yaml.YAMLError) as error:
            raise RecipeError(f'{path}: {error}') from error
        if not isinstance(values, dict):
            raise RecipeError(f'{path}: not a mapping')
        try:
            return cls.from_mapping(values)
        except (RecipeError, TypeError) as error:
            raise RecipeError(f'{path}: {error}') from error

    def as_mapping(self) -> dict[str, Any]:
        """Return the recipe as plain values."""
        return asdict(self)
