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
"""The action that includes another launch file, and the arguments that a file declares."""

import os
from collections.abc import Iterable
from typing import Any, NoReturn

from .. import logging as launch_logging
from ..action import Action
from ..launch_context import LaunchContext
from ..launch_description_entity import LaunchDescriptionEntity
from ..launch_description_source import LaunchDescriptionSource
from ..launch_description_sources import AnyLaunchDescriptionSource
from ..substitution import SomeSubstitutionsType
from ..utilities import (
    normalize_to_list_of_substitutions,
    optional_substitutions,
    perform_substitutions,
)
from .opaque import OpaqueFunction
from .scope import SetLaunchConfiguration

_FILE_LOCALS = ('current_launch_file_path', 'current_launch_file_directory')


class DeclareLaunchArgument(Action):
    """Declare an argument that ``name:=value`` or an including file may give."""

    def __init__(self, name: str, *, default_value: SomeSubstitutionsType | None = None,
                 description: str | None = None, choices: list[str] | None = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.choices = choices
        self.default_value = optional_substitutions(default_value)
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
    def __fail(message: str) -> NoReturn:
        launch_logging.get_logger('launch.actions.declare_launch_argument').error(message)
        raise RuntimeError(message)

    def execute(self, context: LaunchContext) -> None:
        configurations = context.launch_configurations
        if self.name not in configurations:
            if self.default_value is None:
                self.__fail(f'Required launch argument "{self.name}" '
                            f'(description: "{self.description}") was not provided')
            configurations[self.name] = perform_substitutions(context, self.default_value)
        if self.choices is not None and configurations[self.name] not in self.choices:
            self.__fail(f'Argument "{self.name}" provided value "{configurations[self.name]}" is '
                        f'not valid. Valid options are: {self.choices}')


class IncludeLaunchDescription(Action):
    """Visit a launch description from elsewhere, with arguments as (name, value) pairs."""

    def __init__(self, launch_description_source: LaunchDescriptionSource | SomeSubstitutionsType,
                 *, launch_arguments: Iterable[tuple[Any, SomeSubstitutionsType]] | None = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(launch_description_source, LaunchDescriptionSource):
            launch_description_source = AnyLaunchDescriptionSource(launch_description_source)
        self.launch_description_source = launch_description_source
        self.launch_arguments = tuple(launch_arguments or ())

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        found = self.launch_description_source.try_get_launch_description_without_context()
        return [] if found is None else [found]

    def _argument_names(self, context: LaunchContext) -> list[str]:
        return [perform_substitutions(context, normalize_to_list_of_substitutions(name))
                for name, _ in self.launch_arguments]

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        description = self.launch_description_source.get_launch_description(context)
        names = self._argument_names(context)
        for argument, includes in (
            description.get_launch_arguments_with_include_launch_description_actions()
        ):
            if argument._conditionally_included or argument.default_value is not None:
                continue
            given = list(names)
            for include in includes or ():
                try:
                    given += include._argument_names(context)
                except Exception:
                    # Names that depend on what runs later; the declaration itself will check.
                    given.append(argument.name)
            if argument.name not in given:
                raise RuntimeError(
                    'Included launch description missing required argument '
                    f"'{argument.name}' (description: '{argument.description}'), "
                    f'given: [{", ".join(given)}]')
        location = self.launch_description_source.location
        path = os.path.abspath(location)
        values = context.get_locals_as_dict()
        outer = {key: values[key] for key in _FILE_LOCALS if key in values}
        context.extend_locals(dict(zip(_FILE_LOCALS, (
            path, os.path.dirname(path) if os.path.exists(path) else location), strict=True)))
        return [
            *(SetLaunchConfiguration(name, value) for name, value in self.launch_arguments),
            description,
            # What follows the include is in the including file again.
            OpaqueFunction(function=lambda context: context.extend_locals(outer)),
        ]
