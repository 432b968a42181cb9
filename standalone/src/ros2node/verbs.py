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
"""`ros2 node`."""

import argparse
import sys
from functools import partial

from ros2cli.graph import GraphNode, visible
from ros2cli.names import print_lines
from ros2cli.options import GRAPH
from ros2cli.verbs import Verb, add_verbs, flag, option


def list_nodes(args: argparse.Namespace) -> None:
    """Print the nodes of the graph."""
    with GraphNode(args) as graph:
        graph.settle()
        names = [node.full_name for node in graph.node_names(include_hidden=args.all)]
    if len(names) != len(set(names)) and not args.count_nodes:
        print('WARNING: Be aware that there are nodes in the graph that share an exact name, '
              'which can have unintended side effects.', file=sys.stderr)
    print_lines(names, args.count_nodes)


def info(args: argparse.Namespace) -> str | None:
    """Print the endpoints of a node."""
    with GraphNode(args) as graph:
        graph.settle()
        nodes = [n for n in graph.node_names(True) if n.full_name == args.node_name]
        if not nodes:
            return f"Unable to find node '{args.node_name}'"
        if len(nodes) > 1:
            print(f'There are {len(nodes)} nodes in the graph with the exact name '
                  f'"{args.node_name}". You are seeing information about only one of them.')
        ask, where = graph.node, nodes[0]
        servers = ask.get_service_names_and_types_by_node(*where)
        clients = ask.get_client_names_and_types_by_node(*where)
        sections = {
            'Subscribers': ask.get_subscriber_names_and_types_by_node(*where),
            'Publishers': ask.get_publisher_names_and_types_by_node(*where),
            'Service Servers': servers,
            'Service Clients': clients,
            'Action Servers': _actions(servers),
            'Action Clients': _actions(clients),
        }
    print(args.node_name)
    for title, names_and_types in sections.items():
        print(f'  {title}:')
        shown = visible(names_and_types, args.include_hidden)
        for name, kinds in shown:
            print(f'    {name}: {", ".join(kinds)}')
        if not shown:
            print()
    return None


def _actions(services: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Return the actions behind the goal services of a node."""
    suffix = '/_action/send_goal'
    return [(name.removesuffix(suffix), [kind.removesuffix('_SendGoal') for kind in kinds])
            for name, kinds in services if name.endswith(suffix)]


add_arguments = partial(add_verbs, verbs={
    'info': Verb('Output information about a node', info,
                 (*GRAPH, option('node_name', help='Node name to request information'),
                  flag('--include-hidden', help='Display hidden topics and services as well'))),
    'list': Verb('Output a list of available nodes', list_nodes,
                 (*GRAPH, flag('-a', '--all', help='Display all nodes even hidden ones'),
                  flag('-c', '--count-nodes', help='Only display the number of nodes'))),
})
