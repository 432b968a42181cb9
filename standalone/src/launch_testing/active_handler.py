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
"""What is known of processes that still run, for other threads.

PYTEST_DONT_REWRITE
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any


class ActiveHandler:
    """Guard a handler of events, and wait for what is appended to it."""

    def __init__(self, handler: Any) -> None:
        self._condition = threading.Condition()
        self._handler = handler

    def append(self, event: Any) -> None:
        with self._condition:
            self._handler.append(event)
            self._condition.notify_all()

    def __iter__(self) -> Iterator[Any]:
        with self._condition:
            return iter(list(self._handler))

    def processes(self) -> list[Any]:
        """List the actions of the processes that are known."""
        with self._condition:
            return self._handler.processes()

    def process_names(self) -> list[str]:
        with self._condition:
            return self._handler.process_names()

    def __getitem__(self, key: Any) -> Any:
        with self._condition:
            return self._handler[key]

    def _wait_for(self, reached: Callable[[], bool], timeout: float) -> bool:
        with self._condition:
            return self._condition.wait_for(reached, timeout)
