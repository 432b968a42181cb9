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
"""Whose turn it is: which camera's waiting frame is taken next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

SLACK = 2
"""How many frames a camera may be ahead of another that has one waiting, too."""

_INTERVAL_WEIGHT = 0.2
# By how much longer than usual an interval may count: a pause says little about the next one.
_LONGEST_INTERVAL = 3.0
# After how many of its own frame intervals without a turn a camera comes before fresher frames:
# its result then mostly comes before two intervals are over, with a turn of others in between.
_DUE = 1.25


class Contender(Protocol):
    """What a turn is given to."""

    turn: Turn


class Turn:
    """What counts for one camera: how much it had, when, and how long its frame stays newest."""

    __slots__ = ('_arrived_ns', '_interval_ns', '_silent_since_ns', 'count')

    def __init__(self) -> None:
        self.count = 0
        self._silent_since_ns: int | None = None
        self._arrived_ns: int | None = None
        self._interval_ns: float | None = None

    def arrived(self, now_ns: int) -> None:
        """Note that a frame came."""
        if self._silent_since_ns is None:
            self._silent_since_ns = now_ns
        if self._arrived_ns is not None:
            interval = float(now_ns - self._arrived_ns)
            usual = interval if self._interval_ns is None else self._interval_ns
            interval = min(interval, _LONGEST_INTERVAL * usual)
            self._interval_ns = usual + _INTERVAL_WEIGHT * (interval - usual)
        self._arrived_ns = now_ns

    def served(self, now_ns: int) -> None:
        """Note that a frame is taken."""
        self.count += 1
        self._silent_since_ns = now_ns

    def newest_until_ns(self) -> float:
        """Return when the next frame is expected, infinity if that is not known."""
        if self._arrived_ns is None or self._interval_ns is None:
            return float('inf')
        return self._arrived_ns + self._interval_ns

    def due_ns(self) -> float:
        """Return from when on it should not wait for fresher frames, infinity if not known."""
        if self._silent_since_ns is None or self._interval_ns is None:
            return float('inf')
        return self._silent_since_ns + _DUE * self._interval_ns


T = TypeVar('T', bound=Contender)


class Turns:
    """
    Share the device among cameras, and take each one's frame while it is fresh.

    Of the cameras that have a frame waiting, those that had at most ``SLACK`` frames more than
    the least served of them are eligible. With the policy 'latest' the one goes first whose
    frame stays the newest for longest: the others' will be replaced by fresher ones before their
    turn. But one that would be silent for two of its intervals goes before, the one that is
    due for longest first: as long as a turn of each takes less than that, hardly any is (cameras
    that are due together wait for each other). With 'every' it is the least served. A camera that
    was silent gets no more than ``SLACK`` turns for what it missed.
    """

    def __init__(self) -> None:
        self._reached = 0  # the count of the camera served last, before that turn

    def joined(self, turn: Turn) -> None:
        """Note that a camera has a frame waiting again."""
        turn.count = max(turn.count, self._reached - SLACK)

    def choose(self, waiting: Iterable[T], freshest: bool, now_ns: int) -> T | None:
        """Return the camera whose turn it is, None if none waits; its turn is counted."""
        candidates = list(waiting)
        if not candidates:
            return None
        least = min(candidate.turn.count for candidate in candidates)
        if freshest:
            eligible = [c for c in candidates if c.turn.count <= least + SLACK]
            chosen = min(eligible, key=lambda c: c.turn.due_ns())
            if chosen.turn.due_ns() > now_ns:
                chosen = max(eligible, key=lambda c: c.turn.newest_until_ns())
        else:
            chosen = next(c for c in candidates if c.turn.count == least)
        self._reached = chosen.turn.count
        chosen.turn.served(now_ns)
        return chosen
