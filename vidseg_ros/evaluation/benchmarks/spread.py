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
"""Times and their ratios over interleaved rounds, as medians with their spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Return ``{'median', 'quartiles': [low, high], 'count'}``; NaN where there is nothing."""
    array = np.asarray(values, np.float64)
    if not array.size:
        return {'median': float('nan'), 'quartiles': [float('nan')] * 2, 'count': 0}
    low, middle, high = np.percentile(array, (25, 50, 75))
    return {'median': float(middle), 'quartiles': [float(low), float(high)],
            'count': int(array.size)}


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> dict[str, Any]:
    """
    Return the summary of the ratios of one round each, so that both met the same machine.

    Rounds in which one of them gave nothing (NaN) are left out.
    """
    pairs = zip(numerators, denominators, strict=True)
    return summary([n / d for n, d in pairs if math.isfinite(n) and d > 0])


def latency(milliseconds: Sequence[float]) -> dict[str, float]:
    """Return mean, median, p95, p99 and max of latencies in ms; NaN where there are none."""
    array = np.asarray(milliseconds, np.float64)
    if not array.size:
        return dict.fromkeys(('mean', 'median', 'p95', 'p99', 'max'), float('nan'))
    p50, p95, p99 = np.percentile(array, (50, 95, 99))
    return {'mean': float(array.mean()), 'median': float(p50), 'p95': float(p95),
            'p99': float(p99), 'max': float(array.max())}
