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
"""Bringing together what belongs to one frame but comes by several ways: matching by stamp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Matched:
    """
    All that came for one stamp: ``parts`` by kind; a kind that never came is missing.

    ``lap`` counts how often the stream had begun again before this frame.
    """

    stamp_ns: int
    lap: int = 0
    parts: dict[str, Any] = field(default_factory=dict)
    arrived_ns: dict[str, int] = field(default_factory=dict)


class StampMatcher:
    """
    Match the parts of frames exactly by stamp, and give the frames out in the order of stamps.

    Every kind of part (image, labels, ground truth, ...) comes in the order of its stamps, but
    some may never come, and the kinds don't keep step. A frame is given out once each kind has
    either brought its part or gone past its stamp, so that a frame that nobody segmented is
    known as such without a timeout. A stamp older than its kind's last one means that the stream
    began again (a bag played in a loop): that kind is on its next lap, and matched with the
    others when they are. At most ``limit`` frames are held: beyond it the oldest is given out
    as it is.
    """

    def __init__(self, kinds: Sequence[str], limit: int = 1000) -> None:
        """Expect these kinds of parts."""
        self.kinds = tuple(kinds)
        self._limit = max(1, limit)
        self._frames: dict[tuple[int, int], Matched] = {}
        self._newest: dict[str, tuple[int, int]] = dict.fromkeys(self.kinds, (0, -1))

    def __len__(self) -> int:
        """Return how many frames are held."""
        return len(self._frames)

    def held(self) -> Iterator[Matched]:
        """Iterate over the frames that wait, oldest first."""
        return (self._frames[key] for key in sorted(self._frames))

    def lacking(self, kind: str) -> int:
        """Return how many of the frames held have no part of a kind yet."""
        return sum(kind not in frame.parts for frame in self._frames.values())

    def add(self, kind: str, stamp_ns: int, part: Any, arrived_ns: int = 0) -> list[Matched]:
        """
        Add a part that has come. Return the frames that are settled now, oldest first.

        The same stamp again replaces the part. KeyError for an unknown kind.
        """
        lap, newest = self._newest[kind]
        key = (lap + (stamp_ns < newest), stamp_ns)
        self._newest[kind] = key
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = Matched(stamp_ns, key[0])
        frame.parts[kind] = part
        frame.arrived_ns[kind] = arrived_ns
        return self._settled()

    def flush(self) -> list[Matched]:
        """Give out all frames, oldest first."""
        frames = list(self.held())
        self._frames.clear()
        return frames

    def _settled(self) -> list[Matched]:
        out = []
        while self._frames:
            oldest = min(self._frames)
            frame = self._frames[oldest]
            if len(self._frames) <= self._limit and not all(
                    kind in frame.parts or self._newest[kind] > oldest for kind in self.kinds):
                break
            out.append(self._frames.pop(oldest))
        return out
