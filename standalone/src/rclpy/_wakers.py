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
"""Telling all who wait for something to look again."""

import threading
import weakref
from typing import Any


class Wakers:
    """A set of objects with a wake() method, held weakly; for use from any thread."""

    def __init__(self) -> None:
        self._members: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()

    def add(self, member: Any) -> None:
        """Wake `member` from now on."""
        if member not in self._members:
            with self._lock:
                self._members.add(member)

    def wake(self) -> None:
        """Wake all members."""
        with self._lock:
            members = list(self._members)
        for member in members:
            member.wake()
