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

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from vidseg_ros.networks.registry import network_spec
from vidseg_ros.training.recipe import Recipe, RecipeError

RECIPES = sorted(Path(__file__).parents[2].glob('config/training/*.yaml'))


def test_a_recipe_with_a_typing_error_is_refused(tmp_path):
    path = tmp_path / 'r.yaml'
    path.write_text('epoch: 3\n')
    with pytest.raises(RecipeError, match=r'r\.yaml: unknown keys: epoch'):
        Recipe.load(path)
    for text, message in (
        ('optimizer: adagrad\n', 'adagrad'),
        ('schedule: cosine\n', 'cosine'),
        ('clips: films\n', 'films'),
        ('epochs: 0\n', 'at least 1'),
        ('occluders: -1\n', 'negative'),
        ('scale: [2, 1]\n', 'range'),
        ('logit_adjustment: 1.5\n', 'from 0 to 1'),
        ('logit_adjustment: 0.5\nclass_weight: none\n', 'no class weights'),
    ):
        path.write_text(text)
        with pytest.raises(RecipeError, match=message):
            Recipe.load(path)


@pytest.mark.parametrize('path', RECIPES, ids=lambda p: p.stem)
def test_shipped_recipes_are_sound_and_say_how_they_are_run(path):
    assert Recipe.load(path).epochs >= 1
    comment = [line for line in path.read_text().splitlines() if line.startswith('#')]
    command = ' '.join(comment).split('vidseg train ')[1].split()
    # The network is one that there is.
    network_spec(command[0])
    assert '--recipe' in command and '--out' in command


def test_a_recipe_survives_writing_and_reading(tmp_path):
    recipe = replace(Recipe(), crop=(64, 96), regions=(1, 2), clips='stills')
    path = tmp_path / 'r.yaml'
    path.write_text(yaml.safe_dump({
        k: list(v) if isinstance(v, tuple) else v for k, v in recipe.as_mapping().items()
    }))
    assert Recipe.load(path) == recipe
