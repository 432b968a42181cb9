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
import numpy as np
import pytest
from PIL import Image

from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.registry import open_dataset
from vidseg_ros.labels.convert import conversion_table
from vidseg_ros.labels.space import IGNORE


def test_a_dense_video(camvid_root):
    data = open_dataset('camvid', camvid_root, 'val')
    assert (data.name, data.split, len(data)) == ('camvid', 'val', 5)
    assert data.label_space.name == 'camvid'
    assert data.rate_hz == 15.0
    assert data.sequences() == [[0, 1, 2, 3, 4]]
    assert [sample.name for sample in data.samples] == [
        '0016E5_07959', '0016E5_07961', '0016E5_07963', '0016E5_07965', '0016E5_07967']


def test_stamps_are_frame_numbers_at_30_hz(camvid_root):
    data = open_dataset('camvid', camvid_root, 'val')
    stamps = [sample.stamp_ns for sample in data.samples]
    assert stamps[0] > 10**9
    for i, stamp in enumerate(stamps):
        assert abs(stamp - stamps[0] - i * 2e9 / 30) <= 1


def test_recordings_and_holes_end_sequences(camvid_root):
    data = open_dataset('camvid', camvid_root, 'train')
    assert data.rate_hz == 1.0
    assert data.sequences() == [[0, 1, 2], [3, 4], [5], [6, 7]]
    assert [sample.sequence for sample in data.samples] == (
        ['0001TP'] * 3 + ['0006R0'] * 3 + ['0016E5'] * 2)
    stamps = [sample.stamp_ns for sample in data.samples]
    assert stamps == sorted(set(stamps))


def test_pixels_and_labels(camvid_root):
    data = open_dataset('camvid', camvid_root, 'val')
    path = camvid_root / 'val' / '0016E5_07961.png'
    assert np.array_equal(data.image(1), np.array(Image.open(path)))
    stored = np.array(Image.open(camvid_root / 'valannot' / '0016E5_07961.png'))
    expected = np.where(stored == 11, IGNORE, stored)
    assert np.array_equal(data.labels(1), expected)
    assert data.labels(1).dtype == np.uint8
    assert data.camera_matrix(1) is None


def test_labels_in_another_space(camvid_root):
    own = open_dataset('camvid', camvid_root, 'val').labels(0)
    data = open_dataset('camvid', camvid_root, 'val', label_space='cityscapes')
    assert data.label_space.name == 'cityscapes'
    assert np.array_equal(data.labels(0), conversion_table('camvid', 'cityscapes')[own])


def test_any_split_name_will_do(camvid_root):
    (camvid_root / 'val').rename(camvid_root / 'mine')
    (camvid_root / 'valannot').rename(camvid_root / 'mineannot')
    assert len(open_dataset('camvid', camvid_root, 'mine')) == 5


def test_labels_with_a_palette_are_read_as_indices(camvid_root):
    path = camvid_root / 'valannot' / '0016E5_07959.png'
    stored = Image.open(path)
    before = open_dataset('camvid', camvid_root, 'val').labels(0)
    coloured = stored.convert('P')
    coloured.putdata(list(np.array(stored).ravel().tolist()))
    coloured.putpalette(list(range(256)) * 3)
    coloured.save(path)
    assert Image.open(path).mode == 'P'
    assert np.array_equal(open_dataset('camvid', camvid_root, 'val').labels(0), before)


def test_missing_root(tmp_path):
    with pytest.raises(DatasetError, match='nowhere'):
        open_dataset('camvid', tmp_path / 'nowhere', 'val')
    with pytest.raises(DatasetError, match='needs a root'):
        open_dataset('camvid', None, 'val')


def test_missing_split_names_those_there_are(camvid_root):
    with pytest.raises(DatasetError, match=r'no split .*test; there are train,'):
        open_dataset('camvid', camvid_root, 'test')


def test_missing_folder_of_labels(camvid_root):
    (camvid_root / 'valannot').rename(camvid_root / 'other')
    with pytest.raises(DatasetError, match=r'folder of labels .*valannot'):
        open_dataset('camvid', camvid_root, 'val')


def test_missing_label_file_is_named(camvid_root):
    (camvid_root / 'valannot' / '0016E5_07963.png').unlink()
    with pytest.raises(DatasetError, match='0016E5_07963'):
        open_dataset('camvid', camvid_root, 'val')


def test_empty_split(camvid_root):
    for path in (camvid_root / 'val').iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match='no images'):
        open_dataset('camvid', camvid_root, 'val')


@pytest.mark.parametrize('damage', [lambda b: b[:len(b) // 2], lambda b: b'', lambda b: b'text'])
def test_damaged_files_are_named(camvid_root, damage):
    data = open_dataset('camvid', camvid_root, 'val')
    image, labels = data.samples[2].image, data.samples[3].labels
    image.write_bytes(damage(image.read_bytes()))
    labels.write_bytes(damage(labels.read_bytes()))
    with pytest.raises(DatasetError, match=image.name):
        data.image(2)
    with pytest.raises(DatasetError, match=labels.name):
        data.labels(3)
    assert data.image(0).shape == (12, 16, 3)


def test_files_that_vanish_are_named(camvid_root):
    data = open_dataset('camvid', camvid_root, 'val')
    data.samples[0].image.unlink()
    with pytest.raises(DatasetError, match='0016E5_07959'):
        data.image(0)


def test_labels_of_another_size(camvid_root):
    path = camvid_root / 'valannot' / '0016E5_07959.png'
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(path)
    data = open_dataset('camvid', camvid_root, 'val')
    with pytest.raises(DatasetError, match=r'8x6.*16x12'):
        data.labels(0)


@pytest.mark.parametrize(('array', 'message'), [
    (np.full((12, 16), 40, np.uint8), r'\[40\]'),
    (np.zeros((12, 16, 3), np.uint8), 'one byte a pixel')])
def test_what_is_no_label_image(camvid_root, array, message):
    Image.fromarray(array).save(camvid_root / 'valannot' / '0016E5_07959.png')
    with pytest.raises(DatasetError, match=message):
        open_dataset('camvid', camvid_root, 'val').labels(0)


def test_grey_images_become_rgb(camvid_root):
    Image.fromarray(np.full((12, 16), 9, np.uint8)).save(camvid_root / 'val' / '0016E5_07959.png')
    image = open_dataset('camvid', camvid_root, 'val').image(0)
    assert image.shape == (12, 16, 3)
    assert (image == 9).all()


def test_unknown_names_and_options(camvid_root):
    with pytest.raises(DatasetError, match=r"'kitti'; there are camvid"):
        open_dataset('kitti', camvid_root, 'val')
    with pytest.raises(DatasetError, match='no option'):
        open_dataset('camvid', camvid_root, 'val', seed=1)
    with pytest.raises(DatasetError, match='label space'):
        open_dataset('camvid', camvid_root, 'val', label_space='kitti')


def test_the_same_frame_twice(camvid_root):
    for split in ('val', 'valannot'):
        source = camvid_root / split / '0016E5_07959.png'
        (camvid_root / split / '0016E5_7959.png').write_bytes(source.read_bytes())
    with pytest.raises(DatasetError, match='twice'):
        open_dataset('camvid', camvid_root, 'val')
