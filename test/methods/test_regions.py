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
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidseg_ros.methods.regions import RegionGrid, join

sides = st.integers(1, 400)
counts = st.integers(1, 4)


@given(st.tuples(sides, sides), counts, counts, st.integers(0, 80))
def test_regions_cover_the_frame_and_overlap(size, rows, columns, overlap):
    try:
        grid = RegionGrid.divide(size, rows, columns, overlap)
    except ValueError as refusal:
        assert 'too small' in str(refusal)
        assert -(-size[0] // 32) < rows or -(-size[1] // 32) < columns
        return
    assert len(grid.regions) == rows * columns
    assert len({(r.height, r.width) for r in grid.regions}) == 1
    covered = np.zeros(grid.padded, int)
    for region in grid.regions:
        assert region.top % 32 == region.left % 32 == region.height % 32 == region.width % 32 == 0
        part = region.of(covered)
        assert part.shape == grid.region_size
        part += 1
    assert covered.min() == 1 or rows * columns == 1 or overlap > 0
    assert covered.min() >= 1
    assert all(0 <= p - s < 32 for p, s in zip(grid.padded, size, strict=True))
    # Neighbours reach into each other by the overlap from both sides, where the frame has it.
    tops = sorted({region.top for region in grid.regions})
    for above, below in itertools.pairwise(tops):
        assert above + grid.region_size[0] - below >= min(2 * overlap, grid.region_size[0])


def test_the_papers_regions():
    grid = RegionGrid.divide((1024, 2048), 2, 2, 64)
    assert grid.region_size == (512 + 64, 1024 + 64)
    assert [(r.top, r.left) for r in grid.regions] == [(0, 0), (0, 960), (448, 0), (448, 960)]


def test_frames_are_continued_by_their_last_pixels():
    grid = RegionGrid.divide((33, 70), 1, 1, 64)
    image = np.random.default_rng(0).integers(0, 256, (33, 70, 3), np.uint8)
    padded = grid.pad(image)
    assert padded.shape == (64, 96, 3)
    np.testing.assert_array_equal(padded[:33, :70], image)
    assert (padded[40, :70] == image[-1]).all() and (padded[:33, 90] == image[:, -1]).all()


def test_too_many_regions_are_refused():
    with pytest.raises(ValueError, match='40x30 is too small for 3x1 regions'):
        RegionGrid.divide((30, 40), 1, 3, 0)


def test_in_an_overlap_the_larger_logit_wins():
    grid = RegionGrid.divide((32, 64), 1, 2, 32)  # both regions see everything
    first, second = np.zeros((2, 4, 8, 3), np.float32)
    first[..., 0] = 1.0
    second[:, :3, 2] = 2.0
    joined = join(grid, [first, second])
    assert joined.logits.shape == (3, 4, 8)
    np.testing.assert_array_equal(joined.logits.argmax(0)[:, :3], 2)
    np.testing.assert_array_equal(joined.logits.argmax(0)[:, 3:], 0)
    np.testing.assert_array_equal(joined.owner[:, :3], 1)
    np.testing.assert_array_equal(joined.owner[:, 3:], 0)


def test_regions_of_one_frame_join_to_that_frame():
    grid = RegionGrid.divide((100, 170), 2, 3, 16)
    stride = 4
    frame = np.random.default_rng(1).normal(
        size=(grid.padded[0] // stride, grid.padded[1] // stride, 5)).astype(np.float32)
    joined = join(grid, [region.of(frame, stride) for region in grid.regions])
    np.testing.assert_array_equal(joined.logits, frame.transpose(2, 0, 1))


def test_logits_on_no_grid_of_the_region_are_refused():
    grid = RegionGrid.divide((32, 64), 1, 1, 0)
    with pytest.raises(ValueError, match='do not divide'):
        join(grid, [np.zeros((5, 9, 2), np.float32)])
