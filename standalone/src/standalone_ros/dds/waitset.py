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
"""Waiting for several things at once without polling."""

import ctypes as ct
from collections.abc import Collection, Mapping

from standalone_ros.dds import library as dds


class Guard:
    """A condition that a thread sets to wake those who wait for it; it stays set until cleared."""

    def __init__(self) -> None:
        self.entity = dds.check(
            dds.dds_create_guardcondition(dds.ROOT_HANDLE), 'cannot create a guard condition')

    def set(self) -> None:
        """Wake every wait set that the guard is attached to."""
        dds.dds_set_guardcondition(self.entity, True)

    def clear(self) -> None:
        """Take the condition back."""
        dds.dds_set_guardcondition(self.entity, False)

    def close(self) -> None:
        """Delete the condition; later calls do nothing."""
        entity, self.entity = self.entity, 0
        if entity:
            dds.dds_delete(entity)


class WaitSet:
    """The set of DDS conditions and entities that one thread sleeps on."""

    def __init__(self) -> None:
        self._entity = dds.check(
            dds.dds_create_waitset(dds.ROOT_HANDLE), 'cannot create a wait set')
        self._attached: set[int] = set()

    def wait(self, entities: Collection[int], timeout_ns: int) -> set[int]:
        """
        Sleep until one of `entities` triggers or `timeout_ns` (negative: for ever) has passed.

        Attachments are kept from call to call and only the difference is changed. Returns the
        entities that triggered; those deleted meanwhile are silently left out.
        """
        wanted = set(entities)
        for entity in self._attached - wanted:
            dds.dds_waitset_detach(self._entity, entity)
        for entity in wanted - self._attached:
            if dds.dds_waitset_attach(self._entity, entity, entity) < 0:
                wanted.discard(entity)
        self._attached = wanted
        triggered = (ct.c_ssize_t * max(len(wanted), 1))()
        timeout = dds.INFINITE if timeout_ns < 0 else timeout_ns
        count = dds.dds_waitset_wait(self._entity, triggered, len(wanted), timeout)
        return set(triggered[:min(max(count, 0), len(wanted))])

    def forget(self, entities: Mapping[int, object] | Collection[int]) -> None:
        """Drop entities that are about to be deleted."""
        for entity in self._attached & set(entities):
            dds.dds_waitset_detach(self._entity, entity)
            self._attached.discard(entity)

    def close(self) -> None:
        """Delete the wait set; a thread inside wait() returns."""
        entity, self._entity = self._entity, 0
        if entity:
            dds.dds_delete(entity)
