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
"""The last part of the work: one thread that hands the results over, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable

from vidseg_ros.pipeline.books import Books
from vidseg_ros.pipeline.floor import Floor
from vidseg_ros.pipeline.result import Result
from vidseg_ros.pipeline.streams import Job
from vidseg_ros.pipeline.worker import Worker

_logger = logging.getLogger(__name__)


class Delivery(Worker):
    """
    Call ``deliver`` with each result and enter it in the books.

    ``settled`` is called after that with each delivered result and the time. ``more_may_come``
    tells, with the floor's lock held, whether the device still works; the thread ends when that
    is over and all is delivered.
    """

    def __init__(self, floor: Floor, books: Books, deliver: Callable[[Result], None],
                 settled: Callable[[Result, int], None],
                 more_may_come: Callable[[], bool]) -> None:
        self._floor = floor
        self._books = books
        self._deliver = deliver
        self._settled = settled
        self._more_may_come = more_may_come
        super().__init__('pipeline_deliver')

    def _step(self) -> bool:
        """Deliver a result; return False when there will be no more."""
        floor = self._floor
        with floor.lock:
            while not floor.finished and self._more_may_come():
                floor.deliverable.wait()
            if not floor.finished:
                return False
            job, result, done_ns = floor.finished.popleft()
            removed = job.stream.removed
            floor.predictable.notify_all()
        self._hand_over(job, result, done_ns, removed)
        floor.release(job.tenure)
        return True

    def _hand_over(self, job: Job, result: Result, done_ns: int, removed: bool) -> None:
        floor = self._floor
        started_ns = floor.clock_ns()
        result.latency_ms['queue'] += (started_ns - done_ns) / 1e6
        delivered = False
        if not removed:
            try:
                self._deliver(result)
                delivered = True
            except Exception as error:
                self._books.lost(job.stream, 'error in publish', repr(error))
                _logger.debug('deliver failed', exc_info=True)
        now_ns = self._books.settle(job, result, started_ns, delivered)
        if (trace := floor.trace) is not None:
            trace.add('publish', started_ns, now_ns, camera=job.stream.camera,
                      sequence=result.frame.sequence)
        if delivered:
            try:
                self._settled(result, now_ns)
            except Exception:  # whatever it is, the results after this one have to go out
                _logger.exception('what follows a delivery failed')
