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

"""The verbs of `ros2 lifecycle`: their options, and where each is done."""

import argparse

from ros2cli.options import add_graph_arguments
from ros2cli.verbs import Verb, add_verbs, lazy

DESCRIPTION = 'Various lifecycle related sub-commands'


def _add_hidden(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        '--include-hidden-nodes', action='store_true', help='Consider hidden nodes as well'
    )


def _add_nodes(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        '-a', '--all', action='store_true', help='Display all nodes even hidden ones'
    )
    parser.add_argument(
        '-c', '--count-nodes', action='store_true', help='Only display the number of nodes'
    )


def _add_get(parser: argparse.ArgumentParser) -> None:
    _add_hidden(parser)
    parser.add_argument('node_name', nargs='?', help='Name of the ROS node')


def _add_list(parser: argparse.ArgumentParser) -> None:
    _add_hidden(parser)
    parser.add_argument('node_name', help='Name of the ROS node')
    parser.add_argument(
        '-a',
        '--all',
        action='store_true',
        help='Display all existing transitions, not only those from the present state',
    )


def _add_set(parser: argparse.ArgumentParser) -> None:
    _add_hidden(parser)
    parser.add_argument('node_name', help='Name of the ROS node')
    parser.add_argument('transition', help='The lifecycle transition, by label or id')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 lifecycle`."""
    add_verbs(
        parser,
        {
            'get': Verb(
                'Get lifecycle state for one or more nodes',
                lazy('ros2lifecycle.verbs', 'get'),
                _add_get,
            ),
            'list': Verb(
                'Output a list of available transitions',
                lazy('ros2lifecycle.verbs', 'list_all'),
                _add_list,
            ),
            'nodes': Verb(
                'Output a list of nodes with lifecycle',
                lazy('ros2lifecycle.verbs', 'list_nodes'),
                _add_nodes,
            ),
            'set': Verb(
                'Trigger lifecycle state transition',
                lazy('ros2lifecycle.verbs', 'trigger'),
                _add_set,
            ),
        },
    )
