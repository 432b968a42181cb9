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
import cv2
import numpy as np
import pytest

from vidseg_ros.bags.track import plan_track
from vidseg_ros.bags.writer import write_bag
from vidseg_ros.datasets.registry import open_dataset
from vidseg_ros.evaluation.recording import RecordingError, chosen_cameras, recorded_cameras


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp('camvid')
    for folder, pixels in (('val', np.zeros((16, 16, 3), np.uint8)),
                           ('valannot', np.zeros((16, 16), np.uint8))):
        (root / folder).mkdir()
        for i in range(3):
            cv2.imwrite(str(root / folder / f'0016E5_{8001 + 2 * i:05d}.png'), pixels)
    return open_dataset('camvid', root, 'val')


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_cameras_are_found_with_their_counts(dataset, tmp_path, storage):
    write_bag(tmp_path / 'bag', [plan_track('front', dataset),
                                 plan_track('rear', dataset, limit=2)], storage=storage)
    cameras = recorded_cameras(tmp_path / 'bag')
    assert {name: (c.images, c.truths, c.transport) for name, c in cameras.items()} == {
        'front': (3, 3, 'raw'), 'rear': (2, 2, 'raw')}
    assert [c.name for c in chosen_cameras(tmp_path / 'bag', [])] == ['front', 'rear']
    assert [c.name for c in chosen_cameras(tmp_path / 'bag', ['rear'])] == ['rear']


def test_compressed_images_are_told_from_raw_ones(dataset, tmp_path):
    write_bag(tmp_path / 'bag', [plan_track('front', dataset)], compression='png')
    assert recorded_cameras(tmp_path / 'bag')['front'].transport == 'compressed'


def test_a_single_file_will_do(dataset, tmp_path):
    write_bag(tmp_path / 'bag', [plan_track('front', dataset)])
    (file,) = (tmp_path / 'bag').glob('*.mcap')
    assert recorded_cameras(file)['front'].images == 3


def test_a_camera_that_is_not_there_is_refused_with_those_that_are(dataset, tmp_path):
    write_bag(tmp_path / 'bag', [plan_track('front', dataset)])
    with pytest.raises(RecordingError, match="no camera 'rear'; it has front"):
        chosen_cameras(tmp_path / 'bag', ['rear'])


@pytest.mark.parametrize('make', [
    lambda path: None,
    lambda path: path.mkdir(),
    lambda path: path.write_text('hello'),
])
def test_what_is_no_bag_is_refused(tmp_path, make):
    make(tmp_path / 'bag')
    with pytest.raises(RecordingError, match='bag'):
        recorded_cameras(tmp_path / 'bag')
