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
import math
import tracemalloc

import cv2
import numpy as np
import pytest
import torch

from vidseg_ros.checkpoints.store import CheckpointMetadata, save_checkpoint
from vidseg_ros.engines.base import Engine
from vidseg_ros.methods.base import Frame, UnfitFrameError, Wanted
from vidseg_ros.methods.buffers import Scratch
from vidseg_ros.methods.keyframe_policies import (
    Evidence,
    ExpectedConfidence,
    FixedPeriod,
    FlowMagnitude,
    FrameDifference,
    confidence_score,
    flow_magnitude,
    frame_difference,
)
from vidseg_ros.methods.region_motion import Motion, warp, warpable
from vidseg_ros.methods.region_paths import segment_regions
from vidseg_ros.methods.regions import RegionGrid
from vidseg_ros.methods.registry import MethodError, MethodOptions, create_method
from vidseg_ros.networks.registry import network_spec

SIZE = 64, 128


class ColourEngine(Engine):
    """Classes by brightness, at a quarter of the size; it overwrites what it returned before."""

    name = 'colour'
    LEVELS = np.linspace(0, 255, 11, dtype=np.float32)

    def __init__(self):
        self.buffers = {}

    def prepare(self, size):
        self.run({'image': np.zeros((1, *size, 3), np.uint8)})

    def run(self, inputs):
        image = inputs['image'][0]
        shape = -(-image.shape[1] // 4), -(-image.shape[0] // 4)
        grey = cv2.resize(image.mean(2).astype(np.float32), shape, interpolation=cv2.INTER_AREA)
        logits = self.buffers.setdefault(shape, np.empty((1, 11, shape[1], shape[0]), np.float32))
        logits[0] = -np.abs(grey[None] - self.LEVELS[:, None, None]) / 16
        return {'logits': logits}

    def describe(self):
        return {'engine': self.name}

BOTH = Wanted(confidence=True, age=True)


def made(checkpoint='random:3', network='', **knobs):
    knobs = {'label_space': 'camvid', 'overlap': 0, 'whole_frames': False, **knobs}
    segmenter = create_method('dvsnet', MethodOptions(
        checkpoint, network, engine='torch', precision='fp32', extra=knobs))
    # A network without training sees one class everywhere; this one sees enough to tell.
    segmenter.networks.segmentation = ColourEngine()
    return segmenter


def scene(seed=0, size=SIZE):
    """Return something to look at: soft blobs that optical flow can follow."""
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.float32)
    return np.clip((soft - 128) * 6 + 128, 0, 255).astype(np.uint8)


def step(segmenter, state, image, index, wanted=BOTH):
    observation = segmenter.observe(Frame(image, index, state.camera, index), state)
    observation.wanted = wanted
    # What a camera's results lie in is used again after two more.
    return copy.deepcopy(segmenter.predict([observation], [state])[0])


def run(segmenter, video):
    state = segmenter.new_state('camera')
    return [step(segmenter, state, image, i) for i, image in enumerate(video)]


def segmented(results):
    return [result.provenance['segmented_regions'] for result in results]


@pytest.fixture(scope='module')
def decision(tmp_path_factory):
    """Return a function that writes a decision network which always expects the same."""
    folder = tmp_path_factory.mktemp('decision')

    def write(variant, score):
        network = network_spec(f'decision/{variant}').build(11)
        torch.nn.init.zeros_(network.fc3.weight)
        torch.nn.init.constant_(network.fc3.bias, score)
        path = folder / f'{variant}_{score}.safetensors'
        save_checkpoint(path, network, CheckpointMetadata(f'decision/{variant}', 'camvid', SIZE))
        return str(path)

    return write


# ---- the equations


def test_confidence_score_is_the_share_of_equal_pixels():
    rng = np.random.default_rng(0)
    o, s = rng.integers(0, 3, (2, 7, 9), np.uint8)
    equal = sum(o[y, x] == s[y, x] for y in range(7) for x in range(9))
    assert confidence_score(o, s) == pytest.approx(equal / 63)
    assert confidence_score(o, o) == 1.0


