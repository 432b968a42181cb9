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
"""Waitables: anything else that an executor waits for."""

from typing import Any


class Waitable:
    """
    The base of things that an executor waits for.

    A subclass returns from `dds_entities` what to sleep on, and says in `is_ready` whether there
    is something to take.
    """

    def __init__(self, callback_group: Any) -> None:
        self.callback_group = callback_group
        callback_group.add_entity(self)
        self._executor_event = False
        self._futures: list[Any] = []

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass

    def add_future(self, future: Any) -> None:
        """Have a future's callbacks run in the executor that runs this."""
        self._futures.append(future)

    def remove_future(self, future: Any) -> None:
        """Undo add_future()."""
        self._futures.remove(future)

    def dds_entities(self) -> list[int]:
        """Return the DDS entities and conditions to sleep on."""
        raise NotImplementedError('Must be implemented by subclass')

    def is_ready(self, wait_set: Any) -> bool:
        """Return whether there is something to take; `wait_set` holds what triggered."""
        raise NotImplementedError('Must be implemented by subclass')

    def take_data(self) -> Any:
        """Take what execute() will work on."""
        raise NotImplementedError('Must be implemented by subclass')

    async def execute(self, taken_data: Any) -> None:
        """Work on what was taken."""
        raise NotImplementedError('Must be implemented by subclass')
