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
"""`ros2 topic list`, `info`, `type` and `find`: what the graph knows of topics."""

import argparse
from collections.abc import Callable

from ros2cli.graph import GraphNode
from ros2cli.names import Names

NAMES = Names('topic', lambda node: node.get_topic_names_and_types())


def list_topics(args: argparse.Namespace) -> None:
    """Print the topics of the graph."""
    if args.count or not args.verbose:
        return NAMES.print_list(args)
    with GraphNode(args) as graph:
        topics = NAMES.shown(graph, args)
        _print_counts('Published', 'publisher', topics, graph.node.count_publishers)
        _print_counts('Subscribed', 'subscriber', topics, graph.node.count_subscribers)


def _print_counts(title: str, noun: str, topics: list[tuple[str, list[str]]],
                  count: Callable[[str], int]) -> None:
    print(f'{title} topics:')
    for name, types in topics:
        number = count(name)
        if number:
            plural = '' if number == 1 else 's'
            print(f' * {name} [{", ".join(types)}] {number} {noun}{plural}')
    print()


def info(args: argparse.Namespace) -> str | None:
    """Print type and endpoints of a topic."""
    with GraphNode(args) as graph:
        graph.settle()
        types = NAMES.types_of(graph, args.name)
        if not types:
            return f"Unknown topic '{args.name}'"
        print('Type:', types[0] if len(types) == 1 else types)
        if args.verbose:
            print()
        for title, endpoints in (
            ('Publisher', graph.node.get_publishers_info_by_topic(args.name)),
            ('Subscription', graph.node.get_subscriptions_info_by_topic(args.name)),
        ):
            print(f'{title} count: {len(endpoints)}')
            if args.verbose:
                print()
                for endpoint in endpoints:
                    print(endpoint, end='\n\n')
    return None
