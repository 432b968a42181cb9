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

from __future__ import annotations

import typing
from typing import Any

import yaml

from ..substitution import Substitution
from . import normalize_to_list_of_substitutions, perform_substitutions

SCALARS = (bool, int, float, str)


def extract_type(data_type: Any) -> tuple[Any, bool]:
    """Return (scalar type, is a list) of bool, int, float, str or a List of one of them."""
    if data_type in SCALARS:
        return data_type, False
    if typing.get_origin(data_type) is list:
        args = typing.get_args(data_type)
        if args and args[0] in SCALARS:
            return args[0], True
    if data_type is list:
        return None, True
    raise ValueError(f'Unrecognized data type: {data_type}')


def is_substitution(x: Any) -> bool:
    """Tell if x can become a list of substitutions: one, or an iterable with at least one."""
    if isinstance(x, (str, Substitution)):
        return True
    return (
        isinstance(x, (list, tuple))
        and bool(x)
        and all(isinstance(item, (str, Substitution)) for item in x)
        and any(isinstance(item, Substitution) for item in x)
    )


def _fits(value: Any, scalar: Any) -> bool:
    if scalar is None:
        return isinstance(value, SCALARS)
    if scalar is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is scalar


def coerce_to_type(value: str, data_type: Any = None, *, can_be_str: bool = False) -> Any:
    """Read a text as data_type, by the rules of YAML where data_type is None.

    :raises ValueError: if the text is nothing of that type.
    """
    scalar, is_list = (None, None) if data_type is None else extract_type(data_type)
    if scalar is str and not is_list:
        return value
    if scalar in (int, float) and not is_list:
        try:
            return scalar(value)
        except ValueError:
            if can_be_str:
                return value
            raise
    if scalar is bool and not is_list:
        value = {'1': 'true', '0': 'false'}.get(value, value)
    try:
        output = yaml.safe_load(value) if value else value
    except yaml.YAMLError as error:
        if can_be_str:
            return value
        raise ValueError(f"Failed to convert '{value}' using yaml rules: {error}") from error
    if data_type is None:
        items = output if isinstance(output, list) else [output]
        if all(isinstance(x, SCALARS) for x in items) and len({type(x) for x in items}) < 2:
            return output
        raise ValueError(
            f"Failed to convert '{value}' using yaml rules: "
            f'output type is not allowed, got {type(output)}'
        )
    if is_list and isinstance(output, list) and all(_fits(x, scalar) for x in output):
        return output
    if not is_list and _fits(output, scalar):
        return output
    if can_be_str:
        return value
    raise ValueError(f"Cannot convert value '{value}' to '{scalar or data_type}'")


def normalize_typed_substitution(value: Any, data_type: Any) -> Any:
    """Prepare a value or substitution for perform_typed_substitution().

    :raises TypeError: if it can never yield data_type.
    """
    if is_substitution(value):
        return normalize_to_list_of_substitutions(value)
    scalar: Any | None = None
    is_list: bool | None = None
    if data_type is not None:
        scalar, is_list = extract_type(data_type)
    if isinstance(value, (bool, int, float)):
        if is_list or not _fits(value, scalar):
            raise TypeError(f"value='{value}' is not an instance of {data_type}")
        return value
    if not isinstance(value, (list, tuple)) or is_list is False:
        raise TypeError(f"value='{value}' is neither a substitution nor a '{data_type}'")
    return [
        normalize_to_list_of_substitutions(x) if not isinstance(x, str) and is_substitution(x)
        else normalize_typed_substitution(x, scalar) if not isinstance(x, str) else x
        for x in value
    ]


def perform_typed_substitution(context: Any, value: Any, data_type: Any) -> Any:
    """Return the value that a normalized value or substitution has in this context."""

    def is_normalized(x: Any) -> bool:
        return isinstance(x, list) and bool(x) and all(isinstance(s, Substitution) for s in x)

    if is_normalized(value):
        return coerce_to_type(perform_substitutions(context, value), data_type)
    if not isinstance(value, list):
        return value
    scalar = None if data_type is None else extract_type(data_type)[0]
    output = [
        coerce_to_type(perform_substitutions(context, x), scalar) if is_normalized(x) else x
        for x in value
    ]
    if scalar is None and len({type(x) for x in output}) > 1:
        raise ValueError('The output list is not uniform')
    return output