def test_frame_difference_is_the_mean_absolute_difference():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 256, (2, 5, 6), np.uint8)
    total = sum(abs(int(a[y, x]) - int(b[y, x])) for y in range(5) for x in range(6))
    assert frame_difference(a, b) == frame_difference(b, a) == pytest.approx(total / 30)


def test_flow_magnitude_is_the_mean_length():
    flow = np.random.default_rng(2).normal(size=(4, 5, 2)).astype(np.float32)
    total = sum(math.hypot(*flow[y, x]) for y in range(4) for x in range(5))
    assert flow_magnitude(flow) == pytest.approx(total / 20, rel=1e-5)


@pytest.mark.parametrize('policy, kept, due', [
    (FixedPeriod(3), Evidence(2), Evidence(3)),
    (FixedPeriod(1), None, Evidence(1)),
    (FrameDifference(10.0), Evidence(1, difference=10.0), Evidence(1, difference=10.1)),
    (FlowMagnitude(2.0), Evidence(1, magnitude=2.0), Evidence(1, magnitude=2.1)),
    (ExpectedConfidence(0.9), Evidence(1, score=0.9), Evidence(1, score=0.89)),
    (ExpectedConfidence(0.0), Evidence(1, score=0.0), None),
    (ExpectedConfidence(1.01), None, Evidence(1, score=1.0)),
])  # fmt: skip
def test_policies_at_their_limits(policy, kept, due):
    assert kept is None or not policy.due(kept)
    assert due is None or policy.due(due)


# ---- warping


def test_warping_against_numpy():
    rng = np.random.default_rng(3)
    key = rng.normal(size=(8, 12, 6)).astype(np.float32)
    # Sixteenths of a cell, which OpenCV's fixed point has exactly.
    cells = np.round(rng.uniform(-3, 3, (8, 12, 2)) * 16).astype(np.float32) / 16
    scale = rng.normal(size=key.shape).astype(np.float32)
    got = warp(key, Motion(cells * 8, scale), (64, 96))
    for y in range(8):
        for x in range(12):
            u = min(max(x + cells[y, x, 0], 0), 11)
            v = min(max(y + cells[y, x, 1], 0), 7)
            left, top = int(u), int(v)
            right, bottom = min(left + 1, 11), min(top + 1, 7)
            a, b = u - left, v - top
            expected = ((1 - a) * (1 - b) * key[top, left] + a * (1 - b) * key[top, right]
                        + (1 - a) * b * key[bottom, left] + a * b * key[bottom, right])
            np.testing.assert_allclose(got[y, x], expected * scale[y, x], atol=1e-5)


