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
from vidseg_ros.training.clips import displacement, make_clip
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.loader import ClipLoader
from vidseg_ros.training.plan import ClipPlanner, augmentation, camera_motion, objects


def _plan(store, recipe, past, seed=0, index=0):
    return ClipPlanner(store, recipe, past).plan(index, np.random.default_rng(seed))


def test_augmentation_at_rest_is_the_identity(recipe):
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(augmentation((64, 96), recipe, rng), np.eye(3), atol=1e-12)
    np.testing.assert_allclose(camera_motion((64, 96), 0.0, rng), np.eye(3), atol=1e-12)


class Painted:
    """Frames whose colour says their label: red is 20 times it. Three discs on a checkerboard."""

    name, licence, split, rate_hz = 'painted', '', 'train', 1.0

    def __init__(self, frames=3, size=(96, 128)):
        y, x = np.mgrid[: size[0], : size[1]]
        self._frames = []
        for i in range(frames):
            labels = ((x // 32 + y // 32) % 2).astype(np.uint8)
            labels[(x - 40 - 20 * i) ** 2 + (y - 48) ** 2 < 120] = 2 + i
            noise = np.random.default_rng(i).integers(0, 80, (*size, 2))
            image = np.dstack([labels * 20, noise + 30]).astype(np.uint8)
            self._frames.append((image, labels))

    def __len__(self):
        return len(self._frames)

    def image(self, index):
        return self._frames[index][0]

    def labels(self, index):
        return self._frames[index][1]


@pytest.mark.parametrize('past', Past)
def test_labels_are_those_of_every_frame_of_a_clip(recipe, past):
    recipe = replace(recipe, scale=(0.6, 1.6), flip=0.5, occluders=2.0, crop=(80, 112),
                     clip_length=3)  # fmt: skip
    store = FrameStore(Painted())
    occluded = 0
    for seed in range(8):
        plan = _plan(store, recipe, past, seed)
        clip = make_clip(plan, store)
        occluded += len(plan.occluders)
        assert len(clip.images) == {'none': 1, 'change': 3, 'key_frame': 2, 'sequence': 3}[
            past.value]
        for image, labels in zip(clip.images, clip.labels, strict=True):
            known = labels != 255
            painted = np.rint(image[..., 0] / 20).astype(np.uint8)
            # Interpolation blurs the edges only.
            assert (painted[known] == labels[known]).mean() > 0.85
    assert occluded > 4


def test_the_flow_leads_from_the_last_frame_to_the_first(recipe):
    recipe = replace(recipe, crop=(96, 128), motion=0.2, occluders=1.5)
    store = FrameStore(Painted())
    better = 0
    for seed in range(6):
        clip = make_clip(_plan(store, recipe, Past.KEY_FRAME, seed), store, with_flow=True)
        y, x = np.mgrid[:96, :128]
        to_x = np.rint(x + clip.flow[..., 0]).astype(int)
        to_y = np.rint(y + clip.flow[..., 1]).astype(int)
        inside = (to_x >= 0) & (to_x < 128) & (to_y >= 0) & (to_y < 96)
        fetched = clip.labels[0][to_y[inside], to_x[inside]]
        truth = clip.labels[1][inside]
        known = (fetched != 255) & (truth != 255)
        warped = (fetched == truth)[known].mean()
        still = (clip.labels[0] == clip.labels[1])[inside][known].mean()
        assert warped > 0.93
        better += warped > still
    assert better >= 5


def test_displacement_of_a_shift_is_the_shift():
    shift = np.array([[1, 0, 3.0], [0, 1, -2.0], [0, 0, 1]])
    np.testing.assert_allclose(displacement(shift, (4, 5)), np.full((4, 5, 2), (3.0, -2.0)))


def test_objects_are_whole_patches_of_one_class():
    labels = np.zeros((50, 50), np.uint8)
    labels[10:18, 10:18] = 3  # 64 pixels: 2.6 %
    labels[0:8, 30:38] = 4  # cut by the border
    labels[30:31, 30:33] = 5  # too small
    (found,) = objects(labels)
    np.testing.assert_array_equal(found, labels == 3)


def test_a_clip_that_starts_a_stream_has_no_past(recipe, stripes):
    store = FrameStore(stripes())
    clip = make_clip(_plan(store, replace(recipe, stream_start=1.0), Past.CHANGE), store)
    assert clip.starts and not clip.images[:2].any() and (clip.labels[:2] == 255).all()
    clip = make_clip(_plan(store, recipe, Past.CHANGE), store)
    assert not clip.starts and clip.images[0].any()
    # The camera moved further over k frames than over one.
    earlier, last, now = clip.images.astype(int)
    assert np.abs(now - earlier).mean() > np.abs(now - last).mean()


def test_a_still_is_the_same_whatever_the_past(recipe):
    recipe = replace(recipe, scale=(0.5, 2.0), flip=0.5, colour=0.3)
    store = FrameStore(Painted())
    alone = make_clip(_plan(store, recipe, Past.NONE, 4), store)
    for past in Past:
        clip = make_clip(_plan(store, recipe, past, 4), store)
        np.testing.assert_array_equal(clip.images[-1], alone.images[0])


def test_dense_video_is_used_as_it_is(recipe, stripes):
    data = stripes(frames=12, rate_hz=15.0, labelled=[6])
    store = FrameStore(data)
    assert store.labelled == [6]
    plan = _plan(store, replace(recipe, frame_distance=4), Past.CHANGE, index=6)
    assert plan.sources[0] == 2 and plan.sources[2] == 6 and plan.sources[1] in (4, 5)
    places = set()
    for seed in range(40):
        sources = _plan(store, replace(recipe, clip_length=4), Past.SEQUENCE, seed, 6).sources
        assert sources == tuple(range(sources[0], sources[0] + 4)) and 6 in sources
        places.add(sources.index(6))
    # The labelled frame has any place in the sequence.
    assert places == {0, 1, 2, 3}
    clip = make_clip(_plan(store, recipe, Past.CHANGE, index=6), store)
    np.testing.assert_array_equal(clip.images[2], data.image(6))
    # Where the video is too short, the frames before are made from the still.
    assert _plan(store, recipe, Past.CHANGE, index=6).sources == (6, 6, 6)
    stills = replace(recipe, clips='stills', frame_distance=4)
    assert _plan(store, stills, Past.CHANGE, index=6).sources == (6, 6, 6)
    with pytest.raises(ValueError, match='no dense video'):
        ClipPlanner(FrameStore(stripes()), replace(recipe, clips='video'), Past.CHANGE)


def test_held_out_frames_are_in_no_clip(recipe, stripes):
    store = FrameStore(stripes(frames=12, rate_hz=15.0), only=[0, 1, 2, 3, 8, 9, 10, 11])
    for index in store.labelled:
        for seed in range(10):
            sources = _plan(store, replace(recipe, clip_length=4), Past.SEQUENCE, seed, index)
            assert not {4, 5, 6, 7} & set(sources.sources)


def test_an_epoch_is_the_same_however_many_threads_make_it(recipe, stripes):
    recipe = replace(recipe, scale=(0.5, 2.0), flip=0.5, colour=0.3, saturation=0.3)
    store = FrameStore(stripes())
    one = list(ClipLoader(store, recipe, Past.CHANGE).epoch(3))
    three = list(ClipLoader(store, recipe, Past.CHANGE, threads=3, ahead=1).epoch(3))
    assert len(one) == 2
    for a, b in zip(one, three, strict=True):
        assert torch.equal(a.images, b.images) and torch.equal(a.labels, b.labels)
    (rest,) = ClipLoader(store, recipe, Past.CHANGE).epoch(3, first=1)
    assert torch.equal(rest.images, one[1].images)
    fixed = replace(recipe, fixed_clips=True, passes=2)
    clips = [
        {image.numpy().tobytes() for batch in ClipLoader(store, fixed).epoch(epoch)
         for image in batch.images}
        for epoch in (3, 4)
    ]  # fmt: skip
    assert clips[0] == clips[1] and len(clips[0]) == 4
    assert len(ClipLoader(store, fixed)) == 4
    other = list(ClipLoader(store, recipe, Past.CHANGE).epoch(4))
    assert not torch.equal(one[0].images, other[0].images)


def test_processes_share_every_batch(recipe, stripes):
    store = FrameStore(stripes(frames=8))
    recipe = replace(recipe, batch_size=4)
    whole = ClipLoader(store, recipe).groups(2)
    parts = [ClipLoader(store, recipe, rank=rank, world=2).groups(2) for rank in (0, 1)]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts, 1)), np.sort(whole))
    with pytest.raises(ValueError, match='cannot be shared'):
        ClipLoader(store, recipe, world=3)


def test_frames_that_do_not_fit_in_memory_are_read_each_time(recipe, stripes):
    data = stripes(labelled=[0, 2])
    kept, read = FrameStore(data), FrameStore(data, memory=1000)
    assert kept.in_memory and not read.in_memory and read.labelled == [0, 2]
    np.testing.assert_array_equal(kept[2][0], read[2][0])
    np.testing.assert_allclose(kept.class_frequencies(11), read.class_frequencies(11))
    with pytest.raises(ValueError, match='no labelled frames'):
        FrameStore(stripes(labelled=[]))
