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
"""The books: latency by stage, rates, drops by cause, resets; each over a bounded window."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

import numpy as np

STAGES = ('transport', 'queue', 'convert', 'observe', 'predict', 'publish', 'total')
"""
The stages of a frame's way, in order.

transport: from the stamp to the arrival here, by the clock of the stamps.
queue: waiting, before ``observe`` and between the threads. convert: to RGB.
observe, predict: the method's two steps. publish: the outputs.
total: from the arrival to the last output published (all of the above but transport).
"""

WINDOW = 512


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Statistics over the last frames of one stage, in milliseconds."""

    count: int
    mean: float
    minimum: float
    maximum: float
    deviation: float
    p50: float
    p95: float
    p99: float


class LatencyAccount:
    """Keep the last ``window`` durations of each stage and sum them up on demand."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._stages: dict[str, deque[float]] = {}

    def add(self, stage: str, milliseconds: float) -> None:
        """Enter a duration."""
        values = self._stages.get(stage)
        if values is None:
            values = self._stages[stage] = deque(maxlen=self._window)
        values.append(milliseconds)

    def values(self) -> dict[str, list[float]]:
        """Return a copy of the durations by stage, oldest first."""
        return {stage: list(values) for stage, values in self._stages.items()}

    def clear(self) -> None:
        """Forget all durations."""
        self._stages.clear()


def summarize(values: list[float]) -> LatencySummary:
    """Return the statistics of at least one duration."""
    # np.percentile takes five times as long, and this is done for each stage of each camera.
    array = np.sort(np.asarray(values, dtype=np.float64))
    positions = np.array((0.50, 0.95, 0.99)) * (array.size - 1)
    p50, p95, p99 = np.interp(positions, np.arange(array.size), array)
    return LatencySummary(
        count=int(array.size), mean=float(array.mean()), minimum=float(array[0]),
        maximum=float(array[-1]), deviation=float(array.std()),
        p50=float(p50), p95=float(p95), p99=float(p99))


class RateMeter:
    """Measure how often something happens, over the last ``window_ns`` nanoseconds."""

    def __init__(self, window_ns: int = 5_000_000_000, limit: int = 1024) -> None:
        self._window_ns = window_ns
        self._times: deque[int] = deque(maxlen=limit)

    def tick(self, now_ns: int) -> None:
        """Note that it happened now."""
        self._times.append(now_ns)

    def hertz(self, now_ns: int) -> float:
        """Return the rate; it falls towards 0 as soon as the next tick is overdue."""
        while self._times and now_ns - self._times[0] > self._window_ns:
            self._times.popleft()
        if len(self._times) < 2:
            return 0.0
        intervals = len(self._times) - 1
        span_ns = self._times[-1] - self._times[0]
        if span_ns <= 0:
            return 0.0
        period_ns = span_ns / intervals
        overdue_ns = now_ns - self._times[-1] - period_ns
        return intervals * 1e9 / (span_ns + max(0.0, overdue_ns))


@dataclass(frozen=True, slots=True)
class LastReset:
    """The latest reset of a camera: why, the stamp of its first frame, and when it happened."""

    reason: str
    stamp_ns: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class CameraStatistics:
    """
    What is known of one camera at one moment.

    ``*_ns`` are by the pipeline's own clock, None before the first. ``drops`` maps causes to
    counts since the camera was added; ``resets`` maps kinds of resets to counts.
    """

    camera: str
    received: int
    delivered: int
    waiting: int
    drops: dict[str, int]
    arrival_hz: float
    output_hz: float
    latency: dict[str, LatencySummary]
    resets: dict[str, int]
    last_reset: LastReset | None
    last_arrival_ns: int | None
    last_result_ns: int | None
    last_problem: str
    size: tuple[int, int] | None
    provenance: dict[str, object]


@dataclass(frozen=True, slots=True)
class PipelineStatistics:
    """
    What is known of all cameras together.

    ``batches`` maps how many frames went to the device together to how often they did.
    ``operating_point`` is the method's present one, '' if it has none; ``moves`` counts how
    often the latency budget changed it; ``budget_problem`` says why a point could not be had.
    ``latency_ms`` is what is held against ``budget_ms``, the mean over the last second or None;
    ``over_budget`` tells whether it is too much at the cheapest point.
    """

    batches: dict[int, int]
    operating_point: str = ''
    moves: int = 0
    budget_problem: str = ''
    budget_ms: float = 0.0
    latency_ms: float | None = None
    over_budget: bool = False


def unseen(camera: str) -> CameraStatistics:
    """Return the statistics of a camera of which nothing is known."""
    return CameraStatistics(
        camera=camera, received=0, delivered=0, waiting=0, drops={}, arrival_hz=0.0,
        output_hz=0.0, latency={}, resets={}, last_reset=None, last_arrival_ns=None,
        last_result_ns=None, last_problem='', size=None, provenance={})


class CameraAccount:
    """Keep the books of one camera. Not locked: the owner does that."""

    def __init__(self) -> None:
        self.received = 0
        self.delivered = 0
        self.drops: Counter[str] = Counter()
        self.resets: Counter[str] = Counter()
        self.arrivals = RateMeter()
        self.outputs = RateMeter()
        self.latency = LatencyAccount()
        self.last_reset: LastReset | None = None
        self.last_arrival_ns: int | None = None
        self.last_result_ns: int | None = None
        self.last_problem = ''
        self.size: tuple[int, int] | None = None
        self.provenance: dict[str, object] = {}

    def arrived(self, now_ns: int) -> None:
        """Enter that a message came, whatever becomes of it."""
        self.received += 1
        self.last_arrival_ns = now_ns
        self.arrivals.tick(now_ns)

    def delivered_now(self, now_ns: int) -> None:
        """Enter that a result went out."""
        self.delivered += 1
        self.last_result_ns = now_ns
        self.outputs.tick(now_ns)
