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

import json

import cv2
import numpy as np
import pytest

from vidseg_ros.checkpoints.store import read_metadata
from vidseg_ros.cli.main import main


@pytest.fixture
def camvid(tmp_path):
    """Return a small CamVid of six frames, the rows and columns of a chart."""
    rng = np.random.default_rng(0)
    root = tmp_path / 'camvid'
    for split in ('train', 'val'):
        (root / split).mkdir(parents=True)
        (root / f'{split}annot').mkdir()
        for i in range(6):
            name = f'0016E5_{7960 + 30 * i:05}.png'
            labels = np.repeat(np.arange(12, dtype=np.uint8), 8)[None].repeat(64, 0)
            image = rng.integers(0, 40, (64, 96, 3)) + labels[..., None] * 15
            cv2.imwrite(str(root / split / name), image.astype(np.uint8))
            cv2.imwrite(str(root / f'{split}annot' / name), labels)
    return root


def _arguments(root, network, out, *more):
    recipe = out.with_suffix('.yaml')
    recipe.write_text('epochs: 2\nbatch_size: 2\ncrop: [64, 96]\nprecision: 32-true\noverlap: 0\n')
    return ['train', network, '--dataset', 'camvid', '--root', str(root), '--recipe', str(recipe),
            '--out', str(out), '--threads', '1', *more]  # fmt: skip


def test_a_chain_of_trainings_from_the_command_line(camvid, tmp_path, capsys):
    base, refiner = tmp_path / 'base.safetensors', tmp_path / 'refiner.safetensors'
    assert main(_arguments(camvid, 'fassvid/base_hires', base, '--validate', '1/3')) == 0
    said = capsys.readouterr().err
    assert 'epoch 2/2  loss' in said and 's/image' in said and 'waiting' in said
    assert 'validation:  miou 0.' in said
    curve = json.loads((tmp_path / 'base.curve.json').read_text())
    assert curve['validation'] == '1/3 of camvid train' and len(curve['epochs']) == 2
    assert (tmp_path / 'base.curve.png').is_file()

    arguments = _arguments(camvid, 'refiner/fassvid_hires', refiner, '--parent', str(base),
                           '--start-from', str(base))  # fmt: skip
    assert main(arguments) == 0
    metadata = read_metadata(refiner)
    assert metadata.network == 'refiner/fassvid_hires'
    assert metadata.metrics['parent'] == 'base.safetensors'
    # Done is done: the same command again trains nothing more.
    capsys.readouterr()
    assert main(arguments) == 0
    assert 'going on after epoch 2 of 2' in capsys.readouterr().err


def test_mistakes_say_what_is_missing(camvid, tmp_path, capsys):
    out = tmp_path / 'x.safetensors'
    for network, more, message in (
        ('decision/flow', [], '--parent'),
        ('lernet/base', ['--validate', '3/2'], 'FOLD/FOLDS'),
        ('lernet/base', ['--validate', 'nowhere'], 'nowhere'),
        ('lernet/base', ['--start-from', 'fassvid_base_camvid'], 'none of its tensors'),
        ('refiner/icnet_half', ['--parent', 'fassvid_camvid'], 'does not segment single frames'),
    ):
        assert main(_arguments(camvid, network, out, *more)) == 2
        error = capsys.readouterr().err
        assert message in error.splitlines()[-1] and 'Traceback' not in error


def test_overfit_takes_the_first_frames_only(camvid, tmp_path):
    out = tmp_path / 'few.safetensors'
    assert main(_arguments(camvid, 'espnet/q3', out, '--overfit', '2')) == 0
    recipe = read_metadata(out).recipe
    assert recipe['flip'] == recipe['colour'] == 0 and recipe['batch_size'] == 2
    curve = json.loads((tmp_path / 'few.curve.json').read_text())
    assert curve['only'] == '2 frames'
