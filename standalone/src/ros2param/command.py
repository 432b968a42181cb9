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

from ros2cli.options import add_graph_arguments
from ros2cli.verbs import Verb, add_verbs, lazy

DESCRIPTION = 'Various param related sub-commands'


def _add_common(parser: argparse.ArgumentParser, node: str | None = None) -> None:
    add_graph_arguments(parser)
    parser.add_argument('node_name', nargs=node, help='Name of the ROS node')
    parser.add_argument(
        '--include-hidden-nodes', action='store_true', help='Consider hidden nodes as well'
    )
    parser.add_argument(
        '--timeout',
        metavar='N',
        type=float,
        default=5.0,
        help='Wait for N seconds for the parameter services to answer (default: 5)',
    )


def _add_list(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, node='?')
    parser.add_argument(
        '--param-prefixes',
        nargs='+',
        default=[],
        help='Only list parameters with the provided prefixes',
    )
    parser.add_argument(
        '--param-type', action='store_true', help='Print parameter types with parameter names'
    )
    parser.add_argument(
        '--filter', help='Only list parameters matching the provided regular expression'
    )


def _add_get(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument('parameter_name', help='Name of the parameter')
    parser.add_argument('--hide-type', action='store_true', help='Hide the type information')


def _add_set(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument('parameter_name', help='Name of the parameter')
    parser.add_argument('value', help='Value of the parameter')


def _add_delete(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument('parameter_name', help='Name of the parameter')


def _add_describe(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument('parameter_names', nargs='+', help='Names of the parameters')


def _add_load(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument('parameter_file', help='Parameter file')
    parser.add_argument(
        '--no-use-wildcard',
        action='store_true',
        help='Do not load parameters in the "/**" namespace into the node',
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 param`."""
    add_verbs(
        parser,
        {
            'delete': Verb('Delete parameter', lazy('ros2param.verbs', 'delete'), _add_delete),
            'describe': Verb(
                'Show descriptive information about declared parameters',
                lazy('ros2param.verbs', 'describe'),
                _add_describe,
            ),
            'dump': Verb(
                'Show all of the parameters of a node in a YAML file format',
                lazy('ros2param.verbs', 'dump'),
                _add_common,
            ),
            'get': Verb('Get parameter', lazy('ros2param.verbs', 'get'), _add_get),
            'list': Verb(
                'Output a list of available parameters',
                lazy('ros2param.verbs', 'list_parameters'),
                _add_list,
            ),
            'load': Verb(
                'Load parameter file for a node', lazy('ros2param.verbs', 'load'), _add_load
            ),
            'set': Verb('Set parameter', lazy('ros2param.verbs', 'set_parameter'), _add_set),
        },
    )
