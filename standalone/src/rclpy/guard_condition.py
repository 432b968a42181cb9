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
"""Guard conditions: waking an executor by hand."""

from collections.abc import Callable
from typing import Any

from rclpy._wakers import Wakers
from rclpy.context import Context
from rclpy.destroyable import Destroyable
from rclpy.utilities import get_default_context


class _GuardHandle(Destroyable):
    """Marks a guard condition that was destroyed."""


class GuardCondition:
    """Runs a callback in the executor after trigger()."""

    def __init__(
        self, callback: Callable | None, callback_group: Any, context: Context | None = None,
    ) -> None:
        self._context = get_default_context() if context is None else context
        self._handle = _GuardHandle()
        self.callback = callback
        self.callback_group = callback_group
        self._executor_event = False
        self._executor_triggered = False
        # The executors that wait for this condition at the moment.
        self._waiters = Wakers()

    def trigger(self) -> None:
        """Have the callback run once; raises InvalidHandle after destroy()."""
        with self._handle:
            self._executor_triggered = True
            self._waiters.wake()

    @property
    def handle(self) -> Destroyable:
        """The handle of the condition."""
        return self._handle

    def destroy(self) -> None:
        """Destroy the condition."""
        self._handle.destroy_when_not_in_use()
