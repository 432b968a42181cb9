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
import dataclasses
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from vidseg_ros.flow.chain import fetch, positions
from vidseg_ros.flow.grid import GridFlow
from vidseg_ros.methods.base import Frame, UnfitFrameError, Wanted
from vidseg_ros.methods.confidence import softmax
from vidseg_ros.methods.evs_operating_points import (
    OPERATING_POINTS,
    PAPER_SPEEDUP,
    OperatingPoint,
    Stage,
    chosen,
)
from vidseg_ros.methods.registry import MethodError, MethodOptions, create_method
from vidseg_ros.methods.upsampling import LabelUpsampler

SIZE = (72, 104)
BOTH = Wanted(confidence=True, age=True)


def _make(network='icnet/half', **knobs):
    return create_method('evs', MethodOptions(
        checkpoint='random:3', network=network, engine='torch', precision='fp32',
        extra={'label_space': 'camvid', **knobs}))  # fmt: skip


def _texture(seed, size=SIZE, margin=24):
    """Return a scene larger than the image, with structure for the flow."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (size[0] + 2 * margin, size[1] + 2 * margin, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)


def _pan(frames, step, seed=0, size=SIZE, margin=24):
    scene = _texture(seed, size, margin)
    return [np.ascontiguousarray(scene[margin:margin + size[0],
                                       margin + i * step:margin + i * step + size[1]])
            for i in range(frames)]  # fmt: skip


def _run(segmenter, video, wanted=BOTH):
    state = segmenter.new_state('camera')
    found = []
    for i, image in enumerate(video):
        observation = segmenter.observe(Frame(image, i, 'camera', i), state)
        observation.wanted = wanted
        # What a camera's results lie in is used again after two more.
        found.append(copy.deepcopy(segmenter.predict([observation], [state])[0]))
    return found


def _kinds(found):
    return [segmentation.provenance['kind'] for segmentation in found]


# ---- operating points


def test_the_operating_points_are_table_2():
    assert sorted(OPERATING_POINTS) == sorted(PAPER_SPEEDUP) == list(range(1, 15))
    # D, S, W, R as printed, from 14 down to 1.
    printed = [
        (0.5, 17, 1, 0), (0.5, 10, 0, 0), (0.5, 10, 1, 0), (1, 10, 0, 0), (1, 10, 1, 0),
        (0.5, 5, 0, 0), (1, 5, 0, 0), (1, 5, 1, 0), (1, 5, 1, 1), (1, 3, 1, 0), (1, 3, 1, 1),
        (1, 2, 1, 0), (1, 2, 1, 1), (1, 1, 1, 1),
    ]  # fmt: skip
    for number, row in zip(range(14, 0, -1), printed, strict=True):
        point = OPERATING_POINTS[number]
        assert (point.downscaling, point.segment_every, point.warping, point.refinement) == row


def test_the_refiner_runs_once_in_s_frames_as_the_papers_frame_rates_have_it():
    # Table 2: ICNet takes 1/39 s. EVS 02, 04 and 06 then fit one refinement in S frames, always
    # of the same duration; one on each propagated frame would not.
    icnet = 1 / 39
    durations = [s / rate - icnet for s, rate in ((2, 49), (3, 74), (5, 122))]
    assert max(durations) - min(durations) < 0.1 * max(durations)
    for number in (2, 4, 6):
        point = OPERATING_POINTS[number]
        stages = [point.stage(i) for i in range(1, point.segment_every + 1)]
        assert stages.count(Stage.REFINE) == 1
        assert stages[-2:] == [Stage.REFINE, Stage.SEGMENT]
    always = OperatingPoint(1.0, 4, True, True, refine_every_frame=True)
    assert [always.stage(i) for i in (1, 2, 3, 4)] == [Stage.REFINE] * 3 + [Stage.SEGMENT]


def test_knobs_choose_the_point():
    assert chosen({}) == (7, OPERATING_POINTS[7])
    assert chosen({'operating_point': 14, 'segment_every': 3}) == (14, OPERATING_POINTS[14])
    own = OperatingPoint(0.75, 4, True, True, True)
    knobs = {'downscaling': 0.75, 'segment_every': 4, 'warping': True, 'refinement': True,
             'refine_every_frame': True}  # fmt: skip
    assert chosen(knobs) == chosen({'operating_point': 0, **knobs}) == (0, own)


@pytest.mark.parametrize('knobs, message', [
    ({'operating_point': 15}, '15 is not 0 to 14'),
    ({'segment_every': 0}, 'segment_every'),
    ({'downscaling': 1.5}, 'downscaling'),
    ({'warping': False, 'refinement': True}, 'nothing to refine'),
    ({'flow': 'slow'}, 'slow'),
])  # fmt: skip
def test_impossible_knobs_are_refused(knobs, message):
    with pytest.raises(MethodError, match=message):
        _make(**knobs)


def test_a_network_with_a_memory_is_refused():
    with pytest.raises(MethodError, match='without memory'):
        _make('fassvid/full_hires')


# ---- propagation


@pytest.fixture(scope='module')
def propagating():
    return _make('fassvid/base_hires', segment_every=4)


@pytest.fixture(scope='module')
def refining():
    return _make(segment_every=4, refinement=True)


@pytest.mark.parametrize('made', ['propagating', 'refining'])
def test_a_still_scene_propagates_exactly(made, request):
    segmenter = request.getfixturevalue(made)
    found = _run(segmenter, _pan(1, 0) * 9)
    for segmentation in found[1:]:
        np.testing.assert_array_equal(segmentation.labels, found[0].labels)
        np.testing.assert_array_equal(segmentation.confidence, found[0].confidence)


def test_a_translation_is_warped_to_the_pixel(propagating):
    step = 3
    found = _run(propagating, _pan(4, step))
    assert _kinds(found) == ['key frame', 'propagated', 'propagated', 'propagated']
    key = found[0]
    for i, segmentation in enumerate(found[1:], 1):
        shift = i * step
        # Well within the image, where DIS sees whole patches on both sides.
        inner = np.s_[8:-8, 8:-8 - shift]
        there = np.s_[8:-8, 8 + shift:-8]
        np.testing.assert_array_equal(segmentation.labels[inner], key.labels[there])
        assert (segmentation.age[inner] == i).all()


def test_labels_are_fetched_along_the_chain_of_flows(propagating):
    video = [cv2.resize(_texture(4), (SIZE[1], SIZE[0]))]
    for angle in (2, 4, 6):
        turn = cv2.getRotationMatrix2D((52, 36), angle, 1.02)
        video.append(cv2.warpAffine(video[0], turn, (SIZE[1], SIZE[0]),
                                    borderMode=cv2.BORDER_REFLECT))  # fmt: skip
    found = _run(propagating, video)
    dis = GridFlow()
    grid = dis.setting.grid(SIZE)
    scale = np.float32([SIZE[1] / grid[1], SIZE[0] / grid[0]])
    way = None
    for i in range(1, 4):
        step = dis.calc(dis.shrink(video[i], grid), dis.shrink(video[i - 1], grid))
        if way is None:
            way = step
        else:
            at = step + np.dstack(np.meshgrid(np.arange(grid[1]), np.arange(grid[0])))
            way = step + cv2.remap(way, at.astype(np.float32), None, cv2.INTER_LINEAR,
                                   borderMode=cv2.BORDER_REPLICATE)
        y, x = np.mgrid[:SIZE[0], :SIZE[1]]
        full = cv2.resize(way, SIZE[::-1], interpolation=cv2.INTER_LINEAR) * scale
        source_x = np.clip(np.rint(x + full[..., 0]), 0, SIZE[1] - 1).astype(int)
        source_y = np.clip(np.rint(y + full[..., 1]), 0, SIZE[0] - 1).astype(int)
        expected = found[0].labels[source_y, source_x]
        # OpenCV rounds positions to 1/32 pixel before it rounds to the nearest.
        assert (found[i].labels == expected).mean() > 0.995


def test_age_is_the_frames_since_the_key_frame_and_255_for_what_it_did_not_show(propagating):
    found = _run(propagating, _pan(6, 4))
    assert not found[0].age.any() and not found[4].age.any()
    for i in (1, 2, 3):
        age = found[i].age
        assert set(np.unique(age)) == {i, 255}
        # The pan brings 4 columns a frame into view, on the right.
        assert (age[8:-8, -4 * i + 2:] == 255).all() and (age[8:-8, :-4 * i - 4] == i).all()
        assert not found[i].confidence[8:-8, -4 * i + 2:].any()
    assert (found[5].age[8:-8, 8:-8] == 1).all()


def test_without_warping_labels_are_repeated():
    segmenter = _make('fassvid/base_hires', segment_every=3, warping=False)
    found = _run(segmenter, _pan(4, 3))
    assert _kinds(found) == ['key frame', 'repeated', 'repeated', 'key frame']
    for i in (1, 2):
        np.testing.assert_array_equal(found[i].labels, found[0].labels)
        assert (found[i].age == i).all()
    found[1].labels[:] = 77  # what was handed out is not what is remembered
    assert not (found[2].labels == 77).any()


@pytest.mark.parametrize('number', [7, 14])
def test_half_size_networks_give_full_size_labels(number):
    segmenter = _make('fassvid/base_hires', operating_point=number)
    found = _run(segmenter, _pan(3, 4, size=(128, 160)))
    for segmentation in found:
        for part in (segmentation.labels, segmentation.confidence, segmentation.age):
            assert part.shape == (128, 160) and part.dtype == np.uint8
    inner, there = np.s_[20:-20, 20:-24], np.s_[20:-20, 24:-20]
    same = found[1].labels[inner] == found[0].labels[there]
    assert same.mean() > 0.97


# ---- refinement


def test_refinement_comes_before_the_next_key_frame(refining):
    found = _run(refining, _pan(9, 1))
    cycle = ['key frame', 'propagated', 'propagated', 'refined']
    assert _kinds(found) == [*cycle, *cycle, 'key frame']


def test_refined_pixels_are_new_and_the_others_have_their_age(refining):
    # By 4 pixels a frame, a pixel of the predictions, so that none lies between two of them.
    found = _run(refining, _pan(4, 4))
    age = found[3].age
    assert set(np.unique(age)) == {0, 3}
    assert (age[16:-16, 16:-40] == 3).mean() > 0.95
    # What came into view on the right can only be the Refiner's.
    assert not age[8:-8, -8:].any()
    assert found[3].provenance['refined_fraction'] == pytest.approx((age == 0).mean(), abs=0.01)


def test_refinement_follows_the_papers_figure_4():
    """Compute the refined frame step by step, from the network's own parts."""
    segmenter = _make(segment_every=2, refinement=True)
    video = _pan(2, 3)
    found = _run(segmenter, video)
    outputs = segmenter.networks.segmentation.run({'image': video[0][None]})
    prediction, features = softmax(outputs['logits'][0].copy()), outputs['features'][0].copy()
    dis = GridFlow()
    first, second = (dis.shrink(image, dis.setting.grid(SIZE)) for image in video)
    back, forth = dis.calc(second, first), dis.calc(first, second)

    def small(flow, size):
        scale = np.float32([size[1] / flow.shape[1], size[0] / flow.shape[0]])
        return cv2.resize(flow, (size[1], size[0]), interpolation=cv2.INTER_AREA) * scale

    warped_features = fetch(features, positions(small(back, features.shape[:2])), nearest=False)
    fresh = softmax(segmenter.networks.refiner.run(
        {'image': video[1][None], 'features': warped_features[None]})['logits'][0])
    size = prediction.shape[1:]
    at, to = positions(small(back, size)), positions(small(forth, size))
    warped = np.stack([fetch(plane, at, nearest=False) for plane in prediction])
    forward = fetch(prediction.argmax(0).astype(np.uint8), at, outside=255)
    again = fetch(fetch(forward, to, outside=254), at, outside=254)
    mask = (forward != again).astype(np.float32)
    weight = cv2.blur(cv2.dilate(mask, np.ones((5, 5))), (5, 5), borderType=cv2.BORDER_REPLICATE)
    refined = weight * fresh + (1 - weight) * warped
    assert 0 < weight.mean() < 1
    labels = LabelUpsampler().labels(np.ascontiguousarray(refined, np.float32), SIZE)
    assert (labels == found[1].labels).mean() > 0.999


