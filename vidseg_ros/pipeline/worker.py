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
"""A thread that does one step after the other."""

from __future__ import annotations

import abc
import threading


class Worker(abc.ABC):
    """Do ``_step`` after ``_step`` in a thread of its own, until one says that it was the last."""

    def __init__(self, name: str) -> None:
        self.thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self.thread.start()

    def _loop(self) -> None:
        # A function of its own for each step: a thread that waits refers to nothing of the last.
        while self._step():
            pass

    @abc.abstractmethod
    def _step(self) -> bool:
        """Wait for something to do and do it; return False when there will be no more."""
