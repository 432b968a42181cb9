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
"""When a camera's memory no longer fits what it sees, and must begin anew."""

from __future__ import annotations

REQUESTED = 'requested'
METHOD_CHANGE = 'method change'
ERROR = 'error in the method'


class ResetRules:
    """
    Tell from stamps and sizes when a stream breaks off.

    One per camera. ``gap_ns`` is the longest pause, in nanoseconds of the stamps, that still
    counts as the same stream; 0 allows any.
    """

    def __init__(self, gap_ns: int = 0) -> None:
        self.gap_ns = gap_ns
        self._stamp_ns: int | None = None
        self._size: tuple[int, int] | None = None

    def check(self, stamp_ns: int, size: tuple[int, int]) -> str | None:
        """Return why the stream breaks off before this frame, or None; then remember it."""
        reason = self._reason(stamp_ns, size)
        self._stamp_ns, self._size = stamp_ns, size
        return reason

    def forget(self) -> None:
        """Take the next frame as the first."""
        self._stamp_ns = self._size = None

    def _reason(self, stamp_ns: int, size: tuple[int, int]) -> str | None:
        if self._stamp_ns is None or self._size is None:
            return None
        if size != self._size:
            (old_height, old_width), (height, width) = self._size, size
            return f'size change from {old_width}x{old_height} to {width}x{height}'
        step_ns = stamp_ns - self._stamp_ns
        if step_ns < 0:
            return f'time jumped back by {-step_ns / 1e9:.3f} s'
        if 0 < self.gap_ns < step_ns:
            return f'gap of {step_ns / 1e9:.3f} s'
        return None


def kind(reason: str) -> str:
    """Return what sort of reset a reason is, without its numbers: for counting."""
    for prefix in ('size change', 'time jumped back', 'gap', REQUESTED, METHOD_CHANGE, ERROR):
        if reason.startswith(prefix):
            return prefix
    return 'other'
