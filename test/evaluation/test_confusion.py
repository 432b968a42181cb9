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
import json
import time

import cv2
import numpy as np
import pytest
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official
from cityscapesscripts.helpers.labels import labels as definitions
from cityscapesscripts.helpers.labels import name2label
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vidseg_ros.evaluation.confusion import ConfusionMatrix, count
from vidseg_ros.labels.convert import cityscapes_ids_to_train_ids
from vidseg_ros.labels.registry import label_space

CITYSCAPES = label_space('cityscapes')


def blobs(rng, ids, height=96, width=160):
    """Return a label image of a few large regions, as real ones are."""
    coarse = rng.choice(ids, (height // 16, width // 16)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def official_result(tmp_path, monkeypatch, pairs):
    """Let Cityscapes' own evaluation read the images from disk, as its users do."""
    args = official.args
    monkeypatch.setattr(args, 'quiet', True)
    monkeypatch.setattr(args, 'JSONOutput', True)
    monkeypatch.setattr(args, 'exportFile', str(tmp_path / 'out' / 'result.json'))
    monkeypatch.setattr(args, 'evalInstLevelScore', False)
    predictions, truths = [], []
    for i, (prediction, truth) in enumerate(pairs):
        stem = f'aachen_{i:06d}_000019'
        predictions.append(str(tmp_path / f'{stem}_pred.png'))
        truths.append(str(tmp_path / f'{stem}_gtFine_labelIds.png'))
        assert cv2.imwrite(predictions[-1], prediction)
        assert cv2.imwrite(truths[-1], truth)
    official.evaluateImgLists(predictions, truths, args)
    return json.loads((tmp_path / 'out' / 'result.json').read_text())


@pytest.mark.parametrize(('predicted', 'true'), [
    ('all', 'all'),
    # Classes that never occur in truth, predicted or not, and ones that are never predicted.
    (['road', 'car', 'sky', 'train'], ['road', 'car', 'sky', 'person', 'unlabeled']),
    # What is not evaluated, in the truth and in the prediction.
    (['road', 'ego vehicle', 'unlabeled', 'sky'], ['road', 'dynamic', 'static', 'sky', 'bridge']),
])
def test_equal_to_the_cityscapes_scripts(tmp_path, monkeypatch, predicted, true):
    rng = np.random.default_rng(7)
    every = [label.id for label in definitions if label.id >= 0]
    ids_predicted = every if predicted == 'all' else [name2label[n].id for n in predicted]
    ids_true = every if true == 'all' else [name2label[n].id for n in true]
    pairs = []
    for _ in range(3):
        truth = blobs(rng, ids_true)
        prediction = np.where(rng.random(truth.shape) < 0.6, truth, blobs(rng, ids_predicted))
        prediction[~np.isin(prediction, ids_predicted)] = ids_predicted[0]
        pairs.append((prediction.astype(np.uint8), truth))

    theirs = official_result(tmp_path, monkeypatch, pairs)

    table = cityscapes_ids_to_train_ids()
    ours = ConfusionMatrix(CITYSCAPES.num_classes)
    for prediction, truth in pairs:
        ours.update(table[prediction], table[truth])
    expected = [theirs['classScores'][name] for name in CITYSCAPES.classes]
    np.testing.assert_allclose(ours.per_class_iou, np.array(expected, float), rtol=1e-12)
    assert ours.miou == pytest.approx(theirs['averageScoreClasses'], rel=1e-12)


def test_measures_of_a_small_matrix_by_hand():
    matrix = ConfusionMatrix(3)
    truth = np.array([[0, 0, 0, 0, 1, 1, 255, 255]], np.uint8)
    prediction = np.array([[0, 0, 0, 1, 1, 0, 0, 1]], np.uint8)
    matrix.update(prediction, truth)
    assert matrix.pixels == 6
    np.testing.assert_allclose(matrix.per_class_iou, [3 / 5, 1 / 3, np.nan])
    assert matrix.miou == pytest.approx((3 / 5 + 1 / 3) / 2)
    assert matrix.pixel_accuracy == pytest.approx(4 / 6)
    assert matrix.mean_accuracy == pytest.approx((3 / 4 + 1 / 2) / 2)


def test_a_class_predicted_but_never_true_has_an_iou_of_zero():
    matrix = ConfusionMatrix(2)
    matrix.update(np.array([[0, 1]], np.uint8), np.array([[0, 0]], np.uint8))
    np.testing.assert_allclose(matrix.per_class_iou, [0.5, 0.0])


@pytest.mark.parametrize('wrong', [11, 200, 255])
def test_predicting_no_class_is_wrong_where_the_truth_is_labelled(wrong):
    matrix = ConfusionMatrix(11)
    matrix.update(np.array([[0, wrong, wrong]], np.uint8), np.array([[0, 0, 255]], np.uint8))
    assert matrix.pixel_accuracy == 0.5
    assert matrix.per_class_iou[0] == 0.5


def test_wider_integers_out_of_range_are_wrong_too():
    matrix = ConfusionMatrix(11)
    prediction = np.array([[0, -1, 256, 2**40]], np.int64)
    matrix.update(prediction, np.zeros((1, 4), np.uint8))
    assert matrix.pixel_accuracy == 0.25


def test_truth_that_is_no_class_is_refused_and_nothing_is_added():
    matrix = ConfusionMatrix(11)
    with pytest.raises(ValueError, match='11, 254'):
        matrix.update(np.zeros((1, 3), np.uint8), np.array([[0, 11, 254]], np.uint8))
    assert matrix.pixels == 0


@pytest.mark.parametrize(('prediction', 'truth', 'message'), [
    (np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), 'differ in size'),
    (np.zeros((2, 3), np.float32), np.zeros((2, 3), np.uint8), 'integers'),
])
def test_what_can_not_be_compared_is_refused(prediction, truth, message):
    with pytest.raises(ValueError, match=message):
        ConfusionMatrix(3).update(prediction, truth)


def test_nothing_counted_has_no_measures():
    matrix = ConfusionMatrix(3)
    assert np.isnan([matrix.miou, matrix.pixel_accuracy, matrix.mean_accuracy]).all()
    assert np.isnan(matrix.per_class_iou).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20).flatmap(lambda n: st.tuples(
    st.just(n),
    hnp.arrays(np.uint8, (5, 7), elements=st.integers(0, 255)),
    hnp.arrays(np.uint8, (5, 7), elements=st.one_of(st.integers(0, n - 1), st.just(255))))))
