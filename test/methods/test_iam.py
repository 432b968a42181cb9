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

from vidseg_ros.methods.iam import REACH, attention, blend, inconsistent

STILL = np.zeros((24, 40, 2), np.float32)


def _constant(dx, dy=0):
    return np.full((24, 40, 2), (dx, dy), np.float32)


def _reference_inconsistent(labels, back, forth):
    """Eq. 3, pixel by pixel: what comes from outside has no class, what gets lost another."""
    height, width = labels.shape

    def warp(image, flow, outside):
        out = np.full(image.shape, outside, int)
        for y in range(height):
            for x in range(width):
                u, v = np.rint((x + flow[y, x, 0], y + flow[y, x, 1])).astype(int)
                if 0 <= u < width and 0 <= v < height:
                    out[y, x] = image[v, u]
        return out

    forward = warp(labels, back, -1)
    return forward != warp(warp(forward, forth, -2), back, -2)


def _reference_attention(mask):
    height, width = mask.shape
    grown = np.zeros(mask.shape)
    for y in range(height):
        for x in range(width):
            grown[y, x] = mask[max(0, y - REACH):y + REACH + 1,
                               max(0, x - REACH):x + REACH + 1].any()  # fmt: skip
    padded = np.pad(grown, REACH, mode='edge')
    side = 2 * REACH + 1
    return np.array([[padded[y:y + side, x:x + side].mean() for x in range(width)]
                     for y in range(height)])  # fmt: skip


@pytest.mark.parametrize('seed', range(3))
def test_equation_3_against_loops(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (24, 40)).astype(np.uint8)
    back, forth = (rng.integers(-3, 4, (24, 40, 2)).astype(np.float32) for _ in range(2))
    np.testing.assert_array_equal(
        inconsistent(labels, back, forth), _reference_inconsistent(labels, back, forth)
    )


@pytest.mark.parametrize('seed', range(3))
def test_dilation_and_smoothing_against_loops(seed):
    mask = np.random.default_rng(seed).random((24, 40)) > 0.97
    weight = attention(mask)
    np.testing.assert_allclose(weight, _reference_attention(mask), atol=1e-4)
    assert weight.dtype == np.float32 and weight.min() >= 0.0 and weight.max() <= 1.0
    assert (weight[mask] == 1.0).all()


def test_equation_4_against_numpy():
    rng = np.random.default_rng(0)
    refiner, warped = rng.random((2, 5, 24, 40), np.float32)
    weight = rng.random((24, 40), np.float32)
    expected = np.stack([weight * refiner[c] + (1 - weight) * warped[c] for c in range(5)])
    np.testing.assert_allclose(blend(refiner, warped, weight), expected, rtol=1e-6)
    np.testing.assert_array_equal(blend(refiner, warped, np.zeros((24, 40), np.float32)), warped)
    np.testing.assert_array_equal(blend(refiner, warped, np.ones((24, 40), np.float32)), refiner)


def test_a_still_scene_has_no_inconsistency():
    labels = np.random.default_rng(1).integers(0, 11, (24, 40)).astype(np.uint8)
    mask = inconsistent(labels, STILL, STILL)
    assert not mask.any()
    assert not attention(mask).any()


def test_an_occluded_strip_is_found_and_nothing_else():
    # The camera pans by 2. A strip of the ground (class 0) disappears behind the car (class 1):
    # the flow forth leads there, and back again it gives the car's label.
    earlier = np.zeros((24, 40), np.uint8)
    earlier[:, 28:] = 1
    back, forth = _constant(-2), _constant(2)
    forth[6:18, 10:14] = (20, 0)
    mask = inconsistent(earlier, back, forth)
    expected = np.zeros_like(mask)
    expected[6:18, 12:16] = True  # where the strip is now
    expected[:, :2] = True  # what came into view
    np.testing.assert_array_equal(mask, expected)

    weight = attention(mask)
    refiner, warped = np.ones((2, 24, 40), np.float32), np.zeros((2, 24, 40), np.float32)
    refined = blend(refiner, warped, weight)
    assert (refined[:, mask] == 1).all()
    # Beyond dilation and smoothing nothing of the Refiner is left.
    assert not refined[:, :, 16 + 2 * REACH:].any()
    assert not refined[:, : 6 - 2 * REACH, 2 + 2 * REACH:].any()


def test_an_object_that_is_followed_well_has_no_inconsistency():
    earlier = np.zeros((24, 40), np.uint8)
    earlier[8:16, 10:16] = 1
    back, forth = STILL.copy(), STILL.copy()
    back[8:16, 10:19] = (-3, 0)  # the block, and the ground that it uncovers
    forth[8:16, 10:16] = (3, 0)
    assert not inconsistent(earlier, back, forth).any()


def test_what_comes_into_view_is_inconsistent():
    labels = np.random.default_rng(2).integers(0, 11, (24, 40)).astype(np.uint8)
    mask = inconsistent(labels, _constant(4), _constant(-4))
    assert mask[:, 36:].all()
    assert not mask[:, :36].any()
