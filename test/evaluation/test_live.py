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
import threading
import time

import cv2
import numpy as np
import pytest

from vidseg_ros.evaluation.live import END_TO_END, NEVER_RECEIVED, LiveEvaluation, Part
from vidseg_ros.labels.registry import label_space

CAMVID, CITYSCAPES = label_space('camvid'), label_space('cityscapes')


def scene(seed=0):
    rng = np.random.default_rng(seed)
    image = cv2.GaussianBlur(rng.integers(0, 256, (64, 80, 3), dtype=np.uint8), (0, 0), 2)
    truth = np.repeat(np.repeat(rng.integers(0, 11, (4, 5), np.uint8), 16, 0), 16, 1)
    return image, truth


def part(kind, stamp, array, camera='front', arrived=0):
    return Part(kind, camera, stamp, arrived, array.nbytes, lambda: array)


def settled(evaluation):
    """Wait until the worker has looked at everything."""
    deadline = time.monotonic() + 20
    while evaluation.progress().queued:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return evaluation.progress()


@pytest.fixture
def evaluation():
    live = LiveEvaluation()
    live.legend('front', 'truth', CAMVID)
    live.legend('front', 'labels', CAMVID)
    return live


def test_frames_are_matched_and_scored(evaluation):
    image, truth = scene()
    for i in range(5):
        evaluation.submit(part('image', i, image, arrived=1_000_000 * i))
        evaluation.submit(part('truth', i, truth))
        evaluation.submit(part('labels', i, truth, arrived=1_000_000 * i + 250_000))
    progress = settled(evaluation)
    assert (progress.evaluated, progress.lost, progress.waiting) == (5, 0, 0)
    findings = evaluation.finish()
    figures = findings.figures
    assert (figures['frames_expected'], figures['frames_evaluated'], figures['frames_lost']) == \
        (5, 5, 0)
    assert figures['miou'] == figures['temporal_consistency'] == 1.0
    assert figures['latency_ms'] == {'p50': 0.25, 'p95': 0.25, 'p99': 0.25}
    assert figures['fps'] == pytest.approx(1000.0)
    assert findings.notes == []


def test_ground_truth_without_labels_is_lost_and_listed(evaluation):
    image, truth = scene()
    for i in range(6):
        evaluation.submit(part('image', i, image))
        evaluation.submit(part('truth', i, truth))
        if i not in (2, 5):
            evaluation.submit(part('labels', i, truth))
    progress = settled(evaluation)
    assert (progress.evaluated, progress.lost, progress.waiting) == (4, 1, 1)
    findings = evaluation.finish()
    assert findings.lost == [('front', 2), ('front', 5)]
    assert findings.figures['frames_lost'] == 2
    assert findings.figures['frames_expected'] == 6
    assert findings.figures['lost'] == [{'camera': 'front', 'stamp_ns': 2},
                                        {'camera': 'front', 'stamp_ns': 5}]


def test_frames_that_never_came_at_all_are_lost_too(evaluation):
    image, truth = scene()
    evaluation.submit(part('image', 1, image))
    evaluation.submit(part('truth', 1, truth))
    evaluation.submit(part('labels', 1, truth))
    figures = evaluation.finish(expected=3).figures
    assert (figures['frames_expected'], figures['frames_evaluated'], figures['frames_lost']) == \
        (3, 1, 2)


def test_labels_of_another_label_space_are_converted(evaluation):
    evaluation.legend('front', 'labels', CITYSCAPES)
    image, _ = scene()
    truth = np.full((64, 80), CAMVID.index('road'), np.uint8)
    labels = np.full((64, 80), CITYSCAPES.index('road'), np.uint8)
    for i in range(2):
        evaluation.submit(part('image', i, image))
        evaluation.submit(part('truth', i, truth))
        evaluation.submit(part('labels', i, labels))
    findings = evaluation.finish()
    assert findings.figures['pixel_accuracy'] == 1.0
    assert findings.figures['label_space'] == 'camvid'
    assert any('cityscapes' in note for note in findings.notes)


def test_frames_wait_for_the_legend_that_comes_late():
    evaluation = LiveEvaluation()
    image, truth = scene()
    evaluation.submit(part('image', 1, image))
    evaluation.submit(part('truth', 1, truth))
    evaluation.submit(part('labels', 1, truth))
    assert settled(evaluation).evaluated == 0
    evaluation.legend('front', 'labels', CAMVID)
    evaluation.legend('front', 'truth', CAMVID)
    findings = evaluation.finish()
    assert list(findings.figures['per_class_iou']) == list(CAMVID.classes)
    assert findings.figures['frames_evaluated'] == 1


def test_without_any_legend_classes_are_numbers():
    evaluation = LiveEvaluation()
    image, truth = scene()
    evaluation.submit(part('image', 1, image))
    evaluation.submit(part('truth', 1, truth))
    evaluation.submit(part('labels', 1, truth))
    findings = evaluation.finish()
    assert findings.figures['miou'] == 1.0
    assert list(findings.figures['per_class_iou'])[:2] == ['class 0', 'class 1']
    assert any('No legend' in note for note in findings.notes)


