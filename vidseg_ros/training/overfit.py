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
Learn a handful of frames by heart: what every network that can be trained must be able to do.

`python -m vidseg_ros.training.overfit [NETWORK ...]` does it on four synthetic frames, for one
network of each kind if none is named, and prints a table as docs/training.md has it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from vidseg_ros.datasets.base import Image, SegmentationDataset
from vidseg_ros.labels.registry import label_space
from vidseg_ros.networks.registry import network_spec
from vidseg_ros.networks.spec import Purpose
from vidseg_ros.training.assembly import Sources
from vidseg_ros.training.recipe import Recipe
from vidseg_ros.training.trainer import Progress, Trainer

FRAMES = 4
# Pixels a side, and those for parts of methods: flow networks halve the image six times, DIS
# follows little in small images, and Refiners need something of ICNet's features at 1/32.
SIDE, PARTS_SIDE = 64, 128

# How often it is looked whether a network knows the frames already.
CHECKS = 5

# One network of each kind, with the number of steps it is given at most.
STEPS = {
    'fast_scnn/full': 120,
    'fassvid/base_hires': 80,
    'fassvid/full_hires': 80,
    'fassvid/base': 100,
    'fassvid/full': 100,
    'lernet/base': 100,
    'lernet_tha/base': 100,
    'espnet/q3': 150,
    'enet/full': 400,
    'erfnet/full': 300,
    'lednet/full': 300,
    'icnet/half': 100,
    'temporal_unet/vanilla_small_deep': 100,
    'temporal_unet/vanilla_small_shallow_crnn': 150,
    'temporal_unet/resnet_small_deep_cgru': 100,
    'temporal_unet/convnext_small_deep_crnn': 100,
    'refiner/fassvid_hires': 150,
    'refiner/icnet_half': 150,
    'decision/flow': 300,
    'flownet2/s': 150,
    'decision/s_conv6': 150,
    'deeplab/fast': 200,
    'deeplab/v2': 200,
    'pspnet/resnet101': 200,
    'dilated_fpn/base': 150,
}

# What counts as learned: mean IoU, share of the scores' variance, share of the motion.
GOALS = {'miou': 0.9, 'r2': 0.5, 'epe': 0.5}

# Networks whose logits are too coarse for small frames.
_COARSE = ('deeplab/fast',)

# The frozen networks that a part of a method is trained on.
_PARENTS = {
    'refiner/icnet_half': 'icnet/half',
    'refiner/fassvid': 'fassvid/base',
}
_PARENT = 'fassvid/base_hires'

# The share of the image that the camera moves over in ten frames. Most of what a Refiner's frames
# show is warped, and in images so small DIS follows no large motion.
_MOTION = {Purpose.DECISION: 0.2, Purpose.FLOW: 0.2, Purpose.REFINER: 0.03}


def by_heart(recipe: Recipe, frames: int) -> Recipe:
    """Return a recipe without anything random about the frames, for so many of them."""
    return replace(
        recipe, batch_size=min(frames, recipe.batch_size), accumulate=1, scale=(1.0, 1.0),
        flip=0.0, colour=0.0, saturation=0.0, stream_start=0.0, class_weight='none',
        logit_adjustment=0.0, fixed_clips=True,
    )  # fmt: skip


