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

from vidseg_ros.methods import extremes as module
from vidseg_ros.methods.extremes import extremes


def _greatest(vectors, others):
    return (others.T.astype(np.float64) @ vectors).max(1)


@pytest.mark.parametrize('channels', [1, 2, 4])
@pytest.mark.parametrize('shift', [0.0, 5.0])
def test_no_product_is_greater_than_with_an_extreme(channels, shift):
    rng = np.random.default_rng(channels)
    vectors = (rng.standard_normal((channels, 3000)) + shift).astype(np.float32)
    directions = rng.standard_normal((channels, 2000)).astype(np.float32)
    found = extremes(vectors, 512)
    assert found.shape == (channels, 512) and found.dtype == np.float32
    np.testing.assert_allclose(
        _greatest(found, directions), _greatest(vectors, directions), rtol=1e-9)
    # They are far fewer than what they stand for.
    assert len(np.unique(found, axis=1).T) < 250


def test_vectors_in_a_plane_a_line_or_a_point():
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((4, 500)).astype(np.float32)
    for dimensions in (0, 1, 2, 3):
        axes = rng.standard_normal((4, dimensions))
        vectors = (0.5 + axes @ rng.standard_normal((dimensions, 800))).astype(np.float32)
        found = extremes(vectors, 300)
        assert found.shape == (4, 300)
        np.testing.assert_allclose(
            _greatest(found, directions), _greatest(vectors, directions), atol=1e-5)


@pytest.mark.parametrize('positions', [1, 2, 4, 5, 30])
def test_a_few_vectors(positions):
    rng = np.random.default_rng(positions)
    vectors = rng.standard_normal((4, positions)).astype(np.float32)
    directions = rng.standard_normal((4, 100)).astype(np.float32)
    found = extremes(vectors, 64)
    assert found.shape == (4, 64)
    np.testing.assert_allclose(
        _greatest(found, directions), _greatest(vectors, directions), rtol=1e-9)


def test_a_constant_channel_among_unequal_ones():
    rng = np.random.default_rng(5)
    directions = rng.standard_normal((4, 500)).astype(np.float32)
    for offset in (5.1, 0.37):
        spread = np.array([[0.1], [0.01], [0.0], [0.002]])
        vectors = (offset + spread * rng.standard_normal((4, 3000))).astype(np.float32)
        np.testing.assert_allclose(
            _greatest(extremes(vectors, 512), directions), _greatest(vectors, directions),
            rtol=1e-6)


def test_few_distinct_vectors():
    rng = np.random.default_rng(6)
    distinct = (3.3 + 1e-3 * rng.standard_normal((4, 6))).astype(np.float32)
    vectors = distinct[:, rng.integers(0, 6, 2000)]
    directions = rng.standard_normal((4, 500)).astype(np.float32)
    np.testing.assert_allclose(
        _greatest(extremes(vectors, 512), directions), _greatest(vectors, directions), rtol=1e-6)


def test_more_vertices_than_there_is_room_for_are_missed_by_little():
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((4, 2000))
    vectors = (vectors / np.linalg.norm(vectors, axis=0)).astype(np.float32)  # all are vertices
    directions = rng.standard_normal((4, 500))
    directions = (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)
    found = extremes(vectors, 512)
    missed = _greatest(vectors, directions) - _greatest(found, directions)
    assert found.shape == (4, 512) and missed.min() >= 0.0 and missed.max() < 0.15


def test_a_hull_that_would_take_long_is_not_made(monkeypatch):
    t = np.linspace(-1.0, 1.0, 8192)
    curve = np.stack([t, t**2, t**3, t**4]).astype(np.float32)  # 33 million facets
    monkeypatch.setattr(module, 'ConvexHull', lambda points: pytest.fail('a hull is made'))
    found = extremes(curve, 512)
    directions = np.random.default_rng(7).standard_normal((4, 500)).astype(np.float32)
    missed = _greatest(curve, directions) - _greatest(found, directions)
    assert missed.max() < 0.05 and missed.mean() < 1e-3


def test_engines_are_given_them_as_they_lie_in_memory():
    vectors = np.random.default_rng(8).standard_normal((4, 900)).astype(np.float32)
    assert extremes(vectors, 512).flags.c_contiguous


def test_what_is_no_number_does_not_stop_a_frame():
    vectors = np.ones((4, 600), np.float32)
    vectors[1, 7] = np.nan
    assert extremes(vectors, 512).shape == (4, 512)


def test_without_scipy_a_maximum_is_missed_by_little(monkeypatch):
    monkeypatch.setattr(module, 'ConvexHull', None)
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((4, 4000)).astype(np.float32)
    directions = rng.standard_normal((4, 1000)).astype(np.float32)
    missed = 1.0 - _greatest(extremes(vectors, 512), directions) / _greatest(vectors, directions)
    assert missed.min() >= -1e-12 and missed.mean() < 1e-3 and missed.max() < 0.05
