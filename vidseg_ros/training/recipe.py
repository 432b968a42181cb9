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

    ``optimizer`` 'sgd' (momentum 0.9) or 'adamw'; the rate falls by poly
    lr (1 - iteration / total)^power after a linear warm-up. ``loss`` 'cross_entropy' or
    'bootstrapped' (only the hardest ``bootstrap_fraction`` of the pixels); ``class_weight``
    'none' or 'log' (1 / ln(1.02 + p), ENet). ``scale`` range of the random scaling, ``crop``
    (height, width), ``stream_start`` how often a clip begins the stream (previous output and
    earlier frame zero), ``motion`` how far the smooth camera motion goes over
    ``frame_distance`` frames, as a fraction of the image. ``precision`` as Lightning Fabric
    names it.
    """

    epochs: int = 60
    batch_size: int = 8
    optimizer: str = 'adamw'
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup: float = 0.05
    power: float = 0.9
    loss: str = 'cross_entropy'
    bootstrap_fraction: float = 0.25
    class_weight: str = 'log'
    scale: tuple[float, float] = (0.6, 1.8)
    crop: tuple[int, int] = (360, 480)
    flip: float = 0.5
    colour: float = 0.3
    ema: float = 0.995
    stream_start: float = 0.15
    motion: float = 0.12
    frame_distance: int = 10
    precision: str = 'bf16-mixed'
    seed: int = 1

    def __post_init__(self) -> None:
        """Check the values; raise RecipeError."""
        choices = {
            'optimizer': ('sgd', 'adamw'),
            'loss': ('cross_entropy', 'bootstrapped'),
            'class_weight': ('none', 'log'),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f'{name}: {getattr(self, name)!r} is not one of {allowed}')
        for name in ('epochs', 'batch_size', 'frame_distance'):
            if getattr(self, name) < 1:
                raise RecipeError(f'{name}: must be at least 1')
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