def test_a_network_without_a_refiner_refines_by_itself():
    segmenter = _make('fassvid/base_hires', segment_every=2, refinement=True)
    found = _run(segmenter, _pan(4, 2))
    assert _kinds(found) == ['key frame', 'refined'] * 2
    assert segmenter.describe()['refinement'] == 'full network'


def test_with_s_1_the_last_prediction_steadies_each_frame():
    segmenter = _make(operating_point=1)
    found = _run(segmenter, _pan(4, 2))
    assert _kinds(found) == ['key frame'] + ['key frame, refined'] * 3
    # Nothing grows older than one frame.
    ages = [set(np.unique(segmentation.age)) for segmentation in found[1:]]
    assert all(age <= {0, 1} for age in ages) and {0, 1} in ages
    still = _run(segmenter, _pan(1, 0) * 3)
    np.testing.assert_array_equal(still[2].labels, still[0].labels)


# ---- streams


@pytest.mark.parametrize('number', [1, 6, 14])
def test_interleaved_cameras_and_observing_ahead_change_no_bit(number):
    segmenter = _make(operating_point=number)
    videos = _pan(7, 2, 1), _pan(7, 1, 2)
    alone = [_run(segmenter, video) for video in videos]
    states = segmenter.new_state('left'), segmenter.new_state('right')
    ahead = [[segmenter.observe(Frame(image, i, 'camera', i), state)
              for i, image in enumerate(video)]
             for video, state in zip(videos, states, strict=True)]  # fmt: skip
    for i in range(7):
        batch = [observations[i] for observations in ahead]
        for observation in batch:
            observation.wanted = BOTH
        for got, expected in zip(segmenter.predict(batch, states), alone, strict=True):
            np.testing.assert_array_equal(got.labels, expected[i].labels)
            np.testing.assert_array_equal(got.confidence, expected[i].confidence)
            np.testing.assert_array_equal(got.age, expected[i].age)


