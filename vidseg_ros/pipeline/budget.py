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
"""
Keep a latency budget by moving a method along its operating points.

The rule is pure: it is told latencies and times, and says where to go. Moving there is done by
``operating.OperatingPointMover``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

WINDOW_NS = 1_000_000_000
"""Latencies count for so long, and after a move it takes as long to judge it."""

MINIMUM_FRAMES = 10
RETURN_BELOW = 0.85
"""Go back to a costlier point where it would take less than this part of the budget."""

PATIENCE_NS = 3_000_000_000
"""For how long that must have been so, at first; doubled each time it proved wrong."""

PATIENCE_MAX_NS = 60_000_000_000
_UNKNOWN_RATIO = 1.5  # how much costlier the next point is, while that was not yet seen


class BudgetRule:
    """
    Say at which operating point the mean latency stays within a budget.

    ``points`` go from the most costly to the cheapest; the rule begins at ``start``, or the
    first. It goes one cheaper as soon as the mean over a second is above the budget, and one
    costlier when, for a while, the mean there is expected to be well below it: the ratio of two
    neighbours is learnt from the moves. A return that had to be taken back makes it wait twice
    as long for the next. Not locked: the owner does that.
    """

    def __init__(self, points: Sequence[str], budget_ms: float, start: str = '') -> None:
        self.budget_ms = budget_ms
        self._points = tuple(points)
        self._index = self._points.index(start) if start in self._points else 0
        self._latencies: deque[tuple[int, float]] = deque()
        self._sum = 0.0
        # Of the mean at a point to the mean at a cheaper one.
        self._ratios: dict[tuple[int, int], float] = {}
        self._left: tuple[int, float] | None = None  # where from, and the mean there
        self._moving_to: int | None = None
        self._since_ns: int | None = None  # since when the next costlier point would do
        self._patience_ns = PATIENCE_NS
        self._returned_ns: int | None = None
        self._held: set[int] = set()  # points that can't be built

    @property
    def points(self) -> tuple[str, ...]:
        """Return all points, from the most costly to the cheapest."""
        return self._points

    @property
    def point(self) -> str:
        """Return the present point, '' if there are none."""
        return self._points[self._index] if self._points else ''

    @property
    def cheapest(self) -> bool:
        """Tell whether there is no cheaper point than the present one."""
        return self._cheaper_index() >= len(self._points)

    def mean_ms(self) -> float | None:
        """Return the mean latency over the last second at this point, None while unknown."""
        if len(self._latencies) < MINIMUM_FRAMES:
            return None
        return self._sum / len(self._latencies)

    def add(self, latency_ms: float, now_ns: int) -> str | None:
        """Enter the latency of a frame; return the point to move to, None to stay."""
        if self._moving_to is not None:
            return None
        self._latencies.append((now_ns, latency_ms))
        self._sum += latency_ms
        while len(self._latencies) > MINIMUM_FRAMES \
                and now_ns - self._latencies[0][0] > WINDOW_NS:
            self._sum -= self._latencies.popleft()[1]
        mean = self.mean_ms()
        if mean is None:
            return None
        self._learn(mean)
        if self.budget_ms <= 0.0:
            return self._go(0) if self._index > 0 else None
        if mean > self.budget_ms:
            self._since_ns = None
            return self._cheaper(now_ns)
        return self._costlier(mean, now_ns)

    def _learn(self, mean: float) -> None:
        if self._left is None:
            return
        index, before = self._left
        self._left = None
        if index != self._index and mean > 0.0 and before > 0.0:
            ratio = before / mean if index < self._index else mean / before
            pair = min(index, self._index), max(index, self._index)
            self._ratios[pair] = max(1.0, ratio)

    def _cheaper_index(self) -> int:
        index = self._index + 1
        while index in self._held:
            index += 1
        return index

    def _cheaper(self, now_ns: int) -> str | None:
        index = self._cheaper_index()
        if index >= len(self._points):
            return None
        if self._returned_ns is not None \
                and now_ns - self._returned_ns < 2 * self._patience_ns:
            self._patience_ns = min(PATIENCE_MAX_NS, 2 * self._patience_ns)
        self._returned_ns = None
        return self._go(index)

    def _costlier(self, mean: float, now_ns: int) -> str | None:
        if self._returned_ns is not None \
                and now_ns - self._returned_ns > 2 * self._patience_ns:
            self._patience_ns, self._returned_ns = PATIENCE_NS, None
        index = self._index - 1
        while index in self._held:
            index -= 1
        if index < 0:
            return None
        ratio = self._ratios.get((index, self._index), _UNKNOWN_RATIO)
        if mean * ratio > RETURN_BELOW * self.budget_ms:
            self._since_ns = None
            return None
        if self._since_ns is None:
            self._since_ns = now_ns
        if now_ns - self._since_ns < self._patience_ns:
            return None
        self._returned_ns = now_ns
        return self._go(index)

    def _go(self, index: int) -> str:
        mean = self.mean_ms()
        self._left = None if mean is None else (self._index, mean)
        self._moving_to = index
        return self._points[index]

    def moved(self) -> None:
        """Note that frames are segmented at the point asked for from now on."""
        if self._moving_to is not None:
            self._index, self._moving_to = self._moving_to, None
        self._forget()

    def failed(self) -> None:
        """Note that the point asked for can't be had; it is not asked for again."""
        if self._moving_to is not None:
            self._held.add(self._moving_to)
            self._moving_to = None
        self._left = None
        self._forget()

    def _forget(self) -> None:
        self._latencies.clear()
        self._sum = 0.0
        self._since_ns = None
