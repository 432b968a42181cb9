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
from vidseg_ros.labels.convert import cityscapes_ids_to_train_ids, conversion_table


def test_stills_are_sequences_of_their_own(cityscapes_root):
    data = open_dataset('cityscapes', cityscapes_root, 'train')
    assert [sample.name for sample in data.samples] == [
        'aachen_000000_000019', 'aachen_000001_000019', 'ulm_000000_000049']
    assert data.rate_hz == 17.0
    assert data.sequences() == [[0], [1], [2]]


@pytest.mark.parametrize('files', ['labelIds', 'labelTrainIds'])
@pytest.mark.parametrize('space', ['cityscapes', 'cityscapesvid', 'camvid'])
def test_labels(cityscapes_root, files, space):
    data = open_dataset('cityscapes', cityscapes_root, 'train', label_files=files,
                        label_space=space)
    stored = np.array(Image.open(
        cityscapes_root / f'gtFine/train/ulm/ulm_000000_000049_gtFine_{files}.png'))
    train_ids = cityscapes_ids_to_train_ids()[stored] if files == 'labelIds' else stored
    assert np.array_equal(data.labels(2), conversion_table('cityscapes', space)[train_ids])


def test_snippets_have_labels_at_the_20th_frame(cityscapes_root):
    data = open_dataset('cityscapes_sequence', cityscapes_root, 'train')
    assert data.sequences() == [list(range(30)), list(range(30, 60))]
    assert [i for i, sample in enumerate(data.samples) if sample.labels] == [19, 49]
    assert data.labels(0) is None
    assert data.labels(19).shape == (8, 16)
    stamps = np.array([sample.stamp_ns for sample in data.samples[:30]])
    assert np.abs(np.diff(stamps) - 1e9 / 17).max() <= 1


def test_snippets_of_one_recording_are_parted_by_the_gap(cityscapes_root):
    folder = cityscapes_root / 'leftImg8bit_sequence/train/aachen'
    source = folder / 'aachen_000000_000000_leftImg8bit.png'
    for frame in (60, 61, 62):
        (folder / f'aachen_000000_{frame:06d}_leftImg8bit.png').write_bytes(source.read_bytes())
    data = open_dataset('cityscapes_sequence', cityscapes_root, 'train')
    assert [len(piece) for piece in data.sequences()] == [30, 3, 30]


def test_stuttgart_videos(cityscapes_root):
    video = open_dataset('stuttgart', cityscapes_root, 'stuttgart_01')
    assert len(video) == 3
    assert video.labels(0) is None
    both = open_dataset('stuttgart', cityscapes_root, 'all')
    assert [len(piece) for piece in both.sequences()] == [5, 3]
    with pytest.raises(DatasetError, match=r'stuttgart_07; there are stuttgart_00, stuttgart_01'):
        open_dataset('stuttgart', cityscapes_root, 'stuttgart_07')


def test_labels_somebody_made_for_stuttgart(cityscapes_root):
    path = (cityscapes_root / 'gtFine/demoVideo/stuttgart_00'
            / 'stuttgart_00_000000_000002_gtFine_labelTrainIds.png')
    path.parent.mkdir(parents=True)
    Image.fromarray(np.full((8, 16), 18, np.uint8)).save(path)
    data = open_dataset('stuttgart', cityscapes_root, 'stuttgart_00',
                        label_files='labelTrainIds', label_space='cityscapesvid')
    assert [i for i, sample in enumerate(data.samples) if sample.labels] == [1]
    assert (data.labels(1) == 14).all()


def test_missing_labels_are_named(cityscapes_root):
    (cityscapes_root / 'gtFine/train/ulm/ulm_000000_000049_gtFine_labelIds.png').unlink()
    with pytest.raises(DatasetError, match=r'1 of 3 images have no labels .*ulm_000000_000049'):
        open_dataset('cityscapes', cityscapes_root, 'train')


def test_sequences_without_any_labels(cityscapes_root):
    (cityscapes_root / 'gtFine').rename(cityscapes_root / 'elsewhere')
    with pytest.raises(DatasetError, match='no image of train has labels'):
        open_dataset('cityscapes_sequence', cityscapes_root, 'train')


@pytest.mark.parametrize('name', ['cityscapes', 'cityscapes_sequence', 'stuttgart'])
def test_missing_folders(tmp_path, name):
    with pytest.raises(DatasetError, match='no folder'):
        open_dataset(name, tmp_path, 'train')


def test_missing_split(cityscapes_root):
    with pytest.raises(DatasetError, match='there are demoVideo, train'):
        open_dataset('cityscapes', cityscapes_root, 'val')


def test_other_file_names(cityscapes_root):
    for path in (cityscapes_root / 'leftImg8bit/train').glob('*/*.png'):
        path.rename(path.with_name(f'x{path.name}.png'))
    with pytest.raises(DatasetError, match='no images named'):
        open_dataset('cityscapes', cityscapes_root, 'train')


def test_unknown_kind_of_label_files(cityscapes_root):
    with pytest.raises(DatasetError, match='labelTrainIds'):
        open_dataset('cityscapes', cityscapes_root, 'train', label_files='instanceIds')


def test_values_beyond_the_label_ids(cityscapes_root):
    path = cityscapes_root / 'gtFine/train/ulm/ulm_000000_000049_gtFine_labelIds.png'
    Image.fromarray(np.full((8, 16), 34, np.uint8)).save(path)
    with pytest.raises(DatasetError, match=r'\[34\]'):
        open_dataset('cityscapes', cityscapes_root, 'train').labels(2)


def test_cameras(cityscapes_root):
    data = open_dataset('cityscapes', cityscapes_root, 'train')
    assert data.camera_matrix(0) is None
    path = cityscapes_root / 'camera/train/aachen/aachen_000000_000019_camera.json'
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({'intrinsic': {'fx': 2262.5, 'fy': 2265.3, 'u0': 1096.9,
                                              'v0': 513.1}, 'extrinsic': {}}))
    assert data.camera_matrix(0).tolist() == [[2262.5, 0, 1096.9], [0, 2265.3, 513.1], [0, 0, 1]]
    path.write_text('{}')
    with pytest.raises(DatasetError, match='aachen_000000_000019_camera'):
        data.camera_matrix(0)
