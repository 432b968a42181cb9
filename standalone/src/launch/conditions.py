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

"""The conditions for use in launch files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .condition import Condition
from .substitution import SomeSubstitutionsType, Substitution
from .utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class InvalidConditionExpressionError(Exception):
    """Say that a condition's text is neither true nor false."""

    def __init__(self, expanded_expression: str, expression: list,
                 valid_expressions: list) -> None:
        super().__init__(
            f'invalid condition expression, expected one of [{", ".join(valid_expressions)}] but '
            f"got '{expanded_expression}', expanded from "
            f"'{' + '.join(sub.describe() for sub in expression)}'"
        )


def evaluate_condition_expression(context: LaunchContext, expression: list[Substitution]) -> bool:
    """Return what the text says: true or 1, false or 0, in any case.

    :raises InvalidConditionExpressionError: if it says anything else.
    """
    text = perform_substitutions(context, expression).strip().lower()
    if text in ('true', '1'):
        return True
    if text in ('false', '0'):
        return False
    raise InvalidConditionExpressionError(text, expression, ['true', '1', 'false', '0'])


class IfCondition(Condition):
    """Be true if the text is."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        self._expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=lambda c: evaluate_condition_expression(c, self._expression))

    def describe(self) -> str:
        return f'{type(self).__name__}({" + ".join(s.describe() for s in self._expression)})'


class UnlessCondition(IfCondition):
    """Be true if the text is false."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        super().__init__(predicate_expression)
        self._predicate = lambda c: not evaluate_condition_expression(c, self._expression)


class LaunchConfigurationEquals(Condition):
    """Be true if a launch configuration has this value; None: if it is not set."""

    def __init__(self, launch_configuration_name: str,
                 expected_value: SomeSubstitutionsType | None) -> None:
        self.__name = launch_configuration_name
        self.__expected: Any = None
        if expected_value is not None:
            self.__expected = normalize_to_list_of_substitutions(expected_value)
        super().__init__(predicate=self._equals)

    def _equals(self, context: LaunchContext) -> bool:
        expected = self.__expected
        if expected is not None:
            expected = perform_substitutions(context, expected)
        return context.launch_configurations.get(self.__name) == expected


class LaunchConfigurationNotEquals(LaunchConfigurationEquals):
    """Be true if a launch configuration has not this value."""

    def __init__(self, launch_configuration_name: str,
                 expected_value: SomeSubstitutionsType | None) -> None:
        super().__init__(launch_configuration_name, expected_value)
        self._predicate = lambda context: not self._equals(context)


__all__ = ['IfCondition', 'InvalidConditionExpressionError', 'LaunchConfigurationEquals',
           'LaunchConfigurationNotEquals', 'UnlessCondition', 'evaluate_condition_expression']
