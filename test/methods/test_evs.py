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

import cv2
import numpy as np
import pytest

from vidseg_ros.flow.chain import fetch, positions
from vidseg_ros.flow.grid import GridFlow
from vidseg_ros.methods.base import Frame, UnfitFrameError, Wanted
from vidseg_ros.methods.evs import softmax
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
    outputs = segmenter._engine.run({'image': video[0][None]})
    prediction, features = softmax(outputs['logits'][0].copy()), outputs['features'][0].copy()
    dis = GridFlow()
    first, second = (dis.shrink(image, dis.setting.grid(SIZE)) for image in video)
    back, forth = dis.calc(second, first), dis.calc(first, second)

    def small(flow, size):
        scale = np.float32([size[1] / flow.shape[1], size[0] / flow.shape[0]])
        return cv2.resize(flow, (size[1], size[0]), interpolation=cv2.INTER_AREA) * scale

    warped_features = fetch(features, positions(small(back, features.shape[:2])), nearest=False)
    fresh = softmax(segmenter._refiner.run(
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
    assert state.since_key == -1
