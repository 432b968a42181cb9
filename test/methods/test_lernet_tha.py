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

import dataclasses

import numpy as np
import pytest
import torch

from vidseg_ros.methods.base import Frame, UnfitFrameError, Wanted
from vidseg_ros.methods.lernet_tha import LERNetTHAMethod
from vidseg_ros.methods.loading import load_module
from vidseg_ros.methods.registry import MethodError, MethodOptions, create_method
from vidseg_ros.networks.deploy import deploy

SIZE = (64, 96)
OPTIONS = MethodOptions(
    checkpoint='random:3', engine='torch', precision='fp32', extra={'key_interval': 3}
)


@pytest.fixture(scope='module')
def method():
    made = create_method('lernet_tha', OPTIONS)
    yield made
    made.close()


@pytest.fixture(scope='module')
def deployed():
    options = dataclasses.replace(OPTIONS, extra={'label_space': 'camvid'})
    loaded = load_module(options, '', LERNetTHAMethod.DEFAULT_NETWORK)
    return deploy(loaded.network, loaded.metadata.mean, loaded.metadata.std)


def _video(seed, frames, size=SIZE):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(frames)]


def _step(method, state, image, index=0, wanted=None):
    observation = method.observe(Frame(image, index, state.camera, index), state)
    observation.wanted = wanted or Wanted()
    return method.predict([observation], [state])[0]


def test_one_frame_in_k_is_a_key_frame(method):
    state = method.new_state('camera')
    results, ages = [], []
    for i, image in enumerate(_video(0, 7)):
        results.append(_step(method, state, image, i, Wanted(age=True)))
        ages.append(results[-1].age.copy())
    steps = [0, 1, 2, 0, 1, 2, 0]
    kinds = ['propagated' if step else 'key frame' for step in steps]
    assert [r.provenance['kind'] for r in results] == kinds
    assert [r.provenance['since_key_frame'] for r in results] == steps
    for result, age, step in zip(results, ages, steps, strict=True):
        assert (age == step).all()
        assert ('key_frame' if step == 0 else 'propagation') in result.stages_ms


def _full_size(logits, size=SIZE):
    full = torch.nn.functional.interpolate(logits, size, mode='bilinear', align_corners=False)
    return full[0].argmax(0).numpy()


def test_labels_are_those_of_figure_3(method, deployed):
    network = deployed.network
    video = _video(1, 5)
    state = method.new_state('camera')
    got = [_step(method, state, image, i).labels.copy() for i, image in enumerate(video)]
    with torch.inference_mode():
        for i, image in enumerate(video):
            tensor = deployed.normalise(torch.from_numpy(image)[None])
            if i % 3 == 0:
                logits, high, reduced = network.key_frame(tensor)
            else:
                logits = network.propagate(tensor, high, reduced)
            # Ties in the last bit may fall either way.
            assert (got[i] == _full_size(logits)).mean() > 0.999


@pytest.mark.parametrize('engine', ['openvino', 'onnxruntime'])
def test_few_of_the_key_frames_positions_give_the_labels_of_all(engine):
    size = 200, 320  # 1000 positions
    method = create_method('lernet_tha', MethodOptions(
        engine=engine, precision='fp32', extra={'key_interval': 3}))
    loaded = load_module(MethodOptions(), LERNetTHAMethod.DEFAULT_CHECKPOINT, '')
    network = deploy(loaded.network, loaded.metadata.mean, loaded.metadata.std)
    rng = np.random.default_rng(12)
    coarse = rng.integers(0, 256, (25, 40, 3)).repeat(8, 0).repeat(8, 1)
    video = [np.roll(coarse, 3 * i, 1).astype(np.uint8) for i in range(3)]
    state = method.new_state('camera')
    got = [_step(method, state, image, i).labels.copy() for i, image in enumerate(video)]
    extremes = state.key.features()['extremes'][0]
    assert extremes.shape == (4, 512) and len(np.unique(extremes, axis=1).T) < 300
    with torch.inference_mode():
        _, high, reduced = network.network.key_frame(
            network.normalise(torch.from_numpy(video[0])[None]))
        for image, labels in zip(video[1:], got[1:], strict=True):
            logits = network.network.propagate(
                network.normalise(torch.from_numpy(image)[None]), high, reduced)
            assert (labels == _full_size(logits, size)).mean() > 0.999
    method.close()


