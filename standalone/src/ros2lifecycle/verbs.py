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

"""What each verb of `ros2 lifecycle` does, through the lifecycle services of a node."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
from ros2cli.graph import GraphNode, NodeName


def _lifecycle_nodes(graph: GraphNode, include_hidden: bool) -> list[NodeName]:
    services = dict(graph.node.get_service_names_and_types())
    return [
        node
        for node in graph.node_names(include_hidden)
        if 'lifecycle_msgs/srv/GetState' in services.get(f'{node.full_name}/get_state', [])
    ]


def _find(graph: GraphNode, name: str, include_hidden: bool) -> NodeName:
    """
    Wait for a lifecycle node of this name.

    :raises RuntimeError: there is none.
    """
    full_name = '/' + name.lstrip('/')

    def look() -> NodeName | None:
        nodes = _lifecycle_nodes(graph, include_hidden)
        return next((node for node in nodes if node.full_name == full_name), None)

    node = graph.wait_until(look)
    if node is None:
        raise RuntimeError('Node not found')
    return node


def _state(graph: GraphNode, node: NodeName) -> str:
    state = graph.call(GetState, f'{node.full_name}/get_state', GetState.Request()).current_state
    return f'{state.label} [{state.id}]'


def _transitions(graph: GraphNode, node: NodeName, service: str) -> Sequence[Any]:
    response: Any = graph.call(
        GetAvailableTransitions,
        f'{node.full_name}/{service}',
        GetAvailableTransitions.Request(),
    )
    return response.available_transitions  # type: ignore[no-any-return]


def list_nodes(args: argparse.Namespace) -> None:
    """Print the nodes that have a lifecycle."""
    with GraphNode(args) as graph:
        graph.settle()
        nodes = _lifecycle_nodes(graph, args.all)
    if args.count_nodes:
        print(len(nodes))
        return
    for node in nodes:
        print(node.full_name)


def get(args: argparse.Namespace) -> None:
    """Print the state of one node or of all."""
    with GraphNode(args) as graph:
        if args.node_name is not None:
            print(_state(graph, _find(graph, args.node_name, args.include_hidden_nodes)))
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
        node = _find(graph, args.node_name, args.include_hidden_nodes)
        for description in _transitions(graph, node, service):
            print(f'- {description.transition.label} [{description.transition.id}]')
            print(f'\tStart: {description.start_state.label}')
            print(f'\tGoal: {description.goal_state.label}')


def trigger(args: argparse.Namespace) -> str | None:
    """Trigger a transition of a node, named by label or id."""
    with GraphNode(args) as graph:
        node = _find(graph, args.node_name, args.include_hidden_nodes)
        available = [
            description.transition
            for description in _transitions(graph, node, 'get_available_transitions')
        ]
        for transition in available:
            if args.transition in (str(transition.id), transition.label):
                break
        else:
            lines = [f'- {transition.label} [{transition.id}]' for transition in available]
            return '\n'.join(['Unknown transition requested, available ones are:', *lines])
        response = graph.call(
            ChangeState,
            f'{node.full_name}/change_state',
            ChangeState.Request(transition=transition),
            # A transition may build an engine or load weights.
            timeout_s=600.0,
        )
    if response.success:
        print('Transitioning successful')
    else:
        print('Transitioning failed', file=sys.stderr)
    return None
