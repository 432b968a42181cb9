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

import numpy as np
import pytest
from PIL import Image

from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.registry import open_dataset


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def root(tmp_path):
    """Write two recordings and a loose image; only the first recording has labels."""
    for stem in ('a/1', 'a/2', 'b/1', 'loose'):
        save(tmp_path / f'mine/{stem}.png', np.zeros((4, 6, 3), np.uint8))
    for stem, value in (('a/1', 0), ('a/2', 255)):
        save(tmp_path / f'mineannot/{stem}.png', np.full((4, 6), value, np.uint8))
    return tmp_path


def test_recordings_are_folders_and_labels_may_be_missing(root):
    data = open_dataset('folder', root, 'mine')
    assert [(s.sequence, s.name) for s in data.samples] == [
        ('a', '1'), ('a', '2'), ('b', '1'), ('mine', 'loose')]
    assert data.sequences() == [[0, 1], [2], [3]]
    assert [data.labels(i) is None for i in range(4)] == [False, False, True, True]
    assert data.label_space.name == 'cityscapes'
    assert (data.labels(1) == 255).all()


def test_the_file_beside_the_split_tells_classes_and_rate(root):
    (root / 'mine.json').write_text(json.dumps({'label_space': 'camvid', 'rate_hz': 10}))
    data = open_dataset('folder', root, 'mine')
    assert (data.label_space.name, data.rate_hz) == ('camvid', 10.0)
    assert data.samples[1].stamp_ns - data.samples[0].stamp_ns == 100_000_000
    data = open_dataset('folder', root, 'mine', coded='cityscapesvid', rate_hz=20)
    assert (data.label_space.name, data.rate_hz) == ('cityscapesvid', 20.0)


def test_labels_are_converted(root):
    data = open_dataset('folder', root, 'mine', coded='camvid', label_space='cityscapes')
    assert (data.labels(0) == data.label_space.index('sky')).all()


def test_ids_beyond_the_classes_are_refused(root):
    save(root / 'mineannot/a/1.png', np.full((4, 6), 19, np.uint8))
    with pytest.raises(DatasetError, match=r'\[19\]'):
        open_dataset('folder', root, 'mine').labels(0)


@pytest.mark.parametrize(('options', 'message'), [
    ({'coded': 'mine'}, 'mine'), ({'rate_hz': -1}, 'no rate')])
def test_options_that_make_no_sense(root, options, message):
    with pytest.raises(DatasetError, match=message):
        open_dataset('folder', root, 'mine', **options)


def test_a_damaged_description(root):
    (root / 'mine.json').write_text('{')
    with pytest.raises(DatasetError, match=r'mine\.json'):
        open_dataset('folder', root, 'mine')


def test_no_images(tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match='no images'):
        open_dataset('folder', tmp_path, 'empty')
