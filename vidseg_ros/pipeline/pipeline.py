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

Three threads share the work, so that the parts of consecutive frames overlap: ``observe``
(conversion and the method's CPU step), the device (the method's ``predict``) and ``deliver``
(the outputs). Per camera at most one frame is between ``observe`` and the device; with the policy
'latest' a frame is only taken out of its mailbox when the device will soon have time for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from vidseg_ros.methods.base import (
    Frame,
    Observation,
    StreamState,
    UnfitFrameError,
    VideoSegmenter,
)
from vidseg_ros.pipeline import resets
from vidseg_ros.pipeline.accounts import CameraAccount, CameraStatistics, LastReset, summarize
from vidseg_ros.pipeline.arrival import Arrival, BadFrame
from vidseg_ros.pipeline.lookahead import LookAhead
from vidseg_ros.pipeline.mailbox import FramePolicy, Mailbox
from vidseg_ros.pipeline.result import Result

TOO_OLD = 'too old'
DELIVER_AHEAD = 2
"""How many results may wait for the deliver thread before the device waits, too."""

Report = Callable[[str, str, str], None]
"""Called as (camera, cause, detail) for each frame lost to an error; from any thread."""

_logger = logging.getLogger(__name__)


def _log_report(camera: str, cause: str, detail: str) -> None:
    _logger.warning('%s: %s: %s', camera, cause, detail)


@dataclass(slots=True)
class _Tenure:
    """A segmenter and how many frames it still works on; closed once replaced and idle."""

    segmenter: VideoSegmenter
    in_flight: int = 0
    retired: bool = False


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    submitted_ns: int


@dataclass(slots=True)
class _Stream:
    """All there is of one camera."""

    camera: str
    mailbox: Mailbox[_Waiting]
    rules: resets.ResetRules
    account: CameraAccount = field(default_factory=CameraAccount)
    state: StreamState | None = None
    tenure: _Tenure | None = None
    sequence: int = 0
    pending_reset: str | None = None
    ahead: bool = False  # a frame is between the start of observe and the start of predict
    in_flight: int = 0  # frames taken from the mailbox and not yet delivered or lost
    removed: bool = False


@dataclass(slots=True)
class _Job:
    """One observed frame on its way to the device."""

    stream: _Stream
    tenure: _Tenure
    state: StreamState
    observation: Observation
    reset: str | None
    arrival: Arrival
    submitted_ns: int
    observed_ns: int
    latency_ms: dict[str, float]