def test_a_copied_state_goes_on_alike(refining):
    video = _pan(4, 2)
    state = refining.new_state('camera')
    for i, image in enumerate(video[:3]):
        observation = refining.observe(Frame(image, i, 'camera', i), state)
        refining.predict([observation], [state])
    both = []
    for each in (copy.deepcopy(state), state):
        observation = refining.observe(Frame(video[3], 3, 'camera', 3), each)
        both.append(refining.predict([observation], [each])[0].labels)
    np.testing.assert_array_equal(*both)


def test_a_change_of_size_begins_with_a_key_frame(refining):
    state = refining.new_state('camera')
    kinds = []
    for i, image in enumerate([*_pan(2, 2), *_pan(2, 2, size=(65, 97))]):
        observation = refining.observe(Frame(image, i, 'camera', i), state)
        kinds.append(refining.predict([observation], [state])[0].provenance['kind'])
    assert kinds == ['key frame', 'propagated'] * 2


def test_small_images_are_refused_before_the_state_is_touched(propagating):
    state = propagating.new_state('camera')
    with pytest.raises(UnfitFrameError, match='100x20'):
        propagating.observe(Frame(np.zeros((20, 100, 3), np.uint8), 0, 'camera', 0), state)
    assert state.count == 0 and state.key_number == -1


