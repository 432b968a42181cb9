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

import copy

import numpy as np
import pytest

from vidseg_ros.methods.base import Frame, UnfitFrameError, Wanted
from vidseg_ros.methods.registry import MethodError, MethodOptions, create_method, method_names

OPTIONS = MethodOptions(
    checkpoint='random:3', engine='torch', precision='fp32',
    extra={'label_space': 'camvid', 'frame_distance': 3},
)  # fmt: skip


METHODS = ['per_frame', 'fassvid', 'lernet_tha', 'temporal_unet', 'evs', 'dvsnet']


@pytest.fixture(scope='module', params=METHODS)
def segmenter(request):
    made = create_method(request.param, OPTIONS)
    yield made
    made.close()


def _video(seed, frames=7, size=(72, 100)):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(frames)]


def _step(segmenter, state, image, index, wanted=None):
    observation = segmenter.observe(Frame(image, index, state.camera, index), state)
    if wanted:
        observation.wanted = wanted
    return segmenter.predict([observation], [state])[0]


def _run(segmenter, video):
    state = segmenter.new_state('camera')
    # Copies: a method uses the memory of its results again.
    return [_step(segmenter, state, image, i).labels.copy() for i, image in enumerate(video)]


def test_labels_have_the_inputs_size_and_known_classes(segmenter):
    for labels in _run(segmenter, _video(0)):
        assert labels.shape == (72, 100) and labels.dtype == np.uint8
        assert labels.max() < segmenter.label_space.num_classes


def test_interleaved_cameras_equal_each_alone_to_the_bit(segmenter):
    left, right = _video(1), _video(2)
    alone = _run(segmenter, left), _run(segmenter, right)
    states = segmenter.new_state('left'), segmenter.new_state('right')
    for i in range(len(left)):
        for state, video, expected in zip(states, (left, right), alone, strict=True):
            got = _step(segmenter, state, video[i], i).labels
            np.testing.assert_array_equal(got, expected[i])


def test_a_new_state_equals_a_fresh_start_to_the_bit(segmenter):
    first = _run(segmenter, _video(3))
    _run(segmenter, _video(4))
    for a, b in zip(first, _run(segmenter, _video(3)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_observing_ahead_changes_nothing(segmenter):
    video = _video(5)
    expected = _run(segmenter, video)
    state = segmenter.new_state('camera')
    ahead = [segmenter.observe(Frame(image, i, 'camera', i), state)
             for i, image in enumerate(video)]
    for observation, labels in zip(ahead, expected, strict=True):
        got = segmenter.predict([observation], [state])[0].labels
        np.testing.assert_array_equal(got, labels)


def test_a_state_can_be_copied(segmenter):
    video = _video(6)
    state = segmenter.new_state('camera')
    for i, image in enumerate(video[:4]):
        _step(segmenter, state, image, i)
    twin = copy.deepcopy(state)
    a = _step(segmenter, state, video[4], 4).labels
    np.testing.assert_array_equal(a, _step(segmenter, twin, video[4], 4).labels)


def test_outputs_are_computed_only_when_wanted(segmenter):
    state = segmenter.new_state('camera')
    plain = _step(segmenter, state, _video(0)[0], 0)
    assert plain.confidence is None and plain.age is None
    # A stream's first frame, which every method segments: nothing of it is of any age.
    state = segmenter.new_state('camera')
    both = _step(segmenter, state, _video(0)[1], 1, Wanted(confidence=True, age=True))
    assert both.confidence.shape == both.age.shape == (72, 100)
    assert both.confidence.dtype == both.age.dtype == np.uint8
    assert not both.age.any()


def test_the_input_size_is_the_networks_and_labels_keep_the_frames():
    made = create_method('fassvid', MethodOptions(
        checkpoint='random:3', engine='torch', input_size=(64, 96), precision='fp32'))
    state = made.new_state('camera')
    assert _step(made, state, _video(0)[0], 0).labels.shape == (72, 100)


def test_fassvid_recalls_the_frame_k_back_and_zeros_before():
    made = create_method('fassvid', OPTIONS)
    state = made.new_state('camera')
    video = _video(7)
    seen = [made.observe(Frame(image, i, 'camera', i), state) for i, image in enumerate(video)]
    for i, observation in enumerate(seen):
        earlier = observation.inputs['earlier']
        if i < 3:
            assert not earlier.any()
        else:
            np.testing.assert_array_equal(earlier, seen[i - 3].inputs['quarter'])


def test_fassvid_remembers_its_last_output():
    made = create_method('fassvid', OPTIONS)
    state = made.new_state('camera')
    assert state.output is None
    _step(made, state, _video(8)[0], 0)
    assert state.output.shape == (1, 11, 18, 25) and state.output.any()


def test_fassvid_refuses_images_that_are_too_small():
    made = create_method('fassvid', OPTIONS)
    with pytest.raises(UnfitFrameError, match='100x20'):
        _step(made, made.new_state('camera'), np.zeros((20, 100, 3), np.uint8), 0)


@pytest.mark.parametrize('options, message', [
    ({'checkpoint': 'nowhere.safetensors'}, 'no such checkpoint'),
    ({'checkpoint': 'random:x'}, 'random:SEED'),
    ({'checkpoint': 'random:1', 'network': 'vgg/big'}, 'is not a network'),
    ({'checkpoint': 'random:1', 'engine': 'warp'}, 'is not an engine'),
    ({'checkpoint': 'random:1', 'engine': 'torch', 'precision': 'fp16'}, 'needs cuda'),
    ({'checkpoint': 'random:1', 'extra': {'label_space': 'none'}}, 'none'),
    ({'checkpoint': 'random:1', 'extra': {'frame_distance': 0}}, 'frame_distance'),
])  # fmt: skip
def test_what_cannot_be_made_is_refused_with_a_reason(options, message):
    with pytest.raises(MethodError, match=message):
        create_method('fassvid', MethodOptions(**options))


def test_methods_are_known_by_name():
    assert {'per_frame', 'fassvid'} <= set(method_names())
    with pytest.raises(MethodError, match='per_frame'):
        create_method('nothing')


def test_per_frame_refuses_a_network_with_a_memory():
    with pytest.raises(MethodError, match='needs image, quarter, earlier, previous'):
        create_method('per_frame', MethodOptions(
            checkpoint='random:1', network='fassvid/full_hires', engine='torch'))
