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
"""The base of all that a launch description can hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TypeAlias

from .launch_context import LaunchContext


class LaunchDescriptionEntity:
    """Be something that the launch service visits."""

    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        """Do the entity's work; return the entities to visit next."""
        raise NotImplementedError('visit() of this launch description entity')

    def describe(self) -> str:
        return repr(self)

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """Return the entities that follow for certain."""
        return []

    def describe_conditional_sub_entities(
        self,
    ) -> list[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        """Return (condition in words, entities) for those that may follow."""
        return []

    def get_asyncio_future(self) -> asyncio.Future | None:
        """Return the future that is done when the entity is, if it takes time."""
        return None


SomeEntitiesType: TypeAlias = LaunchDescriptionEntity | Iterable[LaunchDescriptionEntity]
