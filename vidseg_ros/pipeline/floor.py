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
What the threads of a pipeline share: the cameras, the queues between the steps, one lock.

Everything here is touched with the lock held, but for what says otherwise.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable

from vidseg_ros.methods.base import VideoSegmenter
from vidseg_ros.pipeline.background import Background
from vidseg_ros.pipeline.lookahead import LookAhead
from vidseg_ros.pipeline.mailbox import FramePolicy
from vidseg_ros.pipeline.result import Result
from vidseg_ros.pipeline.streams import Job, Stream, Tenure
from vidseg_ros.pipeline.trace import Trace
from vidseg_ros.pipeline.turns import Turns

Report = Callable[[str, str, str], None]
"""Called as (camera, cause, detail) for each frame lost to an error; from any thread."""

_logger = logging.getLogger(__name__)


class Floor:
    """The shop floor: what waits where, and the conditions by which threads wake each other."""

    def __init__(self, segmenter: VideoSegmenter, clock_ns: Callable[[], int],
                 policy: FramePolicy, max_batch: int, background: Background) -> None:
        self.clock_ns = clock_ns  # needs no lock
        self.background = background  # needs no lock
        self.trace: Trace | None = None  # read without the lock
        self.lock = threading.Lock()
        self.observable = threading.Condition(self.lock)
        self.predictable = threading.Condition(self.lock)
        self.deliverable = threading.Condition(self.lock)
        self.settled = threading.Condition(self.lock)  # a frame is done with, or there is room

        self.policy: FramePolicy = policy
        self.max_batch = max_batch  # 0: as many as the segmenter prefers
        self.max_age_ns = 0
        self.streams: dict[str, Stream] = {}
        self.turns = Turns()
        self.tenure = Tenure(segmenter)
        self.observing = 0
        self.ready: deque[Job] = deque()
        self.look_ahead = LookAhead()
        self.finished: deque[tuple[Job, Result, int]] = deque()
        self.batches: Counter[int] = Counter()
        self.closing = False

    def learn_batch(self, tenure: Tenure) -> None:
        """Ask a segmenter how many frames go together best; without the lock: it may measure."""
        try:
            preferred = tenure.segmenter.preferred_batch
        except Exception:
            _logger.debug('no preferred batch', exc_info=True)
            return
        tenure.batch = max(1, min(preferred, self.max_batch) if self.max_batch else preferred)

    def patience(self) -> float | None:
        """
        Return after how many seconds a waiting frame may be begun with.

        None means: until something happens that wakes the observe threads up.
        """
        if not any(stream.contending for stream in self.streams.values()):
            return None
        if self.policy == 'every':  # no frame gets too old, so keep the device supplied
            return 0.0
        return self.look_ahead.delay_ns(
            self.clock_ns(), len(self.ready) + self.observing,
            self.tenure.batch) / 1e9

    def next_stream(self) -> Stream | None:
        """Return the camera whose frame is to be observed now, if one is."""
        return self.turns.choose(
            (stream for stream in self.streams.values() if stream.contending),
            freshest=self.policy == 'latest', now_ns=self.clock_ns())

    def idle(self) -> bool:
        """Tell whether nothing waits and nothing is in work."""
        return all(not stream.mailbox and not stream.in_flight
                   for stream in self.streams.values())

    def wake_all(self) -> None:
        """Let every thread look again."""
        for condition in (self.observable, self.predictable, self.deliverable, self.settled):
            condition.notify_all()

    def release(self, tenure: Tenure) -> None:
        """Note, without the lock, that a segmenter is done with a frame; close it if it may go."""
        with self.lock:
            tenure.in_flight -= 1
            over = tenure.retired and tenure.in_flight == 0
        if over:
            self.close_segmenter(tenure)

    def close_segmenter(self, tenure: Tenure) -> None:
        """Close a segmenter that no frame needs, without the lock, where nobody waits for it."""
        def close() -> None:
            try:
                tenure.segmenter.close()
            except Exception:
                _logger.exception('closing %s failed', tenure.segmenter.name)
        self.background.submit(close)
