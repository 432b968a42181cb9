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
import cv2
import numpy as np
import pytest

from vidseg_ros.evaluation.consistency import WIDEST, TemporalConsistency


def texture(height, width, seed=3):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2.0)


def regions(height, width, seed=1):
    coarse = np.random.default_rng(seed).integers(0, 5, (height // 20, width // 20), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def views(shift, height=120, width=160):
    """Return two frames of a scene, the second seen ``shift`` pixels to the right."""
    image, labels = texture(height, width + shift), regions(height, width + shift)
    return ((image[:, :width].copy(), labels[:, :width].copy()),
            (image[:, shift:].copy(), labels[:, shift:].copy()))


def test_a_static_scene_with_constant_labels_is_fully_consistent():
    (image, labels), _ = views(0)
    measure = TemporalConsistency(5)
    assert measure.update(image, labels) is None
    agreement = measure.update(image, labels)
    assert (agreement.pixels, agreement.miou, agreement.compared) == (1.0, 1.0, 1.0)


def test_labels_that_move_with_the_scene_are_consistent():
    first, second = views(6)
    measure = TemporalConsistency(5, 'medium')
    measure.update(*first)
    agreement = measure.update(*second)
    assert agreement.pixels > 0.99
    assert agreement.miou > 0.98
    # What came in at the right edge was not seen before.
    assert agreement.compared < 1.0


def test_labels_that_stay_while_the_scene_moves_are_not():
    first, second = views(6)
    measure = TemporalConsistency(5)
    measure.update(*first)
    agreement = measure.update(second[0], first[1])
    assert agreement.pixels < 0.85


def test_flicker_costs_exactly_the_pixels_that_flicker():
    (image, labels), _ = views(0)
    measure = TemporalConsistency(5)
    measure.update(image, labels)
    flickered = labels.copy()
    flickered[:30] = (labels[:30] + 1) % 5
    assert measure.update(image, flickered).pixels == pytest.approx(0.75)


def test_unlabelled_and_strange_ids_do_not_crash():
    (image, labels), _ = views(0)
    measure = TemporalConsistency(5)
    measure.update(image, np.full_like(labels, 255))
    agreement = measure.update(image, np.full_like(labels, 255))
    assert agreement.pixels == 1.0
    assert np.isnan(agreement.miou)
    assert measure.update(image, np.full_like(labels, 77)).pixels == 0.0


def test_a_reset_and_a_change_of_size_start_anew():
    (image, labels), _ = views(0)
    measure = TemporalConsistency(5)
    measure.update(image, labels)
    measure.reset()
    assert measure.update(image, labels) is None
    assert measure.update(image[:100], labels[:100]) is None
    assert measure.update(image[:100], labels[:100]).pixels == 1.0


def test_images_too_small_for_flow_are_not_compared():
    image, labels = texture(8, 8), np.zeros((8, 8), np.uint8)
    measure = TemporalConsistency(5)
    measure.update(image, labels)
    assert measure.update(image, labels) is None


def test_wide_images_are_reduced():
    image = cv2.resize(texture(64, 300), (2 * WIDEST, 436))
    labels = cv2.resize(regions(60, 300), (2 * WIDEST, 436), interpolation=cv2.INTER_NEAREST)
    measure = TemporalConsistency(5)
    measure.update(image, labels)
    assert measure.update(image, labels).pixels == 1.0


def test_what_comes_in_is_not_kept_by_reference():
    (image, labels), _ = views(0)
    measure = TemporalConsistency(5)
    reused = labels.copy()
    measure.update(image, reused)
    reused[:] = 3
    assert measure.update(image, labels).pixels == 1.0


def test_image_and_labels_must_fit():
    with pytest.raises(ValueError, match='differ in size'):
        TemporalConsistency(5).update(texture(40, 40), np.zeros((40, 41), np.uint8))
