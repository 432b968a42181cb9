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

"""The action that gives others a scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..launch_description_entity import LaunchDescriptionEntity
from .configuration import (
    PopLaunchConfigurations,
    PushLaunchConfigurations,
    ResetLaunchConfigurations,
    SetLaunchConfiguration,
)
from .environment import PopEnvironment, PushEnvironment, ResetEnvironment

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class GroupAction(Action):
    """Yield actions; ``scoped``: what they set ends with the group.

    Without ``forwarding`` the group sees no launch configurations from outside, only those given
    to it, and the environment that launch was started with.
    """

    def __init__(self, actions: Iterable[LaunchDescriptionEntity], *, scoped: bool = True,
                 forwarding: bool = True,
                 launch_configurations: Mapping[Any, Any] | None = None,
                 **left_over_kwargs: Any) -> None:
        super().__init__(**left_over_kwargs)
        given = dict(launch_configurations or {})
        sets = [SetLaunchConfiguration(name, value) for name, value in given.items()]
        inner = list(actions)
        self.__entities: list[LaunchDescriptionEntity] = [*sets, *inner]
        if scoped:
            first: list[Action] = sets if forwarding else [  # type: ignore[assignment]
                ResetEnvironment(), ResetLaunchConfigurations(given)]
            self.__entities = [
                PushLaunchConfigurations(), PushEnvironment(), *first, *inner,
                PopEnvironment(), PopLaunchConfigurations(),
            ]

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return self.__entities

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        return self.__entities
