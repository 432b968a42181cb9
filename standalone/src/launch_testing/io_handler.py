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
"""What the processes under test have written.

PYTEST_DONT_REWRITE
"""

import threading
from collections.abc import Iterator
from typing import Any

from launch.events.process import ProcessIO

from .active_handler import ActiveHandler
from .asserts import assertInStream
from .util import NoMatchingProcessException, resolveProcesses


class IoHandler:
    """Hold the output of processes, in the order in which it came."""

    def __init__(self) -> None:
        self._sequence: list[ProcessIO] = []
        self._by_name: dict[str, list[ProcessIO]] = {}

    def track(self, process_name: str) -> None:
        """Know a process before it has written anything."""
        self._by_name.setdefault(process_name, [])

    def append(self, process_io: ProcessIO) -> None:
        self._sequence.append(process_io)
        self._by_name.setdefault(process_io.process_name, []).append(process_io)

    def __iter__(self) -> Iterator[ProcessIO]:
        return iter(self._sequence)

    def processes(self) -> list[Any]:
        """List the actions of the processes that have written something."""
        return [outputs[0].action for outputs in self._by_name.values() if outputs]

    def process_names(self) -> list[str]:
        return list(self._by_name)

    def __getitem__(self, key: Any) -> list[ProcessIO]:
        """List the output of a process, given by its full name or its action."""
        return list(self._by_name[key if isinstance(key, str) else key.process_details['name']])


class ActiveIoHandler(ActiveHandler):
    """Give the output of processes that still run, to other threads."""

    def __init__(self) -> None:
        super().__init__(IoHandler())

    @property
    def io_event(self) -> threading.Condition:
        return self._condition

    def track(self, process_name: str) -> None:
        with self._condition:
            self._handler.track(process_name)

    def assertWaitFor(self, *args: Any, **kwargs: Any) -> None:
        """Assert that a process writes something in time, see ``waitFor()``."""
        assert self.waitFor(*args, **kwargs), 'Waiting for output timed out'

    def waitFor(self, expected_output: Any, process: Any = None, cmd_args: Any = None, *,
                timeout: float = 10, **kwargs: Any) -> bool:
        """Wait until a process has written something; return False after ``timeout`` seconds.

        What was written before counts. For the other parameters see ``assertInStream()``.
        """
        def found() -> bool:
            try:
                assertInStream(self._handler, expected_output, process, cmd_args, **kwargs)
            except (AssertionError, NoMatchingProcessException):
                return False
            return True

        if self._wait_for(found, timeout):
            return True
        try:
            resolveProcesses(self, process=process, cmd_args=cmd_args, strict_proc_matching=False)
        except NoMatchingProcessException as error:
            raise Exception(
                f"After timeout, found no processes matching '{process}'  It either doesn't "
                "exist, was never launched, or didn't generate any output") from error
        return False
