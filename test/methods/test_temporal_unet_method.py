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
import torch

from vidseg_ros.methods.base import Frame, UnfitFrameError, Wanted
from vidseg_ros.methods.registry import MethodError, MethodOptions, create_method
from vidseg_ros.networks.temporal_unet import TemporalUNet

NETWORK = 'temporal_unet/resnet_small_shallow_cgru'


def _method(**changes):
    extra = changes.pop('extra', {})
    return create_method('temporal_unet', MethodOptions(**{
        'checkpoint': 'random:5', 'network': NETWORK, 'engine': 'torch', 'precision': 'fp32',
        'extra': extra, **changes}))  # fmt: skip


@pytest.fixture(scope='module')
def method():
    made = _method()
    yield made
    made.close()


def _video(seed, frames=5, size=(36, 52)):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(frames)]


def _step(method, state, image, wanted=None):
    observation = method.observe(Frame(image, 0, state.camera, 0), state)
    if wanted:
        observation.wanted = wanted
    return method.predict([observation], [state])[0]


def _run(method, video, state=None):
    state = state or method.new_state('camera')
    return [_step(method, state, image).labels.copy() for image in video]


def _equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize('network', [
    'temporal_unet/vanilla_small_deep_crnn', 'temporal_unet/convnext_small_shallow_cgru'])
def test_the_states_are_those_of_the_network_run_by_itself(network):
    method, video = _method(network=network), _video(0, 3, (35, 53))
    torch_network = method._deployed.network
    assert isinstance(torch_network, TemporalUNet)
    hidden = [torch.zeros(1, *shape) for shape in torch_network.hidden_shapes((35, 53))]
    state = method.new_state('camera')
    for image in video:
        segmentation = _step(method, state, image, Wanted(confidence=True))
        normalised = method._deployed.normalise(torch.from_numpy(image[None]))
        with torch.no_grad():
            logits, *hidden = torch_network(normalised, *hidden)
        best = logits.softmax(1).max(1)
        assert (segmentation.labels == best.indices[0].numpy()).mean() > 0.999
        np.testing.assert_allclose(
            segmentation.confidence, 255 * best.values[0].numpy(), atol=1.01)
        for array, expected in zip(state.hidden.values(), hidden, strict=True):
            np.testing.assert_allclose(array, expected.numpy(), atol=1e-4)


def test_the_past_matters(method):
    first, second = _video(1), _video(2)
    after_first = _run(method, [*first, second[-1]])[-1]
    assert (after_first != _run(method, second)[-1]).any()


def test_a_sequence_begins_anew_after_its_length(method):
    three, video = _method(extra={'sequence_length': 3}), _video(3, 6)
    assert _equal(_run(three, video), _run(method, video[:3]) + _run(method, video[3:]))
    assert not _equal(_run(method, video)[3:], _run(method, video[3:]))
    state = three.new_state('camera')
    positions = [_step(three, state, image).provenance['position'] for image in video]
    assert positions == [0, 1, 2, 0, 1, 2]


def test_a_sequence_of_one_frame_has_no_memory():
    one, video = _method(extra={'sequence_length': 1}), _video(4, 3)
    assert _equal(_run(one, video), [_run(one, [image])[0] for image in video])


def test_another_image_size_begins_anew(method):
    small, large = _video(5), _video(6, 3, (41, 64))
    state = method.new_state('camera')
    _run(method, small, state)
    assert _equal(_run(method, large, state), _run(method, large))


def test_what_a_camera_remembers_is_its_own(method):
    states = method.new_state('left'), method.new_state('right')
    _run(method, _video(7), states[0])
    kept = {name: array.copy() for name, array in states[0].hidden.items()}
    _run(method, _video(8), states[1])
    for name, array in states[0].hidden.items():
        np.testing.assert_array_equal(array, kept[name])
        assert not np.shares_memory(array, states[1].hidden[name])


def test_frames_of_several_cameras_and_sizes_go_together(method):
    videos = _video(9), _video(10, size=(24, 33)), _video(11)
    alone = [_run(method, video) for video in videos]
    states = [method.new_state(str(i)) for i in range(3)]
    for i in range(5):
        observations = [method.observe(Frame(video[i], i, state.camera, i), state)
                        for video, state in zip(videos, states, strict=True)]
        together = method.predict(observations, states)
        assert _equal([s.labels for s in together], [labels[i] for labels in alone])


def test_the_engine_that_machines_without_a_gpu_use_gives_the_same_states():
    video, states = _video(12, 3), []
    for engine in ('torch', 'openvino'):
        method = _method(engine=engine)
        state = method.new_state('camera')
        _run(method, video, state)
        states.append(state)
    for name, array in states[0].hidden.items():
        assert array.any()
        np.testing.assert_allclose(array, states[1].hidden[name], atol=1e-3)


@pytest.mark.parametrize('network, side', [
    (NETWORK, 4), ('temporal_unet/convnext_small_deep_crnn', 32)])
def test_images_that_are_too_small_are_refused_and_the_next_is_not(network, side):
    method = _method(network=network)
    state = method.new_state('camera')
    with pytest.raises(UnfitFrameError, match=f'at least {side} pixels'):
        _step(method, state, np.zeros((side - 1, 99, 3), np.uint8))
    assert _step(method, state, np.zeros((side, 99, 3), np.uint8)).labels.shape == (side, 99)


def test_the_networks_input_has_its_own_size():
    method = _method(input_size=(24, 40))
    state = method.new_state('camera')
    assert _step(method, state, _video(13)[0]).labels.shape == (36, 52)
    assert state.hidden['hidden_0'].shape == (1, 16, 24, 40)


@pytest.mark.parametrize('changes, message', [
    ({'extra': {'sequence_length': -1}}, 'sequence_length'),
    ({'network': 'temporal_unet/vanilla_small_deep'}, 'per_frame'),
    ({'network': 'fassvid/base'}, 'crnn or cgru'),
    ({'network': '', 'checkpoint': 'fassvid_base_camvid'}, 'fassvid/base_hires'),
])  # fmt: skip
def test_what_is_no_recurrent_unet_is_refused(changes, message):
    with pytest.raises(MethodError, match=message):
        _method(**changes)


def test_the_defaults_are_the_papers_best_on_camvids_classes():
    method = create_method('temporal_unet', MethodOptions(engine='torch'))
    described = method.describe()
    assert described['network'] == 'temporal_unet/resnet_small_deep_cgru'
    assert (described['label_space'], described['sequence_length']) == ('camvid', '0')
    assert _method(extra={'label_space': 'cityscapes'}).label_space.name == 'cityscapes'


def test_the_baselines_run_frame_by_frame():
    method = create_method('per_frame', MethodOptions(
        checkpoint='random:5', network='temporal_unet/convnext_small_shallow', engine='torch'))
    assert _step(method, method.new_state('camera'), _video(14)[0]).labels.shape == (36, 52)
