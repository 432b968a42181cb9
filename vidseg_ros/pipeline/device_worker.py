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
"""The device's part of the work: one thread that has the method predict, in batches."""

from __future__ import annotations

from collections.abc import Callable

from vidseg_ros.pipeline.books import Books
from vidseg_ros.pipeline.floor import Floor
from vidseg_ros.pipeline.result import Result
from vidseg_ros.pipeline.streams import Job
from vidseg_ros.pipeline.worker import Worker

DELIVER_AHEAD = 1
"""How many results may wait for their delivery before the device waits, too."""

_HOLD_MARGIN = 1.5  # of the mean time of observe, that a batch waits for what is being observed


class DeviceWorker(Worker):
    """
    Predict what was observed: frames of several cameras together where that is cheaper.

    ``more_may_come`` tells, with the floor's lock held, whether frames may still be observed;
    the thread ends when that is over and all is done. ``observe_again`` observes a job's frame
    with a state that begins with it, and returns None where that fails.
    """

    def __init__(self, floor: Floor, books: Books, more_may_come: Callable[[], bool],
                 observe_again: Callable[[Job], Job | None]) -> None:
        self._floor = floor
        self._books = books
        self._more_may_come = more_may_come
        self._observe_again = observe_again
        self.running = True
        super().__init__('pipeline_device')

    def _step(self) -> bool:
        """Predict a batch; return False when there will be no more."""
        floor = self._floor
        with floor.lock:
            while not floor.ready and (not floor.closing or self._more_may_come()):
                floor.predictable.wait()
            if not floor.ready:
                self.running = False
                floor.deliverable.notify_all()
                return False
            self._hold()
            batch = self._take_batch()
            spoilt = any(job.spoilt for job in batch)
        if spoilt:
            # While they are ahead, no later frame of their cameras is observed.
            batch = self._mended(batch)
        with floor.lock:
            for job in batch:
                job.stream.ahead = False
            if batch:
                floor.batches[len(batch)] += 1
                floor.look_ahead.device_began(floor.clock_ns())
            floor.observable.notify_all()
        if batch:
            self._predict(batch)
        return True

    def _mended(self, batch: list[Job]) -> list[Job]:
        """Return the batch with what was observed from a spoilt state observed again."""
        floor, found = self._floor, []
        for job in batch:
            mended = self._observe_again(job) if job.spoilt else job
            if mended is not None:
                found.append(mended)
                continue
            with floor.lock:
                job.stream.ahead = False
                job.stream.in_flight -= 1
                floor.settled.notify_all()
            floor.release(job.tenure)
        return found

    def _hold(self) -> None:
        """Wait a little for frames that are being observed, where they make a batch cheaper."""
        floor = self._floor
        limit = floor.ready[0].tenure.batch
        if limit < 2:
            return
        until_ns = floor.clock_ns() + int(_HOLD_MARGIN * floor.look_ahead.observe_ns)
        while floor.observing and len(floor.ready) < limit and not floor.closing:
            left_ns = until_ns - floor.clock_ns()
            if left_ns <= 0:
                return
            floor.predictable.wait(left_ns / 1e9)

    def _take_batch(self) -> list[Job]:
        """Take the jobs, one of each camera and all of one segmenter, that go together."""
        ready = self._floor.ready
        batch = [ready.popleft()]
        tenure = batch[0].tenure
        while (ready and len(batch) < tenure.batch and ready[0].tenure is tenure
               and all(ready[0].stream is not job.stream for job in batch)):
            batch.append(ready.popleft())
        return batch

    def _predict(self, batch: list[Job]) -> None:
        floor = self._floor
        started_ns = floor.clock_ns()
        tenure = batch[0].tenure
        try:
            segmentations = tenure.segmenter.predict([job.observation for job in batch],
                                                     [job.state for job in batch])
            if len(segmentations) != len(batch):
                raise RuntimeError(f'{len(segmentations)} results for {len(batch)} frames')
        except Exception as error:
            self._failed(batch, error)
            return
        done_ns = floor.clock_ns()
        results = []
        for job, segmentation in zip(batch, segmentations, strict=True):
            job.latency_ms['queue'] += (started_ns - job.observed_ns) / 1e6
            job.latency_ms['predict'] = (done_ns - started_ns) / 1e6
            results.append((job, Result(
                job.observation.frame, segmentation, tenure.segmenter, job.reset,
                job.arrival.context, job.latency_ms), done_ns))
        if (trace := floor.trace) is not None:
            for job, result, _ in results:
                provenance = result.segmentation.provenance
                trace.add(
                    'predict', started_ns, done_ns, camera=job.stream.camera,
                    sequence=result.frame.sequence, batch=len(batch),
                    operating_point=provenance.get('operating_point', ''),
                    kind=provenance.get('kind', ''))
        with floor.lock:
            floor.look_ahead.device_done(floor.clock_ns())
            floor.observable.notify_all()
            while len(floor.finished) >= DELIVER_AHEAD:
                floor.predictable.wait()
            floor.finished.extend(results)
            floor.deliverable.notify()
        floor.learn_batch(tenure)

    def _failed(self, batch: list[Job], error: Exception) -> None:
        floor = self._floor
        for job in batch:
            self._books.failed(job.stream, 'predict', error, job.state)
        with floor.lock:
            for job in batch:
                job.stream.in_flight -= 1
            floor.look_ahead.device_done(floor.clock_ns())
            floor.observable.notify_all()
            floor.settled.notify_all()
        for job in batch:
            floor.release(job.tenure)
