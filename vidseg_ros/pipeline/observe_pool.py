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
"""The CPU's part of the work: convert a frame and have the method observe it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from vidseg_ros.methods.base import Frame, Image, UnfitFrameError
from vidseg_ros.pipeline import resets
from vidseg_ros.pipeline.accounts import LastReset
from vidseg_ros.pipeline.arrival import BadFrame
from vidseg_ros.pipeline.books import Books
from vidseg_ros.pipeline.floor import Floor
from vidseg_ros.pipeline.streams import Job, Stream, Tenure, Waiting

TOO_OLD = 'too old'

_logger = logging.getLogger(__name__)


class ObservePool:
    """
    Observe frames of several cameras at a time, those of one camera in order.

    ``room_made`` is called, without a lock, with a camera whose full mailbox has room again.
    """

    def __init__(self, floor: Floor, books: Books, workers: int,
                 room_made: Callable[[str], None]) -> None:
        self._floor = floor
        self._books = books
        self._room_made = room_made
        self._wanted = 0
        self._running: set[int] = set()
        self._threads: list[threading.Thread] = []
        self.resize(workers)

    @property
    def threads(self) -> list[threading.Thread]:
        """Return the threads; some may have ended."""
        with self._floor.lock:
            return list(self._threads)

    def alive(self) -> bool:
        """Tell whether any of them still runs; with the floor's lock held."""
        return bool(self._running)

    def resize(self, workers: int) -> None:
        """Let so many threads observe; those too many end after their frame."""
        started = []
        with self._floor.lock:
            self._wanted = workers
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            for index in range(workers):
                if index not in self._running and not self._floor.closing:
                    self._running.add(index)
                    started.append(threading.Thread(
                        target=self._loop, args=(index,), name=f'pipeline_observe_{index}',
                        daemon=True))
            self._threads += started
            self._floor.observable.notify_all()
        for thread in started:
            thread.start()

    def _loop(self, index: int) -> None:
        # A function of its own for each frame: a thread that waits refers to none.
        while self._step(index):
            pass

    def _step(self, index: int) -> bool:
        """Observe a frame; return False when this thread is no longer needed."""
        floor = self._floor
        with floor.lock:
            while (stream := self._next_stream()) is None:
                if floor.closing or index >= self._wanted:
                    self._running.discard(index)
                    floor.predictable.notify_all()
                    return False
                floor.observable.wait(floor.patience())
            waiting, had_room = self._take(stream)
            tenure = floor.tenure
            tenure.in_flight += 1
        if not had_room:
            try:
                self._room_made(stream.camera)
            except Exception:  # whatever it is, the frame taken has to go on
                _logger.exception('telling that %s has room again failed', stream.camera)
        began_ns = floor.clock_ns()
        job = self._observe(stream, tenure, waiting, began_ns)
        with floor.lock:
            floor.observing -= 1
            if job is not None:
                floor.look_ahead.observed(job.observed_ns - began_ns)
                floor.ready.append(job)
            else:
                stream.ahead = False
                stream.in_flight -= 1
                floor.settled.notify_all()
            floor.predictable.notify()
        if job is None:
            floor.release(tenure)
        return True

    def _next_stream(self) -> Stream | None:
        floor = self._floor
        if floor.closing or floor.patience() != 0.0:
            return None
        return floor.next_stream()

    def _take(self, stream: Stream) -> tuple[Waiting, bool]:
        """Take a frame out of its mailbox; return it and whether there was room before."""
        floor = self._floor
        had_room = stream.mailbox.room
        waiting = stream.mailbox.take()
        floor.observing += 1
        stream.ahead = True
        stream.in_flight += 1
        if not had_room:
            floor.settled.notify_all()
        # Another worker may have a frame of another camera to begin with.
        floor.observable.notify()
        return waiting, had_room

    def _observe(self, stream: Stream, tenure: Tenure, waiting: Waiting,
                 started_ns: int) -> Job | None:
        floor, arrival = self._floor, waiting.arrival
        transport_ns = arrival.received_ns - arrival.stamp_ns
        queued_ns = started_ns - waiting.submitted_ns
        if floor.policy == 'latest' and 0 < floor.max_age_ns < transport_ns + queued_ns:
            with floor.lock:
                stream.account.drops[TOO_OLD] += 1
            return None
        latency = {'transport': transport_ns / 1e6, 'queue': queued_ns / 1e6}
        try:
            image = arrival.decode()
        except BadFrame as problem:
            self._books.lost(stream, f'bad frame: {problem.cause}', problem.detail)
            return None
        except Exception as error:
            self._books.lost(stream, 'bad frame: conversion failed', repr(error))
            return None
        converted_ns = floor.clock_ns()
        latency['convert'] = (converted_ns - started_ns) / 1e6
        job = self._observe_image(stream, tenure, waiting, image, converted_ns, latency)
        if job is not None and (trace := floor.trace) is not None:
            trace.add('convert', started_ns, converted_ns, camera=stream.camera,
                      sequence=job.observation.frame.sequence)
        return job

    def observe_again(self, job: Job) -> Job | None:
        """
        Observe a job's frame again, where its state was spoilt since; None if that fails.

        Its stream must not be observed meanwhile.
        """
        waiting = Waiting(job.arrival, job.submitted_ns)
        return self._observe_image(job.stream, job.tenure, waiting, job.observation.frame.image,
                                   self._floor.clock_ns(), job.latency_ms)

    def _observe_image(self, stream: Stream, tenure: Tenure, waiting: Waiting, image: Image,
                       began_ns: int, latency: dict[str, float]) -> Job | None:
        floor, arrival = self._floor, waiting.arrival
        try:
            reset = self._begin_anew_if_needed(stream, tenure, arrival.stamp_ns,
                                               image.shape[:2])
            state = stream.state
            assert state is not None
            frame = Frame(image, arrival.stamp_ns, stream.camera, stream.sequence)
            observation = tenure.segmenter.observe(frame, state)
            observation.wanted = arrival.wanted
        except UnfitFrameError as problem:  # refused before the state was touched
            self._books.lost(stream, 'bad frame: unfit for the method', str(problem))
            return None
        except Exception as error:
            self._books.failed(stream, 'observe', error)
            return None
        stream.sequence += 1
        observed_ns = floor.clock_ns()
        latency['observe'] = latency.get('observe', 0.0) + (observed_ns - began_ns) / 1e6
        if (trace := floor.trace) is not None:
            trace.add('observe', began_ns, observed_ns, camera=stream.camera,
                      sequence=frame.sequence,
                      operating_point=tenure.segmenter.operating_point)
        return Job(stream, tenure, state, observation, reset, arrival, waiting.submitted_ns,
                   observed_ns, latency)

    def _begin_anew_if_needed(self, stream: Stream, tenure: Tenure, stamp_ns: int,
                              size: tuple[int, int]) -> str | None:
        """Give the stream a new state where the old one no longer fits; return why."""
        with self._floor.lock:
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
            stream.spoilt = None
            stream.sequence = 0
            stream.account.size = size
            if reason is not None:
                stream.account.resets[resets.kind(reason)] += 1
                stream.account.last_reset = LastReset(reason, stamp_ns, self._floor.clock_ns())
        # Outside the lock: it may allocate a lot.
        stream.state = None
        stream.state = tenure.segmenter.new_state(stream.camera)
        return reason
