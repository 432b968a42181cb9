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
"""A thread for what must be done sometime but must not hold up a frame."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

_logger = logging.getLogger(__name__)


class Background:
    """Do one thing after the other in a thread of its own; what raises is logged."""

    def __init__(self, name: str) -> None:
        self._condition = threading.Condition()
        self._tasks: deque[Callable[[], None]] = deque()
        self._busy = False
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def submit(self, task: Callable[[], None]) -> None:
        """Have something done; where the thread has gone already, here and now."""
        with self._condition:
            gone = self._closing
            if not gone:
                self._tasks.append(task)
                self._condition.notify_all()
        if gone:
            task()

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until all is done; return whether that came true."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._tasks and not self._busy, timeout)

    def close(self, timeout: float = 10.0) -> bool:
        """Do what is left and end; return whether that came true within ``timeout`` seconds."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        # A function of its own for each task: what it was about is let go before the next.
        while self._step():
            with self._condition:
                self._busy = False
                self._condition.notify_all()

    def _step(self) -> bool:
        """Do a task; return False when there will be no more."""
        with self._condition:
            while not self._tasks and not self._closing:
                self._condition.wait()
            if not self._tasks:
                return False
            task = self._tasks.popleft()
            self._busy = True
        try:
            task()
        except Exception:
            _logger.exception('a task in the background failed')
        return True
