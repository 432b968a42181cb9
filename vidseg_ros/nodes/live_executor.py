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

import threading
from collections import deque
from collections.abc import Callable
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
        # Those that wait for a thread or run in one: rclpy offers tasks again until they run.
        self._submitted: set[Any] = set()
        self._submitted_lock = threading.Lock()
        self._until: Callable[[], bool] = _never
        # Always the same one: with another, rclpy begins its collecting anew at each call.
        self._condition = lambda: bool(self._failed) or self._until()

    # Both sets of names are rclpy's: up to Jazzy it spins by the first, later by the second.

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and run it, or have it run; raises what one has raised."""
        self._spin_once_impl(timeout_sec)

    def spin_once_until_future_complete(self, future: Any, timeout_sec: Any = None) -> None:
        """Run one callback, unless the future is done first."""
        future.add_done_callback(lambda _: self.wake())
        self._spin_once_until_future_complete(future, timeout_sec)

    def _spin_once_until_future_complete(self, future: Any, timeout_sec: Any = None) -> None:
        self._spin_once_impl(timeout_sec, future.done)

    def _spin_once_impl(self, timeout_sec: Any = None,
                        wait_condition: Callable[[], bool] | None = None) -> None:
        self._until = wait_condition or _never
        try:
            task, entity, _ = self.wait_for_ready_callbacks(timeout_sec, None, self._condition)
        except (ExternalShutdownException, ShutdownException, TimeoutException,
                ConditionReachedException):
            pass
        else:
            if isinstance(getattr(entity, 'callback_group', None), ImageGate):
                self._execute(task)
            else:
                self._submit(task)
        if self._failed:
            raise self._failed.popleft()

    def _submit(self, task: Any) -> None:
        with self._submitted_lock:
            if task in self._submitted:
                return
            self._submitted.add(task)
        self._pool.submit(self._execute_submitted, task)

    def _execute_submitted(self, task: Any) -> None:
        try:
            self._execute(task)
        finally:
            with self._submitted_lock:
                self._submitted.discard(task)

    def _execute(self, task: Any) -> None:
        if task.done():
            return
        task()
        if task.done() and (error := task.exception()) is not None:
            self._failed.append(error)
            self.wake()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop, and wait for callbacks that run; return whether they ended in time."""
        done = super().shutdown(timeout_sec)
        self._pool.shutdown(wait=False)
        return bool(done)


def _never() -> bool:
    return False
