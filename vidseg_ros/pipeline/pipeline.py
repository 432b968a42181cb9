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
"""
Bring frames of many cameras through one method: in order, fairly, and without piling up.

Threads share the work, so that the parts of consecutive frames and of different cameras overlap:
a pool runs ``observe`` (conversion and the method's CPU step), one thread the device (the
method's ``predict``) and one delivers (the outputs). Per camera at most one frame is between
``observe`` and the device; with the policy 'latest' a frame is only taken out of its mailbox when
the device will soon have time for it. ``floor`` has what they share.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from vidseg_ros.methods.base import VideoSegmenter
from vidseg_ros.pipeline import resets
from vidseg_ros.pipeline.accounts import CameraStatistics, PipelineStatistics
from vidseg_ros.pipeline.arrival import Arrival, BadFrame
from vidseg_ros.pipeline.background import Background
from vidseg_ros.pipeline.books import Books
from vidseg_ros.pipeline.delivery import Delivery
from vidseg_ros.pipeline.device_worker import DeviceWorker
from vidseg_ros.pipeline.floor import Floor, Report
from vidseg_ros.pipeline.mailbox import FramePolicy, Mailbox
from vidseg_ros.pipeline.observe_pool import TOO_OLD, ObservePool
from vidseg_ros.pipeline.operating import OperatingPointMover
from vidseg_ros.pipeline.result import Result
from vidseg_ros.pipeline.streams import Stream, Tenure, Waiting
from vidseg_ros.pipeline.trace import Trace

QUEUE_LIMIT = 8
"""How many frames of a camera may wait here with the policy 'every', by default."""

_logger = logging.getLogger(__name__)


def _log_report(camera: str, cause: str, detail: str) -> None:
    _logger.warning('%s: %s: %s', camera, cause, detail)


class Pipeline:
    """
    Run one segmenter over the frames of several cameras.

    ``deliver`` gets each ``Result``, in order within a camera, in a thread of the pipeline. The
    pipeline owns the segmenter, and every later one given to ``swap``: it closes them when their
    last frame is done. ``clock_ns`` is a monotonic clock in nanoseconds.

    ``gap_ns``: a longer pause between stamps resets a camera (0: never). ``max_age_ns``: older
    frames are dropped, on arrival and when they come up (0: never; not with the policy 'every').
    ``latency_budget_ms``: the mean time from arrival to delivery that the method is moved along
    its operating points for (0: it stays at the most costly). ``max_batch`` bounds how many
    cameras' frames go to the device together; 0: as many as the segmenter prefers.

    With the policy 'every' nothing is dropped; who submits asks ``has_room`` before, or waits
    with ``wait_for_room``. ``room_made`` is called, in any thread, with a camera that was full
    and has room again.

    All methods may be called from any thread; none but ``wait_for_room``, ``drain`` and
    ``close`` waits.
    """

    def __init__(self, segmenter: VideoSegmenter, deliver: Callable[[Result], None], *,
                 policy: FramePolicy = 'latest', queue_limit: int = QUEUE_LIMIT,
                 clock_ns: Callable[[], int] = time.monotonic_ns, observe_workers: int = 1,
                 max_batch: int = 0, gap_ns: int = 0, max_age_ns: int = 0,
                 latency_budget_ms: float = 0.0, trace: Trace | None = None,
                 report: Report = _log_report,
                 room_made: Callable[[str], None] = lambda camera: None) -> None:
        self._queue_limit = queue_limit
        self._gap_ns = gap_ns
        self._room_made = room_made
        self._background = Background('pipeline_background')
        floor = self._floor = Floor(segmenter, clock_ns, policy, max_batch, self._background)
        floor.max_age_ns = max_age_ns
        floor.trace = trace
        floor.learn_batch(floor.tenure)
        self._books = Books(floor, report)
        self._mover = OperatingPointMover(self._background, self._sizes)
        self._mover.set_budget(latency_budget_ms)
        self._mover.follow(segmenter)
        self._pool = ObservePool(floor, self._books, observe_workers, room_made)
        self._device = DeviceWorker(floor, self._books, self._pool.alive,
                                    self._pool.observe_again)
        self._delivery = Delivery(
            floor, self._books, deliver, self._delivered, lambda: self._device.running)

    # ---- cameras

    @property
    def cameras(self) -> list[str]:
        """Return the names of the cameras, in the order they were added."""
        with self._floor.lock:
            return list(self._floor.streams)

    def add_camera(self, camera: str) -> None:
        """Take frames of one more camera; raises ValueError if it is there already."""
        with self._floor.lock:
            if camera in self._floor.streams:
                raise ValueError(f'camera {camera!r} is there already')
            self._floor.streams[camera] = Stream(
                camera, Mailbox(self._floor.policy, self._queue_limit),
                resets.ResetRules(self._gap_ns))

    def remove_camera(self, camera: str) -> None:
        """Forget a camera: what waits is dropped, what is in work is not delivered."""
        with self._floor.lock:
            stream = self._floor.streams.pop(camera)
            stream.removed = True
            stream.mailbox.clear()
            self._floor.settled.notify_all()

    def _sizes(self) -> set[tuple[int, int]]:
        with self._floor.lock:
            return {stream.account.size for stream in self._floor.streams.values()
                    if stream.account.size is not None}

    # ---- frames

    def submit(self, camera: str, arrival: Arrival) -> bool:
        """
        Hand a frame over; return at once.

        Returns whether it was taken. Frames of an unknown camera are ignored: one may be
        removed while its last messages are still on their way.
        """
        floor = self._floor
        with floor.lock:
            stream = floor.streams.get(camera)
            if stream is None or floor.closing:
                return False
            now_ns = floor.clock_ns()
            account = stream.account
            account.arrived(now_ns)
            transport_ns = arrival.received_ns - arrival.stamp_ns
            account.latency.add('transport', transport_ns / 1e6)
            if floor.policy == 'latest' and 0 < floor.max_age_ns < transport_ns:
                account.drops[TOO_OLD] += 1
                return False
            if not stream.mailbox:
                floor.turns.joined(stream.turn)
            stream.turn.arrived(now_ns)
            for _, cause in stream.mailbox.put(Waiting(arrival, now_ns)):
                account.drops[cause] += 1
            floor.observable.notify()
        return True

    def has_room(self, camera: str) -> bool:
        """Tell whether a frame of this camera may come now; always with the policy 'latest'."""
        # Without the lock: it is asked for every message that waits.
        stream = self._floor.streams.get(camera)
        return stream is None or stream.mailbox.room

    def wait_for_room(self, camera: str, timeout: float | None = None) -> bool:
        """Wait until ``has_room`` or the pipeline closes; return whether there is room."""
        floor = self._floor
        with floor.lock:
            floor.settled.wait_for(
                lambda: floor.closing or self.has_room(camera), timeout)
            return self.has_room(camera) and not floor.closing

    def refuse(self, camera: str, problem: BadFrame) -> None:
        """Enter a message that is no frame at all (its stamp is impossible, say)."""
        floor = self._floor
        with floor.lock:
            stream = floor.streams.get(camera)
            if stream is None:
                return
            stream.account.arrived(floor.clock_ns())
        self._books.lost(stream, f'bad frame: {problem.cause}', problem.detail)

    def skip(self, camera: str, cause: str) -> None:
        """Enter a frame that arrived and is on purpose not segmented."""
        floor = self._floor
        with floor.lock:
            stream = floor.streams.get(camera)
            if stream is not None:
                stream.account.arrived(floor.clock_ns())
                stream.account.drops[cause] += 1

    def _delivered(self, result: Result, now_ns: int) -> None:
        # With 'every' frames queue for as long as they like.
        self._mover.delivered(result, now_ns, waiting_counts=self._floor.policy == 'latest')

    # ---- control

    def reset(self, camera: str | None = None, reason: str = resets.REQUESTED) -> None:
        """Begin the state of one camera, or of all, anew before its next frame."""
        with self._floor.lock:
            for name, stream in self._floor.streams.items():
                if camera is None or camera == name:
                    stream.pending_reset = reason

    def swap(self, segmenter: VideoSegmenter) -> None:
        """
        Let another segmenter do all frames from now on, with new states.

        Frames being worked on are finished, and delivered, by the old one, which is closed
        after its last; what waits is kept: there is no gap.
        """
        floor = self._floor
        new = Tenure(segmenter)
        floor.learn_batch(new)
        with floor.lock:
            if floor.closing:
                old = new
            else:
                old, floor.tenure = floor.tenure, new
                floor.look_ahead.forget()
            old.retired = True
            idle = old.in_flight == 0
        if old is not new:
            self._mover.follow(segmenter)
        if idle:
            floor.close_segmenter(old)

    @property
    def segmenter(self) -> VideoSegmenter:
        """Return the segmenter that does the next frame."""
        with self._floor.lock:
            return self._floor.tenure.segmenter

    def set_policy(self, policy: FramePolicy, *, queue_limit: int | None = None) -> None:
        """Change the frame policy; what waits is kept until the next frame arrives."""
        floor = self._floor
        with floor.lock:
            if queue_limit is not None:
                self._queue_limit = queue_limit
            for stream in floor.streams.values():
                stream.mailbox.policy = policy
                stream.mailbox.limit = self._queue_limit
            floor.policy = policy
            floor.observable.notify_all()
        self._tell_room()

    def set_limits(self, *, gap_ns: int, max_age_ns: int) -> None:
        """Change when a pause resets a camera and from which age on frames are dropped."""
        with self._floor.lock:
            self._gap_ns, self._floor.max_age_ns = gap_ns, max_age_ns
            for stream in self._floor.streams.values():
                stream.rules.gap_ns = gap_ns

    def set_latency_budget(self, milliseconds: float) -> None:
        """Change the latency budget; 0: the method goes back to what its options ask for."""
        self._mover.set_budget(milliseconds)

    def set_observe_workers(self, workers: int) -> None:
        """Change how many threads observe."""
        self._pool.resize(workers)

    def set_max_batch(self, frames: int) -> None:
        """Bound how many cameras' frames go to the device together; 0: as the segmenter likes."""
        self._floor.max_batch = frames

    def set_trace(self, trace: Trace | None) -> None:
        """Record into this trace from now on; closing it is up to the caller."""
        self._floor.trace = trace

    def discard_waiting(self) -> None:
        """Drop what waits, of all cameras."""
        with self._floor.lock:
            for stream in self._floor.streams.values():
                dropped = stream.mailbox.clear()
                if dropped:
                    stream.account.drops['discarded'] += dropped
            self._floor.settled.notify_all()
        self._tell_room()

    def _tell_room(self) -> None:
        for camera in self.cameras:
            if self.has_room(camera):
                self._room_made(camera)

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until nothing waits and nothing is in work; return whether that came true."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._floor.lock:
            if not self._floor.settled.wait_for(self._floor.idle, timeout):
                return False
        return self._background.drain(
            None if deadline is None else max(0.0, deadline - time.monotonic()))

    def close(self, timeout: float = 30.0) -> bool:
        """
        Stop: finish the frames in work, drop what waits, end the threads, close the segmenter.

        ``timeout`` is in seconds; returns whether all threads ended within it. Must not be
        called from ``deliver``.
        """
        floor = self._floor
        with floor.lock:
            floor.closing = True
            for stream in floor.streams.values():
                stream.mailbox.clear()
            floor.wake_all()
        deadline = time.monotonic() + timeout
        threads = [*self._pool.threads, self._device.thread, self._delivery.thread]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            return False
        with floor.lock:
            due = not floor.tenure.retired
            floor.tenure.retired = True
        if due:
            floor.close_segmenter(floor.tenure)
        return self._background.close(max(0.0, deadline - time.monotonic()))

    # ---- books

    def statistics(self, camera: str) -> CameraStatistics:
        """Return what is known of a camera; raises KeyError if there is none of that name."""
        return self._books.camera(camera)

    def overall(self) -> PipelineStatistics:
        """Return what is known of all cameras together."""
        return self._mover.statistics(self._books.batches(), self.segmenter.operating_point)
