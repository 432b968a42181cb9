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
import argparse

import numpy as np
import pytest
from PIL import Image

from vidseg_ros.cli import make_street
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.registry import open_dataset
from vidseg_ros.datasets.street.renderer import StreetRenderer
from vidseg_ros.datasets.street.settings import StreetSettings, parse_size
from vidseg_ros.datasets.street.writer import write_street
from vidseg_ros.datasets.synthetic import street_cache
from vidseg_ros.labels.convert import cityscapes_ids_to_train_ids

SMALL = {'seed': 5, 'frames': 3, 'size': (64, 96)}


def test_renders_what_is_not_there(tmp_path):
    told = []
    data = open_dataset('synthetic', tmp_path / 'street', 'train', sequences=2,
                        progress=lambda done, total: told.append((done, total)), **SMALL)
    assert told == [(i, 6) for i in range(1, 7)]
    assert data.sequences() == [[0, 1, 2], [3, 4, 5]]
    assert data.rate_hz == 17.0
    assert all(sample.labels is not None for sample in data.samples)
    rendering = StreetRenderer(data.settings.street_seed(1), 3, (64, 96)).render(2)
    assert np.array_equal(data.image(5), rendering.image)
    assert np.array_equal(data.labels(5), cityscapes_ids_to_train_ids()[rendering.label_ids])
    assert np.allclose(data.camera_matrix(5), rendering.camera_matrix)


def test_reads_what_is_there(tmp_path):
    open_dataset('synthetic', tmp_path, 'train', **SMALL)
    again = open_dataset('synthetic', tmp_path, 'train', progress=lambda *_: pytest.fail('again'))
    assert len(again) == 3
    assert again.settings.seed == 5


def test_splits_are_streets_of_their_own(tmp_path):
    train = open_dataset('synthetic', tmp_path, 'train', **SMALL)
    val = open_dataset('synthetic', tmp_path, 'val', **SMALL)
    assert not np.array_equal(train.image(0), val.image(0))


def test_other_options_than_rendered(tmp_path):
    open_dataset('synthetic', tmp_path, 'train', **SMALL)
    with pytest.raises(DatasetError, match='rendered with seed 5, not 6'):
        open_dataset('synthetic', tmp_path, 'train', seed=6)


def test_without_a_root_it_is_cached(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    data = open_dataset('synthetic', None, 'val', label_space='camvid', **SMALL)
    assert street_cache() in data.samples[0].image.parents
    assert tmp_path in street_cache().parents
    assert data.label_space.name == 'camvid'


def test_it_is_a_cityscapes_sequence(tmp_path):
    own = open_dataset('synthetic', tmp_path, 'train', **SMALL)
    other = open_dataset('cityscapes_sequence', tmp_path, 'train')
    assert [sample.image for sample in own.samples] == [sample.image for sample in other.samples]
    assert np.array_equal(own.labels(0), other.labels(0))
    files = list((tmp_path / 'gtFine/train/street').iterdir())
    assert all(Image.open(path).mode == 'L' for path in files)


def test_nothing_is_left_of_a_failure(tmp_path):
    def fail(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_street(tmp_path, StreetSettings('train', **SMALL), progress=fail)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tmp_path):
    write_street(tmp_path, StreetSettings('train', **SMALL))
    with pytest.raises(DatasetError, match='exists already'):
        write_street(tmp_path, StreetSettings('train', **SMALL))
    write_street(tmp_path, StreetSettings('train', 6, 2, 1, (64, 96)), overwrite=True)
    assert len(open_dataset('synthetic', tmp_path, 'train')) == 2


def test_what_was_not_rendered_is_never_replaced(cityscapes_root):
    with pytest.raises(DatasetError, match='no rendered street'):
        write_street(cityscapes_root, StreetSettings('train', **SMALL), overwrite=True)
    with pytest.raises(DatasetError, match=r'street\.json'):
        open_dataset('synthetic', cityscapes_root, 'train')


def test_a_root_that_can_not_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(DatasetError, match="can't write"):
        open_dataset('synthetic', tmp_path / 'file' / 'street', 'train', **SMALL)


@pytest.mark.parametrize(('options', 'message'), [
    ({'frames': 0}, 'frames is 0'), ({'frames': 2.5}, 'frames'), ({'seed': -1}, 'seed'),
    ({'sequences': True}, 'sequences'), ({'size': (32, 64)}, '64 to 4096'),
    ({'size': '64'}, 'HEIGHTxWIDTH'), ({'size': (1, 2, 3)}, 'HEIGHTxWIDTH')])
def test_impossible_options(tmp_path, options, message):
    with pytest.raises(DatasetError, match=message):
        open_dataset('synthetic', tmp_path, 'train', **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('split', ['', '..', 'a/b'])
def test_impossible_splits(tmp_path, split):
    with pytest.raises(DatasetError, match='split'):
        open_dataset('synthetic', tmp_path, split, **SMALL)


@pytest.mark.parametrize('size', ['64x96', '64X96', (64, 96), [64, 96]])
def test_sizes(size):
    assert parse_size(size) == (64, 96)


def run(*arguments):
    parser = argparse.ArgumentParser()
    make_street.add_arguments(parser)
    return make_street.main(parser.parse_args([str(argument) for argument in arguments]))


def test_command(tmp_path, capsys):
    arguments = ('--out', tmp_path / 'street', '--split', 'val', '--frames', 2, '--size', '64x96')
    assert run(*arguments) == 0
    assert '2 frames' in capsys.readouterr().out
    assert run(*arguments) == 1
    assert 'exists already' in capsys.readouterr().err
    assert run(*arguments, '--force') == 0
    assert run('--out', tmp_path / 'other', '--size', 'large') == 1
    assert not (tmp_path / 'other').exists()
