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
"""The verbs of `ros2 node`: their options, and where each is done."""

import argparse
from functools import partial

from ros2cli.options import GRAPH
from ros2cli.verbs import Verb, add_verbs, flag, lazy, option

DESCRIPTION = 'Various node related sub-commands'
main = partial(lazy, 'ros2node.verbs')
VERBS = {
    'info': Verb('Output information about a node', main('info'),
                 (*GRAPH, option('node_name', help='Node name to request information'),
                  flag('--include-hidden', help='Display hidden topics and services as well'))),
    'list': Verb('Output a list of available nodes', main('list_nodes'),
                 (*GRAPH, flag('-a', '--all', help='Display all nodes even hidden ones'),
                  flag('-c', '--count-nodes', help='Only display the number of nodes'))),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 node`."""
    add_verbs(parser, VERBS)
