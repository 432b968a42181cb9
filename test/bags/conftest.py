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

from vidseg_ros.datasets.registry import open_dataset


@pytest.fixture
def camvid_root(tmp_path):
    """Write a tiny CamVid: a video of five frames, and two recordings at 1 Hz."""
    rng = np.random.default_rng(0)
    names = {'val': [f'0016E5_{n:05d}' for n in range(7959, 7969, 2)],
             'train': ['0001TP_006690', '0001TP_006720', '0006R0_f00930', '0006R0_f00960']}
    root = tmp_path / 'camvid'
    for split, stems in names.items():
        for stem in stems:
            for folder, shape in ((split, (12, 16, 3)), (f'{split}annot', (12, 16))):
                path = root / folder / f'{stem}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 12, shape, dtype=np.uint8)).save(path)
    return root


@pytest.fixture
def video(camvid_root):
    return open_dataset('camvid', camvid_root, 'val')
