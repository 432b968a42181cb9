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

"""Every shipped recipe trains: its loss falls within a few steps on frames to learn by heart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vidseg_ros.checkpoints.store import CheckpointMetadata, save_checkpoint
from vidseg_ros.networks.registry import network_spec
from vidseg_ros.networks.spec import Purpose
from vidseg_ros.training.assembly import Sources
from vidseg_ros.training.overfit import PARTS_SIDE, SIDE, Scenes, by_heart
from vidseg_ros.training.recipe import Recipe
from vidseg_ros.training.trainer import Trainer

RECIPES = sorted(Path(__file__).parents[2].glob('config/training/*.yaml'))
FRAMES, STEPS = 2, 5
# The smallest network with the same clips and losses, where a recipe's own would take long.
SMALL = {
    'temporal_unet/resnet_small_deep_cgru': 'temporal_unet/vanilla_small_shallow_cgru',
}


def _words(path):
    comment = ' '.join(line[1:] for line in path.read_text().splitlines() if line[:1] == '#')
    return comment.split('vidseg train ')[1].split()


def _network(path):
    name = _words(path)[0]
    return network_spec(SMALL.get(name, name))


def _seeded(name, folder):
    """Return a checkpoint of a network with its seeded first weights."""
    path = folder / f'{name.replace("/", "_")}.safetensors'
    torch.manual_seed(0)
    save_checkpoint(path, network_spec(name).build(11), CheckpointMetadata(name, 'camvid', (8, 8)))
    return path


def _sources(spec, words, folder):
    """Return checkpoints for what the recipe's command names."""
    parent = flow = None
    if '--parent' in words:
        icnet = spec.purpose is Purpose.REFINER and spec.variant.startswith('icnet')
        parent = _seeded('icnet/half' if icnet else 'fassvid/base_hires', folder)
    if '--flow' in words:
        flow = _seeded(f'flownet2/{spec.variant.split("_")[0]}', folder)
    start = parent if '--start-from' in words and parent else None
    if '--start-from' in words and spec.network == 'lernet_tha':
        start = _seeded('lernet/base', folder)
    return Sources(start, parent, flow)


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_the_loss_of_a_shipped_recipe_falls(tmp_path, path):
    spec, words = _network(path), _words(path)
    # FASSVid pools over 1/32 of the size: of smaller images that is too little to normalise.
    large = spec.purpose in (Purpose.DECISION, Purpose.FLOW) or spec.name == 'fassvid/full'
    side = PARTS_SIDE if large else SIDE
    recipe = replace(
        by_heart(Recipe.load(path), FRAMES), epochs=1, crop=(side, side), overlap=0,
        clips='stills', clip_length=3, passes=STEPS,
    )  # fmt: skip
    data = Scenes(FRAMES, side)
    trainer = Trainer(spec, data, recipe, tmp_path / 'o.safetensors',
                      _sources(spec, words, tmp_path))  # fmt: skip
    objective, loader = trainer._objective, trainer._loader
    batch = loader.render(loader.plans(0, np.arange(FRAMES)))

    def loss():
        # The same dropout each time, and batch statistics as in training.
        torch.manual_seed(3)
        with torch.no_grad():
            return float(objective.train()(batch).loss)

    before = loss()
    trainer.run(lambda progress: None)
    assert trainer.curve[0]['overflows'] == 0
    assert 0 <= loss() < before
