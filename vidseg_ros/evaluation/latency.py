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
"""Latencies, kept by stage and read as percentiles."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

import numpy as np

PERCENTILES = (50, 95, 99)


def percentiles(milliseconds: Iterable[float]) -> dict[str, float]:
    """Return ``{'p50', 'p95', 'p99'}`` of times, NaN each if there are none."""
    values = np.fromiter(milliseconds, np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return {f'p{p}': float('nan') for p in PERCENTILES}
    return {f'p{p}': float(v)
            for p, v in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)}


class StageTimes:
    """Collect the times of the stages of many frames, in milliseconds, 8 bytes each."""

    def __init__(self) -> None:
        """Start with no stage."""
        self._times: dict[str, array[float]] = {}

    def add(self, times_ms: Mapping[str, float]) -> None:
        """Add one frame's times by stage."""
        for stage, value in times_ms.items():
            self._times.setdefault(stage, array('d')).append(value)

    def of(self, stage: str) -> array[float]:
        """Return the times of a stage, in the order they came; empty if there is no such one."""
        return self._times.get(stage, array('d'))

    @property
    def stages(self) -> list[str]:
        """Return the names of the stages, in the order they first came."""
        return list(self._times)

    def summary(self) -> dict[str, dict[str, float]]:
        """Return ``{stage: {'p50', 'p95', 'p99'}}``."""
        return {stage: percentiles(times) for stage, times in self._times.items()}