# ---- operating points while running


def test_one_can_move_to_the_cheaper_rows_and_back():
    segmenter = _make('fassvid/base_hires', operating_point=7)
    assert segmenter.operating_points() == ('07', '10', '12', '14')
    video, state, seen = _pan(30, 1, 0, (96, 128), 32), segmenter.new_state('camera'), []
    for i, image in enumerate(video):
        if i in (7, 20):
            segmenter.operate_at({7: '12', 20: '07'}[i])
        segmenter.prepare((96, 128), segmenter.operating_point)
        observation = segmenter.observe(Frame(image, i, 'camera', i), state)
        (found,) = segmenter.predict([observation], [state])
        assert found.labels.shape == (96, 128)
        assert found.provenance['operating_point'] == segmenter.operating_point
        seen.append(found.provenance['kind'] == 'key frame')
    # Another D begins with a key frame.
    assert [i for i, key in enumerate(seen) if key] == [0, 5, 7, 17, 20, 25]
    assert segmenter.describe()['operating_point'] == '07'
    with pytest.raises(ValueError, match='06'):
        segmenter.operate_at('06')


@pytest.mark.parametrize('knobs, expected', [
    ({'operating_point': 1}, ['01', '03', '05', '07', '10', '12', '14']),
    ({'operating_point': 2}, ['02', '03', '05', '06', '07', '10', '12', '14']),
    ({'operating_point': 8}, ['08', '09', '11', '13']),
    ({'operating_point': 14}, ['14']),
    ({'segment_every': 4}, ['custom', '07', '10', '12', '14']),
])  # fmt: skip
def test_cheaper_rows_need_nothing_that_was_not_built(knobs, expected):
    # ICNet's Refiner is not there for S = 1.
    assert list(_make(**knobs).operating_points()) == expected


