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
"""
Compiled networks of OpenVINO: shared in the process, and the last few of them kept.

Compiling takes tenths of a second of a core, and who changes a parameter often comes back to what
ran before, or to a method with the same network.
"""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakValueDictionary

from vidseg_ros.engines.recent import Recent

KEPT = 4


class CompiledModels:
    """
    Compiled networks by what they were made from.

    Those that engines use can be had by other engines, too: each has requests of its own, and
    the device runs one at a time. Besides, the ``kept`` ones that were asked for last stay in
    memory when nobody uses them.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._used: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._recent: Recent[str, Any] = Recent(kept)

    def get(self, key: str) -> Any:
        """Return the network under a key, None if there is none."""
        with self._lock:
            found = self._used.get(key)
            return None if found is None else self._recent.keep(key, found)

    def add(self, key: str, model: Any) -> Any:
        """Keep a network; return it, or what another thread has put there meanwhile."""
        with self._lock:
            return self._recent.keep(key, self._used.setdefault(key, model))

    def keep(self, count: int) -> None:
        """Change how many stay in memory when nobody uses them."""
        with self._lock:
            self._recent.resize(count)


SHARED = CompiledModels()
