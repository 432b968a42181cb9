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
"""The speed of methods relative to segmenting every frame, both measured in one run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.engines.load import Load, LoadMeter
from vidseg_ros.evaluation.benchmarks import spread
from vidseg_ros.evaluation.latency import StageTimes
from vidseg_ros.evaluation.operating_points import BenchmarkPoint
from vidseg_ros.methods.base import Frame, Image, Observation, VideoSegmenter
from vidseg_ros.methods.registry import MethodOptions, create_method

MINIMUM_ROUNDS = 3


@dataclass(frozen=True)
class RunOptions:
    """
    What runs the networks, alike for the method and for every frame, and for how long.

    Rounds go on for ``seconds`` for each point, but there are at least three. A round is a
    multiple of the point's period of at least ``round_frames`` frames, or of fewer if those take
    too long.
    """

    engine: str = 'auto'
    device: str = 'auto'
    precision: str = 'auto'
    threads: int = 0
    seconds: float = 20.0
    round_frames: int = 10

    def method_options(
        self, network: str, checkpoint: str, extra: dict[str, Any]
    ) -> MethodOptions:
        """Return the options of a method."""
        return MethodOptions(
            checkpoint, network, self.engine, self.device, self.precision, self.threads,
            extra=extra,
        )  # fmt: skip


@dataclass(frozen=True)
class Measurement:
    """
    What came of a point.

    ``fps`` and ``every_frame_fps`` are medians over the rounds, ``observe`` of the next frame
    running beside ``predict``; ``ratio`` is the median of the rounds' ratios and ``ratio_range``
    their quartiles. ``ms``, ``every_frame_ms`` and ``sequential`` (the summary of their ratios)
    are the same for one frame after the other with nothing beside: what a frame costs.
    ``segmented`` is the share of the frames' regions that the segmentation network saw in full,
    ``kinds`` counts how results came about, ``stages_ms`` are the stages' mean times where they
    occurred, and ``stages_ms_per_frame`` those shared out over all frames.
    """

    point: BenchmarkPoint
    fps: float
    every_frame_fps: float
    ratio: float
    ratio_range: tuple[float, float]
    ms: float
    every_frame_ms: float
    sequential: dict[str, Any]
    rounds: int
    frames: int
    segmented: float
    kinds: dict[str, int]
    stages_ms: dict[str, float]
    stages_ms_per_frame: dict[str, float]
    describe: dict[str, str]
    load: Load

    @property
    def bottleneck(self) -> str:
        """Return the part of the method's steps that takes most of the time for a frame."""
        parts = dict(self.stages_ms_per_frame)
        if any(name.startswith('predict/') for name in parts):
            inner = sum(ms for name, ms in parts.items() if name.startswith('predict/'))
            parts['predict/rest'] = max(0.0, parts.pop('predict') - inner)
        name = max(parts, key=lambda part: parts[part])
        return f'{name} {parts[name] / max(sum(parts.values()), 1e-9):.0%}'

    def entry(self) -> dict[str, Any]:
        """Return it as plain data."""
        point = self.point
        return {
            'method': point.method,
            'point': point.name,
            'network': self.describe.get('network', point.network),
            'every_frame_network': point.every_frame[0],
            'knobs': dict(point.knobs),
            'fps': self.fps,
            'every_frame_fps': self.every_frame_fps,
            'ratio': self.ratio,
            'ratio_quartiles': list(self.ratio_range),
            'ms': self.ms,
            'every_frame_ms': self.every_frame_ms,
            'sequential_ratio': self.sequential,
            'paper_ratio': point.paper and point.paper.ratio,
            'paper': point.paper and point.paper.source,
            'rounds': self.rounds,
            'frames': self.frames,
            'segmented': self.segmented,
            'kinds': self.kinds,
            'stages_ms': self.stages_ms,
            'stages_ms_per_frame': self.stages_ms_per_frame,
            'bottleneck': self.bottleneck,
            'load': self.load.entry(),
            'describe': self.describe,
        }


