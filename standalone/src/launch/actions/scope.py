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
"""Actions on launch configurations and on the environment, and the group that scopes them."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..action import Action
from ..launch_context import LaunchContext
from ..launch_description_entity import LaunchDescriptionEntity
from ..substitution import SomeSubstitutionsType
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from ..utilities.type_utils import normalize_typed_substitution, perform_typed_substitution


class _Set(Action):
    _where: str

    def __init__(self, name: SomeSubstitutionsType, value: SomeSubstitutionsType,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)
        self.value = normalize_to_list_of_substitutions(value)

    def execute(self, context: LaunchContext) -> None:
        name = perform_substitutions(context, self.name)
        getattr(context, self._where)[name] = perform_substitutions(context, self.value)


class SetLaunchConfiguration(_Set):
    """Set a launch configuration."""

    _where = 'launch_configurations'


class SetEnvironmentVariable(_Set):
    """Set an environment variable."""

    _where = 'environment'


class _Unset(Action):
    _where: str

    def __init__(self, name: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)

    def execute(self, context: LaunchContext) -> None:
        getattr(context, self._where).pop(perform_substitutions(context, self.name), None)


class UnsetLaunchConfiguration(_Unset):
    """Remove a launch configuration, if it is set."""

    _where = 'launch_configurations'


class UnsetEnvironmentVariable(_Unset):
    """Remove an environment variable, if it is set."""

    _where = 'environment'


class AppendEnvironmentVariable(Action):
    """Append (or prepend) to an environment variable such as PATH, setting it if needed."""

    def __init__(self, name: SomeSubstitutionsType, value: SomeSubstitutionsType,
                 prepend: bool | SomeSubstitutionsType = False,
                 separator: SomeSubstitutionsType = os.pathsep, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)
        self.value = normalize_to_list_of_substitutions(value)
        self.prepend = normalize_typed_substitution(prepend, bool)
        self.separator = normalize_to_list_of_substitutions(separator)

    def execute(self, context: LaunchContext) -> None:
        name = perform_substitutions(context, self.name)
        parts = [perform_substitutions(context, self.value)]
        if name in context.environment:
            parts.insert(0, context.environment[name])
        if perform_typed_substitution(context, self.prepend, bool):
            parts.reverse()
        context.environment[name] = perform_substitutions(context, self.separator).join(parts)


class PushLaunchConfigurations(Action):
    """Save the launch configurations."""

    def execute(self, context: LaunchContext) -> None:
        context._push_launch_configurations()


class PopLaunchConfigurations(Action):
    """Restore the launch configurations saved last."""

    def execute(self, context: LaunchContext) -> None:
        context._pop_launch_configurations()


class ResetLaunchConfigurations(Action):
    """Remove all launch configurations but those given."""

    def __init__(self, launch_configurations: Mapping[Any, SomeSubstitutionsType] | None = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__kept = dict(launch_configurations or {})

    def execute(self, context: LaunchContext) -> None:
        def text(subs: Any) -> str:
            return perform_substitutions(context, normalize_to_list_of_substitutions(subs))

        kept = {text(name): text(value) for name, value in self.__kept.items()}
        context.launch_configurations.clear()
        context.launch_configurations.update(kept)


class PushEnvironment(Action):
    """Save the environment."""

    def execute(self, context: LaunchContext) -> None:
        context._push_environment()


class PopEnvironment(Action):
    """Restore the environment saved last."""

    def execute(self, context: LaunchContext) -> None:
        context._pop_environment()


class ResetEnvironment(Action):
    """Restore the environment that launch was started with."""

    def execute(self, context: LaunchContext) -> None:
        context._reset_environment()


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
        first: list[LaunchDescriptionEntity] = [
            SetLaunchConfiguration(name, value) for name, value in given.items()]
        if scoped and not forwarding:
            first = [ResetEnvironment(), ResetLaunchConfigurations(given)]
        self.__entities = [*first, *actions] if not scoped else [
            PushLaunchConfigurations(), PushEnvironment(), *first, *actions,
            PopEnvironment(), PopLaunchConfigurations()]

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return self.__entities

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        return self.__entities
