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
"""Which processes under test have started and ended.

PYTEST_DONT_REWRITE
"""

import threading
from collections.abc import Iterator
from typing import Any

from launch.events.process import ProcessExited

from .active_handler import ActiveHandler
from .util import NoMatchingProcessException, resolveProcesses


class ProcInfoHandler:
    """Hold the last event, started or exited, of each process."""

    def __init__(self) -> None:
        self._events: dict[Any, Any] = {}

    def append(self, process_info: Any) -> None:
        self._events[process_info.action] = process_info

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._events.values()))

    def processes(self) -> list[Any]:
        return list(self._events)

    def process_names(self) -> list[str]:
        return [action.process_details['name'] for action in self._events]

    def __getitem__(self, key: Any) -> Any:
        """Give the event of a process, given by its action or a part of its name."""
        if not isinstance(key, str):
            return self._events[key]
        for action, event in self._events.items():
            if key in action.process_details['name']:
                return event
        raise KeyError(key)


class ActiveProcInfoHandler(ActiveHandler):
    """Give the events of processes that still run, to other threads."""

    def __init__(self) -> None:
        super().__init__(ProcInfoHandler())

    @property
    def proc_event(self) -> threading.Condition:
        return self._condition

    def __wait(self, process: Any, cmd_args: Any, timeout: float, event: type) -> bool:
        def reached() -> bool:
            try:
                action = resolveProcesses(self._handler, process=process, cmd_args=cmd_args)[0]
            except NoMatchingProcessException:
                return False
            return isinstance(self._handler[action], event)

        return self._wait_for(reached, timeout)

    def assertWaitForShutdown(self, process: Any, cmd_args: Any = None, *,
                              timeout: float = 10) -> None:
        """Assert that a process ends within ``timeout`` seconds."""
        assert self.__wait(process, cmd_args, timeout, ProcessExited), (
            f"Timed out waiting for process '{process}' to finish")

    def assertWaitForStartup(self, process: Any, cmd_args: Any = None, *,
                             timeout: float = 10) -> None:
        """Assert that a process starts within ``timeout`` seconds."""
        assert self.__wait(process, cmd_args, timeout, object), (
            f"Timed out waiting for process '{process}' to start")
