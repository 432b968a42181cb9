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
"""The description of what to launch."""

from collections.abc import Iterable
from typing import Any

from . import logging as launch_logging
from .launch_context import LaunchContext
from .launch_description_entity import LaunchDescriptionEntity


class LaunchDescription(LaunchDescriptionEntity):
    """Hold entities in the order in which they are visited."""

    def __init__(self, initial_entities: Iterable[LaunchDescriptionEntity] | None = None, *,
                 deprecated_reason: str | None = None) -> None:
        self.entities = list(initial_entities) if initial_entities is not None else []
        self.deprecated_reason = deprecated_reason
        self.deprecated = deprecated_reason is not None

    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if self.deprecated:
            path = context.get_locals_as_dict().get('current_launch_file_path')
            what = f'launch file [{path}] is deprecated' if path else (
                'deprecated launch description')
            launch_logging.get_logger().warning(f'{what}: {self.deprecated_reason}')
        return self.entities

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return self.entities

    def add_entity(self, entity: LaunchDescriptionEntity) -> None:
        self.entities.append(entity)

    add_action = add_entity

    def get_launch_arguments(self, conditional_inclusion: bool = False) -> list:
        """List the arguments declared here and in what is included, each name once."""
        found = self.get_launch_arguments_with_include_launch_description_actions(
            conditional_inclusion)
        return [argument for argument, _ in found]

    def get_launch_arguments_with_include_launch_description_actions(
        self, conditional_inclusion: bool = False
    ) -> list[tuple[Any, list | None]]:
        """List the declared arguments, each with the includes that lead to it.

        Files whose path depends on the running launch are not seen.
        """
        from . import actions

        found: dict[str, tuple[Any, list | None]] = {}

        def search(entities: Iterable[Any], conditional: bool, includes: list) -> None:
            for entity in entities:
                if isinstance(entity, actions.DeclareLaunchArgument):
                    if entity.name not in found:
                        entity._conditionally_included = (
                            conditional or entity.condition is not None)
                        found[entity.name] = entity, includes or None
                    continue
                if isinstance(entity, actions.ResetLaunchConfigurations):
                    # What follows does not see the configurations given from outside.
                    return
                inner = includes
                if isinstance(entity, actions.IncludeLaunchDescription):
                    inner = [*includes, entity]
                search(entity.describe_sub_entities(), conditional, inner)
                for _, sub_entities in entity.describe_conditional_sub_entities():
                    search(sub_entities, True, inner)

        search(self.entities, conditional_inclusion, [])
        return list(found.values())
