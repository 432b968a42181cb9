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
"""An executor that takes images without a detour."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rclpy.executors import (
    ConditionReachedException,
    Executor,
    ExternalShutdownException,
    ShutdownException,
    TimeoutException,
)

from vidseg_ros.nodes.image_gate import ImageGate


class LiveExecutor(Executor):
    """
    Run the callbacks of ``ImageGate`` in the thread that spins, all others in a pool.

    Image callbacks only hand over. In a pool's thread they would wait for the spinning thread,
    which holds the interpreter's lock while it collects what to wait for next. What takes long
    (lifecycle, parameters, reports) must not hold up images, and so runs in one of ``threads``.
    """

    def __init__(self, threads: int = 4, **options: Any) -> None:
        super().__init__(**options)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix='callbacks')
        self._failed: deque[BaseException] = deque()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and run it, or have it run; raises what one has raised."""
        self._spin_once(timeout_sec, lambda: bool(self._failed))

    def spin_once_until_future_complete(self, future: Any, timeout_sec: Any = None) -> None:
        """Run one callback, unless the future is done first."""
        future.add_done_callback(lambda _: self.wake())
        self._spin_once(timeout_sec, lambda: bool(self._failed) or future.done())

    def _spin_once(self, timeout_sec: Any, condition: Any) -> None:
        try:
            task, entity, _ = self.wait_for_ready_callbacks(timeout_sec, None, condition)
        except (ExternalShutdownException, ShutdownException, TimeoutException,
                ConditionReachedException):
            pass
        else:
            if isinstance(getattr(entity, 'callback_group', None), ImageGate):
                self._execute(task)
            else:
                self._pool.submit(self._execute, task)
        if self._failed:
            raise self._failed.popleft()

    def _execute(self, task: Any) -> None:
        task()
        if task.done() and (error := task.exception()) is not None:
            self._failed.append(error)
            self.wake()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop, and wait for callbacks that run; return whether they ended in time."""
        done = super().shutdown(timeout_sec)
        self._pool.shutdown(wait=False)
        return bool(done)