@pytest.mark.parametrize('stride', [1, 4, 8])
@pytest.mark.parametrize('density', [1, 2, 8])
def test_a_translation_is_warped_to_the_cell(stride, density):
    size = 64, 96
    key = np.random.default_rng(4).normal(
        size=(size[0] // stride, size[1] // stride, 11)).astype(np.float32)
    flow = np.zeros((size[0] // density, size[1] // density, 2), np.float32)
    flow[...] = 16.0, -8.0
    right, up = 16 // stride, 8 // stride
    warped = warp(key, Motion(flow), size)
    np.testing.assert_array_equal(warped[up:, :-right], key[:-up, right:])


@pytest.mark.parametrize('classes', [1, 3, 11, 19])
def test_no_motion_changes_nothing(classes):
    key = np.random.default_rng(5).normal(size=(16, 24, classes)).astype(np.float32)
    motion = Motion(np.zeros((32, 48, 2), np.float32))
    np.testing.assert_array_equal(warp(key, motion, (64, 96)), key)


@pytest.mark.parametrize('logits, grid', [
    ((16, 24), (16, 24)), ((8, 12), (8, 12)), ((64, 96), (64, 96)),  # every 4, 8 and 1 pixels
    ((4, 6), (8, 12)),  # every 16: too coarse to warp
    ((5, 7), (8, 12)), ((22, 32), (8, 12)),  # no regular grid
])  # fmt: skip
def test_logits_are_warped_on_a_grid_that_is_regular_and_fine_enough(logits, grid):
    given = np.random.default_rng(6).normal(size=(11, *logits)).astype(np.float32)
    got = warpable(given, (64, 96))
    assert got.shape == (*grid, 11)
    assert got.base is not given and not np.shares_memory(got, given)
    if logits == grid:
        np.testing.assert_array_equal(got, given.transpose(1, 2, 0))


# ---- the method


def test_a_static_scene_propagates_exactly():
    results = run(made(), [scene()] * 4)
    assert segmented(results) == [[0, 1, 2, 3], [], [], []]
    for age, result in enumerate(results):
        np.testing.assert_array_equal(result.labels, results[0].labels)
        np.testing.assert_array_equal(result.confidence, results[0].confidence)
        assert (result.age == age).all()
    assert [result.provenance['kind'] for result in results[:2]] == ['segmented', 'propagated']


@pytest.mark.parametrize('knobs', [
    {'flow': 'dis'}, {'flow': 'flownet2_s'}, {'flow': 'flownet2_s', 'decision_layer': 'conv4'},
])  # fmt: skip
def test_at_threshold_0_nothing_is_segmented_again_and_above_1_everything(knobs):
    video = [scene(i) for i in range(3)]
    never = run(made(policy='confidence', threshold=0.0, **knobs), video)
    assert segmented(never) == [[0, 1, 2, 3], [], []]
    always = run(made(policy='confidence', threshold=1.01, **knobs), video)
    assert segmented(always) == [[0, 1, 2, 3]] * 3


@pytest.mark.parametrize('flow, variant', [('dis', 'flow'), ('flownet2_s', 's_conv6')])
def test_a_decision_network_is_used_once_it_is_there(flow, variant, decision):
    video = [scene(i) for i in range(3)]
    knobs = {'flow': flow, 'decision_checkpoint': decision(variant, 0.75), 'threshold': 0.7}
    segmenter = made(**knobs)
    assert 'ExpectedConfidence' in segmenter.describe()['policy']
    results = run(segmenter, video)
    assert segmented(results) == [[0, 1, 2, 3], [], []]
    assert results[1].labels.any()
    assert results[1].provenance['measures'] == [0.75] * 4
    assert segmented(run(made(**{**knobs, 'threshold': 0.8}), video)) == [[0, 1, 2, 3]] * 3


def test_a_decision_network_for_something_else_is_refused(decision):
    with pytest.raises(MethodError, match='holds decision/s_conv6, not decision/flow'):
        made(decision_checkpoint=decision('s_conv6', 0.5))


def test_without_a_decision_network_the_flow_decides():
    assert 'FlowMagnitude' in made().describe()['policy']


def test_a_fixed_period_is_that_of_deep_feature_flow():
    results = run(made(policy='fixed', period=3), [scene(i) for i in range(7)])
    assert [bool(regions) for regions in segmented(results)] == [i % 3 == 0 for i in range(7)]
    assert [int(result.age.max()) for result in results] == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize('knobs', [
    {'policy': 'frame_difference', 'frame_difference': 20.0},
    {'policy': 'flow_magnitude', 'flow_magnitude': 0.5},
])  # fmt: skip
def test_only_the_region_that_changes_is_segmented_again(knobs):
    still = scene(0)
    changed = still.copy()
    changed[:32, 64:] = scene(0)[32:, :64]
    segmenter = made(**knobs)
    results = run(segmenter, [still, changed, changed])
    assert segmented(results) == [[0, 1, 2, 3], [1], []]
    assert [result.provenance['kind'] for result in results] == [
        'segmented', 'mixed', 'propagated']
    # Age is that of the region each pixel comes from, and without overlap that is its own.
    expected = np.ones(SIZE, np.uint8)
    expected[:32, 64:] = 0
    np.testing.assert_array_equal(results[1].age, expected)
    np.testing.assert_array_equal(results[2].age, expected + 1)
    # The other regions are as they were, this one as if the whole frame had been segmented. Only
    # next to it the flow, which is the whole frame's, may have moved them.
    fresh = run(segmenter, [changed])[0].labels
    same = results[1].labels == fresh
    assert same[:28, 68:].all() and same[44:].all() and same[:, :48].all()
    assert same.mean() > 0.98
    assert (fresh != results[0].labels).mean() > 0.1


def test_what_moves_is_followed():
    base = scene(7, (SIZE[0], SIZE[1] + 8))
    segmenter = made(rows=1, columns=1, flow_magnitude=1000.0)
    moved = [np.ascontiguousarray(base[:, x : x + SIZE[1]]) for x in (0, 4, 8)]
    results = run(segmenter, moved)
    assert segmented(results) == [[0], [], []]
    measure = results[1].provenance['measures'][0]
    # In percent of the diagonal.
    assert measure == pytest.approx(100 * 4.0 / math.hypot(*SIZE), rel=0.1)
    inner = slice(8, -8)
    followed = results[0].labels[inner, 16:-8]
    agreement = (results[1].labels[inner, 12:-12] == followed).mean()
    # Half a cell at the borders of classes is what warping at a quarter of the size costs.
    assert agreement > 0.93
    assert agreement > (results[0].labels[inner, 12:-12] == followed).mean() + 0.1


def test_segmenting_whole_frames_always_is_per_frame_segmentation():
    video = [scene(i) for i in range(2)]
    options = MethodOptions('fassvid_base_camvid', engine='torch', precision='fp32', extra={
        'policy': 'fixed', 'period': 1})
    segmenter, alone = create_method('dvsnet', options), create_method('per_frame', options)
    for a, b in zip(run(segmenter, video), run(alone, video), strict=True):
        np.testing.assert_array_equal(a.labels, b.labels)
        assert len(np.unique(a.labels)) > 1
        assert a.provenance['segmented_regions'] == [0, 1, 2, 3]


@pytest.mark.parametrize('flow', ['dis', 'flownet2_s'])
def test_no_network_is_left_in_training_mode(flow):
    """What is so could not be written as TorchScript, and would run layer by layer."""
    engines = []

    def note(engine):
        engines.append(engine)
        return engine

    options = MethodOptions('random:0', engine='torch', precision='fp32', wrap_engine=note, extra={
        'policy': 'confidence', 'flow': flow, 'network': 'lernet/base', 'label_space': 'camvid'})
    create_method('dvsnet', options).close()
    assert len(engines) == 2
    assert not any(module.training for engine in engines for module in engine.network.modules())


def test_a_frame_is_segmented_whole_where_its_regions_would_cost_as_much():
    still = scene(0, (64, 64))
    changed = still.copy()
    changed[:, 40:] = 255 - changed[:, 40:]
    # With this overlap each region is the whole frame: one that is due is worth all of them.
    segmenter = made(overlap=32, whole_frames=True, policy='frame_difference',
                     frame_difference=10.0)
    assert segmented(run(segmenter, [still, still, changed])) == [
        [0, 1, 2, 3], [], [0, 1, 2, 3]]


CONFIGURATIONS = [
    {'flow_magnitude': 1.2},
    {'policy': 'confidence', 'threshold': 0.0, 'flow': 'flownet2_s'},
    {'policy': 'flow_magnitude', 'flow_magnitude': 0.05, 'flow': 'flownet2_s'},
    {'policy': 'confidence', 'threshold': 0.1},
    {'policy': 'fixed', 'period': 2, 'flow': 'flownet2_s', 'rows': 1},
]


def journey(seed, frames=5):
    """Return a video that moves, a little more on the right."""
    left, right = scene(seed, (72, 120)), scene(seed + 100, (72, 120))
    return [np.ascontiguousarray(np.concatenate(
        [left[:, i : i + 50], right[:, 3 * i : 3 * i + 51]], 1)) for i in range(frames)]


@pytest.mark.parametrize('knobs', CONFIGURATIONS)
def test_states_are_separate_whatever_decides(knobs):
    segmenter = made(**knobs)
    videos = journey(1), journey(2)
    alone = [run(segmenter, video) for video in videos]
    states = [segmenter.new_state('left'), segmenter.new_state('right')]
    for i in range(len(videos[0])):
        observed = [segmenter.observe(Frame(v[i], i, s.camera, i), s)
                    for v, s in zip(videos, states, strict=True)]
        for observation in observed:
            observation.wanted = BOTH
        states = copy.deepcopy(states)
        for got, expected in zip(segmenter.predict(observed, states), alone, strict=True):
            np.testing.assert_array_equal(got.labels, expected[i].labels)
            np.testing.assert_array_equal(got.confidence, expected[i].confidence)
            np.testing.assert_array_equal(got.age, expected[i].age)
            assert got.provenance == expected[i].provenance


@pytest.mark.parametrize('knobs', CONFIGURATIONS)
def test_observing_ahead_changes_nothing_whatever_decides(knobs):
    segmenter = made(**knobs)
    video = journey(3)
    expected = run(segmenter, video)
    state = segmenter.new_state('camera')
    ahead = [segmenter.observe(Frame(image, i, 'camera', i), state)
             for i, image in enumerate(video)]
    for observation, result in zip(ahead, expected, strict=True):
        got = segmenter.predict([observation], [state])[0]
        np.testing.assert_array_equal(got.labels, result.labels)


def test_a_key_frame_that_got_lost_is_segmented_when_it_is_missed():
    segmenter = made()
    state = segmenter.new_state('camera')
    segmenter.observe(Frame(scene(), 0, 'camera', 0), state)  # and never predicted
    result = step(segmenter, state, scene(), 1)
    assert result.provenance['segmented_regions'] == [0, 1, 2, 3]
    assert not result.age.any()


@pytest.mark.parametrize('flow', ['dis', 'flownet2_s'])
def test_another_size_starts_anew(flow):
    segmenter = made(flow=flow, policy='fixed', period=100)
    state = segmenter.new_state('camera')
    for index, size in enumerate([(64, 128), (64, 128), (70, 101), (70, 101), (64, 128)]):
        result = step(segmenter, state, scene(0, size), index)
        assert result.labels.shape == result.age.shape == result.confidence.shape == size
        assert bool(result.provenance['segmented_regions']) == (index in (0, 2, 4))


@pytest.mark.parametrize('size', [(33, 33), (65, 97), (99, 61)])
def test_odd_sizes(size):
    results = run(made(policy='fixed', period=2, overlap=16), [scene(0, size)] * 3)
    for result in results:
        assert result.labels.shape == result.age.shape == size
        assert result.labels.flags.c_contiguous


def test_images_too_small_for_the_regions_are_refused():
    segmenter = made()
    state = segmenter.new_state('camera')
    with pytest.raises(UnfitFrameError, match='100x20 is too small for 2x2 regions'):
        step(segmenter, state, np.zeros((20, 100, 3), np.uint8), 0)
    assert step(segmenter, state, scene(), 0).provenance['kind'] == 'segmented'
    segmenter.prepare((20, 100))
    segmenter.prepare(SIZE)


def test_one_pixel_is_a_frame_of_one_region():
    segmenter = made(rows=1, columns=1)
    results = run(segmenter, [np.full((1, 1, 3), 90, np.uint8)] * 2)
    assert [result.labels.shape for result in results] == [(1, 1)] * 2
    assert segmented(results) == [[0], []]


def test_the_input_size_is_the_networks():
    segmenter = create_method('dvsnet', MethodOptions(
        'random:3', engine='torch', precision='fp32', input_size=(72, 100),
        extra={'label_space': 'camvid', 'policy': 'fixed'}))
    for result in run(segmenter, [scene(0, (144, 201))] * 2):
        assert result.labels.shape == result.confidence.shape == result.age.shape == (144, 201)


def test_age_does_not_wrap_around():
    segmenter = made(policy='fixed', period=1000)
    state = segmenter.new_state('camera')
    step(segmenter, state, scene(), 0)
    state.count = 400
    assert (step(segmenter, state, scene(), 1).age == 255).all()


def test_limits_are_adjusted_in_place_and_structure_is_not():
    def options(**extra):
        return MethodOptions('random:3', engine='torch', precision='fp32',
                             extra={'label_space': 'camvid', **extra})

    segmenter = create_method('dvsnet', options(flow_magnitude=1000.0))
    state = segmenter.new_state('camera')
    step(segmenter, state, scene(0), 0)
    assert segmented([step(segmenter, state, scene(1), 1)]) == [[]]
    assert segmenter.adjust(options(policy='fixed', period=2))
    assert segmented([step(segmenter, state, scene(2), 2)]) == [[0, 1, 2, 3]]
    assert segmenter.describe()['policy'] == 'FixedPeriod(period=2)'
    for other in (options(rows=1), options(policy='confidence'), options(flow='flownet2_s'),
                  MethodOptions('random:4', engine='torch', precision='fp32',
                                extra={'label_space': 'camvid'})):
        assert not segmenter.adjust(other)
    assert segmenter.describe()['policy'] == 'FixedPeriod(period=2)'


def test_a_threshold_is_adjusted_in_place():
    segmenter = made(policy='confidence', threshold=0.0)
    state = segmenter.new_state('camera')
    step(segmenter, state, scene(0), 0)
    assert segmented([step(segmenter, state, scene(1), 1)]) == [[]]
    assert segmenter.adjust(MethodOptions('random:3', engine='torch', precision='fp32', extra={
        'label_space': 'camvid', 'overlap': 0, 'whole_frames': False, 'policy': 'confidence',
        'threshold': 1.1}))
    assert segmented([step(segmenter, state, scene(1), 2)]) == [[0, 1, 2, 3]]


def test_a_point_that_a_latency_budget_moved_to_stays_when_other_knobs_change():
    def options(**extra):
        return MethodOptions('random:3', engine='torch', precision='fp32',
                             extra={'label_space': 'camvid', **extra})

    segmenter = create_method('dvsnet', options())
    segmenter.operate_at('flow_magnitude 4')
    # Who moved it takes it to be there: elsewhere its results would count for nothing.
    assert segmenter.adjust(options(period=7))
    assert segmenter.operating_point == 'flow_magnitude 4'
    assert segmenter.adjust(options(flow_magnitude=1.0))
    assert segmenter.operating_point == 'flow_magnitude 1'


def test_the_policy_asked_for_is_taken_as_it_is():
    threshold = 0.31  # 1 - (1 - 0.31) is a little less or more
    assert 1 - (1 - threshold) != threshold
    segmenter = made(policy='confidence', threshold=threshold)
    assert segmenter.describe()['policy'] == 'ExpectedConfidence(threshold=0.31)'


@pytest.mark.parametrize('network, message', [
    ('fassvid/full', 'needs a network that segments single frames'),  # it has its own memory
    ('flownet2/s', 'a part of a method'),
    ('decision/flow', 'a part of a method'),
])  # fmt: skip
def test_networks_that_do_not_segment_frames_are_refused(network, message):
    with pytest.raises(MethodError, match=message):
        made(network=network)
    if message == 'a part of a method':
        with pytest.raises(MethodError, match=message):
            create_method('per_frame', MethodOptions('random:3', network, engine='torch'))


@pytest.mark.parametrize('knobs, message', [
    ({'policy': 'whenever'}, 'policy'),
    ({'flow': 'farneback'}, 'flow'),
    ({'decision_layer': 'conv1'}, 'decision_layer'),
    ({'rows': 0}, 'rows'),
    ({'overlap': -1}, 'overlap'),
    ({'period': 'often'}, 'period'),
    ({'flow': 'flownet2_s', 'flow_checkpoint': 'fassvid_base_camvid'}, 'not flownet2/s'),
])  # fmt: skip
def test_impossible_knobs_are_refused(knobs, message):
    with pytest.raises(MethodError, match=message):
        made(**knobs)


# ---- operating points, batches, memory


@pytest.mark.parametrize('knobs, expected', [
    ({'flow_magnitude': 2.0}, [f'flow_magnitude {limit}' for limit in (2, 3, 4, 6)]),
    ({'policy': 'fixed', 'period': 5}, [f'fixed {period}' for period in (5, 8, 10, 15)]),
    ({'policy': 'frame_difference'}, [f'frame_difference {limit}' for limit in (10, 15, 20, 30)]),
    ({'policy': 'confidence'}, [f'confidence {t}' for t in (0.92, 0.88, 0.84, 0.76)]),
    ({'policy': 'confidence', 'threshold': 1.1}, ['confidence 1.1']),
])  # fmt: skip
def test_operating_points_tolerate_more_and_more(knobs, expected):
    segmenter = made(**knobs)
    assert segmenter.operating_points() == tuple(expected)
    assert segmenter.operating_point == expected[0]
    segmenter.operate_at(expected[-1])
    assert segmenter.operating_point == expected[-1]
    with pytest.raises(ValueError, match='no operating point'):
        segmenter.operate_at('fixed 77')


def test_a_cheaper_point_segments_fewer_regions_from_the_next_frame_on():
    segmenter = made(policy='fixed', period=2)
    state, image = segmenter.new_state('camera'), scene(0)
    shares = []
    for i in range(9):
        if i == 4:
            segmenter.prepare(SIZE, 'fixed 6')
            segmenter.operate_at('fixed 6')
        result = step(segmenter, state, image, i)
        shares.append(len(result.provenance['segmented_regions']))
        assert result.provenance['operating_point'] == segmenter.operating_point
    assert shares == [4, 0, 4, 0, 0, 0, 0, 0, 4]


@pytest.mark.parametrize('factor', [2, 3])
def test_a_limit_means_the_same_at_every_size(factor):
    base = scene(11, (SIZE[0] * 2, SIZE[1] * 2))
    small = [base[:, x : x + 200] for x in (0, 6)]
    large = [cv2.resize(image, None, fx=factor, fy=factor) for image in small]
    segmenter = made(rows=1, columns=1, flow_magnitude=1000.0)
    measures = []
    for video in (small, large):
        results = run(segmenter, [np.ascontiguousarray(image) for image in video])
        measures += results[1].provenance['measures']
    assert measures[0] == pytest.approx(100 * 6 / math.hypot(128, 200), rel=0.25)
    assert measures[1] == pytest.approx(measures[0], rel=0.15)


class BatchEngine(ColourEngine):
    """Takes regions together, and counts how many."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def preferred_batch(self, size):
        return 3

    def run(self, inputs):
        self.batches.append(len(inputs['image']))
        each = [super(BatchEngine, self).run({'image': image[None]})['logits'].copy()
                for image in inputs['image']]
        return {'logits': np.concatenate(each)}


def test_regions_that_are_due_are_segmented_together():
    video, segmenter = journey(3), made(policy='fixed', period=2)
    expected = run(segmenter, video)
    segmenter.networks.segmentation = engine = BatchEngine()
    for got, alone in zip(run(segmenter, video), expected, strict=True):
        np.testing.assert_array_equal(got.labels, alone.labels)
    assert engine.batches[:4] == [3, 1, 3, 1]


def test_no_frame_waits_for_a_number_of_regions_that_the_engine_has_not_built():
    grid, engine = RegionGrid.divide((64, 128), 2, 2, 0), BatchEngine()
    image = scene(0, (64, 128))
    found = segment_regions(engine, image, grid, [0, 3], {}, Scratch())
    assert sorted(found) == [0, 3] and engine.batches == [1, 1]


def test_propagating_allocates_nothing_of_the_images_size():
    size = (384, 512)
    segmenter = made(flow_magnitude=1000.0, overlap=64, rows=1)
    base = scene(12, (size[0], size[1] + 8))
    video = [np.ascontiguousarray(base[:, i : i + size[1]]) for i in range(8)]
    state = segmenter.new_state('camera')

    def forward(i):
        observation = segmenter.observe(Frame(video[i], i, 'camera', i), state)
        observation.wanted = BOTH
        segmenter.predict([observation], [state])

    for i in range(6):  # until all buffers are there
        forward(i)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        forward(6)
        forward(7)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # The flow on its grids, and no image.
    assert peak < 4 * size[0] * size[1]