class Scenes:
    """
    Synthetic frames: large coloured shapes, a class each, noisy.

    What a training needs of a data set, in memory.
    """

    name = 'scenes'
    split = 'train'
    licence = 'made up'
    rate_hz = 1.0

    def __init__(self, frames: int = FRAMES, side: int = SIDE) -> None:
        self.label_space = label_space('camvid')
        self._frames = [self._scene(np.random.default_rng(i), side) for i in range(frames)]

    @staticmethod
    def _scene(rng: np.random.Generator, side: int) -> tuple[Image, Image]:
        labels = np.zeros((side, side), np.uint8)
        labels[int(rng.integers(side * 3 // 8, side * 5 // 8)) :] = 1
        for value in (2, 3, 4):
            centre = rng.integers(side // 6, side * 5 // 6, 2)
            radii = rng.integers(side // 7, side // 4, 2)
            cv2.ellipse(
                labels, tuple(map(int, centre)), tuple(map(int, radii)), float(rng.uniform(0, 90)),
                0, 360, value, -1,
            )  # fmt: skip
        colours = np.random.default_rng(99).integers(40, 216, (5, 3))
        image = colours[labels] + rng.normal(0, 12, (side, side, 3))
        return np.clip(image, 0, 255).astype(np.uint8), labels

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._frames)

    def image(self, index: int) -> Image:
        """Return an image, uint8 [H, W, 3]."""
        return self._frames[index][0]

    def labels(self, index: int) -> Image:
        """Return its labels, uint8 [H, W]."""
        return self._frames[index][1]


@dataclass(frozen=True)
class Result:
    """What came of it: the ``measure`` on the frames after so many ``steps``, in CPU seconds."""

    network: str
    steps: int
    seconds: float
    measure: str
    value: float

    @property
    def learned(self) -> bool:
        """Tell whether the frames are known by heart."""
        return self.value >= GOALS[self.measure]


def _value(found: dict[str, float]) -> tuple[str, float]:
    """Return which measure counts, and its value: of an error, the share of it that is gone."""
    measure, value = next(iter(found.items()))
    return measure, 1.0 - value / found['epe_of_zero'] if measure == 'epe' else value


class _Learned(Exception):
    """The frames are known by heart."""


def _stop_when_learned(progress: Progress) -> None:
    if progress.validation:
        measure, value = _value(progress.validation)
        if value >= GOALS[measure]:
            raise _Learned


def learn(
    network: str, folder: Path, steps: int = 0, *, side: int = 0, whole: bool = False
) -> Result:
    """
    Let a network learn four scenes by heart; the checkpoint is left in ``folder``.

    It ends as soon as they are known, and after ``steps`` (0: as ``STEPS`` has it) at the latest,
    or only then if it is to go the ``whole`` way. Parts of a method are trained on networks that
    did that before. ``side`` is that of the frames in pixels (0: as suits the network).
    """
    spec = network_spec(network)
    steps = steps or STEPS.get(network, 150)
    every = -(-steps // CHECKS)
    small_steps = spec.purpose in (Purpose.DECISION, Purpose.FLOW)
    small = spec.purpose is Purpose.SEGMENTATION and network not in _COARSE
    side = side or (SIDE if small else PARTS_SIDE)
    sources = Sources()
    if spec.purpose is not Purpose.SEGMENTATION:
        parent = _checkpoint(_PARENTS.get(network, _PARENT), folder, side)
        flow = None
        if spec.purpose is Purpose.DECISION and spec.variant != 'flow':
            flow = _checkpoint(f'flownet2/{spec.variant.split("_")[0]}', folder, side)
        start = parent if spec.purpose is Purpose.REFINER else None
        sources = Sources(start, parent, flow)
    heavy = network.startswith(('deeplab', 'pspnet'))
    recipe = by_heart(
        Recipe(
            epochs=CHECKS, passes=every, batch_size=FRAMES, crop=(side, side), optimizer='adamw',
            learning_rate=5e-4 if heavy or small_steps else 3e-3, weight_decay=1e-4, ema=0.9,
            motion=_MOTION.get(spec.purpose, 0.06), occluders=1.0 if small_steps else 0.0,
            overlap=0, clip_length=3, clip_gradient=5.0, precision='32-true', seed=3,
        ),
        FRAMES,
    )  # fmt: skip
    data = cast(SegmentationDataset, Scenes(side=side))
    begun = time.process_time()
    trainer = Trainer(spec, data, recipe, _file(network, folder), sources, validation=data)
    try:
        trainer.run((lambda _: None) if whole else _stop_when_learned)
    except _Learned:
        trainer.write_checkpoint()
    trainer.resume_path.unlink()
    measure, value = _value(trainer.curve[-1]['validation'])
    taken = len(trainer.curve) * every
    return Result(network, taken, time.process_time() - begun, measure, value)


def _file(network: str, folder: Path) -> Path:
    return folder / f'{network.replace("/", "_")}.safetensors'


def _checkpoint(network: str, folder: Path, side: int) -> Path:
    """Return a network that a part of a method is trained on, as good as it gets."""
    parents = folder / f'parents_{side}'
    path = _file(network, parents)
    if not path.is_file():
        learn(network, parents, side=side, whole=True)
    return path


def main(arguments: list[str]) -> int:
    """Print the table; the exit code is the number of networks that did not learn."""
    parser = argparse.ArgumentParser(description='Let networks learn four frames by heart.')
    parser.add_argument('networks', nargs='*', help='network/variant; none: one of each kind')
    chosen = parser.parse_args(arguments).networks or list(STEPS)
    names = {
        'miou': 'mean IoU', 'r2': "of the scores' variance", 'epe': 'of the motion',
    }  # fmt: skip
    print('| network | steps | CPU time | learned | |')
    print('|---|---|---|---|---|', flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for network in chosen:
            result = learn(network, Path(folder))
            failed += not result.learned
            print(
                f'| `{network}` | {result.steps} | {result.seconds:.0f} s | '
                f'{result.value:.3f} {names[result.measure]} | '
                f'{"yes" if result.learned else "NO"} |', flush=True,
            )  # fmt: skip
    return failed


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
