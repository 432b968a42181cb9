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
"""Stamps for recordings that have none: made of their frame numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

BASE_STAMP_NS: Final = 1_000_000_000 * 10**9
"""Stamp of frame 0 of the first recording: far from 0, which ROS takes for 'no time'."""

_PAUSE_NS: Final = 10 * 10**9
_SECOND_NS: Final = 10**9


def frame_stamps(frames: Sequence[tuple[str, int]], camera_hz: float) -> list[int]:
    """
    Return a stamp in nanoseconds for each (recording, frame number), sorted by both.

    Within a recording frame ``n`` is ``n / camera_hz`` after frame 0; the next recording's frame
    0 is at the first full second at least ten after the last frame, so stamps only grow.

    :raises ValueError: if a frame occurs twice or the order is another one.
    """
    stamps: list[int] = []
    start_ns = BASE_STAMP_NS
    previous: tuple[str, int] | None = None
    for recording, number in frames:
        if previous is not None:
            if (recording, number) <= previous:
                raise ValueError(f'frame {number} of {recording} is out of order or there twice')
            if recording != previous[0]:
                start_ns = -(-(stamps[-1] + _PAUSE_NS) // _SECOND_NS) * _SECOND_NS
        stamps.append(start_ns + round(number * 1e9 / camera_hz))
        previous = (recording, number)
    return stamps


def commonest_step(frames: Sequence[tuple[str, int]]) -> int | None:
    """Return the commonest distance of frame numbers within a recording, None if there is none."""
    steps = Counter(b[1] - a[1] for a, b in pairwise(frames)
                    if a[0] == b[0])
    # Of equally common ones the smaller, so that the answer hangs on nothing else.
    return min(steps, key=lambda step: (-steps[step], step)) if steps else None
