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

import numpy as np
import pytest

from vidseg_ros.checkpoints.store import read_metadata
from vidseg_ros.networks.registry import network_specs
from vidseg_ros.networks.spec import Purpose
from vidseg_ros.training.overfit import GOALS, STEPS, Result, Scenes, by_heart, learn


def test_the_table_has_every_kind_of_network():
    listed = {name.split('/')[0] for name in STEPS}
    assert listed == {spec.network for spec in network_specs()}
    recurrent = [name for name in STEPS if name.endswith(('crnn', 'cgru'))]
    assert {name.split('/')[1].split('_')[0] for name in recurrent} == {
        'vanilla', 'resnet', 'convnext'}


# One per-frame network, one whose past is a key frame, and one by backpropagation through time;
# `python -m vidseg_ros.training.overfit` does it for all.
@pytest.mark.parametrize('name, steps', [
    ('fast_scnn/full', 120), ('lernet_tha/base', 80),
    ('temporal_unet/vanilla_small_shallow_crnn', 60),
])  # fmt: skip
def test_a_network_learns_four_frames_by_heart(tmp_path, name, steps):
    result = learn(name, tmp_path, steps)
    assert result.measure == 'miou' and 0 < result.steps <= steps
    assert result.learned, result
    # What it took the frames for is in the checkpoint, and nothing else is left.
    (checkpoint,) = tmp_path.glob('*.safetensors')
    assert read_metadata(checkpoint).metrics['validation']['miou'] == result.value
    assert not list(tmp_path.glob('*.resume'))


def test_a_network_that_has_not_learned_is_found(tmp_path):
    result = learn('fast_scnn/full', tmp_path, 5)
    assert result.steps == 5 and not result.learned


def test_what_is_learned_by_heart_is_not_augmented(recipe):
    plain = by_heart(replace(recipe, flip=0.5, colour=0.3, scale=(0.5, 2.0), batch_size=8), 4)
    assert plain.batch_size == 4 and plain.scale == (1.0, 1.0)
    assert plain.fixed_clips and plain.accumulate == 1
    assert plain.flip == plain.colour == plain.stream_start == 0.0
    scenes = Scenes()
    assert len({scenes.labels(i).tobytes() for i in range(len(scenes))}) == 4
    assert set(np.unique(scenes.labels(0))) <= set(range(5))


def test_the_goal_depends_on_the_purpose():
    assert set(GOALS) == {'miou', 'r2', 'epe'}
    assert Result('a/b', 1, 0.0, 'miou', 0.91).learned
    assert not Result('a/b', 1, 0.0, 'miou', 0.89).learned
    assert {spec.purpose for spec in network_specs()} == set(Purpose)
