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
"""Move the method along its operating points, so that the latency budget is kept."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from vidseg_ros.methods.base import VideoSegmenter
from vidseg_ros.pipeline.accounts import PipelineStatistics
from vidseg_ros.pipeline.background import Background
from vidseg_ros.pipeline.budget import BudgetRule
from vidseg_ros.pipeline.result import Result

_logger = logging.getLogger(__name__)


class OperatingPointMover:
    """
    Apply a ``BudgetRule`` to the segmenter in use.

    A new point is prepared in the background, for the sizes that ``sizes`` returns, while frames
    go on at the old one; only then the segmenter is told to operate there.
    """

    def __init__(self, background: Background,
                 sizes: Callable[[], Iterable[tuple[int, int]]]) -> None:
        self._background = background
        self._sizes = sizes
        self._lock = threading.Lock()
        self._segmenter: VideoSegmenter | None = None
        self._rule: BudgetRule | None = None
        self._budget_ms = 0.0
        self.moves = 0
        self.problem = ''

    def follow(self, segmenter: VideoSegmenter) -> None:
        """Move this segmenter from now on; it begins at its most costly point."""
        with self._lock:
            self._segmenter = segmenter
            self._rule = None
            self.problem = ''

    def set_budget(self, budget_ms: float) -> None:
        """Change the budget; 0 moves back to the most costly point."""
        with self._lock:
            self._budget_ms = budget_ms
            if self._rule is not None:
                self._rule.budget_ms = budget_ms

    def delivered(self, result: Result, now_ns: int, waiting_counts: bool) -> None:
        """Learn from a result delivered now; ``waiting_counts``: its time in queues does, too."""
        with self._lock:
            segmenter = self._segmenter
            if segmenter is None or result.segmenter is not segmenter \
                    or (self._rule is None and self._budget_ms <= 0.0):
                return
            if self._rule is None or self._rule.points != segmenter.operating_points():
                # The points of a method change with its options.
                self._rule = BudgetRule(segmenter.operating_points(), self._budget_ms,
                                        segmenter.operating_point)
            rule = self._rule
            point = result.segmentation.provenance.get('operating_point', rule.point)
            if point != rule.point:  # it was on its way when the point changed
                return
            latency = result.latency_ms['total']
            if not waiting_counts:
                latency -= result.latency_ms['queue']
            wanted = rule.add(latency, now_ns)
        if wanted is not None:
            self._background.submit(lambda: self._move(segmenter, rule, wanted))

    def statistics(self, batches: dict[int, int], operating_point: str) -> PipelineStatistics:
        """Return what is known of the budget, with what the caller knows of the pipeline."""
        with self._lock:
            rule, budget_ms = self._rule, self._budget_ms
            latency_ms = None if rule is None else rule.mean_ms()
            return PipelineStatistics(
                batches=batches, operating_point=operating_point, moves=self.moves,
                budget_problem=self.problem, budget_ms=budget_ms, latency_ms=latency_ms,
                over_budget=rule is not None and latency_ms is not None
                and rule.cheapest and 0.0 < budget_ms < latency_ms)

    def _move(self, segmenter: VideoSegmenter, rule: BudgetRule, point: str) -> None:
        problem = ''
        try:
            for size in self._sizes():
                segmenter.prepare(size, point)
        except Exception as error:
            _logger.debug('operating point %s can not be had', point, exc_info=True)
            problem = f'operating point {point}: {type(error).__name__}: {error}'
        with self._lock:
            if self._segmenter is not segmenter or self._rule is not rule:
                return
            if not problem:
                try:
                    segmenter.operate_at(point)
                except ValueError as error:  # the options changed meanwhile
                    problem = str(error)
            if problem:
                self.problem = problem
                rule.failed()
            else:
                self.moves += 1
                rule.moved()