def test_a_refining_point_is_left_and_taken_up_again(refining):
    video, kinds = _pan(17, 1), []
    state = refining.new_state('camera')
    try:
        for i, image in enumerate(video):
            # In the middle of an interval, and so that the way there is missing.
            if i in (2, 3):
                refining.operate_at({2: '07', 3: 'custom'}[i])
            observation = refining.observe(Frame(image, i, 'camera', i), state)
            kinds.append(refining.predict([observation], [state])[0].provenance['kind'])
    finally:
        refining.operate_at('custom')
    first = ['key frame', 'propagated', 'propagated', 'propagated']
    cycle = ['key frame', 'propagated', 'propagated', 'refined']
    assert kinds == [*first, *cycle, *cycle, *cycle, 'key frame']


def test_knobs_that_need_nothing_new_are_taken_over_at_once():
    segmenter = _make('fassvid/base_hires', operating_point=7)
    options = segmenter._options

    def other(**knobs):
        return segmenter.adjust(dataclasses.replace(
            options, extra={'label_space': 'camvid', **knobs}))  # fmt: skip

    assert other(operating_point=10, flow='ultrafast')
    assert segmenter.operating_points() == ('10', '12', '14')
    assert segmenter.describe()['warping'] == 'DIS ultrafast'
    assert other(operating_point=6)  # this network refines by itself
    assert not other(operating_point=12)  # another size
    assert not segmenter.adjust(dataclasses.replace(options, precision='bf16'))
    with pytest.raises(MethodError, match='slow'):
        other(flow='slow')
    assert not _make(operating_point=7).adjust(dataclasses.replace(
        options, network='icnet/half', extra={'label_space': 'camvid', 'operating_point': 6}))