def test_with_every_frame_a_key_frame_it_is_lernet_on_each(deployed):
    method = create_method('lernet_tha', dataclasses.replace(OPTIONS, extra={'key_interval': 1}))
    per_frame = create_method('per_frame', dataclasses.replace(
        OPTIONS, network='lernet_tha/base', extra={'label_space': 'camvid'}))
    state, other = method.new_state('camera'), per_frame.new_state('camera')
    for i, image in enumerate(_video(2, 3)):
        np.testing.assert_array_equal(
            _step(method, state, image, i).labels, _step(per_frame, other, image, i).labels
        )
    assert state.key is None  # nothing is kept that nobody asks for


def test_a_static_scene_gives_the_same_result_from_every_frame_but_the_key_frame(method):
    image = _video(3, 1)[0]
    state = method.new_state('camera')
    labels = [_step(method, state, image, i).labels.copy() for i in range(6)]
    for first, again in ((0, 3), (1, 2), (1, 4), (2, 5)):
        np.testing.assert_array_equal(labels[first], labels[again])


def test_key_frames_of_different_phase_do_not_disturb_each_other(method):
    # The engine's memory is used by one camera's key frame between two frames of the other's.
    left, right = _video(4, 5), _video(5, 5)
    state = method.new_state('left')
    alone = [_step(method, state, image, i).labels.copy() for i, image in enumerate(left)]
    states = method.new_state('left'), method.new_state('right')
    _step(method, states[1], right[0])
    for i in range(4):
        got = _step(method, states[0], left[i], i).labels
        np.testing.assert_array_equal(got, alone[i])
        _step(method, states[1], right[i + 1], i + 1)


def test_a_batch_of_cameras_equals_each_alone(method):
    left, right = _video(6, 4), _video(7, 4, (72, 80))
    alone = []
    for video in (left, right):
        state = method.new_state('camera')
        alone.append(
            [_step(method, state, image, i).labels.copy() for i, image in enumerate(video)])
    states = [method.new_state('left'), method.new_state('right')]
    for i, images in enumerate(zip(left, right, strict=True)):
        observations = [
            method.observe(Frame(image, i, state.camera, i), state)
            for image, state in zip(images, states, strict=True)
        ]
        for result, expected in zip(method.predict(observations, states), alone, strict=True):
            np.testing.assert_array_equal(result.labels, expected[i])


def test_staggered_cameras_have_their_key_frames_at_different_times():
    extra = {'key_interval': 4, 'stagger': True}
    made = create_method('lernet_tha', dataclasses.replace(OPTIONS, extra=extra))
    image, keys = _video(10, 1)[0], {}
    for camera in ('a', 'b', 'c', 'd'):
        state = made.new_state(camera)
        steps = [_step(made, state, image, i).provenance['since_key_frame'] for i in range(10)]
        keys[camera] = [i for i, step in enumerate(steps) if step == 0]
    assert keys == {'a': [0, 4, 8], 'b': [0, 2, 6], 'c': [0, 3, 7], 'd': [0, 1, 5, 9]}
    # Without it, all have them when the first has.
    assert made.adjust(dataclasses.replace(OPTIONS, extra={'key_interval': 4, 'stagger': False}))
    state = made.new_state('b')
    kinds = [_step(made, state, image, i).provenance['kind'] for i in range(5)]
    assert [i for i, kind in enumerate(kinds) if kind == 'key frame'] == [0, 4]
    made.close()


def test_a_frame_of_another_size_is_a_key_frame(method):
    state = method.new_state('camera')
    _step(method, state, _video(8, 1)[0])
    other = _step(method, state, _video(8, 1, (65, 131))[0], 1)
    assert other.provenance['kind'] == 'key frame' and other.labels.shape == (65, 131)
    next_one = _step(method, state, _video(9, 1, (65, 131))[0], 2)
    assert next_one.provenance == {
        'kind': 'propagated', 'since_key_frame': 1, 'operating_point': 'K=3'}


def test_what_is_kept_of_a_camera_is_one_key_frame(method):
    state = method.new_state('camera')
    for i, image in enumerate(_video(10, 5)):
        _step(method, state, image, i)
    assert state.key.high.shape == (1, 128, 8, 12)
    assert state.key.reduced.shape == (1, 4, 8, 12)
    assert state.key.size == SIZE


def test_images_that_are_too_small_are_refused(method):
    with pytest.raises(UnfitFrameError, match='100x20'):
        _step(method, method.new_state('camera'), np.zeros((20, 100, 3), np.uint8))
    method.prepare((20, 100))


