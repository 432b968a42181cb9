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


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def camvid_root(tmp_path):
    """Write a tiny CamVid: a dense video as `val`, three recordings with holes as `train`."""
    rng = np.random.default_rng(0)
    names = {
        'val': [f'0016E5_{n:05d}' for n in range(7959, 7969, 2)],
        'train': ['0001TP_006690', '0001TP_006720', '0001TP_006750',
                  '0006R0_f00930', '0006R0_f00960', '0006R0_f01020',
                  '0016E5_00390', '0016E5_00420']}
    for split, stems in names.items():
        for stem in stems:
            save(tmp_path / split / f'{stem}.png',
                 rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
            save(tmp_path / f'{split}annot' / f'{stem}.png',
                 rng.integers(0, 12, (12, 16), dtype=np.uint8))
    return tmp_path


@pytest.fixture
def cityscapes_root(tmp_path):
    """Write a tiny Cityscapes: stills, two snippets of 30 frames, two videos."""
    rng = np.random.default_rng(1)

    def image(path):
        save(path, rng.integers(0, 256, (8, 16, 3), dtype=np.uint8))

    def labels(path, high=34):
        save(path, rng.integers(0, high, (8, 16), dtype=np.uint8))

    for city, sequence, frame in (('aachen', 0, 19), ('aachen', 1, 19), ('ulm', 0, 49)):
        stem = f'{city}_{sequence:06d}_{frame:06d}'
        image(tmp_path / f'leftImg8bit/train/{city}/{stem}_leftImg8bit.png')
        labels(tmp_path / f'gtFine/train/{city}/{stem}_gtFine_labelIds.png')
        trained = rng.integers(0, 19, (8, 16), dtype=np.uint8)
        trained[0, 0] = 255
        save(tmp_path / f'gtFine/train/{city}/{stem}_gtFine_labelTrainIds.png', trained)
    for city, start in (('aachen', 0), ('ulm', 30)):
        for frame in range(start, start + 30):
            image(tmp_path / 'leftImg8bit_sequence/train' / city
                  / f'{city}_000000_{frame:06d}_leftImg8bit.png')
    for video, frames in (('stuttgart_00', range(1, 6)), ('stuttgart_01', range(3500, 3503))):
        for frame in frames:
            image(tmp_path / 'leftImg8bit/demoVideo' / video
                  / f'{video}_000000_{frame:06d}_leftImg8bit.png')
    return tmp_path
