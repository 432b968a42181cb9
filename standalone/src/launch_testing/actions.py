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
"""Actions for tests."""

from collections.abc import Callable
from typing import Any

from launch import Action, LaunchContext


class ReadyToTest(Action):
    """Say that the tests may begin."""

    def __init__(self) -> None:
        super().__init__()
        self.__callbacks: list[Callable[[], Any]] = []

    def _add_callback(self, func: Callable[[], Any]) -> None:
        self.__callbacks.append(func)

    def execute(self, context: LaunchContext) -> None:
        for func in self.__callbacks:
            func()
