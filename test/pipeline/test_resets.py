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
import pytest

from vidseg_ros.pipeline import resets
from vidseg_ros.pipeline.resets import ResetRules

S = 1_000_000_000


@pytest.mark.parametrize(('gap', 'first', 'second', 'reason'), [
    (0, (5 * S, (4, 6)), (5 * S + 1, (4, 6)), None),
    (0, (5 * S, (4, 6)), (5 * S, (4, 6)), None),
    (0, (5 * S, (4, 6)), (500 * S, (4, 6)), None),
    (S, (5 * S, (4, 6)), (6 * S, (4, 6)), None),
    (S, (5 * S, (4, 6)), (6 * S + 1_000_000, (4, 6)), 'gap of 1.001 s'),
    (0, (5 * S, (4, 6)), (3 * S, (4, 6)), 'time jumped back by 2.000 s'),
    (S, (5 * S, (4, 6)), (5 * S, (6, 4)), 'size change from 6x4 to 4x6'),
])
def test_reasons(gap, first, second, reason):
    rules = ResetRules(gap)
    assert rules.check(*first) is None
    assert rules.check(*second) == reason
    assert rules.check(*second) is None


def test_forgetting_makes_the_next_frame_the_first():
    rules = ResetRules(S)
    rules.check(5 * S, (1, 1))
    rules.forget()
    assert rules.check(0, (2, 2)) is None


def test_kinds_have_no_numbers():
    assert resets.kind('gap of 1.001 s') == 'gap'
    assert resets.kind('method change from a to b') == resets.METHOD_CHANGE
    assert resets.kind('something else') == 'other'
