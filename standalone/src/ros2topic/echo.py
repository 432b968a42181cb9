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
"""`ros2 topic echo`: print messages as they arrive."""

import argparse
import time
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.qos import qos_profile_sensor_data
from ros2cli.graph import GraphNode
from rosidl_runtime_py import message_to_csv, message_to_yaml

from ros2topic import subscribing

INFO_IN_CSV = ('source_timestamp', 'received_timestamp', 'publication_sequence_number',
               'reception_sequence_number')


class _InvalidFieldError(RuntimeError):
    """The message has no such field."""


def _select(message: Any, path: str | None) -> Any:
    for name in path.split('.') if path else ():
        try:
            message = getattr(message, name)
        except AttributeError as error:
            raise _InvalidFieldError(f"Invalid field '{path}': {error}") from None
    return message


def _show(message: Any, info: dict[str, Any], args: argparse.Namespace) -> None:
    """Print one message, or a field of one, and its info in the wanted form."""
    is_message = hasattr(message, '__slots__') and not args.raw
    options = {'truncate_length': None if args.full_length else args.truncate_length,
               'no_arr': args.no_arr, 'no_str': args.no_str}
    if args.csv and not args.raw:
        text = message_to_csv(message, **options) if is_message else str(message)
        if args.include_message_info:
            text = ','.join([*(str(info.get(key)) for key in INFO_IN_CSV), text])
        print(text)
        return
    if args.include_message_info and not args.raw:
        for key, value in sorted(info.items()):
            print(f'{key}: {"null" if value is None else value}')
        print('---')
    if is_message:
        print(message_to_yaml(message, flow_style=args.flow_style, **options), end='---\n')
    else:
        print(message, end='\n---\n')


def _print_lost(event: Any) -> None:
    print(f'A message was lost!!!\n\ttotal count change:{event.total_count_change}'
          f'\n\ttotal count: {event.total_count}', end='---\n')


def echo(args: argparse.Namespace) -> str | None:
    """Print the messages of a topic until interrupted, `--once` or `--timeout` ends it."""
    accepts = subscribing.predicate(args.filter_expr)
    given = subscribing.message_class(args.message_type) if args.message_type else None
    with GraphNode(args) as graph:
        kind = given or subscribing.topic_class(graph, args.name, wait=False)
        if kind is None:
            return 'Could not determine the type for the passed topic'
        if subscribing.given_qos(args):
            qos = subscribing.apply_qos_options(qos_profile_sensor_data, args)
        else:
            # Every publisher has to be known before a profile can suit them all.
            graph.settle()
            qos = subscribing.matching_qos(graph, args.name)
        printed = 0
        error: Exception | None = None

        def receive(message: Any, info: dict[str, Any]) -> None:
            nonlocal printed, error
            if error or (args.once and printed):
                return
            try:
                if not args.raw:
                    if not accepts(message):
                        return
                    message = _select(message, args.field)
                _show(message, info, args)
            # Raised again below: an exception in a callback belongs to the command.
            except Exception as raised:
                error = raised
            printed += 1

        events = None if args.no_lost_messages else SubscriptionEventCallbacks(
            message_lost=_print_lost)
        try:
            graph.node.create_subscription(
                kind, args.name, receive, qos, raw=args.raw, event_callbacks=events)
        except UnsupportedEventTypeError:
            graph.node.create_subscription(kind, args.name, receive, qos, raw=args.raw)
        end = time.monotonic() + args.timeout if args.timeout else float('inf')
        subscribing.spin_while(
            graph,
            lambda: not (error or (args.once and printed)) and time.monotonic() < end)
    if isinstance(error, BrokenPipeError | _InvalidFieldError):
        raise error
    return f'{type(error).__name__}: {error}' if error else None
