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
"""The latency budget's rule, with a synthetic clock and a synthetic method."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidseg_ros.pipeline.budget import PATIENCE_NS, RETURN_BELOW, WINDOW_NS, BudgetRule

MS = 1_000_000
POINTS = ('full', 'half', 'quarter')


class Drive:
    """Frames at 30 Hz; ``costs`` maps points to latencies in ms and may be changed."""

    def __init__(self, budget_ms, costs, points=POINTS, start=''):
        self.rule = BudgetRule(points, budget_ms, start)
        self.costs = dict(costs)
        self.now_ns = 0
        self.moves = []

    def run(self, seconds):
        end = self.now_ns + int(seconds * 1e9)
        while self.now_ns < end:
            self.now_ns += 33 * MS
            wanted = self.rule.add(self.costs[self.rule.point], self.now_ns)
            if wanted is not None:
                self.moves.append((self.now_ns / 1e9, wanted))
                self.rule.moved()
        return self.rule.point


COSTS = {'full': 40.0, 'half': 20.0, 'quarter': 8.0}


@pytest.mark.parametrize(('budget', 'point'), [(50, 'full'), (30, 'half'), (15, 'quarter'),
                                               (5, 'quarter'), (0, 'full')])
def test_goes_to_the_costliest_point_within_the_budget(budget, point):
    drive = Drive(budget, COSTS)
    assert drive.run(5) == point
    # And stays there.
    moves = len(drive.moves)
    assert drive.run(120) == point
    assert len(drive.moves) == moves


def test_reacts_within_a_second_and_comes_back_when_the_load_is_gone():
    drive = Drive(30, COSTS)
    drive.run(1.0)
    assert drive.rule.point == 'half'
    drive.costs = {point: 0.5 * cost for point, cost in COSTS.items()}
    drive.run(PATIENCE_NS / 1e9)
    assert drive.rule.point == 'half'
    drive.run(3.0)
    assert drive.rule.point == 'full'


def test_does_not_come_back_to_where_it_would_not_hold():
    """The ratio of the points is learnt from the move down."""
    drive = Drive(30, COSTS)
    drive.run(5)
    drive.costs = {point: 0.7 * cost for point, cost in COSTS.items()}  # full: 28 of 30
    assert drive.run(60) == 'half'
    drive.costs = {point: 0.6 * cost for point, cost in COSTS.items()}  # full: 24
    assert RETURN_BELOW * 30 > 24
    assert drive.run(10) == 'full'


def test_a_return_that_fails_is_tried_less_and_less_often():
    """A method whose cheap point says nothing of the costly one's latency."""
    drive = Drive(30, {'full': 40.0, 'half': 10.0}, ('full', 'half'))
    drive.run(5)
    drive.rule._ratios.clear()
    for _ in range(400):  # seconds; forgets the ratio each time, as if it varied
        drive.run(1)
        drive.rule._ratios.clear()
    returns = [at for at, point in drive.moves if point == 'full']
    gaps = [after - before for before, after in itertools.pairwise(returns)]
    assert 4 <= len(returns) <= 14
    assert gaps[-1] > 3 * gaps[0]
    assert all(after > 0.9 * before for before, after in itertools.pairwise(gaps))


def test_a_few_slow_frames_change_nothing():
    drive = Drive(30, {'full': 20.0, 'half': 10.0}, ('full', 'half'))
    drive.run(2)
    for _ in range(10):
        drive.costs['full'] = 120.0
        drive.run(0.03)
        drive.costs['full'] = 20.0
        drive.run(2)
    assert drive.moves == []


def test_key_frames_count_by_their_share():
    """One frame in five takes 60 ms, the others 5: 16 ms on average."""
    rule = BudgetRule(('S=5', 'S=10'), 20.0)
    wanted = [rule.add(60.0 if i % 5 == 0 else 5.0, i * 33 * MS) for i in range(300)]
    assert set(wanted) == {None}


def test_nothing_is_judged_while_a_point_is_being_built():
    rule = BudgetRule(POINTS, 10.0)
    wanted = [rule.add(40.0, i * 33 * MS) for i in range(60)]
    assert [point for point in wanted if point] == ['half']
    assert rule.point == 'full'
    rule.moved()
    assert rule.point == 'half'
    assert rule.mean_ms() is None


def test_a_point_that_failed_is_not_asked_for_again():
    rule = BudgetRule(POINTS, 10.0)
    now = 0
    asked = []
    for _ in range(200):
        now += 33 * MS
        wanted = rule.add(40.0 if rule.point == 'full' else 5.0, now)
        if wanted:
            asked.append(wanted)
            rule.failed() if wanted == 'half' else rule.moved()
    assert asked == ['half', 'quarter']
    assert rule.point == 'quarter'


def test_a_budget_of_none_goes_back_to_the_first():
    drive = Drive(10, COSTS)
    assert drive.run(5) == 'quarter'
    drive.rule.budget_ms = 0.0
    assert drive.run(2) == 'full'


def test_starts_where_the_method_is():
    assert BudgetRule(POINTS, 10.0, 'quarter').point == 'quarter'
    assert BudgetRule((), 10.0).point == ''
    assert BudgetRule((), 10.0).add(100.0, WINDOW_NS) is None


@given(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=300), st.floats(1, 100),
       st.integers(1, 4))
def test_whatever_the_latencies_it_only_goes_one_step_to_points_there_are(latencies, budget, n):
    points = tuple(str(i) for i in range(n))
    rule = BudgetRule(points, budget)
    for i, latency in enumerate(latencies):
        before = rule.point
        wanted = rule.add(latency, i * 50 * MS)
        if wanted is not None:
            assert abs(int(wanted) - int(before)) == 1
            rule.moved()
            assert rule.point == wanted
