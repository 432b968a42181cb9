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
"""How long the parts of ``predict`` take."""

from __future__ import annotations

import time


class StageClock:
    """
    Time one part after the other.

    ``stages_ms`` holds their times by name, in milliseconds; a part that runs twice is added up.
    """

    def __init__(self) -> None:
        self.stages_ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Enter the part that ended just now."""
        now = time.perf_counter()
        took = (now - self._last) * 1e3
        self.stages_ms[name] = self.stages_ms.get(name, 0.0) + took
        self._last = now
