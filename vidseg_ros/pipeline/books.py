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
"""What is entered in the books of the cameras when frames are lost or delivered."""

from __future__ import annotations

import logging

from vidseg_ros.methods.base import StreamState
from vidseg_ros.pipeline import resets
from vidseg_ros.pipeline.accounts import CameraStatistics, summarize
from vidseg_ros.pipeline.floor import Floor, Report
from vidseg_ros.pipeline.result import Result
from vidseg_ros.pipeline.streams import Job, Stream

_logger = logging.getLogger(__name__)


class Books:
    """Keep the accounts of all cameras; takes the floor's lock itself."""

    def __init__(self, floor: Floor, report: Report) -> None:
        self._floor = floor
        self._report = report

    def failed(self, stream: Stream, step: str, error: Exception,
               state: StreamState | None = None) -> None:
        """
        Enter a failure of the method; what it remembers is not to be trusted after that.

        ``state`` is what it was given; a frame that was already observed from it is observed
        again. None: the stream's present state.
        """
        self.lost(stream, f'error in {step}', f'{type(error).__name__}: {error}')
        _logger.debug('%s failed', step, exc_info=error)
        with self._floor.lock:
            if state is None or state is stream.state:
                stream.pending_reset = f'{resets.ERROR} ({step})'
                stream.spoilt = stream.state

    def lost(self, stream: Stream, cause: str, detail: str) -> None:
        """Enter a frame that is dropped for a fault."""
        with self._floor.lock:
            stream.account.drops[cause] += 1
            stream.account.last_problem = f'{cause}: {detail}' if detail else cause
        try:
            self._report(stream.camera, cause, detail)
        except Exception:
            _logger.exception('the report of a lost frame failed')

    def settle(self, job: Job, result: Result, started_ns: int, delivered: bool) -> int:
        """Enter that the way of a frame is over; return when that was."""
        floor = self._floor
        now_ns = floor.clock_ns()
        latency = result.latency_ms
        latency['publish'] = (now_ns - started_ns) / 1e6
        latency['total'] = (now_ns - job.submitted_ns) / 1e6
        with floor.lock:
            if delivered:
                account = job.stream.account
                account.delivered_now(now_ns)
                account.provenance = result.segmentation.provenance
                add = account.latency.add
                for stage, milliseconds in latency.items():
                    if stage != 'transport':  # entered on arrival, for all frames
                        add(stage, milliseconds)
                for part, milliseconds in result.segmentation.stages_ms.items():
                    add(f'predict/{part}', milliseconds)
            job.stream.in_flight -= 1
            floor.settled.notify_all()
        return now_ns

    def camera(self, camera: str) -> CameraStatistics:
        """Return what is known of a camera; raises KeyError if there is none of that name."""
        floor = self._floor
        with floor.lock:
            stream = floor.streams[camera]
            account = stream.account
            now_ns = floor.clock_ns()
            latency = account.latency.values()
            partial = CameraStatistics(
                camera=camera, received=account.received, delivered=account.delivered,
                waiting=len(stream.mailbox), drops=dict(account.drops),
                arrival_hz=account.arrivals.hertz(now_ns),
                output_hz=account.outputs.hertz(now_ns), latency={},
                resets=dict(account.resets), last_reset=account.last_reset,
                last_arrival_ns=account.last_arrival_ns, last_result_ns=account.last_result_ns,
                last_problem=account.last_problem, size=account.size,
                provenance=dict(account.provenance))
        # Sorting is done outside the lock: it would hold up the frames.
        partial.latency.update({stage: summarize(values) for stage, values in latency.items()})
        return partial

    def batches(self) -> dict[int, int]:
        """Return how often how many frames went to the device together."""
        with self._floor.lock:
            return dict(sorted(self._floor.batches.items()))
