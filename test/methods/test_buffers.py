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
"""The arrays that methods hand out in turn."""

import numpy as np
import pytest

from vidseg_ros.methods.buffers import BufferPool, BufferRing, Scratch


def test_an_array_stays_untouched_for_depth_minus_one_takes():
    ring = BufferRing(depth=4)
    taken = [ring.take((2, 3)) for _ in range(9)]
    for index, array in enumerate(taken):
        assert array.shape == (2, 3)
        assert array.dtype == np.uint8
        assert array.flags.c_contiguous
        assert all(array is not later for later in taken[index + 1 : index + 4])
        if index >= 4:
            assert array is taken[index - 4]


def test_another_shape_or_type_begins_anew():
    ring = BufferRing(depth=2)
    first = ring.take((2, 2))
    assert ring.take((2, 3)).shape == (2, 3)
    assert ring.take((2, 3), np.float32).dtype == np.float32
    again = [ring.take((2, 2)) for _ in range(3)]
    assert again[0] is again[2]
    assert all(array is not first for array in again)


def test_a_ring_of_nothing_is_refused():
    with pytest.raises(ValueError, match='at least 1'):
        BufferRing(depth=0)


def test_a_pool_hands_out_again_what_was_given_back():
    pool = BufferPool(keep=2)
    first, second, third = (pool.take((2, 2)) for _ in range(3))
    assert first is not second
    pool.give_back(first)
    assert pool.take((2, 3)) is not first
    assert pool.take((2, 2), np.float32) is not first
    assert pool.take((2, 2)) is first
    for array in (first, second, third):
        pool.give_back(array)
    assert {id(pool.take((2, 2))), id(pool.take((2, 2)))} == {id(second), id(third)}
    assert all(pool.take((2, 2)) is not array for array in (first, second, third))


def test_work_space_is_kept_by_name_and_grown():
    scratch = Scratch()
    first = scratch.take('a', (10, 10), np.float32)
    assert np.shares_memory(first, scratch.take('a', (5, 4), np.float32))
    assert not np.shares_memory(first, scratch.take('b', (5, 4), np.float32))
    assert scratch.take('a', (5, 4), np.uint8).dtype == np.uint8
    grown = scratch.take('a', (100,))
    assert grown.shape == (100,) and grown.flags.c_contiguous
    # A little more than before finds room.
    assert np.shares_memory(grown, scratch.take('a', (140,)))
