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
import math

import cv2
import numpy as np
import pytest

from vidseg_ros.evaluation.account import Account
from vidseg_ros.labels.registry import label_space

CAMVID = label_space('camvid')


def scene(seed=0):
    rng = np.random.default_rng(seed)
    image = cv2.GaussianBlur(rng.integers(0, 256, (64, 80, 3), dtype=np.uint8), (0, 0), 2)
    truth = np.repeat(np.repeat(rng.integers(0, 11, (4, 5), np.uint8), 16, 0), 16, 1)
    return image, truth


def test_frames_add_up():
    account = Account(CAMVID)
    image, truth = scene()
    wrong = truth.copy()
    wrong[:32] = (truth[:32] + 1) % 11
    first = account.add('front', 1, image, truth, truth, latency_ms=5.0)
    second = account.add('front', 2, image, wrong, truth)
    assert (first.miou, first.latency_ms) == (1.0, 5.0)
    assert math.isnan(first.consistency)
    assert second.consistency == pytest.approx(0.5)
    summary = account.summary()
    assert summary['frames'] == summary['frames_labelled'] == 2
    assert summary['pixel_accuracy'] == pytest.approx(0.75)
    assert summary['temporal_consistency'] == pytest.approx(0.5)
    assert list(summary['per_class_iou']) == list(CAMVID.classes)
    assert 'cameras' not in summary


def test_a_frame_without_truth_counts_for_consistency_only():
    account = Account(CAMVID)
    image, truth = scene()
    account.add('front', 1, image, truth, truth)
    line = account.add('front', 2, image, truth, None)
    assert math.isnan(line.miou)
    assert line.consistency == 1.0
    assert (account.frames, account.labelled) == (2, 1)


def test_a_frame_without_image_breaks_the_chain_of_consistency():
    account = Account(CAMVID)
    image, truth = scene()
    account.add('front', 1, image, truth, truth)
    account.add('front', 2, None, truth, truth)
    assert math.isnan(account.add('front', 3, image, truth, truth).consistency)
    assert math.isnan(account.summary()['temporal_consistency'])


def test_frames_far_apart_or_back_in_time_are_not_compared():
    account = Account(CAMVID)
    image, truth = scene()
    second = 10**9
    stamps = [0, second // 2, second + 1, second, 3 * second // 2]
    lines = [account.add('front', stamp, image, truth, truth) for stamp in stamps]
    measured = [not math.isnan(line.consistency) for line in lines]
    assert measured == [False, True, False, False, True]


def test_cameras_are_not_compared_with_each_other():
    account = Account(CAMVID)
    (image, truth), (other_image, other_truth) = scene(0), scene(1)
    account.add('front', 1, image, truth, truth)
    assert math.isnan(account.add('rear', 1, other_image, truth, other_truth).consistency)
    assert account.add('front', 2, image, truth, truth).consistency == 1.0
    cameras = account.summary()['cameras']
    assert cameras['front']['miou'] == 1.0
    assert cameras['rear']['miou'] < 0.5


def test_a_frame_that_does_not_fit_changes_nothing():
    account = Account(CAMVID)
    image, truth = scene()
    with pytest.raises(ValueError, match='differ in size'):
        account.add('front', 1, image, truth, truth[:-1])
    with pytest.raises(ValueError, match='do not fit the image'):
        account.add('front', 1, image[:-1], truth, truth)
    assert account.summary()['frames'] == 0
    assert math.isnan(account.summary()['miou'])