@pytest.mark.parametrize('options, message', [
    ({'extra': {'key_interval': 0}}, 'key_interval'),
    ({'network': 'lernet/base', 'checkpoint': 'random:0'}, 'needs a network lernet_tha'),
    ({'network': 'lernet/base'}, 'holds lernet_tha/base, not lernet/base'),
])  # fmt: skip
def test_what_cannot_be_made_is_refused_with_a_reason(options, message):
    with pytest.raises(MethodError, match=message):
        create_method('lernet_tha', MethodOptions(engine='torch', **options))


def test_its_operating_points_are_longer_intervals():
    method = create_method('lernet_tha', OPTIONS)
    assert method.operating_points() == ('K=3', 'K=5', 'K=10')
    state = method.new_state('camera')
    images = _video(11, 8)
    _step(method, state, images[0], 0)
    method.operate_at('K=5')
    for i in range(1, 5):
        result = _step(method, state, images[i], i)
        assert result.provenance['since_key_frame'] == i
        assert result.provenance['operating_point'] == 'K=5'
    assert _step(method, state, images[5], 5).provenance['kind'] == 'key frame'
    # What has been observed is segmented as it was observed.
    ahead = [method.observe(Frame(images[i], i, 'camera', i), state) for i in (6, 7)]
    method.operate_at('K=3')
    steps = [method.predict([o], [state])[0].provenance['since_key_frame'] for o in ahead]
    assert steps == [1, 2]
    assert _step(method, state, images[0], 8).provenance['kind'] == 'key frame'
    with pytest.raises(ValueError, match='K=7'):
        method.operate_at('K=7')


def test_after_an_interval_of_1_nothing_older_is_propagated():
    method = create_method('lernet_tha', OPTIONS)
    state, images = method.new_state('camera'), _video(15, 5)
    kinds = []
    for i, interval in enumerate((3, 1, 1, 3, 3)):
        assert method.adjust(dataclasses.replace(OPTIONS, extra={'key_interval': interval}))
        kinds.append(_step(method, state, images[i], i).provenance['kind'])
    # The features of frame 0 are not those of the frame before the fourth.
    assert kinds == ['key frame'] * 4 + ['propagated']


def test_the_interval_is_changed_between_two_frames():
    method = create_method('lernet_tha', OPTIONS)
    assert method.adjust(dataclasses.replace(OPTIONS, extra={'key_interval': 7}))
    assert method.operating_points() == ('K=7', 'K=10') and method.operating_point == 'K=7'
    method.operate_at('K=10')
    assert method.adjust(OPTIONS)
    # Where a latency budget moved it, it stays until that moves it back.
    assert method.operating_point == 'K=10'
    assert not method.adjust(dataclasses.replace(OPTIONS, input_size=(64, 64)))
    with pytest.raises(MethodError, match='key_interval'):
        method.adjust(dataclasses.replace(OPTIONS, extra={'key_interval': 0}))
    assert method.operating_points() == ('K=3', 'K=5', 'K=10')


def test_key_frames_go_with_key_frames_and_what_is_kept_is_each_cameras_own(method):
    class Pairs:
        def __init__(self, engine):
            self.engine, self.sizes = engine, []
            self.labels_on_device = False

        def preferred_batch(self, size):
            return 2

        def run(self, inputs):
            self.sizes.append(len(inputs['image']))
            return self.engine.run(inputs)

    batching = create_method('lernet_tha', OPTIONS)
    batching._engines = tuple(Pairs(engine) for engine in batching._engines)
    videos = [_video(seed, 5) for seed in (12, 13, 14)]
    states, alone = ([one.new_state(str(i)) for i in range(3)] for one in (batching, method))
    _step(batching, states[1], videos[1][0])
    _step(method, alone[1], videos[1][0])
    for i in range(1, 5):
        observations = [batching.observe(Frame(video[i], i, state.camera, i), state)
                        for video, state in zip(videos, states, strict=True)]
        together = batching.predict(observations, states)
        for video, state, result in zip(videos, alone, together, strict=True):
            expected = _step(method, state, video[i], i)
            assert result.provenance == expected.provenance
            assert (result.labels == expected.labels).mean() > 0.999  # ties in the last bit
    assert batching._engines[0].sizes == [1, 2, 1, 2]
    assert batching._engines[1].sizes == [1, 2, 1, 2, 1]


def test_diagnostics_say_what_runs(method):
    described = method.describe()
    assert described['network'] == 'lernet_tha/base' and described['checkpoint'] == 'random:3'
    assert described['key_interval'] == '3' and described['label_space'] == 'camvid'
