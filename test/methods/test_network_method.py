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
"""What methods share whose frames go through a network: sizes, batches, memory."""

import dataclasses
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from vidseg_ros.methods import per_frame
from vidseg_ros.methods.base import Frame, UnfitFrameError, Wanted
from vidseg_ros.methods.loading import load_network
from vidseg_ros.methods.network_method import INPUT_PARTS, part_of
from vidseg_ros.methods.registry import MethodError, MethodOptions, create_method

OPTIONS = MethodOptions(
    checkpoint='random:3', engine='torch', precision='fp32', extra={'label_space': 'camvid'}
)
NETWORKS = {
    'per_frame': 'fassvid/base_hires',
    'fassvid': 'fassvid/full_hires',
    'temporal_unet': 'temporal_unet/resnet_small_shallow_cgru',
}
METHODS = list(NETWORKS)


def _method(name, **changes):
    return create_method(
        name, dataclasses.replace(OPTIONS, network=NETWORKS[name], **changes)
    )  # fmt: skip


@pytest.fixture(scope='module', params=METHODS)
def segmenter(request):
    made = _method(request.param)
    yield made
    made.close()


def _image(seed, size=(128, 192)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def _observe(method, state, image, index=0):
    return method.observe(Frame(image, index, state.camera, index), state)


def _step(method, state, image, index=0):
    return method.predict([_observe(method, state, image, index)], [state])[0]


class Spy:
    """An engine that notes the shapes it is given and what it is told to build."""

    def __init__(self, engine, batch=1):
        self.engine, self.batch = engine, batch
        self.ran, self.prepared = [], []
        self.labels_on_device = False

    def preferred_batch(self, size):
        return self.batch

    def describe(self):
        return self.engine.describe()

    def prepare(self, size):
        self.prepared.append(size)

    def run(self, inputs):
        assert all(array.flags.c_contiguous for array in inputs.values())
        self.ran.append(inputs['image'].shape[:3])
        return self.engine.run(inputs)


def _spied(name, batch=1, **changes):
    method = _method(name, **changes)
    spies = [Spy(engine, batch) for engine in method._engines]
    method._engines = tuple(spies)
    return method, spies[0]


@pytest.mark.parametrize('size, part, minimum, expected', [
    ((512, 1024), 0.75, 1, (384, 768)),
    ((512, 1024), 0.5, 1, (256, 512)),
    ((360, 480), 0.75, 1, (256, 352)),
    ((360, 480), 1.0, 1, (360, 480)),
    ((72, 100), 0.5, 64, (64, 64)),
    ((40, 50), 0.5, 64, (40, 50)),
    ((20, 100), 0.5, 1, (20, 64)),
])  # fmt: skip
def test_parts_of_a_size_are_multiples_and_large_enough(size, part, minimum, expected):
    assert part_of(size, part, minimum) == expected


@pytest.mark.parametrize('name', METHODS)
def test_it_moves_between_input_sizes_and_labels_keep_the_frames(name):
    method, spy = _spied(name)
    assert method.operating_points() == tuple(INPUT_PARTS)
    state = method.new_state('camera')
    memories = []
    points = ['input 1', 'input 1', 'input 3/4', 'input 1/2', 'input 1/2', 'input 1']
    for index, point in enumerate(points):
        method.operate_at(point)
        assert method.operating_point == point == method.describe()['operating_point']
        result = _step(method, state, _image(index), index)
        assert result.labels.shape == (128, 192)
        assert result.provenance['operating_point'] == point
        memories.append(result.provenance.get('memory'))
    assert [shape[1:] for shape in spy.ran] == [
        (128, 192), (128, 192), (96, 128), (64, 96), (64, 96), (128, 192)]  # fmt: skip
    moved = None if name == 'per_frame' else 'resized'
    assert memories == [None, None, moved, moved, None, moved]
    with pytest.raises(ValueError, match='input 1/3'):
        method.operate_at('input 1/3')


@pytest.mark.parametrize('name', ['fassvid', 'temporal_unet'])
def test_what_a_stream_remembers_survives_a_move(name):
    method, still = _method(name), _image(20)
    state = method.new_state('camera')
    for index in range(4):
        _step(method, state, still, index)
    method.operate_at('input 1/2')
    fresh = method.new_state('other')
    memories = []
    for each in (state, fresh):
        _step(method, each, still, 4)
        memories.append(each.output if name == 'fassvid' else each.hidden['hidden_0'])
    assert memories[0].shape == memories[1].shape
    assert not np.array_equal(*memories)


def test_what_was_observed_before_a_move_is_segmented_as_it_was_observed(segmenter):
    segmenter.operate_at('input 1')
    state, other = segmenter.new_state('a'), segmenter.new_state('b')
    expected = [_step(segmenter, other, _image(i), i).labels.copy() for i in range(3)]
    ahead = [_observe(segmenter, state, _image(i), i) for i in range(3)]
    segmenter.operate_at('input 1/2')
    last = _observe(segmenter, state, _image(3), 3)
    for observation, labels in zip(ahead, expected, strict=True):
        np.testing.assert_array_equal(
            segmenter.predict([observation], [state])[0].labels, labels
        )  # fmt: skip
    assert segmenter.predict([last], [state])[0].provenance['operating_point'] == 'input 1/2'
    segmenter.operate_at('input 1')


@pytest.mark.parametrize('name', METHODS)
def test_a_batch_of_cameras_equals_each_alone(name):
    method, spy = _spied(name, batch=2)
    plain = _method(name)
    states, alone = ([one.new_state(str(i)) for i in range(5)] for one in (method, plain))
    sizes = [(64, 96), (72, 80), (64, 96), (64, 96), (72, 80)]
    for index in range(3):
        images = [_image(10 * index + i, size) for i, size in enumerate(sizes)]
        observations = [
            _observe(method, state, image, index)
            for state, image in zip(states, images, strict=True)
        ]
        together = method.predict(observations, states)
        for state, image, result in zip(alone, images, together, strict=True):
            expected = _step(plain, state, image, index)
            assert result.labels.shape == image.shape[:2]
            assert result.provenance == expected.provenance
            assert (result.labels == expected.labels).mean() > 0.999  # ties in the last bit
    assert spy.ran[:3] == [(2, 64, 96), (1, 64, 96), (2, 72, 80)]
    assert len(spy.ran) == 9


@pytest.mark.parametrize('fixed, points', [((64, 96), 1), (None, len(INPUT_PARTS))])
def test_an_exported_model_of_a_fixed_size_cannot_move(monkeypatch, fixed, points):
    def load(*arguments):
        exported = SimpleNamespace(size=fixed)
        return dataclasses.replace(load_network(*arguments), exported=exported)

    monkeypatch.setattr(per_frame, 'load_network', load)
    assert len(_method('per_frame').operating_points()) == points


def test_one_camera_prefers_what_its_engine_does():
    method, _ = _spied('per_frame', batch=4)
    assert method.preferred_batch == 1  # no size is known
    method.prepare((64, 96))
    assert method.preferred_batch == 4


@pytest.mark.parametrize('name', METHODS)
def test_every_size_is_built_once_and_not_while_it_runs(name):
    method, spy = _spied(name)
    for point in (None, 'input 1', 'input 1/2', 'input 1/2'):
        method.prepare((128, 192), point)
    assert spy.prepared == [(128, 192), (64, 96)]
    _step(method, method.new_state('camera'), _image(0, (64, 64)))
    method.prepare((64, 64))
    assert spy.prepared == [(128, 192), (64, 96)]


def test_results_stay_until_two_more_are_there(segmenter):
    state = segmenter.new_state('camera')
    wanted = Wanted(confidence=True, age=True)
    results, copies = [], []
    for index in range(8):
        observation = _observe(segmenter, state, _image(index, (64, 64)), index)
        observation.wanted = wanted
        results.append(segmenter.predict([observation], [state])[0])
        last = results[-1]
        copies.append(tuple(a.copy() for a in (last.labels, last.confidence, last.age)))
        for result, (labels, confidence, age) in zip(results[-3:], copies[-3:], strict=False):
            np.testing.assert_array_equal(result.labels, labels)
            np.testing.assert_array_equal(result.confidence, confidence)
            np.testing.assert_array_equal(result.age, age)


class Labels(Spy):
    """An engine that finds the labels itself, all of one class, and hands out what is asked."""

    def __init__(self, engine, batch):
        super().__init__(engine, batch)
        self.labels_on_device, self.asked = True, []

    def run_labels(self, inputs, size, also=()):
        outputs = self.run(inputs)
        self.asked.append((size, tuple(also)))
        labels = np.full((len(inputs['image']), *size), 7, np.uint8)
        return {'labels': labels, **{name: outputs[name] for name in also}}


@pytest.mark.parametrize('name, also', [
    ('per_frame', ()), ('fassvid', ('logits',)),
    ('temporal_unet', ('next_hidden_0', 'next_hidden_1', 'next_hidden_2')),
])  # fmt: skip
def test_labels_are_left_to_a_device_that_finds_them(name, also):
    method = _method(name)
    engine = Labels(method._engines[0], 2)
    method._engines = (engine,)
    states = [method.new_state(str(i)) for i in range(2)]
    for index in range(2):
        observations = [_observe(method, s, _image(index, (64, 96)), index) for s in states]
        for result in method.predict(observations, states):
            assert (result.labels == 7).all()
    assert engine.ran == [(2, 64, 96)] * 2
    assert [size for size, _ in engine.asked] == [(64, 96)] * 2
    assert set(also) <= set(engine.asked[0][1])
    # Confidence takes logits.
    observations = [_observe(method, s, _image(2, (64, 96)), 2) for s in states]
    observations[1].wanted = Wanted(confidence=True)
    first, second = method.predict(observations, states)
    assert first.confidence is None and second.confidence is not None
    assert not (first.labels == 7).all()
    assert len(engine.asked) == 2


class Quick:
    """An engine that takes no time: logits are made once, other outputs likewise."""

    def __init__(self, network, sizes):
        self.network, self.outputs = network, {}
        self.labels_on_device = False
        for size in sizes:
            inputs = network.example_inputs(size)
            rng = np.random.default_rng(0)
            outputs = {'logits': rng.normal(size=(1, 11, size[0] // 4, size[1] // 4))}
            for name in network.output_names:
                if name.startswith('next_'):
                    outputs[name] = inputs[name.removeprefix('next_')] + 1
            outputs['logits'] = np.repeat(
                np.repeat(outputs['logits'][:, :, ::8, ::8], 8, 2), 8, 3
            )  # fmt: skip
            self.outputs[size] = {k: v.astype(np.float32) for k, v in outputs.items()}

    def preferred_batch(self, size):
        return 1

    def run(self, inputs):
        return self.outputs[inputs['image'].shape[1:3]]


@pytest.mark.parametrize('name, given', [
    ('per_frame', (0, 0)), ('fassvid', (0, 0)), ('fassvid', (256, 512)), ('fassvid', (384, 768))])
def test_nothing_of_the_images_size_is_allocated_per_frame(name, given):
    method = _method(name, input_size=given, extra={'label_space': 'camvid'})
    size = (512, 1024)
    deployed = method._engines[0].network
    method._engines = (Quick(deployed, [size if given == (0, 0) else given]),)
    state = method.new_state('camera')
    image = _image(0, size)

    def run(frames):
        for index in range(frames):
            observation = _observe(method, state, image, index)
            observation.wanted = Wanted(confidence=True, age=True)
            method.predict([observation], [state])

    run(14)  # the rings are full, and FASSVid's ten quarters
    tracemalloc.start()
    run(2)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    run(5)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Less than a quarter of the labels, and gone again; numpy's own buffers are among it.
    assert peak - before < 250_000
    assert after - before < 16_000


def test_frames_too_small_are_refused_and_nothing_is_built_for_them():
    method, spy = _spied('fassvid')
    state = method.new_state('camera')
    method.prepare((20, 100))
    assert spy.prepared == []
    with pytest.raises(UnfitFrameError, match='100x20'):
        _observe(method, state, np.zeros((20, 100, 3), np.uint8))
    assert state.seen == 0 and not state.quarters


@pytest.mark.parametrize('name, knob, value, wrong', [
    ('fassvid', 'frame_distance', 2, 0), ('temporal_unet', 'sequence_length', 2, -1)])
def test_knobs_change_between_two_frames(name, knob, value, wrong):
    method = _method(name)
    method.operate_at('input 1/2')
    options = dataclasses.replace(method._options, extra={**OPTIONS.extra, knob: value})
    assert method.adjust(options)
    assert method.describe()[knob] == str(value)
    assert method.operating_point == 'input 1/2'
    assert not method.adjust(dataclasses.replace(options, precision='auto'))
    assert not method.adjust(
        dataclasses.replace(options, extra={**options.extra, 'label_space': 'cityscapes'})
    )
    with pytest.raises(MethodError, match=knob):
        method.adjust(dataclasses.replace(options, extra={**OPTIONS.extra, knob: wrong}))
    assert method.describe()[knob] == str(value)


def test_fassvid_reaches_back_as_far_as_it_is_told_now():
    method = _method('fassvid', extra={'label_space': 'camvid', 'frame_distance': 2})
    state = method.new_state('camera')
    images = [_image(i, (64, 64)) for i in range(12)]
    quarters = []

    def earlier(index):
        observation = _observe(method, state, images[index], index)
        quarters.append(observation.inputs['quarter'])
        return observation.inputs['earlier']

    assert not earlier(0).any() and not earlier(1).any()
    np.testing.assert_array_equal(earlier(2), quarters[0])
    method.adjust(dataclasses.replace(
        method._options, extra={'label_space': 'camvid', 'frame_distance': 4}))
    # Until the stream reaches back so far, the oldest there is; black would look like a change.
    np.testing.assert_array_equal(earlier(3), np.zeros_like(quarters[0]))
    np.testing.assert_array_equal(earlier(4), quarters[1])
    np.testing.assert_array_equal(earlier(5), quarters[1])
    np.testing.assert_array_equal(earlier(6), quarters[2])
    method.adjust(dataclasses.replace(
        method._options, extra={'label_space': 'camvid', 'frame_distance': 1}))
    np.testing.assert_array_equal(earlier(7), quarters[6])


def test_what_was_dropped_for_other_sizes_is_there_again_once_it_is_prepared(
    tmp_path, monkeypatch
):  # fmt: skip
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr('vidseg_ros.engines.shaped.ShapedEngine.SHAPES', 3)
    monkeypatch.setattr('vidseg_ros.methods.network_method._SIZES', 3)
    method = _method('per_frame', engine='openvino')
    sizes = [(64, 64 + 32 * n) for n in range(4)]
    for size in (*sizes, sizes[0]):
        method.prepare(size)

    def late(*_):
        raise AssertionError('a frame waits while this is built')

    monkeypatch.setattr('vidseg_ros.engines.openvino_engine.OpenVINOEngine._build', late)
    _step(method, method.new_state('camera'), _image(0, sizes[0]))
    with pytest.raises(AssertionError, match='waits'):
        _step(method, method.new_state('camera'), _image(0, sizes[1]))
    method.close()
