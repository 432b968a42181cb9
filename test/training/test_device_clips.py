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

from dataclasses import replace

import numpy as np
import pytest
import torch

from vidseg_ros.networks.clip import Past
from vidseg_ros.training.device_clips import DeviceClipLoader
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.loader import ClipLoader
from vidseg_ros.training.overfit import Scenes

CPU = torch.device('cpu')


@pytest.mark.parametrize('past', Past)
def test_a_device_makes_the_same_clips(recipe, past):
    recipe = replace(
        recipe, scale=(0.6, 1.6), flip=0.5, colour=0.3, saturation=0.3, occluders=2.0,
        crop=(96, 80), clip_length=3, motion=0.2, stream_start=0.3, batch_size=4,
        passes=2,
    )  # fmt: skip
    store = FrameStore(Scenes())
    options = {'with_flow': past is Past.KEY_FRAME}
    ours = list(DeviceClipLoader(store, recipe, past, CPU, **options).epoch(1))
    theirs = list(ClipLoader(store, recipe, past, **options).epoch(1))
    assert len(ours) == len(theirs) == 2
    for a, b in zip(ours, theirs, strict=True):
        assert a.images.shape == b.images.shape and a.labels.shape == b.labels.shape
        assert torch.equal(a.starts, b.starts)
        # OpenCV interpolates between 32 steps a pixel, and rounds halves its own way.
        assert (a.labels == b.labels).float().mean() > 0.995
        difference = (a.images.float() - b.images.float()).abs()
        assert difference.median() <= 1 and (difference <= 6).float().mean() > 0.97
        if a.flow is not None:
            close = (a.flow - b.flow).abs().amax(1) < 1e-2
            assert close.float().mean() > 0.99


def test_a_view_at_rest_is_the_frame_itself(recipe):
    scenes = Scenes()
    recipe = replace(recipe, crop=(64, 64), batch_size=1)
    store = FrameStore(scenes)
    for epoch in range(2):
        loader = DeviceClipLoader(store, recipe, Past.NONE, CPU)
        for batch, (index,) in zip(loader.epoch(epoch), loader.groups(epoch), strict=True):
            image = batch.images[0, 0].permute(1, 2, 0).numpy()
            np.testing.assert_array_equal(image, scenes.image(index))
            np.testing.assert_array_equal(batch.labels[0, 0].numpy(), scenes.labels(index))
