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

from ros2cli.graph import GraphNode, visible


def list_topics(args: argparse.Namespace) -> None:
    """Print the topics of the graph."""
    with GraphNode(args) as graph:
        graph.settle()
        topics = visible(graph.node.get_topic_names_and_types(), args.include_hidden_topics)
        if args.count_topics:
            print(len(topics))
        elif args.verbose:
            _print_counts('Published', 'publisher', topics, graph.node.count_publishers)
            print()
            _print_counts('Subscribed', 'subscriber', topics, graph.node.count_subscribers)
            print()
        else:
            for name, types in topics:
                print(f'{name} [{", ".join(types)}]' if args.show_types else name)


def _print_counts(title, noun, topics, count) -> None:  # type: ignore[no-untyped-def]
    print(f'{title} topics:')
    for name, types in topics:
        number = count(name)
        if number:
            plural = '' if number == 1 else 's'
            print(f' * {name} [{", ".join(types)}] {number} {noun}{plural}')


def types_of(graph: GraphNode, topic_name: str) -> list[str]:
    """Return the types of a topic, none where the graph does not know it."""
    return dict(graph.node.get_topic_names_and_types()).get(topic_name, [])


def info(args: argparse.Namespace) -> str | None:
    """Print type and endpoints of a topic."""
    with GraphNode(args) as graph:
        graph.settle()
        types = types_of(graph, args.topic_name)
        if not types:
            return f"Unknown topic '{args.topic_name}'"
        node, name = graph.node, args.topic_name
        print('Type:', types[0] if len(types) == 1 else types)
        if args.verbose:
            print()
        for title, endpoints in (
            ('Publisher', node.get_publishers_info_by_topic(name)),
            ('Subscription', node.get_subscriptions_info_by_topic(name)),
        ):
            print(f'{title} count: {len(endpoints)}')
            if args.verbose:
                print()
                for endpoint in endpoints:
                    print(endpoint, end='\n\n')
    return None


def print_type(args: argparse.Namespace) -> int:
    """Print the types of a topic; the status is 1 where the topic is unknown."""
    with GraphNode(args) as graph:
        types = graph.wait_until(lambda: types_of(graph, args.topic_name))
    for name in types:
        print(name)
    return 0 if types else 1


def find(args: argparse.Namespace) -> None:
    """Print the topics of one type."""
    with GraphNode(args) as graph:
        graph.settle()
        topics = visible(graph.node.get_topic_names_and_types(), args.include_hidden_topics)
    names = [name for name, types in topics if args.topic_type in types]
    if args.count_topics:
        print(len(names))
        return
    for name in names:
        print(name)