class Pipeline:
    """
    Run one segmenter over the frames of several cameras.

    ``deliver`` gets each ``Result``, in order within a camera, in a thread of the pipeline. The
    pipeline owns the segmenter, and every later one given to ``swap``: it closes them when their
    last frame is done. ``clock_ns`` is a monotonic clock in nanoseconds.

    ``gap_ns``: a longer pause between stamps resets a camera (0: never). ``max_age_ns``: older
    frames are dropped on arrival (0: never; not with the policy 'every').
    All methods may be called from any thread; none but ``drain`` and ``close`` waits.
    """

    def __init__(self, segmenter: VideoSegmenter, deliver: Callable[[Result], None], *,
                 policy: FramePolicy = 'latest', queue_limit: int = 400,
                 clock_ns: Callable[[], int] = time.monotonic_ns, observe_workers: int = 1,
                 max_batch: int = 1, gap_ns: int = 0, max_age_ns: int = 0,
                 report: Report = _log_report) -> None:
        self._deliver = deliver
        self._report = report
        self._clock_ns = clock_ns
        self._policy: FramePolicy = policy
        self._queue_limit = queue_limit
        self._max_batch = max_batch
        self._gap_ns = gap_ns
        self._max_age_ns = max_age_ns

        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # for the observe threads
        self._device_work = threading.Condition(self._lock)
        self._deliver_work = threading.Condition(self._lock)
        self._idle = threading.Condition(self._lock)
        self._streams: dict[str, _Stream] = {}
        self._turns: deque[_Stream] = deque()  # round robin
        self._ready: deque[_Job] = deque()
        self._finished: deque[tuple[_Job, Result, int]] = deque()
        self._tenure = _Tenure(segmenter)
        self._look_ahead = LookAhead()
        self._observing = 0
        self._closing = False

        loops = [self._observe_loop] * observe_workers + [self._device_loop, self._deliver_loop]
        self._threads = [
            threading.Thread(target=loop, name=f'pipeline{loop.__name__}', daemon=True)
            for loop in loops]
        for thread in self._threads:
            thread.start()

    # ---- cameras

    @property
    def cameras(self) -> list[str]:
        """Return the names of the cameras, in the order they were added."""
        with self._lock:
            return list(self._streams)

    def add_camera(self, camera: str) -> None:
        """Take frames of one more camera; raises ValueError if it is there already."""
        with self._lock:
            if camera in self._streams:
                raise ValueError(f'camera {camera!r} is there already')
            stream = _Stream(camera, Mailbox(self._policy, self._queue_limit),
                             resets.ResetRules(self._gap_ns))
            self._streams[camera] = stream
            self._turns.append(stream)

    def remove_camera(self, camera: str) -> None:
        """Forget a camera: what waits is dropped, what is in work is not delivered."""
        with self._lock:
            stream = self._streams.pop(camera)
            stream.removed = True
            stream.mailbox.clear()
            self._turns.remove(stream)
            self._idle.notify_all()

    # ---- frames

    def submit(self, camera: str, arrival: Arrival) -> bool:
        """
        Hand a frame over; return at once.

        Returns whether it was taken. Frames of an unknown camera are ignored: one may be
        removed while its last messages are still on their way.
        """
        problem = ''
        with self._lock:
            stream = self._streams.get(camera)
            if stream is None or self._closing:
                return False
            now_ns = self._clock_ns()
            account = stream.account
            account.arrived(now_ns)
            transport_ns = arrival.received_ns - arrival.stamp_ns
            account.latency.add('transport', transport_ns / 1e6)
            if self._policy == 'latest' and 0 < self._max_age_ns < transport_ns:
                account.drops[TOO_OLD] += 1
                return False
            waiting = _Waiting(arrival, now_ns)
            taken = True
            for fallen, cause in stream.mailbox.put(waiting):
                account.drops[cause] += 1
                if fallen is waiting:
                    taken = False
                    problem = f'{cause}: {stream.mailbox.limit} frames wait already'
                    account.last_problem = problem
            self._work.notify()
        if problem:
            cause, _, detail = problem.partition(': ')
            self._report(camera, cause, detail)
        return taken

    def refuse(self, camera: str, problem: BadFrame) -> None:
        """Enter a message that is no frame at all (its stamp is impossible, say)."""
        with self._lock:
            stream = self._streams.get(camera)
            if stream is None:
                return
            stream.account.arrived(self._clock_ns())
        self._lost(stream, f'bad frame: {problem.cause}', problem.detail)

    def skip(self, camera: str, cause: str) -> None:
        """Enter a frame that arrived and is on purpose not segmented."""
        with self._lock:
            stream = self._streams.get(camera)
            if stream is not None:
                stream.account.arrived(self._clock_ns())
                stream.account.drops[cause] += 1

    # ---- control

    def reset(self, camera: str | None = None, reason: str = resets.REQUESTED) -> None:
        """Begin the state of one camera, or of all, anew before its next frame."""
        with self._lock:
            for name, stream in self._streams.items():
                if camera is None or camera == name:
                    stream.pending_reset = reason

    def swap(self, segmenter: VideoSegmenter) -> None:
        """
        Let another segmenter do all frames from now on, with new states.

        Frames being worked on are finished, and delivered, by the old one, which is closed
        after its last; what waits is kept: there is no gap.
        """
        with self._lock:
            new = _Tenure(segmenter)
            if self._closing:
                old = new
            else:
                old, self._tenure = self._tenure, new
                self._look_ahead = LookAhead()
            old.retired = True
            idle = old.in_flight == 0
        if idle:
            self._close_segmenter(old)

    @property
    def segmenter(self) -> VideoSegmenter:
        """Return the segmenter that does the next frame."""
        with self._lock:
            return self._tenure.segmenter

    def set_policy(self, policy: FramePolicy, *, queue_limit: int | None = None) -> None:
        """Change the frame policy; what waits is kept until the next frame arrives."""
        with self._lock:
            if queue_limit is not None:
                self._queue_limit = queue_limit
            for stream in self._streams.values():
                stream.mailbox.policy = policy
                stream.mailbox.limit = self._queue_limit
            self._policy = policy

    def set_limits(self, *, gap_ns: int, max_age_ns: int) -> None:
        """Change when a pause resets a camera and from which age on frames are dropped."""
        with self._lock:
            self._gap_ns, self._max_age_ns = gap_ns, max_age_ns
            for stream in self._streams.values():
                stream.rules.gap_ns = gap_ns

    def discard_waiting(self) -> None:
        """Drop what waits, of all cameras."""
        with self._lock:
            for stream in self._streams.values():
                dropped = stream.mailbox.clear()
                if dropped:
                    stream.account.drops['discarded'] += dropped
            self._idle.notify_all()

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until nothing waits and nothing is in work; return whether that came true."""
        with self._lock:
            return self._idle.wait_for(self._is_idle, timeout)

    def close(self, timeout: float = 30.0) -> bool:
        """
        Stop: finish the frames in work, drop what waits, end the threads, close the segmenter.

        ``timeout`` is in seconds; returns whether all threads ended within it. Must not be
        called from ``deliver``.
        """
        with self._lock:
            self._closing = True
            for stream in self._streams.values():
                stream.mailbox.clear()
            for condition in (self._work, self._device_work, self._deliver_work, self._idle):
                condition.notify_all()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            return False
        if not self._tenure.retired:
            self._tenure.retired = True
            self._close_segmenter(self._tenure)
        return True

    # ---- books

    def statistics(self, camera: str) -> CameraStatistics:
        """Return what is known of a camera; raises KeyError if there is none of that name."""
        with self._lock:
            stream = self._streams[camera]
            account = stream.account
            now_ns = self._clock_ns()
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

    # ---- the observe threads

    def _observe_loop(self) -> None:
        while True:
            with self._lock:
                while (stream := self._next_stream()) is None and not self._closing:
                    self._work.wait(self._patience())
                if stream is None or self._closing:
                    return
                waiting = stream.mailbox.take()
                self._observing += 1
                stream.ahead = True
                stream.in_flight += 1
                tenure = self._tenure
                tenure.in_flight += 1
            began_ns = self._clock_ns()
            job = self._observe(stream, tenure, waiting)
            with self._lock:
                self._observing -= 1
                if job is not None:
                    self._look_ahead.observed(job.observed_ns - began_ns)
                    self._ready.append(job)
                    self._device_work.notify()
                else:
                    stream.ahead = False
                    stream.in_flight -= 1
                    self._idle.notify_all()
            if job is None:
                self._release(tenure)

    def _next_stream(self) -> _Stream | None:
        """Return the next camera in turn that has a frame and none ahead; it goes last then."""
        if self._patience() != 0.0:
            return None
        for _ in range(len(self._turns)):
            stream = self._turns[0]
            self._turns.rotate(-1)
            if stream.mailbox and not stream.ahead:
                return stream
        return None

    def _patience(self) -> float | None:
        """
        Return for how many seconds no frame should be begun with.

        None means: until something happens that wakes this thread up.
        """
        if not any(stream.mailbox and not stream.ahead for stream in self._turns):
            return None
        if self._policy == 'every':  # no frame gets too old, so keep the device supplied
            return 0.0
        if len(self._ready) + self._observing >= self._max_batch:
            return None
        return self._look_ahead.delay_ns(self._clock_ns()) / 1e9

    def _observe(self, stream: _Stream, tenure: _Tenure, waiting: _Waiting) -> _Job | None:
        arrival = waiting.arrival
        started_ns = self._clock_ns()
        latency = {'transport': (arrival.received_ns - arrival.stamp_ns) / 1e6,
                   'queue': (started_ns - waiting.submitted_ns) / 1e6}
        try:
            image = arrival.decode()
        except BadFrame as problem:
            self._lost(stream, f'bad frame: {problem.cause}', problem.detail)
            return None
        except Exception as error:
            self._lost(stream, 'bad frame: conversion failed', repr(error))
            return None
        converted_ns = self._clock_ns()
        latency['convert'] = (converted_ns - started_ns) / 1e6
        try:
            reset = self._begin_anew_if_needed(stream, tenure, arrival.stamp_ns,
                                               image.shape[:2])
            state = stream.state
            assert state is not None
            frame = Frame(image, arrival.stamp_ns, stream.camera, stream.sequence)
            observation = tenure.segmenter.observe(frame, state)
            observation.wanted = arrival.wanted
        except UnfitFrameError as problem:  # refused before the state was touched
            self._lost(stream, 'bad frame: unfit for the method', str(problem))
            return None
        except Exception as error:
            self._failed(stream, 'observe', error)
            return None
        stream.sequence += 1
        observed_ns = self._clock_ns()
        latency['observe'] = (observed_ns - converted_ns) / 1e6
        return _Job(stream, tenure, state, observation, reset, arrival, waiting.submitted_ns,
                    observed_ns, latency)

    def _begin_anew_if_needed(self, stream: _Stream, tenure: _Tenure, stamp_ns: int,
                              size: tuple[int, int]) -> str | None:
        """Give the stream a new state where the old one no longer fits; return why."""
        with self._lock:
            requested, stream.pending_reset = stream.pending_reset, None
            reason = stream.rules.check(stamp_ns, size) or requested
            if stream.tenure is not None and stream.tenure is not tenure:
                old, new = stream.tenure.segmenter.name, tenure.segmenter.name
                reason = f'{resets.METHOD_CHANGE} from {old} to {new}' if old != new else \
                    f'{resets.METHOD_CHANGE}: {new} with other settings'
            if stream.state is None:
                reason = reason if stream.tenure is not None else None
            elif reason is None:
                return None
            stream.tenure = tenure
            stream.sequence = 0
            stream.account.size = size
            if reason is not None:
                stream.account.resets[resets.kind(reason)] += 1
                stream.account.last_reset = LastReset(reason, stamp_ns, self._clock_ns())
        # Outside the lock: it may allocate a lot.
        stream.state = None
        stream.state = tenure.segmenter.new_state(stream.camera)
        return reason

    # ---- the device thread

    def _device_loop(self) -> None:
        while True:
            with self._lock:
                while not self._ready and not self._all_observed():
                    self._device_work.wait(None if not self._closing else 0.05)
                if not self._ready:
                    self._deliver_work.notify_all()
                    return
                batch = self._take_batch()
                for job in batch:
                    job.stream.ahead = False
                self._look_ahead.device_began(self._clock_ns())
                self._work.notify_all()
            self._predict(batch)

    def _all_observed(self) -> bool:
        """Tell whether no more work for the device can come."""
        return self._closing and not any(
            thread.is_alive() for thread in self._threads[:-2])

    def _take_batch(self) -> list[_Job]:
        """Take the jobs, one of each camera and all of one segmenter, that go together."""
        batch = [self._ready.popleft()]
        while (self._ready and len(batch) < self._max_batch
               and self._ready[0].tenure is batch[0].tenure
               and all(self._ready[0].stream is not job.stream for job in batch)):
            batch.append(self._ready.popleft())
        return batch

    def _predict(self, batch: list[_Job]) -> None:
        started_ns = self._clock_ns()
        tenure = batch[0].tenure
        try:
            segmentations = tenure.segmenter.predict([job.observation for job in batch],
                                                     [job.state for job in batch])
            if len(segmentations) != len(batch):
                raise RuntimeError(f'{len(segmentations)} results for {len(batch)} frames')
        except Exception as error:
            for job in batch:
                self._failed(job.stream, 'predict', error)
            with self._lock:
                for job in batch:
                    job.stream.in_flight -= 1
                self._device_freed()
                self._idle.notify_all()
            for job in batch:
                self._release(job.tenure)
            return
        done_ns = self._clock_ns()
        results = []
        for job, segmentation in zip(batch, segmentations, strict=True):
            job.latency_ms['queue'] += (started_ns - job.observed_ns) / 1e6
            job.latency_ms['predict'] = (done_ns - started_ns) / 1e6
            results.append((job, Result(
                job.observation.frame, segmentation, tenure.segmenter, job.reset,
                job.arrival.context, job.latency_ms), done_ns))
        with self._lock:
            while len(self._finished) >= DELIVER_AHEAD and self._threads[-1].is_alive():
                self._device_work.wait(0.1)
            self._finished.extend(results)
            self._device_freed()
            self._deliver_work.notify()

    def _device_freed(self) -> None:
        self._look_ahead.device_done(self._clock_ns())
        self._work.notify_all()

    # ---- the deliver thread

    def _deliver_loop(self) -> None:
        device = self._threads[-2]
        while True:
            with self._lock:
                while not self._finished and not (self._closing and not device.is_alive()):
                    self._deliver_work.wait(None if not self._closing else 0.05)
                if not self._finished:
                    return
                job, result, done_ns = self._finished.popleft()
                removed = job.stream.removed
                self._device_work.notify_all()
            started_ns = self._clock_ns()
            result.latency_ms['queue'] += (started_ns - done_ns) / 1e6
            delivered = False
            if not removed:
                try:
                    self._deliver(result)
                    delivered = True
                except Exception as error:
                    self._lost(job.stream, 'error in publish', repr(error))
                    _logger.debug('deliver failed', exc_info=True)
            self._settle(job, result, started_ns, delivered)
            self._release(job.tenure)

    def _settle(self, job: _Job, result: Result, started_ns: int, delivered: bool) -> None:
        now_ns = self._clock_ns()
        result.latency_ms['publish'] = (now_ns - started_ns) / 1e6
        result.latency_ms['total'] = (now_ns - job.submitted_ns) / 1e6
        with self._lock:
            if delivered:
                account = job.stream.account
                account.delivered_now(now_ns)
                account.provenance = dict(result.segmentation.provenance)
                for stage, milliseconds in result.latency_ms.items():
                    if stage != 'transport':  # entered on arrival, for all frames
                        account.latency.add(stage, milliseconds)
                for part, milliseconds in result.segmentation.stages_ms.items():
                    account.latency.add(f'predict/{part}', milliseconds)
            job.stream.in_flight -= 1
            self._idle.notify_all()

    # ---- common

    def _failed(self, stream: _Stream, step: str, error: Exception) -> None:
        """Enter a failure of the method; what it remembers is not to be trusted after that."""
        self._lost(stream, f'error in {step}', f'{type(error).__name__}: {error}')
        _logger.debug('%s failed', step, exc_info=error)
        with self._lock:
            stream.pending_reset = f'{resets.ERROR} ({step})'

    def _lost(self, stream: _Stream, cause: str, detail: str) -> None:
        with self._lock:
            stream.account.drops[cause] += 1
            stream.account.last_problem = f'{cause}: {detail}' if detail else cause
        try:
            self._report(stream.camera, cause, detail)
        except Exception:
            _logger.exception('the report of a lost frame failed')

    def _release(self, tenure: _Tenure) -> None:
        with self._lock:
            tenure.in_flight -= 1
            idle = tenure.retired and tenure.in_flight == 0
        if idle:
            self._close_segmenter(tenure)

    def _close_segmenter(self, tenure: _Tenure) -> None:
        try:
            tenure.segmenter.close()
        except Exception:
            _logger.exception('closing %s failed', tenure.segmenter.name)

    def _is_idle(self) -> bool:
        return all(not stream.mailbox and not stream.in_flight
                   for stream in self._streams.values())
