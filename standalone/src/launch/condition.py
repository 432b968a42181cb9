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
"""The base of conditions."""

from collections.abc import Callable

from .launch_context import LaunchContext


class Condition:
    """Decide if an action is executed, by a predicate of the context."""

    def __init__(self, *, predicate: Callable[[LaunchContext], bool] | None = None) -> None:
        self._predicate = predicate
        self.__last_evaluation: bool | None = None

    def describe(self) -> str:
        return repr(self)

    def evaluate(self, context: LaunchContext) -> bool:
        """Return what the predicate says now."""
        self.__last_evaluation = self._predicate is not None and self._predicate(context)
        return self.__last_evaluation

    def get_last_evaluation(self) -> bool | None:
        return self.__last_evaluation
