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

"""`ros2 param`, by the parameter services of the nodes."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import yaml
from rcl_interfaces import srv
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rclpy.parameter import (
    get_parameter_value,
    parameter_dict_from_yaml_file,
    parameter_value_to_python,
)
from ros2cli.graph import GraphNode, NodeName
from ros2cli.names import print_lines
from ros2cli.options import GRAPH
from ros2cli.verbs import Option, Verb, add_verbs, flag, option

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
        self._graph, self._node, self._timeout_s = graph, node.full_name, timeout_s

    def _call(self, kind: Any, service: str, **fields: Any) -> Any:
        return self._graph.call(
            kind, f'{self._node}/{service}', kind.Request(**fields), self._timeout_s)

    def names(self, prefixes: Sequence[str] = ()) -> list[str]:
        listed = self._call(srv.ListParameters, 'list_parameters', prefixes=list(prefixes))
        return sorted(listed.result.names)

    def values(self, names: Sequence[str]) -> list[ParameterValue]:
        return list(self._call(srv.GetParameters, 'get_parameters', names=list(names)).values)

    def descriptors(self, names: Sequence[str]) -> list[Any]:
        return list(self._call(
            srv.DescribeParameters, 'describe_parameters', names=list(names)).descriptors)

    def set(self, parameters: Sequence[Parameter]) -> list[Any]:
        return list(self._call(
            srv.SetParameters, 'set_parameters', parameters=list(parameters)).results)


@contextmanager
def _remote(args: argparse.Namespace) -> Iterator[_RemoteParameters]:
    """Open the parameters of the node that the user named.

    :raises RuntimeError: the graph has no such node.
    """
    with GraphNode(args) as graph:
        node = graph.find_node(args.node_name)
        if node is None:
            raise RuntimeError('Node not found')
        yield _RemoteParameters(graph, node, args.timeout)


def list_parameters(args: argparse.Namespace) -> None:
    """Print the names of the parameters of one node or of all."""
    if args.node_name is not None:
        with _remote(args) as remote:
            _print_names(remote, args)
        return
    with GraphNode(args) as graph:
        graph.settle()
        for node in graph.node_names(args.include_hidden_nodes):
            services = graph.node.get_service_names_and_types_by_node(*node)
            if f'{node.full_name}/list_parameters' not in dict(services):
                continue
            print(f'{node.full_name}:')
            try:
                _print_names(_RemoteParameters(graph, node, args.timeout), args)
            except RuntimeError as error:
                print(f'Exception while calling service of node {node.full_name}: {error}',
                      file=sys.stderr)


def _print_names(remote: _RemoteParameters, args: argparse.Namespace) -> None:
    names = [name for name in remote.names(args.param_prefixes)
             if not args.filter or re.match(args.filter, name)]
    if args.param_type:
        names = [f'{descriptor.name} (type: {TYPE_WORDS[descriptor.type][0]})'
                 for descriptor in remote.descriptors(names)]
    print_lines([f'  {name}' for name in names])


def get(args: argparse.Namespace) -> str | None:
    """Print the value of a parameter."""
    with _remote(args) as remote:
        values = remote.values([args.parameter_name])
    if not values or values[0].type == ParameterType.PARAMETER_NOT_SET:
        return 'Parameter not set'
    print(*([] if args.hide_type else [TYPE_WORDS[values[0].type][1]]), _plain(values[0]))
    return None


def _plain(value: ParameterValue) -> Any:
    content = parameter_value_to_python(value)
    return content.tolist() if hasattr(content, 'tolist') else content


def set_parameter(args: argparse.Namespace) -> str | None:
    """Set a parameter to a value whose type its YAML spelling tells."""
    try:
        value = _checked(get_parameter_value(args.value))
        parameter = Parameter(name=args.parameter_name, value=value)
    except (TypeError, ValueError, OverflowError, yaml.YAMLError) as error:
        return f"Value '{args.value}' cannot be a parameter: {error}"
    with _remote(args) as remote:
        result = remote.set([parameter])[0]
    _tell('Set parameter successful', 'Setting parameter failed', result)
    if result.successful and result.reason:
        print(f'\tReason: {result.reason}')
    return None


def _checked(value: ParameterValue) -> ParameterValue:
    """Refuse what is YAML but no parameter: a date, a dictionary, an integer beyond 64 bits."""
    if value.type == ParameterType.PARAMETER_STRING and not isinstance(value.string_value, str):
        raise TypeError(f'{type(value.string_value).__name__} is not a parameter type')
    is_integer = value.type == ParameterType.PARAMETER_INTEGER
    for number in [value.integer_value] if is_integer else value.integer_array_value:
        if not -(2**63) <= number < 2**63:
            raise OverflowError(f'{number} does not fit into 64 bits')
    return value


def _tell(success: str, failure: str, result: Any) -> None:
    if result.successful:
        print(success)
    else:
        print(failure + (f': {result.reason}' if result.reason else ''), file=sys.stderr)


def delete(args: argparse.Namespace) -> None:
    """Delete a parameter, which only dynamically typed ones allow."""
    unset = Parameter(name=args.parameter_name, value=ParameterValue())
    with _remote(args) as remote:
        result = remote.set([unset])[0]
    _tell('Deleted parameter successfully', 'Deleting parameter failed', result)


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
            name: value for name in names for value in remote.values([name])}
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *groups, leaf = name.split('.')
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        branch[leaf] = _plain(value)
    full_name = '/' + args.node_name.lstrip('/')
    print(yaml.dump({full_name: {'ros__parameters': tree}}, default_flow_style=False))


def load(args: argparse.Namespace) -> str | None:
    """Set the parameters of a node from a file."""
    with _remote(args) as remote:
        try:
            parameters = parameter_dict_from_yaml_file(
                args.parameter_file, use_wildcard=not args.no_use_wildcard)
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
        _tell(f'Set parameter {name} successful', f'Set parameter {name} failed', result)
    return None


PARAMETER = option('parameter_name', help='Name of the parameter')


def _common(**node: str) -> tuple[Option, ...]:
    return (
        *GRAPH,
        option('node_name', help='Name of the ROS node', **node),
        flag('--include-hidden-nodes', help='Consider hidden nodes as well'),
        option('--timeout', metavar='N', type=float, default=5.0,
               help='Wait for N seconds for the parameter services to answer (default: 5)'),
    )


add_arguments = partial(add_verbs, verbs={
    'delete': Verb('Delete parameter', delete, (*_common(), PARAMETER)),
    'describe': Verb(
        'Show descriptive information about declared parameters', describe,
        (*_common(), option('parameter_names', nargs='+', help='Names of the parameters'))),
    'dump': Verb('Show all of the parameters of a node in a YAML file format',
                 dump, _common()),
    'get': Verb('Get parameter', get,
                (*_common(), PARAMETER, flag('--hide-type', help='Hide the type information'))),
    'list': Verb(
        'Output a list of available parameters', list_parameters,
        (*_common(nargs='?'),
         option('--param-prefixes', nargs='+', default=[],
                help='Only list parameters with the provided prefixes'),
         flag('--param-type', help='Print parameter types with parameter names'),
         option('--filter',
                help='Only list parameters matching the provided regular expression'))),
    'load': Verb(
        'Load parameter file for a node', load,
        (*_common(), option('parameter_file', help='Parameter file'),
         flag('--no-use-wildcard',
              help='Do not load parameters in the "/**" namespace into the node'))),
    'set': Verb('Set parameter', set_parameter,
                (*_common(), PARAMETER, option('value', help='Value of the parameter'))),
})
