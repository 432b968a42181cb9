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
"""Substitutions whose text stands for a number, a truth value or a list."""

import typing
from typing import Any

import yaml

from ..launch_context import LaunchContext
from ..substitution import Substitution
from . import normalize_to_list_of_substitutions, perform_substitutions

SCALARS = (bool, int, float, str)


def extract_type(data_type: Any) -> tuple[Any, bool]:
    """Return (scalar type, is a list) of bool, int, float, str or a List of one of them."""
    if data_type in SCALARS:
        return data_type, False
    if typing.get_origin(data_type) is list and typing.get_args(data_type)[0] in SCALARS:
        return typing.get_args(data_type)[0], True
    if data_type is list:
        return None, True
    raise ValueError(f'Unrecognized data type: {data_type}')


def is_substitution(x: Any) -> bool:
    """Tell if x can become a list of substitutions: one, or an iterable with at least one."""
    return isinstance(x, (str, Substitution)) or (
        isinstance(x, (list, tuple))
        and all(isinstance(item, (str, Substitution)) for item in x)
        and any(isinstance(item, Substitution) for item in x))


def _fits(value: Any, scalar: Any) -> bool:
    if scalar is None:
        return isinstance(value, SCALARS)
    return type(value) is scalar or (scalar is float and type(value) is int)


def _read(text: str, data_type: Any) -> Any:
    """Read a text as data_type; raise ValueError if it is nothing of that type."""
    scalar, is_list = (None, None) if data_type is None else extract_type(data_type)
    if scalar in (int, float, str) and not is_list:
        return scalar(text)
    if scalar is bool and not is_list:
        text = {'1': 'true', '0': 'false'}.get(text, text)
    try:
        output = yaml.safe_load(text) if text else text
    except yaml.YAMLError as error:
        raise ValueError(f"Failed to convert '{text}' using yaml rules: {error}") from error
    items = output if isinstance(output, list) else [output]
    if data_type is None and not (
            all(isinstance(x, SCALARS) for x in items) and len({type(x) for x in items}) < 2):
        raise ValueError(f"Failed to convert '{text}' using yaml rules: "
                         f'output type is not allowed, got {type(output)}')
    if data_type is not None and (
            isinstance(output, list) != is_list or not all(_fits(x, scalar) for x in items)):
        raise ValueError(f"Cannot convert value '{text}' to '{scalar or data_type}'")
    return output


def coerce_to_type(value: str, data_type: Any = None, *, can_be_str: bool = False) -> Any:
    """Read a text as data_type, by the rules of YAML where data_type is None.

    :raises ValueError: if the text is nothing of that type, unless it ``can_be_str``.
    """
    try:
        return _read(value, data_type)
    except ValueError:
        if can_be_str:
            return value
        raise


def normalize_typed_substitution(value: Any, data_type: Any) -> Any:
    """Prepare a value or substitution for perform_typed_substitution().

    :raises TypeError: if it can never yield data_type.
    """
    if is_substitution(value):
        return normalize_to_list_of_substitutions(value)
    scalar, is_list = (None, None) if data_type is None else extract_type(data_type)
    if isinstance(value, (bool, int, float)):
        if is_list or not _fits(value, scalar):
            raise TypeError(f"value='{value}' is not an instance of {data_type}")
        return value
    if not isinstance(value, (list, tuple)) or is_list is False:
        raise TypeError(f"value='{value}' is neither a substitution nor a '{data_type}'")
    return [x if isinstance(x, str) else normalize_typed_substitution(x, scalar) for x in value]


def perform_typed_substitution(context: LaunchContext, value: Any, data_type: Any) -> Any:
    """Return the value that a normalized value or substitution has in this context."""

    def is_normalized(x: Any) -> bool:
        return isinstance(x, list) and bool(x) and all(isinstance(s, Substitution) for s in x)

    if is_normalized(value):
        return coerce_to_type(perform_substitutions(context, value), data_type)
    if not isinstance(value, list):
        return value
    scalar = None if data_type is None else extract_type(data_type)[0]
    output = [coerce_to_type(perform_substitutions(context, x), scalar) if is_normalized(x) else x
              for x in value]
    if scalar is None and len({type(x) for x in output}) > 1:
        raise ValueError('The output list is not uniform')
    return output
