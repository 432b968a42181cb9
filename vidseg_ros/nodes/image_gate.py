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
"""Leave images in the middleware's hands while there is no room for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.subscription import Subscription


class ImageGate(MutuallyExclusiveCallbackGroup):
    """
    The callback group of a camera's images: closed to them while ``has_room`` says no.

    An executor does not take a message out of a subscription whose group can't execute it, so
    that frames wait where the middleware keeps them, no thread is blocked, and everything else
    goes on. Who makes room wakes the executor. ``has_room`` must be quick.
    """

    def __init__(self, has_room: Callable[[], bool]) -> None:
        super().__init__()
        self._has_room = has_room

    def can_execute(self, entity: Any) -> bool:
        """Tell whether the entity's callback may run now."""
        return self._open(entity) and super().can_execute(entity)

    def beginning_execution(self, entity: Any) -> bool:
        """Take the group's turn, unless there is no room or another callback has it."""
        return self._open(entity) and super().beginning_execution(entity)

    def _open(self, entity: Any) -> bool:
        return not isinstance(entity, Subscription) or self._has_room()
