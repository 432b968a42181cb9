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
"""What playing and recording share: settings that are read first, and a node until a signal."""

import argparse
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rclpy
from rclpy.logging import get_logger
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions

from ros2bag import qos


def failure(reason: object) -> RuntimeError:
    """Return what the `ros2` command shows of a failure."""
    return RuntimeError(f'[ERROR] [ros2bag]: {reason}')


def read_settings(args: argparse.Namespace) -> dict[str, QoSProfile]:
    """Check the expressions, and return the QoS overrides by topic."""
    try:
        re.compile(args.regex)
        re.compile(args.exclude_regex)
        return qos.read_overrides(args.qos_profile_overrides_path)
    except (ValueError, re.error) as error:
        raise failure(error) from None


def is_chosen(topic: str, args: argparse.Namespace) -> bool:
    """Tell if `--regex` matches the topic."""
    return bool(args.regex and re.search(args.regex, topic))


def is_excluded(topic: str, args: argparse.Namespace) -> bool:
    """Tell if `--exclude-topics` or `--exclude-regex` leave the topic out."""
    return topic in args.exclude_topics or bool(
        args.exclude_regex and re.search(args.exclude_regex, topic))


@contextmanager
def node_until_signal(name: str, ros_arguments: list[str], stop: Callable[[], None],
                      **options: Any) -> Iterator[Any]:
    """Give a node; SIGINT and SIGTERM call `stop` once, and are told at the end."""
    received: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        received.append(number)
        if len(received) == 1:  # another may come in the middle of stop()
            stop()

    rclpy.init(args=['--ros-args', *ros_arguments],
               signal_handler_options=SignalHandlerOptions.NO)
    try:
        signal.signal(signal.SIGINT, on_signal)
        signal.signal(signal.SIGTERM, on_signal)
        node = rclpy.create_node(name, **options)
        try:
            yield node
            for number in received:
                get_logger('rclcpp').info(f'signal_handler(signum={number})')
        finally:
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