@dataclass
class Video:
    """Frames that go on for ever: forwards, backwards, forwards again, with no jump."""

    images: Sequence[Image]
    rate_hz: float

    def frame(self, number: int, camera: str) -> Frame:
        """Return the frame of that number, from 0."""
        lap = max(1, 2 * (len(self.images) - 1))
        index = number % lap
        if index >= len(self.images):
            index = lap - index
        return Frame(self.images[index], int(number * 1e9 / self.rate_hz), camera, number)

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width)."""
        return self.images[0].shape[0], self.images[0].shape[1]


@dataclass
class _Stream:
    """
    A camera's frames through a segmenter, observed one ahead as the node does.

    Between two calls of ``run`` the next frame is observed and nothing is under way.
    """

    segmenter: VideoSegmenter
    video: Video
    executor: Executor
    kinds: Counter[str] = field(default_factory=Counter)
    segmented: list[float] = field(default_factory=list)
    times: StageTimes = field(default_factory=StageTimes)

    def __post_init__(self) -> None:
        self.state = self.segmenter.new_state('benchmark')
        self.number = 0
        self.segmenter.prepare(self.video.size)
        self._ahead = self._observe_next()
        self._ahead.result()

    def _observe_next(self) -> Future[Observation]:
        return self.executor.submit(self._observe, self.number)

    def _observe(self, number: int) -> Observation:
        begun = time.perf_counter()
        frame = self.video.frame(number, 'benchmark')
        observation = self.segmenter.observe(frame, self.state)
        self.times.add({'observe': 1e3 * (time.perf_counter() - begun)})
        return observation

    def run(self, frames: int) -> float:
        """Segment so many frames; return the seconds for each."""
        begun = time.perf_counter()
        for _ in range(frames):
            observation = self._ahead.result()
            self.number += 1
            self._ahead = self._observe_next()
            started = time.perf_counter()
            (result,) = self.segmenter.predict([observation], [self.state])
            self.times.add({'predict': 1e3 * (time.perf_counter() - started)})
            self.times.add({f'predict/{k}': v for k, v in result.stages_ms.items()})
            self.kinds[str(result.provenance.get('kind', ''))] += 1
            self.segmented.append(_segmented(result.provenance))
        self._ahead.result()
        return (time.perf_counter() - begun) / frames

    def run_alone(self, frames: int) -> float:
        """Segment so many frames, nothing beside anything; return the seconds for each."""
        observation = self._ahead.result()
        begun = time.perf_counter()
        for _ in range(frames):
            self.segmenter.predict([observation], [self.state])
            self.number += 1
            observation = self.segmenter.observe(
                self.video.frame(self.number, 'benchmark'), self.state)
        spent = (time.perf_counter() - begun) / frames
        self._ahead = Future()
        self._ahead.set_result(observation)
        return spent

    def forget(self) -> None:
        """Begin the account anew, after warming up."""
        self.kinds, self.segmented, self.times = Counter(), [], StageTimes()


def _segmented(provenance: Mapping[str, Any]) -> float:
    """Return the share of a frame that was segmented in full."""
    if 'regions' in provenance:
        return len(provenance['segmented_regions']) / provenance['regions']
    return float(str(provenance.get('kind')).startswith(('segmented', 'key frame')))


def round_length(period: int, at_least: int) -> int:
    """Return the smallest multiple of ``period`` that is at least ``at_least``."""
    return period * max(1, -(-at_least // period))


def measure(
    point: BenchmarkPoint,
    video: Video,
    options: RunOptions,
    progress: Callable[[float], None] | None = None,
) -> Measurement:
    """
    Time a method and segmenting every frame in turns, so that both meet the same machine.

    ``progress`` is told how much is done, 0 to 1.

    :raises MethodError: if one of the two cannot be made.
    """
    network, checkpoint = point.every_frame
    with ThreadPoolExecutor(2, 'observe') as executor:
        method = create_method(
            point.method, options.method_options(point.network, point.checkpoint, point.extra)
        )
        try:
            every_frame = create_method(
                'per_frame', options.method_options(network, checkpoint, point.extra)
            )
            try:
                streams = (
                    _Stream(method, video, executor), _Stream(every_frame, video, executor)
                )  # fmt: skip
                return _rounds(point, *streams, options, progress)
            finally:
                every_frame.close()
        finally:
            method.close()


def _rounds(
    point: BenchmarkPoint,
    method: _Stream,
    every_frame: _Stream,
    options: RunOptions,
    progress: Callable[[float], None] | None,
) -> Measurement:
    # Once through all that happens in a period, and memory has found its place.
    method.run(point.period + 1)
    every_frame.run(1)
    each_s = every_frame.run(1)
    method.forget()
    # Heavy networks have shorter rounds; every frame costs the same there: few of them will do.
    fewer = max(2, min(options.round_frames,
                       int(options.seconds / (4 * MINIMUM_ROUNDS) / max(each_s, 1e-9))))
    frames = round_length(point.period, fewer)
    seconds: list[tuple[float, float]] = []
    alone: list[tuple[float, float]] = []
    meter = LoadMeter()
    begun = time.perf_counter()
    while True:
        seconds.append((method.run(frames), every_frame.run(fewer)))
        alone.append((method.run_alone(frames), every_frame.run_alone(fewer)))
        spent = time.perf_counter() - begun
        done = min(len(seconds) / MINIMUM_ROUNDS, spent / max(options.seconds, 1e-9))
        if progress is not None:
            progress(min(1.0, done))
        if done >= 1.0:
            break
    load = meter.read()
    times: NDArray[np.float64] = np.array(seconds)
    ratios = times[:, 1] / times[:, 0]
    low, high = np.percentile(ratios, (25, 75))
    fps = 1.0 / np.median(times, axis=0)
    each: NDArray[np.float64] = 1e3 * np.array(alone)
    costs = np.median(each, axis=0)
    count = len(seconds) * frames
    stages = {stage: method.times.of(stage) for stage in method.times.stages}
    return Measurement(
        point, float(fps[0]), float(fps[1]), float(np.median(ratios)), (float(low), float(high)),
        float(costs[0]), float(costs[1]), spread.ratios(list(each[:, 1]), list(each[:, 0])),
        len(seconds), count, float(np.mean(method.segmented)), dict(method.kinds),
        {stage: float(np.mean(ms)) for stage, ms in stages.items()},
        {stage: float(np.sum(ms)) / count for stage, ms in stages.items()},
        method.segmenter.describe(), load,
    )  # fmt: skip
