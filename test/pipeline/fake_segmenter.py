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
"""A method that remembers what it saw, so that tests can tell what the pipeline did with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from vidseg_ros.labels.registry import label_space
from vidseg_ros.methods.base import (
    Frame,
    Observation,
    Segmentation,
    StreamState,
    UnfitFrameError,
    VideoSegmenter,
)


@dataclass(slots=True)
class FakeState(StreamState):
    observed: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)


class FakeSegmenter(VideoSegmenter):
    """Answer with labels full of the number of frames this state has seen."""

    name = 'fake'

    def __init__(self, observe_s: float = 0.0, predict_s: float = 0.0, name: str = 'fake', *,
                 points: dict[str, float] | None = None, batch: int = 1) -> None:
        """``points`` maps operating points to the seconds of ``predict``; ``batch``: preferred."""
        self.name = name  # type: ignore[misc]
        self.label_space = label_space('camvid')
        self.observe_s, self.predict_s = observe_s, predict_s
        self.closed = 0
        self.fail_observe: set[int] = set()
        self.fail_predict: set[int] = set()
        self.batches: list[int] = []
        self.out_of_order: list[FakeState] = []
        self.predicting = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.points = points or {}
        self.point = next(iter(self.points), '')
        self.prepared: list[tuple[tuple[int, int], str | None]] = []
        self.fail_prepare: set[str] = set()
        self.batch = batch

    def operating_points(self) -> tuple[str, ...]:
        return tuple(self.points)

    @property
    def operating_point(self) -> str:
        return self.point

    def operate_at(self, name: str) -> None:
        if name not in self.points:
            raise ValueError(name)
        assert any(prepared == name for _, prepared in self.prepared)
        self.point = name

    def prepare(self, size: tuple[int, int], operating_point: str | None = None) -> None:
        if operating_point in self.fail_prepare:
            raise RuntimeError('told to fail')
        self.prepared.append((size, operating_point))

    @property
    def preferred_batch(self) -> int:
        return self.batch

    def new_state(self, camera: str) -> FakeState:
        return FakeState(camera)

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        assert not self.closed
        assert isinstance(state, FakeState)
        if frame.stamp_ns in self.fail_observe:
            raise RuntimeError('told to fail')
        if min(frame.size) < 2:
            raise UnfitFrameError(f'{frame.size} is too small')
        assert state.camera == frame.camera
        assert frame.sequence == len(state.observed)
        state.observed.append(frame.stamp_ns)
        time.sleep(self.observe_s)
        return Observation(frame)

    def predict(self, observations: Sequence[Observation],
                states: Sequence[StreamState]) -> list[Segmentation]:
        assert not self.closed
        self.predicting.set()
        assert self.gate.wait(10)
        self.batches.append(len(observations))
        point = self.point
        time.sleep(self.points.get(point, self.predict_s))
        results = []
        for observation, state in zip(observations, states, strict=True):
            assert isinstance(state, FakeState)
            # In order, none left out: every frame observed is predicted.
            state.predicted.append(observation.frame.stamp_ns)
            if state.observed[:len(state.predicted)] != state.predicted:
                self.out_of_order.append(state)
            labels = np.full(observation.frame.size, len(state.predicted) % 256, np.uint8)
            results.append(Segmentation(
                labels, provenance={'by': self.name, 'operating_point': point},
                stages_ms={'network': 1.0}))
        if any(observation.frame.stamp_ns in self.fail_predict for observation in observations):
            raise RuntimeError('told to fail')
        return results

    def close(self) -> None:
        self.closed += 1
