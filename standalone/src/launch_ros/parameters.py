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
"""From what a launch file gives as parameters to names and plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from launch import LaunchContext, Substitution
from launch.substitution import TextSubstitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from .parameter_descriptions import ParameterValue

_SCALARS = (bool, int, float, str)


def normalize_parameter_dict(parameters: Mapping, *, _prefix: Sequence = ()) -> dict[tuple, Any]:
    """Flatten nested dictionaries, joining names by dots; make substitutions of texts.

    :raises TypeError: if a value can't be a parameter.
    """
    if not isinstance(parameters, Mapping):
        raise TypeError('expected dict')
    normalized: dict[tuple, Any] = {}
    for key, value in parameters.items():
        name = (*_prefix, *normalize_to_list_of_substitutions(key))
        if isinstance(value, Mapping):
            normalized.update(normalize_parameter_dict(
                value, _prefix=(*name, TextSubstitution(text='.'))))
        elif isinstance(value, str):
            # Written as YAML, so that the text '5' stays a text when it is read.
            normalized[name] = tuple(normalize_to_list_of_substitutions(yaml.dump(value)))
        elif isinstance(value, Substitution):
            normalized[name] = (value,)
        elif isinstance(value, (bool, int, float, bytes, ParameterValue)):
            normalized[name] = value
        elif isinstance(value, Sequence):
            normalized[name] = _normalize_array(value)
        else:
            raise TypeError(f'Unexpected type for parameter value {value!r}')
    return normalized


def _normalize_array(values: Sequence) -> Any:
    kinds = {next((k for k in (Substitution, *_SCALARS, Sequence) if isinstance(value, k)), None)
             for value in values}
    if None in kinds:
        raise TypeError(f'Unexpected type for an element of the parameter value {values!r}')
    if kinds in ({int}, {bool}):
        return list(values)
    if kinds in ({float}, {int, float}):
        return [float(value) for value in values]
    if Substitution in kinds and kinds <= {str, Substitution}:
        # One text made of several parts, as everywhere in launch.
        return tuple(normalize_to_list_of_substitutions(values))
    return tuple(tuple(normalize_to_list_of_substitutions(
        yaml.dump(value) if isinstance(value, _SCALARS) else value)) for value in values)


def _array(values: list, name: str) -> list:
    if not values or type(values[0]) not in _SCALARS or len({type(x) for x in values}) > 1:
        raise TypeError('Expected a non-empty sequence, with items of uniform type. Allowed '
                        'sequence item types are bool, int, float, str. '
                        f'Got inconsistent input for "{name}"')
    return values


def _read_yaml(text: str, name: str) -> Any:
    hint = ('If the parameter is meant to be a string, try wrapping it in '
            'launch_ros.parameter_descriptions.ParameterValue(value, value_type=str)')
    try:
        value = yaml.safe_load(text or "''")
    except yaml.YAMLError as error:
        raise TypeError(
            f'Unable to parse the value of parameter {name} as yaml. {hint}') from error
    if isinstance(value, (*_SCALARS, bytes)):
        return value
    if isinstance(value, list):
        return _array(value, name)
    raise TypeError('Allowed value types are bytes, bool, int, float, str, Sequence[bool], '
                    'Sequence[int], Sequence[float], Sequence[str]. '
                    f'Got {type(value)} for "{name}". {hint}')


def evaluate_parameter_dict(context: LaunchContext, parameters: Mapping) -> dict[str, Any]:
    """Return the parameters' names and values in this context; arrays as lists.

    :raises TypeError: if a value is nothing that a parameter can be.
    """
    output: dict[str, Any] = {}
    for key, value in parameters.items():
        name = perform_substitutions(context, key)
        if isinstance(value, ParameterValue):
            value = value.evaluate(context)
        elif isinstance(value, tuple) and value and isinstance(value[0], Substitution):
            value = _read_yaml(perform_substitutions(context, value), name)
        elif isinstance(value, tuple) and value:
            value = _array([yaml.safe_load(perform_substitutions(context, x)) for x in value],
                           name)
        output[name] = list(value) if isinstance(value, tuple) else value
    return output


def to_rule(name: str, value: Any) -> str:
    """Write one parameter as in ``-p name:=value``."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float('inf'))
    return f'{name}:={text.removesuffix(chr(10)).removesuffix("...").strip()}'


def prefix_namespace(base: str | None, namespace: str | None) -> str | None:
    """Return the absolute namespace of one that may be relative to the base, or None for none."""
    if namespace is None or (base and not namespace.startswith('/')):
        if base is None:
            return None
        namespace = base if not namespace else f'{base.rstrip("/")}/{namespace}'
    return '/' + namespace.strip('/')
