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
"""Where launch descriptions come from."""

from collections.abc import Callable

from . import logging as launch_logging
from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .substitution import SomeSubstitutionsType
from .utilities import describe, normalize_to_list_of_substitutions, perform_substitutions


def _nothing_to_load(location: str) -> LaunchDescription:
    raise RuntimeError('LaunchDescriptionSource.get_launch_description(): '
                       'called without launch description being set')


class LaunchDescriptionSource:
    """Give a launch description, loaded when first asked for."""

    _load: Callable[[str], LaunchDescription] = staticmethod(_nothing_to_load)

    def __init__(self, launch_description: LaunchDescription | None = None,
                 location: SomeSubstitutionsType = '<string>',
                 method: str = 'unspecified mechanism from a script') -> None:
        self.__launch_description = launch_description
        self.__location = normalize_to_list_of_substitutions(location)
        self.__expanded_location: str | None = None
        self.method = method

    @property
    def location(self) -> str:
        """Give the path, or a description of it while it is not known."""
        expanded = self.__expanded_location
        return describe(self.__location) if expanded is None else expanded

    def try_get_launch_description_without_context(self) -> LaunchDescription | None:
        """Give the launch description if it can be loaded before the launch runs, else None."""
        if self.__launch_description is None:
            try:
                return self._load(perform_substitutions(LaunchContext(), self.__location))
            except Exception as error:
                launch_logging.get_logger('launch.launch_description_source').debug(
                    f'Failed to load the launch file without a context: {error}')
        return self.__launch_description

    def get_launch_description(self, context: LaunchContext) -> LaunchDescription:
        """Give the launch description, loading it if necessary."""
        if self.__expanded_location is None:
            self.__expanded_location = perform_substitutions(context, self.__location)
        if self.__launch_description is None:
            self.__launch_description = self._load(self.__expanded_location)
        return self.__launch_description
