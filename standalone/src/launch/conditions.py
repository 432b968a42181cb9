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

from .condition import Condition
from .launch_context import LaunchContext
from .substitution import SomeSubstitutionsType, Substitution
from .utilities import describe, normalize_to_list_of_substitutions, perform_substitutions


class InvalidConditionExpressionError(Exception):
    """Say that a condition's text is neither true nor false."""

    def __init__(self, expanded_expression: str, expression: list[Substitution],
                 valid_expressions: list[str]) -> None:
        super().__init__(
            f'invalid condition expression, expected one of [{", ".join(valid_expressions)}] but '
            f"got '{expanded_expression}', expanded from '{describe(expression)}'")


def evaluate_condition_expression(context: LaunchContext, expression: list[Substitution]) -> bool:
    """Return what the text says: true or 1, false or 0, in any case.

    :raises InvalidConditionExpressionError: if it says anything else.
    """
    text = perform_substitutions(context, expression).strip().lower()
    truths = {'true': True, '1': True, 'false': False, '0': False}
    if text not in truths:
        raise InvalidConditionExpressionError(text, expression, list(truths))
    return truths[text]


class IfCondition(Condition):
    """Be true if the text is."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        self._expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=lambda c: evaluate_condition_expression(c, self._expression))

    def describe(self) -> str:
        return f'{type(self).__name__}({describe(self._expression)})'


class UnlessCondition(IfCondition):
    """Be true if the text is false."""

    def evaluate(self, context: LaunchContext) -> bool:
        return not super().evaluate(context)


class LaunchConfigurationEquals(Condition):
    """Be true if a launch configuration has this value; None: if it is not set."""

    def __init__(self, launch_configuration_name: str,
                 expected_value: SomeSubstitutionsType | None) -> None:
        expected = None if expected_value is None else (
            normalize_to_list_of_substitutions(expected_value))

        def equals(context: LaunchContext) -> bool:
            wanted = None if expected is None else perform_substitutions(context, expected)
            return context.launch_configurations.get(launch_configuration_name) == wanted

        super().__init__(predicate=equals)


class LaunchConfigurationNotEquals(LaunchConfigurationEquals):
    """Be true if a launch configuration has not this value."""

    def evaluate(self, context: LaunchContext) -> bool:
        return not super().evaluate(context)


__all__ = ['IfCondition', 'InvalidConditionExpressionError', 'LaunchConfigurationEquals',
           'LaunchConfigurationNotEquals', 'UnlessCondition', 'evaluate_condition_expression']
