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

from vidseg_ros.methods.batching import batches, stacked
from vidseg_ros.methods.buffers import Scratch


@pytest.mark.parametrize('kinds, most, expected', [
    ('', 3, []),
    ('aaaa', 3, [[0, 1, 2], [3]]),
    ('aaaaa', 3, [[0, 1, 2], [3], [4]]),
    ('abaab', 2, [[0, 2], [3], [1, 4]]),
    ('aab', 0, [[0], [1], [2]]),
])  # fmt: skip
def test_frames_of_a_kind_go_together_as_many_as_are_preferred(kinds, most, expected):
    assert list(batches(kinds, lambda kind: most)) == expected


def test_nobody_is_asked_about_a_single_frame():
    def preferred(kind):
        raise AssertionError(kind)

    assert list(batches(['a', 'b'], preferred)) == [[0], [1]]


def test_arrays_are_stacked_in_memory_that_is_used_again():
    scratch = Scratch()
    one, two = np.full((2, 1, 3), [[[1]], [[2]]], np.float32)[:, None]
    assert stacked('x', [one], scratch) is one
    both = stacked('x', [one, two], scratch)
    np.testing.assert_array_equal(both, np.concatenate([one, two]))
    assert np.shares_memory(both, stacked('x', [two, one], scratch))
