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
from functools import partial

from ros2cli.options import GRAPH
from ros2cli.verbs import Verb, add_verbs, flag, lazy, option

DESCRIPTION = 'Various lifecycle related sub-commands'
main = partial(lazy, 'ros2lifecycle.verbs')
HIDDEN = flag('--include-hidden-nodes', help='Consider hidden nodes as well')
NODE = option('node_name', help='Name of the ROS node')
VERBS = {
    'get': Verb('Get lifecycle state for one or more nodes', main('get'),
                (*GRAPH, HIDDEN,
                 option('node_name', nargs='?', help='Name of the ROS node (default: all)'))),
    'list': Verb('Output a list of available transitions', main('list_transitions'),
                 (*GRAPH, HIDDEN, NODE,
                  flag('-a', '--all', help='Display all existing transitions'))),
    'nodes': Verb('Output a list of nodes with lifecycle', main('list_nodes'),
                  (*GRAPH, flag('-a', '--all', help='Display all nodes even hidden ones'),
                   flag('-c', '--count-nodes', help='Only display the number of nodes'))),
    'set': Verb('Trigger lifecycle state transition', main('trigger'),
                (*GRAPH, HIDDEN, NODE,
                 option('transition', help='The lifecycle transition, by label or id'))),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 lifecycle`."""
    add_verbs(parser, VERBS)
