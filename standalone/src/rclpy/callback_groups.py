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
"""Callback groups: which callbacks may run at the same time."""

import weakref
from threading import Lock
from typing import Any


class CallbackGroup:
    """The base of callback groups."""

    def __init__(self) -> None:
        self.entities: set[Any] = set()

    def add_entity(self, entity: Any) -> None:
        """Make an entity a member."""
        self.entities.add(weakref.ref(entity))

    def has_entity(self, entity: Any) -> bool:
        """Return whether an entity is a member."""
        return weakref.ref(entity) in self.entities

    def can_execute(self, entity: Any) -> bool:
        """Return whether the entity's callback could start now."""
        raise NotImplementedError()

    def beginning_execution(self, entity: Any) -> bool:
        """Note that a callback starts; False when it may not."""
        raise NotImplementedError()

    def ending_execution(self, entity: Any) -> None:
        """Note that a callback has ended."""
        raise NotImplementedError()


class ReentrantCallbackGroup(CallbackGroup):
    """All callbacks of the group may run in parallel."""

    def can_execute(self, entity: Any) -> bool:
        """Return True."""
        return True

    def beginning_execution(self, entity: Any) -> bool:
        """Return True."""
        return True

    def ending_execution(self, entity: Any) -> None:
        """Do nothing."""


class MutuallyExclusiveCallbackGroup(CallbackGroup):
    """One callback of the group runs at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._active_entity: Any = None
        self._lock = Lock()

    def can_execute(self, entity: Any) -> bool:
        """Return whether no callback of the group is running."""
        with self._lock:
            assert weakref.ref(entity) in self.entities
            return self._active_entity is None

    def beginning_execution(self, entity: Any) -> bool:
        """Take the group's turn, unless another callback has it."""
        with self._lock:
            assert weakref.ref(entity) in self.entities
            if self._active_entity is None:
                self._active_entity = entity
                return True
            return False

    def ending_execution(self, entity: Any) -> None:
        """Give the turn back."""
        with self._lock:
            assert self._active_entity == entity
            self._active_entity = None
