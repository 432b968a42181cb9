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

"""`ros2 lifecycle`, by the lifecycle services of the nodes."""

import argparse
import sys
from functools import partial
from typing import Any

from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
from ros2cli.graph import GraphNode, NodeName
from ros2cli.names import print_lines
from ros2cli.options import GRAPH
from ros2cli.verbs import Verb, add_verbs, flag, option


def _lifecycle_nodes(graph: GraphNode, include_hidden: bool) -> list[NodeName]:
    services = dict(graph.node.get_service_names_and_types())
    return [node for node in graph.node_names(include_hidden)
            if 'lifecycle_msgs/srv/GetState' in services.get(f'{node.full_name}/get_state', [])]


def _find(graph: GraphNode, args: argparse.Namespace) -> NodeName:
    """Wait for the lifecycle node that the user named.

    :raises RuntimeError: there is none.
    """
    full_name = '/' + args.node_name.lstrip('/')
    found = graph.wait_until(lambda: [
        node for node in _lifecycle_nodes(graph, args.include_hidden_nodes)
        if node.full_name == full_name])
    if not found:
        raise RuntimeError('Node not found')
    return found[0]


def _state(graph: GraphNode, node: NodeName) -> str:
    state = graph.call(GetState, f'{node.full_name}/get_state', GetState.Request()).current_state
    return f'{state.label} [{state.id}]'


def _transitions(graph: GraphNode, node: NodeName, service: str) -> list[Any]:
    return graph.call(GetAvailableTransitions, f'{node.full_name}/{service}',
                      GetAvailableTransitions.Request()).available_transitions


def list_nodes(args: argparse.Namespace) -> None:
    """Print the nodes that have a lifecycle."""
    with GraphNode(args) as graph:
        graph.settle()
        nodes = _lifecycle_nodes(graph, args.all)
    print_lines([node.full_name for node in nodes], args.count_nodes)


def get(args: argparse.Namespace) -> None:
    """Print the state of one node or of all."""
    with GraphNode(args) as graph:
        if args.node_name is not None:
            print(_state(graph, _find(graph, args)))
            return
        graph.settle()
        for node in _lifecycle_nodes(graph, args.include_hidden_nodes):
            try:
                print(f'{node.full_name}: {_state(graph, node)}')
            except RuntimeError as error:
                print(f'{node.full_name}: {error}', file=sys.stderr)


def list_transitions(args: argparse.Namespace) -> None:
    """Print the transitions of a node."""
    service = 'get_transition_graph' if args.all else 'get_available_transitions'
    with GraphNode(args) as graph:
        for description in _transitions(graph, _find(graph, args), service):
            print(f'- {description.transition.label} [{description.transition.id}]')
            print(f'\tStart: {description.start_state.label}')
            print(f'\tGoal: {description.goal_state.label}')


def trigger(args: argparse.Namespace) -> str | None:
    """Trigger a transition of a node, named by label or id."""
    with GraphNode(args) as graph:
        node = _find(graph, args)
        available = [description.transition for description in _transitions(
            graph, node, 'get_available_transitions')]
        wanted = [transition for transition in available
                  if args.transition in (str(transition.id), transition.label)]
        if not wanted:
            return '\n'.join(['Unknown transition requested, available ones are:', *(
                f'- {transition.label} [{transition.id}]' for transition in available)])
        # A transition may build an engine or load weights.
        response = graph.call(ChangeState, f'{node.full_name}/change_state',
                              ChangeState.Request(transition=wanted[0]), timeout_s=600.0)
    if response.success:
        print('Transitioning successful')
    else:
        print('Transitioning failed', file=sys.stderr)
    return None


HIDDEN = flag('--include-hidden-nodes', help='Consider hidden nodes as well')
NODE = option('node_name', help='Name of the ROS node')
add_arguments = partial(add_verbs, verbs={
    'get': Verb('Get lifecycle state for one or more nodes', get,
                (*GRAPH, HIDDEN,
                 option('node_name', nargs='?', help='Name of the ROS node (default: all)'))),
    'list': Verb('Output a list of available transitions', list_transitions,
                 (*GRAPH, HIDDEN, NODE,
                  flag('-a', '--all', help='Display all existing transitions'))),
    'nodes': Verb('Output a list of nodes with lifecycle', list_nodes,
                  (*GRAPH, flag('-a', '--all', help='Display all nodes even hidden ones'),
                   flag('-c', '--count-nodes', help='Only display the number of nodes'))),
    'set': Verb('Trigger lifecycle state transition', trigger,
                (*GRAPH, HIDDEN, NODE,
                 option('transition', help='The lifecycle transition, by label or id'))),
})
