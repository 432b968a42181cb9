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

"""Actions on launch configurations and the arguments that set them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import logging as launch_logging
from ..action import Action
from ..substitution import SomeSubstitutionsType, Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class DeclareLaunchArgument(Action):
    """Declare an argument that ``name:=value`` or an including file may give."""

    def __init__(self, name: str, *, default_value: SomeSubstitutionsType | None = None,
                 description: str | None = None, choices: list[str] | None = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.choices = choices
        self.default_value: list[Substitution] | None = None
        if default_value is not None:
            self.default_value = normalize_to_list_of_substitutions(default_value)
        if choices is not None:
            if not choices:
                self.__fail('Provided choices arg is empty. Use None to ignore the choice list.')
            if isinstance(default_value, str) and default_value not in choices:
                self.__fail(f'Provided default_value "{default_value}" is not in provided '
                            f'choices "{choices}".')
        if description is None:
            description = 'no description given' if choices is None else f'One of: {choices}'
        elif choices is not None:
            stop = '' if description.endswith('.') else '.'
            description += f'{stop} Valid choices are: {choices}'
        self.description = description
        self._conditionally_included = False

    @staticmethod
    def __fail(message: str) -> None:
        launch_logging.get_logger('launch.actions.declare_launch_argument').error(message)
        raise RuntimeError(message)

    def execute(self, context: LaunchContext) -> None:
        configurations = context.launch_configurations
        if self.name not in configurations:
            if self.default_value is None:
                self.__fail(f'Required launch argument "{self.name}" '
                            f'(description: "{self.description}") was not provided')
            configurations[self.name] = perform_substitutions(context, self.default_value or [])
        if self.choices is not None and configurations[self.name] not in self.choices:
            self.__fail(f'Argument "{self.name}" provided value "{configurations[self.name]}" is '
                        f'not valid. Valid options are: {self.choices}')


class SetLaunchConfiguration(Action):
    """Set a launch configuration."""

    def __init__(self, name: SomeSubstitutionsType, value: SomeSubstitutionsType,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)
        self.value = normalize_to_list_of_substitutions(value)

    def execute(self, context: LaunchContext) -> None:
        name = perform_substitutions(context, self.name)
        context.launch_configurations[name] = perform_substitutions(context, self.value)


class UnsetLaunchConfiguration(Action):
    """Remove a launch configuration, if it is set."""

    def __init__(self, name: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)

    def execute(self, context: LaunchContext) -> None:
        context.launch_configurations.pop(perform_substitutions(context, self.name), None)


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

    def __init__(
        self,
        launch_configurations: Mapping[Any, SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.__kept = dict(launch_configurations or {})

    def execute(self, context: LaunchContext) -> None:
        def text(subs: Any) -> str:
            return perform_substitutions(context, normalize_to_list_of_substitutions(subs))

        kept = {text(name): text(value) for name, value in self.__kept.items()}
        context.launch_configurations.clear()
        context.launch_configurations.update(kept)
