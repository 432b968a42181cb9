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
"""Parameters described with their types, and files of parameters."""

import os
from pathlib import Path
from typing import Any

from launch import LaunchContext, SomeSubstitutionsType
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution


class ParameterValue:
    """Describe a value; ``value_type`` (int, ..., List[str]) is what a substitution yields."""

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        self.value = normalize_typed_substitution(value, value_type)
        self.value_type = value_type

    def __str__(self) -> str:
        return (f'launch_ros.description.ParameterValue(value={self.value}, '
                f'value_type={self.value_type})')

    def evaluate(self, context: LaunchContext) -> Any:
        """Return the value in this context."""
        return perform_typed_substitution(context, self.value, self.value_type)


class Parameter(ParameterValue):
    """Describe a parameter."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, *,
                 value_type: Any = None) -> None:
        super().__init__(value, value_type=value_type)
        self.name = normalize_to_list_of_substitutions(name)

    def evaluate(self, context: LaunchContext) -> tuple[str, Any]:
        """Return (name, value) in this context."""
        return perform_substitutions(context, self.name), super().evaluate(context)


class ParameterFile:
    """Describe a YAML file of parameters.

    :raises NotImplementedError: with ``allow_substs``, whose ``$(...)`` launch.frontend reads.
    """

    def __init__(self, param_file: os.PathLike | SomeSubstitutionsType, *,
                 allow_substs: bool | SomeSubstitutionsType = False) -> None:
        if allow_substs is not False:
            raise NotImplementedError(
                'ParameterFile(allow_substs=...): substitutions in files (launch.frontend)')
        self.param_file = normalize_to_list_of_substitutions(param_file)
        self.allow_substs = allow_substs

    def evaluate(self, context: LaunchContext) -> Path:
        """Return the path in this context."""
        return Path(perform_substitutions(context, self.param_file))

    def cleanup(self) -> None:
        """Do nothing; there are no temporary files to remove."""
