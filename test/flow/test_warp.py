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

from vidseg_ros.flow.warp import consistent, inside, warp_image, warp_labels


def constant_flow(height, width, dx, dy):
    flow = np.empty((height, width, 2), np.float32)
    flow[...] = (dx, dy)
    return flow


def test_zero_flow_changes_nothing():
    labels = np.random.default_rng(0).integers(0, 19, (30, 40), dtype=np.uint8)
    np.testing.assert_array_equal(warp_labels(labels, constant_flow(30, 40, 0, 0)), labels)


def test_labels_are_fetched_from_where_the_flow_leads():
    labels = np.random.default_rng(0).integers(0, 19, (30, 40), dtype=np.uint8)
    warped = warp_labels(labels, constant_flow(30, 40, 3, -2))
    np.testing.assert_array_equal(warped[2:, :-3], labels[:-2, 3:])
    assert (warped[:2] == 255).all()
    assert (warped[:, -3:] == 255).all()


def test_labels_are_never_blended():
    labels = np.zeros((20, 20), np.uint8)
    labels[:, 10:] = 18
    warped = warp_labels(labels, constant_flow(20, 20, 0.4, 0.4))
    assert set(np.unique(warped)) <= {0, 18, 255}


def test_images_are_blended():
    image = np.zeros((4, 8, 3), np.float32)
    image[:, 4:] = 10.0
    warped = warp_image(image, constant_flow(4, 8, 0.5, 0))
    assert warped.shape == (4, 8, 3)
    np.testing.assert_allclose(warped[:, 3], 5.0)


def test_inside_is_where_the_target_is_a_pixel():
    mask = inside(constant_flow(10, 12, 4, 0))
    assert mask[:, :8].all()
    assert not mask[:, 8:].any()


def test_a_flow_and_its_inverse_are_consistent_within_the_image():
    there, back = constant_flow(20, 30, 6, 0), constant_flow(20, 30, -6, 0)
    mask = consistent(there, back)
    assert mask[:, :24].all()
    assert not mask[:, 24:].any()


def test_a_flow_that_does_not_come_back_is_an_occlusion():
    there, back = constant_flow(20, 30, 6, 0), constant_flow(20, 30, 0, 0)
    assert not consistent(there, back).any()


def test_sizes_must_agree():
    with pytest.raises(ValueError, match='can not warp'):
        warp_labels(np.zeros((4, 4), np.uint8), constant_flow(4, 5, 0, 0))
