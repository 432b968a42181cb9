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
"""Where a camera's frames wait: the newest only, or all of them in order."""

from __future__ import annotations

from collections import deque
from typing import Generic, Literal, TypeVar, get_args

FramePolicy = Literal['latest', 'every']
FRAME_POLICIES: tuple[str, ...] = get_args(FramePolicy)

SUPERSEDED = 'superseded'

T = TypeVar('T')


class Mailbox(Generic[T]):
    """
    Hold what waits to be processed.

    ``latest`` holds one item, and a newer one takes its place. ``every`` is a queue that drops
    nothing: who fills it waits while there is no ``room``, which is at ``limit`` items.
    Not locked: the owner does that.
    """

    def __init__(self, policy: FramePolicy, limit: int) -> None:
        self._items: deque[T] = deque()
        self.limit = limit
        self.policy = policy

    @property
    def policy(self) -> FramePolicy:
        """Return the policy."""
        return self._policy

    @policy.setter
    def policy(self, policy: FramePolicy) -> None:
        if policy not in FRAME_POLICIES:
            raise ValueError(f'{policy!r} is not a frame policy: {", ".join(FRAME_POLICIES)}')
        self._policy = policy

    def __len__(self) -> int:
        return len(self._items)

    @property
    def room(self) -> bool:
        """Tell whether another item may come; needs no lock."""
        return self._policy == 'latest' or len(self._items) < self.limit

    def put(self, item: T) -> list[tuple[T, str]]:
        """Add an item; return what fell out for it, each with the cause."""
        fallen = []
        if self._policy == 'latest':
            fallen = [(old, SUPERSEDED) for old in self._items]
            self._items.clear()
        self._items.append(item)
        return fallen

    def take(self) -> T:
        """Remove and return the item that waited longest; raises IndexError when empty."""
        return self._items.popleft()

    def clear(self) -> int:
        """Remove everything; return how many items there were."""
        count = len(self._items)
        self._items.clear()
        return count
