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

"""`ros2 topic pub`: publish messages given as YAML."""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

import yaml
from rclpy.exceptions import InvalidTopicNameException
from rclpy.qos import QoSPresetProfiles
from ros2cli.graph import GraphNode
from rosidl_runtime_py import set_message_fields

from ros2topic.subscribing import apply_qos_options, message_class, spin_while


def _documents(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the values of the messages to publish.

    :raises RuntimeError: the text is not YAML, or not a dictionary.
    """
    try:
        for values in yaml.safe_load_all(sys.stdin if args.stdin else args.values):
            if not isinstance(values, dict):
                raise RuntimeError('The passed value needs to be a dictionary in YAML format')
            yield values
    except yaml.YAMLError as error:
        raise RuntimeError(f'The passed value is not valid YAML: {error}') from None


def pub(args: argparse.Namespace) -> str | int | None:
    """Publish the given message once, a number of times or until interrupted."""
    times = 1 if args.once else args.times
    documents = _documents(args)
    kind = message_class(args.message_type)
    with GraphNode(args, node_name=args.node_name) as graph:
        node = graph.node
        prepared = _fill(kind, next(documents, {}))
        qos = apply_qos_options(QoSPresetProfiles.get_from_short_key('default'), args)
        try:
            publisher = node.create_publisher(kind, args.name, qos)
        except InvalidTopicNameException as error:
            return str(error)
        wanted = args.wait_matching_subscriptions
        if wanted is None:
            wanted = 1 if times else 0
        if not _wait_for_subscriptions(publisher, wanted, args.max_wait_time_secs):
            return (f'Timed out waiting for subscribers: Expected {wanted} subscribers but only '
                    f'got {publisher.get_subscription_count()} subscribers')
        print('publisher: beginning loop')
        count = 0
        finished = False

        def publish() -> None:
            nonlocal count, prepared, finished
            if args.stdin and count:
                values = next(documents, None)
                if values is None:
                    finished = True
                    return
                prepared = _fill(kind, values)
            message, stamps = prepared
            now = node.get_clock().now().to_msg()
            for set_stamp in stamps:
                set_stamp(now)
            count += 1
            if args.print and count % args.print == 0:
                print(f'publishing #{count}: {message!r}\n')
            publisher.publish(message)

        publish()
        node.create_timer(1.0 / args.rate, publish)
        spin_while(graph, lambda: not finished and not (times and count >= times))
        # Let the last message reach the wire and be acknowledged.
        time.sleep(args.keep_alive)
    return None


def _fill(kind: Any, values: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Return a message with its values, and what sets its stamps that were given as `now`."""
    message = kind()
    try:
        stamps = set_message_fields(message, values, expand_header_auto=True, expand_time_now=True)
    except Exception as error:
        raise RuntimeError(f'Failed to populate field: {error}') from None
    return message, stamps


def _wait_for_subscriptions(publisher: Any, wanted: int, longest_s: float | None) -> bool:
    started = time.monotonic()
    # Discovery takes a moment; only then is it waiting.
    said = started - 0.5
    while publisher.get_subscription_count() < wanted:
        now = time.monotonic()
        if longest_s is not None and now - started > longest_s:
            return False
        if now - said >= 1.0:
            print(f'Waiting for at least {wanted} matching subscription(s)...')
            said = now
        time.sleep(0.02)
    return True
