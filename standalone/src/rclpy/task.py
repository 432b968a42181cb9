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
"""Futures, and the tasks that executors run."""

import inspect
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Generator
from typing import Any


class Future:
    """The outcome of something that is not done yet; may be awaited in executor callbacks."""

    def __init__(self, *, executor: Any = None) -> None:
        self._done = False
        self._cancelled = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._exception_fetched = False
        self._callbacks: list[Callable] = []
        # Called directly, not through the executor, to let a task that awaits this go on.
        self._resumptions: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._executor: Callable[[], Any] = lambda: None
        self._set_executor(executor)

    def __del__(self) -> None:
        if self._exception is not None and not self._exception_fetched and sys.stderr is not None:
            print(f'The following exception was never retrieved: {self._exception}',
                  file=sys.stderr)

    def __await__(self) -> Generator['Future', None, Any]:
        while not self._done:
            yield self
        return self.result()

    def cancel(self) -> None:
        """Ask for cancellation, unless done."""
        with self._lock:
            if not self._done:
                self._cancelled = True
        self._run_callbacks()

    def cancelled(self) -> bool:
        """Return whether cancellation was asked for."""
        return self._cancelled

    def done(self) -> bool:
        """Return whether there is a result or an exception."""
        return self._done

    def result(self) -> Any:
        """Return the result, None if there is none yet; raises the exception if there is one."""
        if self._exception is not None:
            raise self.exception()  # type: ignore[misc]
        return self._result

    def exception(self) -> BaseException | None:
        """Return the exception, if any."""
        self._exception_fetched = True
        return self._exception

    def set_result(self, result: Any) -> None:
        """Finish with a result."""
        with self._lock:
            self._result = result
            self._done, self._cancelled = True, False
        self._run_callbacks()

    def set_exception(self, exception: BaseException) -> None:
        """Finish with an exception."""
        with self._lock:
            self._exception = exception
            self._exception_fetched = False
            self._done, self._cancelled = True, False
        self._run_callbacks()

    def _run_callbacks(self) -> None:
        with self._lock:
            executor = self._executor()
            callbacks, self._callbacks = self._callbacks, []
            resumptions, self._resumptions = self._resumptions, []
        for resume in resumptions:
            resume()
        for callback in callbacks:
            if executor is not None:
                executor.create_task(callback, self)
                continue
            try:
                callback(self)
            except Exception as error:  # one bad callback must not keep the others from running
                warnings.warn(f'Unhandled exception in done callback: {error}', stacklevel=2)

    def _set_executor(self, executor: Any) -> None:
        with self._lock:
            self._executor = (lambda: None) if executor is None else weakref.ref(executor)

    def add_done_callback(self, callback: Callable[['Future'], None]) -> None:
        """Call `callback(self)` when done: in the executor if there is one; at once if done."""
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
            executor = self._executor()
        if executor is not None:
            executor.create_task(callback, self)
        else:
            callback(self)

    def _resume_when_done(self, resume: Callable[[], None]) -> None:
        with self._lock:
            if not self._done:
                self._resumptions.append(resume)
                return
        resume()


class Task(Future):
    """A function or coroutine that an executor runs to its end."""

    def __init__(
        self, handler: Any, args: tuple = (), kwargs: dict[str, Any] | None = None,
        executor: Any = None,
    ) -> None:
        super().__init__(executor=executor)
        self._handler: Any = handler
        self._args, self._kwargs = args or (), kwargs or {}
        self._executing = False
        self._awaited: Any = None
        self._task_lock = threading.Lock()

    def __call__(self) -> None:
        """Run, or go on running until the next await."""
        if self._done or self._executing or not self._task_lock.acquire(blocking=False):
            return
        try:
            self._executing = True
            try:
                if inspect.iscoroutinefunction(self._handler):
                    # Made only now: a coroutine that never starts would complain.
                    self._handler = self._handler(*self._args, **self._kwargs)
                if inspect.iscoroutine(self._handler):
                    self._awaited = self._handler.send(None)
                else:
                    self._finish(self._handler(*self._args, **self._kwargs))
            except StopIteration as stop:
                self._finish(stop.value)
            except Exception as error:
                self._handler = None
                self.set_exception(error)
        finally:
            self._executing = False
            self._task_lock.release()

    def _finish(self, result: Any) -> None:
        self._handler = None
        self._args, self._kwargs = (), {}
        self.set_result(result)

    def executing(self) -> bool:
        """Return whether it runs at this moment."""
        return self._executing
