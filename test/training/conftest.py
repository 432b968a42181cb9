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

from vidseg_ros.labels.registry import label_space
from vidseg_ros.training.recipe import Recipe


class Stripes:
    """A data set in memory: coloured stripes, one colour a class, each frame shifted."""

    name = 'stripes'
    licence = 'made in this test'
    split = 'train'
    label_space = label_space('camvid')

    def __init__(self, frames=4, size=(64, 96), rate_hz=1.0, labelled=None):
        self.rate_hz = rate_hz
        self._frames = []
        for i in range(frames):
            columns = (np.arange(size[1]) + 7 * i) // 16 % 5
            labels = np.broadcast_to(columns, size).astype(np.uint8)
            image = np.stack([labels * 50, 255 - labels * 40, labels * 17], -1).astype(np.uint8)
            known = labelled is None or i in labelled
            self._frames.append((image, labels.copy() if known else None))

    def __len__(self):
        return len(self._frames)

    def image(self, index):
        return self._frames[index][0]

    def labels(self, index):
        return self._frames[index][1]

    def sequences(self):
        return [list(range(len(self)))]


@pytest.fixture
def recipe():
    """Return a recipe for the stripes, without augmentation."""
    return Recipe(
        epochs=2, batch_size=2, crop=(64, 96), precision='32-true', scale=(1.0, 1.0), flip=0.0,
        colour=0.0, stream_start=0.0, seed=5,
    )  # fmt: skip


@pytest.fixture
def stripes():
    """Return the data set's class."""
    return Stripes