def test_a_point_that_a_latency_budget_moved_to_stays_when_other_knobs_change():
    segmenter = _make('fassvid/base_hires', operating_point=7)
    extra = {'label_space': 'camvid', 'operating_point': 7}
    segmenter.operate_at('12')
    # Who moved it takes it to be there: elsewhere its results would count for nothing.
    assert segmenter.adjust(dataclasses.replace(
        segmenter._options, extra={**extra, 'flow': 'ultrafast'}))
    assert segmenter.operating_point == '12'
    assert segmenter.adjust(dataclasses.replace(
        segmenter._options, extra={**extra, 'operating_point': 8}))
    assert segmenter.operating_point == '08'


def test_what_was_segmented_several_frames_ago_is_that_old_when_s_becomes_1():
    segmenter = _make('fassvid/base_hires', segment_every=4, refinement=True)
    video, state, ages = _pan(4, 4), segmenter.new_state('camera'), []
    for i, image in enumerate(video):
        if i == 3:
            assert segmenter.adjust(dataclasses.replace(segmenter._options, extra={
                'label_space': 'camvid', 'operating_point': 1}))
        observation = segmenter.observe(Frame(image, i, 'camera', i), state)
        observation.wanted = BOTH
        (found,) = segmenter.predict([observation], [state])
        ages.append(set(np.unique(found.age)))
    assert found.provenance['kind'] == 'key frame, refined' and found.provenance['age'] == 3
    assert ages[3] == {0, 3}


# ---- frames that got lost


def _lose(segmenter, image, index, state):
    """Observe a frame that is never predicted: the device has failed, say."""
    return segmenter.observe(Frame(image, index, 'camera', index), state)


@pytest.mark.parametrize('number', [1, 2, 5, 8])
def test_a_frame_whose_key_frame_got_lost_is_segmented_by_itself(number):
    segmenter = _make('fassvid/base_hires', operating_point=number)
    every = OPERATING_POINTS[number].segment_every
    video, state = _pan(2 * every + 2, 4), segmenter.new_state('camera')
    for i in range(every):
        observation = segmenter.observe(Frame(video[i], i, 'camera', i), state)
        segmenter.predict([observation], [state])
    assert _lose(segmenter, video[every], every, state).stage is Stage.SEGMENT
    observation = segmenter.observe(Frame(video[every + 1], 0, 'camera', 0), state)
    observation.wanted = BOTH
    (found,) = segmenter.predict([observation], [state])
    # Of the key frame before it nothing is left where that was.
    alone = _run(segmenter, video[every + 1:every + 2])[0]
    np.testing.assert_array_equal(found.labels, alone.labels)
    np.testing.assert_array_equal(found.confidence, alone.confidence)
    assert found.provenance['kind'] == 'key frame' and not found.age.any()


def test_a_stream_whose_first_frame_got_lost_begins_with_its_second(propagating):
    video, state = _pan(6, 2), propagating.new_state('camera')
    _lose(propagating, video[0], 0, state)
    kinds = []
    for i in range(1, 6):
        observation = propagating.observe(Frame(video[i], i, 'camera', i), state)
        kinds.append(propagating.predict([observation], [state])[0].provenance['kind'])
    # Until its next key frame: the flows lead to the one that is not there.
    assert kinds == ['key frame'] * 4 + ['propagated']


def test_a_lost_frame_between_key_frames_is_not_missed(propagating):
    video, state = _pan(3, 2), propagating.new_state('camera')
    expected = _run(propagating, video)[2]
    for i, image in enumerate(video):
        observation = propagating.observe(Frame(image, i, 'camera', i), state)
        if i != 1:
            (found,) = propagating.predict([observation], [state])
    np.testing.assert_array_equal(found.labels, expected.labels)


# ---- several cameras


class _Batching:
    """An engine that likes batches, and counts them."""

    def __init__(self, engine):
        self._engine, self.batches = engine, []

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def preferred_batch(self, size):
        return 3

    def run(self, inputs):
        self.batches.append(len(inputs['image']))
        return self._engine.run(inputs)


