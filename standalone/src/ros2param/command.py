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
"""The verbs of `ros2 param`: their options, and where each is done."""

import argparse
from functools import partial

from ros2cli.options import GRAPH
from ros2cli.verbs import Option, Verb, add_verbs, flag, lazy, option

DESCRIPTION = 'Various param related sub-commands'
main = partial(lazy, 'ros2param.verbs')
PARAMETER = option('parameter_name', help='Name of the parameter')


def _common(**node: str) -> tuple[Option, ...]:
    return (
        *GRAPH,
        option('node_name', help='Name of the ROS node', **node),
        flag('--include-hidden-nodes', help='Consider hidden nodes as well'),
        option('--timeout', metavar='N', type=float, default=5.0,
               help='Wait for N seconds for the parameter services to answer (default: 5)'),
    )


VERBS = {
    'delete': Verb('Delete parameter', main('delete'), (*_common(), PARAMETER)),
    'describe': Verb(
        'Show descriptive information about declared parameters', main('describe'),
        (*_common(), option('parameter_names', nargs='+', help='Names of the parameters'))),
    'dump': Verb('Show all of the parameters of a node in a YAML file format',
                 main('dump'), _common()),
    'get': Verb('Get parameter', main('get'),
                (*_common(), PARAMETER, flag('--hide-type', help='Hide the type information'))),
    'list': Verb(
        'Output a list of available parameters', main('list_parameters'),
        (*_common(nargs='?'),
         option('--param-prefixes', nargs='+', default=[],
                help='Only list parameters with the provided prefixes'),
         flag('--param-type', help='Print parameter types with parameter names'),
         option('--filter',
                help='Only list parameters matching the provided regular expression'))),
    'load': Verb(
        'Load parameter file for a node', main('load'),
        (*_common(), option('parameter_file', help='Parameter file'),
         flag('--no-use-wildcard',
              help='Do not load parameters in the "/**" namespace into the node'))),
    'set': Verb('Set parameter', main('set_parameter'),
                (*_common(), PARAMETER, option('value', help='Value of the parameter'))),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 param`."""
    add_verbs(parser, VERBS)
