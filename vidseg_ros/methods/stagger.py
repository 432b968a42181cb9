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
"""Spread the key frames of several cameras, so that they do not coincide on the device."""

from __future__ import annotations

import threading


def phase(index: int, interval: int) -> int:
    """
    Return by how many frames the first interval of the ``index``-th camera is shortened.

    The binary digits of the index, mirrored, spread any number of cameras over the interval.
    """
    mirrored, weight = 0.0, 0.5
    while index:
        mirrored += weight * (index & 1)
        index, weight = index >> 1, weight / 2
    return int(mirrored * interval)


class Stagger:
    """
    Number the cameras in the order in which they come, and say how early each has key frames.

    ``on`` may be changed while frames come; without it no camera is early. For any number of
    threads.
    """

    def __init__(self, *, on: bool) -> None:
        self.on = on
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def early(self, camera: str, interval: int) -> int:
        """Return by how many frames a camera's first interval is shortened."""
        with self._lock:
            index = self._numbers.setdefault(camera, len(self._numbers))
        return phase(index, interval) if self.on else 0
