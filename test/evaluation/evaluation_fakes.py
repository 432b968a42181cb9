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
"""A data set and a method without files and networks, for the tests of this folder."""

import cv2
import numpy as np

from vidseg_ros.datasets.base import Sample, SegmentationDataset
from vidseg_ros.labels.registry import label_space
from vidseg_ros.methods.base import Observation, Segmentation, StreamState, VideoSegmenter


class Scenes(SegmentationDataset):
    """Two sequences of a texture that moves two pixels a frame, labels with it."""

    name = 'scenes'

    def __init__(self, lengths=(4, 3), every_nth_labelled=1, space='camvid'):
        samples = []
        for s, length in enumerate(lengths):
            samples += [Sample(image=f'{s}/{i}.png', labels=None, sequence=f'seq/{s}',
                               stamp_ns=s * 10**12 + i * 10**8, name=f'../frame {s}_{i}')
                        for i in range(length)]
        super().__init__('val', label_space(space), 10.0, samples)
        self.every = every_nth_labelled
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 256, (64, 160, 3), dtype=np.uint8)
        self.texture = cv2.GaussianBlur(noise, (0, 0), 2)
        self.regions = np.repeat(np.repeat(rng.integers(0, 11, (4, 10), np.uint8), 16, 0), 16, 1)

    def _window(self, index):
        x = 2 * (index % 10)
        return slice(x, x + 96)

    def image(self, index):
        return self.texture[:, self._window(index)].copy()

    def labels(self, index):
        return None if index % self.every else self.regions[:, self._window(index)].copy()


class Oracle(VideoSegmenter):
    """Knows the answers, remembers what it was asked, and can be wrong in the upper part."""

    name = 'oracle'

    def __init__(self, dataset, wrong_rows=0, space=None):
        self.dataset, self.wrong_rows = dataset, wrong_rows
        self.label_space = label_space(space) if space else dataset.label_space
        self.asked, self.states = [], []

    def new_state(self, camera):
        self.states.append(camera)
        return StreamState(camera)

    def observe(self, frame, state):
        self.asked.append((frame.camera, frame.sequence, frame.stamp_ns))
        return Observation(frame)

    def predict(self, observations, states):
        (observation,) = observations
        stamps = [sample.stamp_ns for sample in self.dataset.samples]
        stamp = observation.frame.stamp_ns
        index = stamps.index(stamp) if stamp in stamps else 0
        labels = self.dataset.regions[:, self.dataset._window(index)].copy()
        labels[:self.wrong_rows] = (labels[:self.wrong_rows] + 1) % 11
        return [Segmentation(labels, stages_ms={'network': 1.0})]