def test_counts_are_those_of_a_plain_loop(case):
    n, prediction, truth = case
    expected = np.zeros((n, n + 1), np.int64)
    for p, t in zip(prediction.ravel(), truth.ravel(), strict=True):
        if t != 255:
            expected[t, min(int(p), n)] += 1
    np.testing.assert_array_equal(count(prediction, truth, n), expected)


def test_a_frame_of_camvid_takes_little_time():
    rng = np.random.default_rng(0)
    truth, prediction = blobs(rng, range(11), 352, 480), blobs(rng, range(11), 352, 480)
    matrix = ConfusionMatrix(11)
    times = []
    for _ in range(20):
        start = time.thread_time()
        matrix.update(prediction, truth)
        times.append(time.thread_time() - start)
    assert min(times) < 0.002


def test_the_recurrent_unets_measures():
    matrix = ConfusionMatrix(4)
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    matrix.update(np.array([[0, 1, 1, 1]], np.uint8), truth)
    # Class 0: TP 1 FN 1 TN 2; class 1: TP 2 FP 1 TN 1; classes 2 and 3: TN 4.
    assert matrix.mean_accuracy_eq14 == pytest.approx((3 / 4 + 3 / 4 + 1 + 1) / 4)
    assert matrix.miou_eq15 == pytest.approx((1 / 2 + 2 / 3) / 4)
    assert matrix.miou == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_recurrent_unets_measures_of_nothing():
    matrix = ConfusionMatrix(2)
    assert np.isnan(matrix.mean_accuracy_eq14)
    assert np.isnan(matrix.miou_eq15)
