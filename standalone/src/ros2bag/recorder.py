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
"""`ros2 bag record`: write what is published to a bag."""

from __future__ import annotations

import argparse
import contextlib
import threading
import time
from pathlib import Path
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import get_logger
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from ros2cli.graph import is_hidden
from rosidl_runtime_py.utilities import get_message

from ros2bag import keyboard, qos, session
from ros2bag.writer import BagOptions, BagWriter, QueuedWriter


class Recorder:
    """Subscribes to what is wanted as it appears, and hands each message to a writer."""

    def __init__(self, node: Any, writer: QueuedWriter, args: argparse.Namespace,
                 overrides: dict[str, QoSProfile]) -> None:
        self._node, self._writer, self._args, self._overrides = node, writer, args, overrides
        self._logger = node.get_logger()
        self._named = {'/' + topic.removeprefix('/')
                       for topic in (*args.topics, *args.topics_positional)}
        self._subscribed: set[str] = set()
        self._refused: set[str] = set()
        self._paused = args.start_paused
        self._searching = True

    def toggle_paused(self) -> None:
        """Pause or resume."""
        self._paused = not self._paused
        self._logger.info('Pausing recording.' if self._paused else 'Resuming recording.')

    def _wanted(self, topic: str, type_name: str) -> bool:
        args = self._args
        if type_name in args.exclude_topic_types or session.is_excluded(topic, args):
            return False
        if topic in self._named:
            return True
        if is_hidden(topic) and not args.include_hidden_topics:
            return False
        return args.all or type_name in args.topic_types or session.is_chosen(topic, args)

    def _refuse(self, topic: str, reason: str) -> None:
        if topic not in self._refused:
            self._refused.add(topic)
            self._logger.warning(f"Topic '{topic}' {reason}")

    def discover(self) -> None:
        """Subscribe to the wanted topics that are there by now, unless all named ones are."""
        if not self._searching:
            return
        args, node = self._args, self._node
        for topic, types in node.get_topic_names_and_types():
            if topic in self._subscribed or not any(self._wanted(topic, name) for name in types):
                continue
            if len(types) > 1:
                self._refuse(topic, 'has more than one type associated. Only topics with one '
                                    'type are supported')
            elif not (args.ignore_leaf_topics and not node.count_subscribers(topic)) and (
                    args.include_unpublished_topics or node.count_publishers(topic)):
                self._subscribe(topic, types[0])

    def _stop_searching(self) -> None:
        args = self._args
        if self._searching and self._named and self._named <= self._subscribed and not (
                args.all or args.regex or args.topic_types):
            self._logger.info('All requested topics are subscribed. Stopping discovery...')
            self._searching = False
        if args.no_discovery:
            self._searching = False

    def _subscribe(self, topic: str, type_name: str) -> None:
        try:
            cls = get_message(type_name)
        except (ValueError, AttributeError, ImportError) as error:
            self._refuse(topic, f"has unknown type '{type_name}'. Only topics with known type are "
                                f'supported. Reason: {error}')
            return
        profiles = [info.qos_profile for info in self._node.get_publishers_info_by_topic(topic)]
        self._writer.add_topic(topic, type_name, [qos.to_bag(profile) for profile in profiles])

        def receive(data: bytes, info: Any) -> None:
            if self._paused:
                return
            stamp = info['received_timestamp'] or time.time_ns()
            if self._args.use_sim_time:
                stamp = self._node.get_clock().now().nanoseconds
            if stamp:
                self._writer.write(topic, stamp, bytes(data))

        self._node.create_subscription(
            cls, topic, receive, self._overrides.get(topic) or qos.requested(profiles), raw=True)
        self._subscribed.add(topic)
        self._logger.info(f"Subscribed to topic '{topic}'")

    def record(self, stop: threading.Event) -> None:
        """Record until `stop` is set, or writing fails."""
        executor = SingleThreadedExecutor()
        executor.add_node(self._node)
        self._logger.info('Listening for topics...')
        self.discover()
        self._logger.info('Recording...')
        self._stop_searching()
        interval = max(self._args.polling_interval, 1) / 1000
        next_look = time.monotonic() + interval
        try:
            while not stop.is_set() and self._writer.error is None:
                executor.spin_once(timeout_sec=min(interval, 0.1))
                if time.monotonic() >= next_look:
                    self.discover()
                    self._stop_searching()
                    next_look = time.monotonic() + interval
        finally:
            executor.remove_node(self._node)
            executor.shutdown()


def _refusal(args: argparse.Namespace, path: Path) -> str | None:
    """Say what is wrong with the arguments, if anything is."""
    if not (args.all or args.topics or args.topics_positional or args.topic_types or args.regex):
        return ('Need to specify at least one option out of --all, --all-topics, --all-services, '
                '--services, --topics, --topic-types or --regex')
    if path.exists():
        return f"Output folder '{path}' already exists."
    if args.compression_format and args.compression_mode == 'none':
        return 'Invalid choice: Cannot specify compression format without a compression mode.'
    if args.compression_mode != 'none' and not args.compression_format:
        return 'Invalid choice: Cannot specify compression mode without a compression format.'
    if args.storage_preset_profile != 'none' and args.storage != 'mcap':
        return 'A storage preset profile needs mcap.'
    if any('=' not in entry for entry in args.custom_data):
        return '--custom-data takes KEY=VALUE'
    return None


def _options(args: argparse.Namespace) -> BagOptions:
    compression = args.compression_mode if args.storage_preset_profile == 'none' else 'storage'
    custom = [entry.partition('=') for entry in args.custom_data]
    return BagOptions(args.storage, compression, args.max_bag_size, args.max_bag_duration,
                      tuple((key, value) for key, _, value in custom))


def main(args: argparse.Namespace) -> None:
    """Record a bag."""
    path = Path(args.output or time.strftime('rosbag2_%Y_%m_%d-%H_%M_%S'))
    refusal = _refusal(args, path)
    if refusal:
        raise session.failure(refusal)
    overrides = session.read_settings(args)
    stop = threading.Event()
    try:
        with session.node_until_signal(
                args.node_name, ['--log-level', args.log_level], stop.set, parameter_overrides=[
                    Parameter('use_sim_time', value=args.use_sim_time)]) as node:
            _record(node, args, overrides, path, stop)
    except OSError as error:
        raise session.failure(error) from None


def _record(node: Any, args: argparse.Namespace, overrides: dict[str, QoSProfile], path: Path,
            stop: threading.Event) -> None:
    logger = node.get_logger()
    if not args.disable_keyboard_controls:
        keyboard.tell_if_deaf()
    writer = QueuedWriter(lambda: BagWriter(path, _options(args)), args.max_cache_size)
    try:
        recorder = Recorder(node, writer, args, overrides)
        keys: contextlib.AbstractContextManager = contextlib.nullcontext()
        if not args.disable_keyboard_controls:
            keys = keyboard.keys({keyboard.SPACE: recorder.toggle_paused})
            logger.info('Press SPACE for pausing/resuming')
        with keys:
            recorder.record(stop)
    finally:
        logger.info('Pausing recording.')
        get_logger('rosbag2_cpp').info(
            'Writing remaining messages from cache to the bag. It may take a while')
        writer.close()
    for topic, count in writer.lost.items():
        logger.warning(f"{count} messages of '{topic}' were lost: the disk was "
                       'too slow for --max-cache-size')
    if writer.error is not None:
        raise session.failure(writer.error)
    logger.info('Recording stopped')
