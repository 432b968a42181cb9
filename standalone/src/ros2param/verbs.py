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

"""What each verb of `ros2 param` does, through the parameter services of a node."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import yaml
from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    ListParameters,
    SetParameters,
)
from rclpy.parameter import (
    get_parameter_value,
    parameter_dict_from_yaml_file,
    parameter_value_to_python,
)
from ros2cli.graph import GraphNode, NodeName

# How `describe` and `list --param-type` name a type, and how `get` begins its line.
TYPE_WORDS = {
    ParameterType.PARAMETER_BOOL: ('boolean', 'Boolean value is:'),
    ParameterType.PARAMETER_INTEGER: ('integer', 'Integer value is:'),
    ParameterType.PARAMETER_DOUBLE: ('double', 'Double value is:'),
    ParameterType.PARAMETER_STRING: ('string', 'String value is:'),
    ParameterType.PARAMETER_BYTE_ARRAY: ('byte array', 'Byte values are:'),
    ParameterType.PARAMETER_BOOL_ARRAY: ('boolean array', 'Boolean values are:'),
    ParameterType.PARAMETER_INTEGER_ARRAY: ('integer array', 'Integer values are:'),
    ParameterType.PARAMETER_DOUBLE_ARRAY: ('double array', 'Double values are:'),
    ParameterType.PARAMETER_STRING_ARRAY: ('string array', 'String values are:'),
    ParameterType.PARAMETER_NOT_SET: ('not set', 'Parameter not set.'),
}


class _RemoteParameters:
    """The parameters of another node."""

    def __init__(self, graph: GraphNode, node: NodeName, timeout_s: float) -> None:
        self._graph = graph
        self._node = node.full_name
        self._timeout_s = timeout_s

    def _call(self, kind: Any, service: str, **fields: Any) -> Any:
        return self._graph.call(
            kind, f'{self._node}/{service}', kind.Request(**fields), self._timeout_s
        )

    def names(self, prefixes: Sequence[str] = ()) -> list[str]:
        response = self._call(ListParameters, 'list_parameters', prefixes=list(prefixes))
        return sorted(response.result.names)

    def values(self, names: Sequence[str]) -> list[ParameterValue]:
        return list(self._call(GetParameters, 'get_parameters', names=list(names)).values)

    def descriptors(self, names: Sequence[str]) -> list[Any]:
        response = self._call(DescribeParameters, 'describe_parameters', names=list(names))
        return list(response.descriptors)

    def set(self, parameters: Sequence[ParameterMsg]) -> list[Any]:
        response = self._call(SetParameters, 'set_parameters', parameters=list(parameters))
        return list(response.results)


@contextmanager
def _remote(args: argparse.Namespace) -> Iterator[_RemoteParameters]:
    """
    Open the parameters of the node that the user named.

    :raises RuntimeError: the graph has no such node.
    """
    with GraphNode(args) as graph:
        node = graph.find_node(args.node_name)
        if node is None:
            raise RuntimeError('Node not found')
        yield _RemoteParameters(graph, node, args.timeout)


def list_parameters(args: argparse.Namespace) -> str | None:
    """Print the names of the parameters of one node or of all."""
    pattern = re.compile(args.filter) if args.filter else None
    with GraphNode(args) as graph:
        if args.node_name is not None:
            node = graph.find_node(args.node_name)
            if node is None:
                return 'Node not found'
            _print_names(_RemoteParameters(graph, node, args.timeout), args, pattern)
            return None
        graph.settle()
        for node in graph.node_names(args.include_hidden_nodes):
            services = graph.node.get_service_names_and_types_by_node(*node)
            if f'{node.full_name}/list_parameters' not in dict(services):
                continue
            print(f'{node.full_name}:')
            try:
                _print_names(_RemoteParameters(graph, node, args.timeout), args, pattern)
            except RuntimeError as error:
                print(
                    f'Exception while calling service of node {node.full_name}: {error}',
                    file=sys.stderr,
                )
    return None


def _print_names(
    remote: _RemoteParameters, args: argparse.Namespace, pattern: re.Pattern[str] | None
) -> None:
    names = [
        name
        for name in remote.names(args.param_prefixes)
        if pattern is None or pattern.match(name)
    ]
    if not args.param_type:
        print(''.join(f'  {name}\n' for name in names), end='')
        return
    for descriptor in remote.descriptors(names):
        print(f'  {descriptor.name} (type: {TYPE_WORDS[descriptor.type][0]})')


def get(args: argparse.Namespace) -> str | None:
    """Print the value of a parameter."""
    with _remote(args) as remote:
        values = remote.values([args.parameter_name])
    if not values or values[0].type == ParameterType.PARAMETER_NOT_SET:
        return 'Parameter not set'
    value = parameter_value_to_python(values[0])
    if hasattr(value, 'tolist'):
        value = value.tolist()
    if args.hide_type:
        print(value)
    else:
        print(TYPE_WORDS[values[0].type][1], value)
    return None


def set_parameter(args: argparse.Namespace) -> str | None:
    """Set a parameter to a value whose type its YAML spelling tells."""
    try:
        value = get_parameter_value(args.value)
        # A date or a dictionary is YAML but no parameter; neither is an integer beyond 64 bits.
        parameter = ParameterMsg(name=args.parameter_name, value=_checked(value))
    except (TypeError, ValueError, OverflowError, yaml.YAMLError) as error:
        return f"Value '{args.value}' cannot be a parameter: {error}"
    with _remote(args) as remote:
        result = remote.set([parameter])[0]
    if result.successful:
        print('Set parameter successful')
        if result.reason:
            print(f'\tReason: {result.reason}')
    else:
        print('Setting parameter failed' + _reason(result), file=sys.stderr)
    return None


def _checked(value: ParameterValue) -> ParameterValue:
    if value.type == ParameterType.PARAMETER_STRING and not isinstance(value.string_value, str):
        raise TypeError(f'{type(value.string_value).__name__} is not a parameter type')
    if value.type == ParameterType.PARAMETER_INTEGER:
        _check_int64(value.integer_value)
    for number in value.integer_array_value:
        _check_int64(number)
    return value


def _check_int64(number: int) -> None:
    if not -(2**63) <= number < 2**63:
        raise OverflowError(f'{number} does not fit into 64 bits')


def _reason(result: Any) -> str:
    return f': {result.reason}' if result.reason else ''


def delete(args: argparse.Namespace) -> None:
    """Delete a parameter, which only dynamically typed ones allow."""
    unset = ParameterMsg(name=args.parameter_name, value=ParameterValue())
    with _remote(args) as remote:
        result = remote.set([unset])[0]
    if result.successful:
        print('Deleted parameter successfully')
    else:
        print('Deleting parameter failed' + _reason(result), file=sys.stderr)


def describe(args: argparse.Namespace) -> None:
    """Print type, description and constraints of parameters."""
    with _remote(args) as remote:
        descriptors = remote.descriptors(args.parameter_names)
    for descriptor in descriptors:
        print(f'Parameter name: {descriptor.name}')
        print(f'  Type: {TYPE_WORDS[descriptor.type][0]}')
        if descriptor.description:
            print(f'  Description: {descriptor.description}')
        print('  Constraints:')
        if descriptor.read_only:
            print('    Read only: true')
        for limits in [*descriptor.integer_range, *descriptor.floating_point_range]:
            print(f'    Min value: {limits.from_value}')
            print(f'    Max value: {limits.to_value}')
            if limits.step:
                print(f'    Step: {limits.step}')
        if descriptor.additional_constraints:
            print(f'    Additional constraints: {descriptor.additional_constraints}')


def dump(args: argparse.Namespace) -> None:
    """Print all parameters of a node as a parameter file."""
    with _remote(args) as remote:
        names = remote.names()
        # One that is declared but not initialised makes a node refuse to tell any.
        values = dict(zip(names, remote.values(names), strict=False)) or {
            name: value for name in names for value in remote.values([name])
        }
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *groups, leaf = name.split('.')
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        content = parameter_value_to_python(value)
        branch[leaf] = content.tolist() if hasattr(content, 'tolist') else content
    full_name = '/' + args.node_name.lstrip('/')
    print(yaml.dump({full_name: {'ros__parameters': tree}}, default_flow_style=False))


def load(args: argparse.Namespace) -> str | None:
    """Set the parameters of a node from a file."""
    with _remote(args) as remote:
        try:
            parameters = parameter_dict_from_yaml_file(
                args.parameter_file, use_wildcard=not args.no_use_wildcard
            )
        except OSError as error:
            return f'{error.strerror}: {args.parameter_file}'
        except yaml.YAMLError as error:
            return f'{args.parameter_file} is not YAML: {error}'
        except TypeError:
            return f'{args.parameter_file} is not a parameter file'
        if not parameters:
            return 'Param file does not contain selected parameters'
        results = remote.set(list(parameters.values()))
    for name, result in zip(parameters, results, strict=True):
        if result.successful:
            print(f'Set parameter {name} successful')
        else:
            print(f'Set parameter {name} failed' + _reason(result), file=sys.stderr)
    return None
