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
"""The base of all actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .condition import Condition
from .launch_context import LaunchContext
from .launch_description_entity import LaunchDescriptionEntity


class Action(LaunchDescriptionEntity):
    """Do something when visited, if the condition holds."""

    def __init__(self, *, condition: Condition | None = None) -> None:
        self.condition = condition

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return self.get_sub_entities() if self.condition is None else []

    def describe_conditional_sub_entities(
        self,
    ) -> list[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        return [] if self.condition is None else [
            (f'Conditionally included by {self.condition.describe()}', self.get_sub_entities())]

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return []

    def visit(self, context: LaunchContext) -> Any:
        if self.condition is None or self.condition.evaluate(context):
            return self.execute(context)
        return None

    def execute(self, context: LaunchContext) -> Any:
        """Do the action's work; return the entities to visit next, or None."""
