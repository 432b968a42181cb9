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
"""The verbs that topics and services have in common: those on their names and types."""

import argparse
from collections.abc import Callable
from typing import Any

from ros2cli.graph import GraphNode, visible
from ros2cli.options import GRAPH, hidden_here_too
from ros2cli.verbs import Option, Verb, flag, option


def print_lines(lines: list[str], count: bool = False) -> None:
    """Print lines, or how many there are."""
    for line in [str(len(lines))] if count else lines:
        print(line)


class Names:
    """Names and types of topics or services, as the verbs list, find and type show them.

    :param noun: topic or service.
    :param names_and_types: what asks a node for them.
    """

    def __init__(self, noun: str, names_and_types: Callable[[Any], list]) -> None:
        self._noun, self._names_and_types = noun, names_and_types
        self.name = option('name', metavar=f'{noun}_name', help=f'Name of the ROS {noun}')
        self._count = flag('-c', f'--count-{noun}s', dest='count',
                           help=f'Only display the number of {noun}s discovered')

    def types_of(self, graph: GraphNode, name: str) -> list[str]:
        """Return the types of a name, none where the graph does not know it."""
        return dict(self._names_and_types(graph.node)).get(name, [])

    def shown(self, graph: GraphNode, args: argparse.Namespace) -> list[tuple[str, list[str]]]:
        """Wait for the graph, and return all names and types that the user wants to see."""
        graph.settle()
        return visible(self._names_and_types(graph.node), args.include_hidden)

    def print_list(self, args: argparse.Namespace) -> None:
        """Print the names, or their number."""
        with GraphNode(args) as graph:
            shown = self.shown(graph, args)
        print_lines([f'{name} [{", ".join(types)}]' if args.show_types else name
                     for name, types in shown], args.count)

    def _find(self, args: argparse.Namespace) -> None:
        with GraphNode(args) as graph:
            names = [name for name, types in self.shown(graph, args) if args.type in types]
        print_lines(names, args.count)

    def _print_type(self, args: argparse.Namespace) -> int:
        with GraphNode(args) as graph:
            types = graph.wait_until(lambda: self.types_of(graph, args.name))
        print_lines(types)
        return 0 if types else 1

    def verbs(self, *more: Option, type_description: str) -> dict[str, Verb]:
        """Return the verbs; `more` options are those of list."""
        hidden = hidden_here_too(f'{self._noun}s')
        return {
            'find': Verb(f'Output a list of available {self._noun}s of a given type', self._find,
                         (*GRAPH, option('type', metavar=f'{self._noun}_type', help='The type'),
                          self._count, hidden)),
            'list': Verb(f'Output a list of available {self._noun}s', self.print_list,
                         (*GRAPH, flag('-t', '--show-types',
                                       help=f'Additionally show the {self._noun} type'),
                          self._count, hidden, *more)),
            'type': Verb(type_description, self._print_type, (*GRAPH, self.name)),
        }