def test_key_frames_that_coincide_are_segmented_together():
    segmenter = _make('fassvid/base_hires', segment_every=2)
    videos = [_pan(4, 1, seed) for seed in range(4)] + [_pan(4, 1, 5, (80, 96))]
    alone = [_run(segmenter, video) for video in videos]
    segmenter.networks.segmentation = engine = _Batching(segmenter.networks.segmentation)
    assert segmenter.preferred_batch == 3
    states = [segmenter.new_state(str(i)) for i in range(5)]
    for i in range(4):
        observations = []
        for number, (video, state) in enumerate(zip(videos, states, strict=True)):
            frame = Frame(video[i], i, str(number), i)
            observations.append(segmenter.observe(frame, state))
        for got, expected in zip(segmenter.predict(observations, states), alone, strict=True):
            assert (got.labels == expected[i].labels).mean() > 0.999
            assert got.provenance == expected[i].provenance
    assert engine.batches == [3, 1, 1, 3, 1, 1]


def test_key_frames_that_make_no_whole_batch_are_segmented_one_by_one():
    segmenter = _make('fassvid/base_hires', segment_every=2)
    segmenter.networks.segmentation = engine = _Batching(segmenter.networks.segmentation)
    states = [segmenter.new_state(str(i)) for i in range(2)]
    image = _pan(1, 0)[0]
    segmenter.predict([segmenter.observe(Frame(image, 0, s.camera, 0), s) for s in states], states)
    # The engine has nothing built for two.
    assert engine.batches == [1, 1]


def test_staggered_cameras_have_their_key_frames_at_different_times():
    segmenter = _make('fassvid/base_hires', segment_every=4, stagger=True)
    image, keys = _pan(1, 0)[0], {}
    for camera in ('a', 'b', 'c', 'd'):
        state = segmenter.new_state(camera)
        stages = [segmenter.observe(Frame(image, i, camera, i), state).stage for i in range(13)]
        keys[camera] = [i for i, stage in enumerate(stages) if stage is Stage.SEGMENT]
    assert keys == {'a': [0, 4, 8, 12], 'b': [0, 2, 6, 10], 'c': [0, 3, 7, 11], 'd': [0, 1, 5, 9]}
    assert segmenter.new_state('b').early == 2  # after a reset, too


# ---- the schedule and the memory


def test_flow_does_not_wait_for_the_network():
    """A key frame may be on the device as long as it likes: its followers are observed."""
    segmenter = _make('fassvid/base_hires', segment_every=4)
    video, state = _pan(4, 2), segmenter.new_state('camera')
    expected = _run(segmenter, video)
    begun, go_on = threading.Event(), threading.Event()
    engine = segmenter.networks.segmentation

    class Slow(_Batching):
        def run(self, inputs):
            begun.set()
            assert go_on.wait(30)
            return engine.run(inputs)

    segmenter.networks.segmentation = Slow(engine)
    first = segmenter.observe(Frame(video[0], 0, 'camera', 0), state)
    with ThreadPoolExecutor(1) as device:
        key = device.submit(segmenter.predict, [first], [state])
        assert begun.wait(30)
        others = [segmenter.observe(Frame(video[i], i, 'camera', i), state) for i in (1, 2, 3)]
        assert not key.done()
        go_on.set()
        np.testing.assert_array_equal(key.result()[0].labels, expected[0].labels)
    for i, observation in enumerate(others, 1):
        assert observation.stage is Stage.PROPAGATE
        (found,) = segmenter.predict([observation], [state])
        np.testing.assert_array_equal(found.labels, expected[i].labels)


def test_propagating_allocates_nothing_of_the_images_size():
    size = (384, 512)
    segmenter = _make('fassvid/base_hires', operating_point=14)
    video, state = _pan(8, 1, size=size), segmenter.new_state('camera')

    def step(i):
        observation = segmenter.observe(Frame(video[i], i, 'camera', i), state)
        observation.wanted = BOTH
        segmenter.predict([observation], [state])

    for i in range(6):  # until all buffers are there
        step(i)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        step(6)
        step(7)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < size[0] * size[1]