def test_without_ground_truth_consistency_is_measured(evaluation):
    image, truth = scene()
    for i in range(3):
        evaluation.submit(part('image', i, image))
        if i != 1:
            evaluation.submit(part('labels', i, truth))
    findings = evaluation.finish()
    assert findings.figures['temporal_consistency'] == 1.0
    assert np.isnan(findings.figures['miou'])
    assert (findings.figures['frames_evaluated'], findings.lost) == (2, [('front', 1)])


def test_a_bad_frame_is_counted_and_the_next_one_scored():
    told = []
    evaluation = LiveEvaluation(problem=told.append)
    for kind in ('truth', 'labels'):
        evaluation.legend('front', kind, CAMVID)
    image, truth = scene()

    def broken():
        raise ValueError('labels of 5x5 have 3 bytes')

    for i in range(3):
        evaluation.submit(part('image', i, image))
        evaluation.submit(part('truth', i, truth))
        evaluation.submit(part('labels', i, truth) if i != 1
                          else Part('labels', 'front', i, 0, 3, broken))
    evaluation.submit(part('image', 3, image))
    evaluation.submit(part('truth', 3, truth))
    evaluation.submit(part('labels', 3, truth[:-1]))
    findings = evaluation.finish()
    assert findings.figures['frames_evaluated'] == 2
    assert findings.lost == [('front', 1), ('front', 3)]
    assert any('3 bytes' in text for text in told)
    assert any('3 bytes' in note for note in findings.notes)


def test_memory_is_bounded_and_accuracy_still_complete():
    image, truth = scene()
    evaluation = LiveEvaluation(memory_limit=4 * image.nbytes)
    for kind in ('truth', 'labels'):
        evaluation.legend('front', kind, CAMVID)
    gate = threading.Event()

    def slow():
        assert gate.wait(20)
        return truth

    # The worker hangs in the first frame while the images of the others pile up.
    evaluation.submit(part('image', 0, image))
    evaluation.submit(Part('truth', 'front', 0, 0, truth.nbytes, slow))
    evaluation.submit(part('labels', 0, truth))
    for i in range(1, 8):
        evaluation.submit(part('image', i, image))
    for i in range(1, 4):
        evaluation.submit(part('truth', i, truth))
        evaluation.submit(part('labels', i, truth))
    assert evaluation._held_bytes <= 8 * image.nbytes
    gate.set()
    findings = evaluation.finish()
    assert findings.figures['frames_evaluated'] == 4
    assert findings.figures['pixel_accuracy'] == 1.0
    assert any('let go' in note for note in findings.notes)
    # What was looked at is released; the images without labels were given out at the end.
    assert evaluation._held_bytes == 0


def test_stages_and_drops_of_the_graph_are_reported(evaluation):
    evaluation.stage('front', 'predict', {'p50': 1.0, 'p95': 2.0, 'p99': 3.0})
    evaluation.stage('front', 'predict', {'p50': 1.5, 'p95': 2.0, 'p99': 3.0})
    evaluation.drops('front', 'superseded', 3)
    evaluation.drops('front', 'superseded', 7)
    evaluation.drops('front', 'queue full', 0)
    figures = evaluation.finish().figures
    assert figures['latency_ms_by_stage']['predict']['p50'] == 1.5
    assert END_TO_END in figures['latency_ms_by_stage']
    assert figures['drops'] == {'superseded': 7}


def test_images_that_never_reached_the_graph_are_a_drop_of_their_own(evaluation):
    image, _ = scene()
    for i in range(5):
        evaluation.submit(part('image', i, image))
    evaluation.received('front', 3)
    assert evaluation.finish().figures['drops'] == {NEVER_RECEIVED: 2}


def test_cameras_are_kept_apart():
    evaluation = LiveEvaluation()
    (image, truth), (other, other_truth) = scene(0), scene(1)
    for camera in ('front', 'rear'):
        for kind in ('truth', 'labels'):
            evaluation.legend(camera, kind, CAMVID)
        evaluation.stage(camera, 'predict', {'p50': 1.0, 'p95': 2.0, 'p99': 3.0})
    for i in range(2):
        for camera, picture, labels in (('front', image, truth), ('rear', other, other_truth)):
            evaluation.submit(part('image', i, picture, camera))
            evaluation.submit(part('truth', i, labels, camera))
            evaluation.submit(part('labels', i, labels, camera))
    figures = evaluation.finish().figures
    assert figures['frames_evaluated'] == 4
    assert figures['temporal_consistency'] == 1.0
    assert set(figures['cameras']) == {'front', 'rear'}
    assert {'front: predict', 'rear: predict'} < set(figures['latency_ms_by_stage'])


def test_nothing_at_all_is_said_plainly():
    findings = LiveEvaluation().finish()
    assert findings.figures['frames_evaluated'] == 0
    assert findings.notes[0].startswith('No labels came')
