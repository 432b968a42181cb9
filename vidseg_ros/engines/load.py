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
"""Notice who else uses the machine while something is measured."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

import psutil

BUSY_CORES = 0.15
"""From this load of others on, figures are said to be disturbed."""


@dataclass(frozen=True)
class Load:
    """
    CPU use over a time, in cores (1.0: one core all the time).

    ``own`` is this process with its children, ``others`` everybody else.
    """

    seconds: float
    own: float
    others: float
    cores: int

    @property
    def disturbed(self) -> bool:
        """Tell whether others used enough to matter."""
        return self.others > BUSY_CORES

    def warning(self) -> str:
        """Return what a reader of the figures must know; '' if the machine was idle."""
        if not self.disturbed:
            return ''
        return (f'other processes used {self.others:.2f} of {self.cores} cores while this was '
                'measured: times are worse than this machine can do, ratios less certain')

    def entry(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {'seconds': round(self.seconds, 2), 'own_cores': round(self.own, 3),
                'others_cores': round(self.others, 3), 'cores': self.cores,
                'disturbed': self.disturbed}


class LoadMeter:
    """
    Measure from its making, or from ``restart``, until ``read``.

    Children that ended and were waited for count as own. The kernel counts in hundredths of a
    second: over much less than a second nothing can be told.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self._begun = time.monotonic()
        self._busy, self._own = _busy_s(), self._own_s()

    def read(self) -> Load:
        """Return the load since the beginning."""
        seconds = max(time.monotonic() - self._begun, 1e-6)
        own = max(0.0, self._own_s() - self._own)
        others = max(0.0, _busy_s() - self._busy - own)
        return Load(seconds, own / seconds, others / seconds, os.cpu_count() or 1)

    def _own_s(self) -> float:
        used = self._process.cpu_times()
        total = used.user + used.system + used.children_user + used.children_system
        for child in self._process.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system + times.children_user + times.children_system
        return total


def idle_check(seconds: float = 1.0) -> Load:
    """Sleep, and return what the machine did meanwhile."""
    meter = LoadMeter()
    time.sleep(seconds)
    return meter.read()


def _busy_s() -> float:
    times = psutil.cpu_times()
    # guest times are part of user times.
    return sum(getattr(times, name, 0.0)
               for name in ('user', 'nice', 'system', 'irq', 'softirq', 'steal'))
