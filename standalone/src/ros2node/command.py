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

"""The verbs of `ros2 node`."""

import argparse
import sys

from ros2cli.options import add_graph_arguments
from ros2cli.verbs import Verb, add_verbs

DESCRIPTION = 'Various node related sub-commands'


def _add_list_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        '-a', '--all', action='store_true', help='Display all nodes even hidden ones'
    )
    parser.add_argument(
        '-c', '--count-nodes', action='store_true', help='Only display the number of nodes'
    )


def _list(args: argparse.Namespace) -> None:
    from ros2cli.graph import GraphNode

    with GraphNode(args) as graph:
        graph.settle()
        names = [node.full_name for node in graph.node_names(include_hidden=args.all)]
    if args.count_nodes:
        print(len(names))
        return
    if len(names) != len(set(names)):
        print(
            'WARNING: Be aware that there are nodes in the graph that share an exact name, '
            'which can have unintended side effects.',
            file=sys.stderr,
        )
    for name in names:
        print(name)


def _add_info_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument('node_name', help='Node name to request information')
    parser.add_argument(
        '--include-hidden',
        action='store_true',
        help='Display hidden topics, services, and actions as well',
    )


def _actions(services: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Return the actions behind the goal services of a node."""
    suffix = '/_action/send_goal'
    return [
        (name.removesuffix(suffix), [kind.removesuffix('_SendGoal') for kind in kinds])
        for name, kinds in services
        if name.endswith(suffix)
    ]


def _info(args: argparse.Namespace) -> str | None:
    from ros2cli.graph import GraphNode, visible

    with GraphNode(args) as graph:
        graph.settle()
        nodes = [n for n in graph.node_names(True) if n.full_name == args.node_name]
        if not nodes:
            return f"Unable to find node '{args.node_name}'"
        if len(nodes) > 1:
            print(
                f'There are {len(nodes)} nodes in the graph with the exact name '
                f"'{args.node_name}'. You are seeing information about only one of them."
            )
        ask, where = graph.node, nodes[0]
        servers = ask.get_service_names_and_types_by_node(*where)
        clients = ask.get_client_names_and_types_by_node(*where)
        sections = {
            'Subscribers': ask.get_subscriber_names_and_types_by_node(*where),
            'Publishers': ask.get_publisher_names_and_types_by_node(*where),
            'Service Servers': servers,
            'Service Clients': clients,
        }
        print(args.node_name)
        for title, names_and_types in sections.items():
            _print_section(title, visible(names_and_types, args.include_hidden))
        _print_section('Action Servers', _actions(servers))
        _print_section('Action Clients', _actions(clients))
    return None


def _print_section(title: str, names_and_types: list[tuple[str, list[str]]]) -> None:
    print(f'  {title}:')
    for name, kinds in names_and_types:
        print(f'    {name}: {", ".join(kinds)}')
    if not names_and_types:
        print()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 node`."""
    add_verbs(
        parser,
        {
            'info': Verb('Output information about a node', _info, _add_info_arguments),
            'list': Verb('Output a list of available nodes', _list, _add_list_arguments),
        },
    )
