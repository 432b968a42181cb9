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
"""When to take the next frame out of its mailbox: as late as keeps the device busy."""

from __future__ import annotations

MARGIN_NS = 1_000_000
_WEIGHT = 0.2  # of the newest duration in the running mean


class LookAhead:
    """
    Say how long to wait before the next frame is taken out of its mailbox.

    A frame that is observed too early grows old while the device is busy; one that is observed
    too late leaves the device idle. So begin when the device is expected to be done with all it
    has, less the time that observing takes. Times are in nanoseconds of one monotonic clock.
    """

    def __init__(self) -> None:
        self._observe_ns = 0.0
        self._predict_ns = 0.0
        self._began_ns: int | None = None

    def forget(self) -> None:
        """Begin to learn anew, with another segmenter; the device may be busy with the old."""
        self._observe_ns = self._predict_ns = 0.0

    @property
    def observe_ns(self) -> float:
        """Return how long converting and observing a frame takes, on average."""
        return self._observe_ns

    def observed(self, duration_ns: int) -> None:
        """Learn how long converting and observing a frame took."""
        self._observe_ns = self._mean(self._observe_ns, duration_ns)

    def device_began(self, now_ns: int) -> None:
        """Note that the device is busy from now on."""
        self._began_ns = now_ns

    def device_done(self, now_ns: int) -> None:
        """Note that the device is free again, and learn how long it was busy."""
        if self._began_ns is not None:
            self._predict_ns = self._mean(self._predict_ns, now_ns - self._began_ns)
        self._began_ns = None

    def delay_ns(self, now_ns: int, ahead: int = 0, batch: int = 1) -> int:
        """
        Return how long to wait before beginning with the next frame; 0 = begin now.

        ``ahead`` frames are on their way to the device already, which takes ``batch`` at a time.
        """
        runs = ahead // batch  # that the next frame will not be part of
        if self._began_ns is None and not runs:
            return 0
        remaining = runs * self._predict_ns
        if self._began_ns is not None:
            # A run that takes longer than usual may end at any moment.
            remaining += max(0.0, self._began_ns + self._predict_ns - now_ns)
        return max(0, int(remaining - 1.25 * self._observe_ns) - MARGIN_NS)

    @staticmethod
    def _mean(mean: float, value: float) -> float:
        return value if mean == 0.0 else mean + _WEIGHT * (value - mean)
