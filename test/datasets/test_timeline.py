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
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidseg_ros.datasets.timeline import BASE_STAMP_NS, commonest_step, frame_stamps

FRAMES = st.lists(st.tuples(st.sampled_from('abc'), st.integers(0, 100_000)), min_size=1,
                  max_size=30, unique=True).map(sorted)


@given(FRAMES, st.sampled_from([15.0, 17.0, 30.0, 29.97]))
def test_stamps_grow_and_keep_distances(frames, rate):
    stamps = frame_stamps(frames, rate)
    assert stamps[0] >= BASE_STAMP_NS
    assert all(a < b for a, b in pairwise(stamps))
    for (first, second), (t0, t1) in zip(pairwise(frames), pairwise(stamps), strict=True):
        if first[0] == second[0]:
            assert abs((t1 - t0) - (second[1] - first[1]) * 1e9 / rate) <= 1.01
        else:
            assert t1 - t0 >= 10 * 10**9


@pytest.mark.parametrize('frames', [[('a', 1), ('a', 1)], [('a', 2), ('a', 1)],
                                    [('b', 1), ('a', 1)]])
def test_disorder_is_refused(frames):
    with pytest.raises(ValueError, match='out of order or there twice'):
        frame_stamps(frames, 30.0)


@pytest.mark.parametrize(('frames', 'step'), [
    ([], None), ([('a', 1)], None), ([('a', 1), ('b', 5)], None),
    ([('a', 1), ('a', 3), ('a', 5), ('a', 9)], 2),
    ([('a', 1), ('a', 3), ('b', 0), ('b', 30)], 2)])
def test_commonest_step(frames, step):
    assert commonest_step(frames) == step
