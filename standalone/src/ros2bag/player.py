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
"""`ros2 bag play`: publish the messages of a bag as they were recorded."""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rclpy
from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.logging import LoggingSeverity, get_logger
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosbags.rosbag2 import Reader, ReaderError
from rosgraph_msgs.msg import Clock
from rosidl_runtime_py.utilities import get_message

from ros2bag import qos
from ros2bag.keyboard import DOWN, RIGHT, SPACE, UP, Keyboard

SECOND = 10**9
# Messages read ahead may also not hold more memory than this.
READ_AHEAD_BYTES = 256 * 2**20


class PlayerClock:
    """Bag time against the wall: no message waits for the one before, so that nothing drifts."""

    def __init__(self, start: int, rate: float, paused: bool) -> None:
        self._changed = threading.Condition()
        self._stopped = False
        self._rate = rate
        self._paused = paused
        self._steps = 0
        self._bag = start
        self._wall = time.monotonic()

    def now(self) -> int:
        """Return the bag's time in nanoseconds."""
        with self._changed:
            return self._now()

    def _now(self) -> int:
        if self._paused:
            return self._bag
        return self._bag + int((time.monotonic() - self._wall) * self._rate * SECOND)

    def _change(self, *, rate: float | None = None, paused: bool | None = None,
                jump: int | None = None) -> None:
        self._bag = self._now() if jump is None else jump
        self._wall = time.monotonic()
        self._rate = self._rate if rate is None else rate
        self._paused = self._paused if paused is None else paused
        self._changed.notify_all()

    def restart(self, start: int) -> None:
        """Set the bag's time."""
        with self._changed:
            self._change(jump=start)

    def toggle_paused(self) -> bool:
        """Pause or resume; return whether it is paused now."""
        with self._changed:
            self._change(paused=not self._paused)
            return self._paused

    def scale_rate(self, factor: float) -> float:
        """Change the rate; return the new one."""
        with self._changed:
            self._change(rate=self._rate * factor)
            return self._rate

    def step(self) -> None:
        """Let one message pass while paused."""
        with self._changed:
            if self._paused:
                self._steps += 1
                self._changed.notify_all()

    def stop(self) -> None:
        """End all waiting."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether playing has been stopped."""
        return self._stopped

    def wait_until(self, stamp: int) -> bool:
        """Wait for a time of the bag; return False where playing has been stopped."""
        with self._changed:
            while not self._stopped:
                if self._paused:
                    if self._steps:
                        self._steps -= 1
                        self._change(jump=max(stamp, self._bag))
                        return True
                    self._changed.wait()
                    continue
                left = (stamp - self._now()) / self._rate / SECOND
                if left <= 0:
                    return True
                self._changed.wait(left)
            return False

    def sleep(self, seconds: float) -> bool:
        """Wait on the wall's clock; return False where playing has been stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, seconds)
            return not self._stopped


class ReadAhead:
    """Reads messages on a thread of its own, so that the disk does not delay them."""

    def __init__(self, messages: Iterator[tuple[Any, int, bytes]], size: int) -> None:
        self._messages = messages
        self._size = max(size, 1)
        self._ready: deque[tuple[Any, int, bytes]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._done = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._read, name='read ahead', daemon=True)
        self._thread.start()

    def _room(self) -> bool:
        return self._done or not self._ready or (
            len(self._ready) < self._size and self._bytes < READ_AHEAD_BYTES)

    def _read(self) -> None:
        try:
            for message in self._messages:
                with self._changed:
                    self._changed.wait_for(self._room)
                    if self._done:
                        return
                    self._ready.append(message)
                    self._bytes += len(message[2])
                    self._changed.notify_all()
        except Exception as error:  # whatever is wrong with the bag is raised by __iter__
            self._error = error
        with self._changed:
            self._done = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[tuple[Any, int, bytes]]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._done)
                if not self._ready:
                    if self._error:
                        raise self._error
                    return
                message = self._ready.popleft()
                self._bytes -= len(message[2])
                self._changed.notify_all()
            yield message

    def close(self) -> None:
        """Stop reading."""
        with self._changed:
            self._done = True
            self._changed.notify_all()
        self._thread.join()


def _wanted(topic: str, args: argparse.Namespace) -> bool:
    chosen = not (args.topics or args.regex) or topic in args.topics or bool(
        args.regex and re.search(args.regex, topic))
    return chosen and topic not in args.exclude_topics and not (
        args.exclude_regex and re.search(args.exclude_regex, topic))


class Player:
    """Publishes the messages of an open bag."""

    def __init__(self, node: Any, reader: Reader, args: argparse.Namespace,
                 overrides: dict[str, QoSProfile]) -> None:
        self._reader = reader
        self._args = args
        self._logger = node.get_logger()
        self._keyboard = None if args.disable_keyboard_controls else Keyboard()
        files = [storage.path for storage in getattr(reader.storage, 'storages', [reader.storage])]
        for path in files:
            if Path(path).suffix == '.db3':
                get_logger('rosbag2_storage').info(f"Opened database '{path}' for READ_ONLY.")
        self._logger.info(f'Set rate to {args.rate:g}')
        self._start = reader.start_time + int(args.start_offset * SECOND)
        self._stop = self._end_stamp()
        self.clock = PlayerClock(self._start, args.rate, args.start_paused)
        self._publishers: dict[int, Any] = {}
        for topic in dict.fromkeys(connection.topic for connection in reader.connections):
            if _wanted(topic, args):
                self._add_publisher(node, topic, overrides.get(topic))
        # As a clock on the wire ought to be: the newest counts, none is sent twice.
        self._clock_publisher = node.create_publisher(Clock, '/clock', QoSProfile(
            history=HistoryPolicy.KEEP_LAST, depth=1,
            reliability=ReliabilityPolicy.BEST_EFFORT)) if args.clock else None

    def _end_stamp(self) -> int:
        stops = [self._reader.end_time]
        if self._args.playback_duration >= 0:
            stops.append(self._start + int(self._args.playback_duration * SECOND))
        if self._args.playback_until_sec >= 0:
            stops.append(int(self._args.playback_until_sec * SECOND))
        if self._args.playback_until_nsec >= 0:
            stops.append(self._args.playback_until_nsec)
        return min(stops)

    def _add_publisher(self, node: Any, topic: str, override: QoSProfile | None) -> None:
        if topic == '/clock' and self._args.clock:
            self._logger.warning("Ignoring recorded topic '/clock': --clock publishes it")
            return
        connections = [entry for entry in self._reader.connections if entry.topic == topic]
        types = {connection.msgtype for connection in connections}
        try:
            (name,) = types
            cls = get_message(name)
        except (ValueError, AttributeError, ImportError) as error:
            self._logger.warning(f"Ignoring a topic '{topic}', reason: {error}.")
            return
        profile = override
        if profile is None:
            recorded = [entry for connection in connections
                        for entry in getattr(connection.ext, 'offered_qos_profiles', [])]
            profile, agreed = qos.offered(recorded)
            if not agreed:
                self._logger.warning(
                    f"Not all original publishers on topic '{topic}' offered the same QoS "
                    'profiles. Falling back to the default publisher offer.')
        publisher = node.create_publisher(cls, topic, profile)
        for connection in connections:
            self._publishers[connection.id] = publisher

    def _publish_clock(self, done: threading.Event) -> None:
        assert self._clock_publisher is not None
        begin = time.monotonic()
        count = 0
        while True:
            seconds, rest = divmod(self.clock.now(), SECOND)
            self._clock_publisher.publish(Clock(clock=Time(sec=seconds, nanosec=rest)))
            count += 1
            if done.wait(max(0.0, begin + count / self._args.clock - time.monotonic())):
                return

    def _play_once(self, clock_thread: threading.Thread) -> None:
        connections = [entry for entry in self._reader.connections if entry.id in self._publishers]
        if not connections:
            return
        ahead = ReadAhead(
            self._reader.messages(connections, self._start, self._stop),
            self._args.read_ahead_queue_size)
        # Reading begins before the clock does, and nobody is told a time before that: it would
        # go back.
        self.clock.restart(self._start)
        if self._clock_publisher is not None and not clock_thread.is_alive():
            clock_thread.start()
        try:
            for connection, stamp, data in ahead:
                if not self.clock.wait_until(stamp):
                    return
                self._publishers[connection.id].publish(bytes(data))
        finally:
            ahead.close()

    def _keys(self) -> contextlib.AbstractContextManager[None]:
        if self._keyboard is None:
            return contextlib.nullcontext()

        def pause() -> None:
            paused = self.clock.toggle_paused()
            self._logger.info('Pausing play.' if paused else 'Resuming play.')

        def scale(factor: float) -> None:
            self._logger.info(f'Set rate to {self.clock.scale_rate(factor):g}')

        self._keyboard.actions = {SPACE: pause, RIGHT: self.clock.step,
                                  UP: lambda: scale(1.1), DOWN: lambda: scale(0.9)}
        self._logger.info('Adding keyboard callbacks.')
        for line in ('SPACE for Pause/Resume', 'CURSOR_RIGHT for Play Next Message',
                     'CURSOR_UP for Increase Rate 10%', 'CURSOR_DOWN for Decrease Rate 10%'):
            self._logger.info(f'Press {line}')
        return self._keyboard

    def play(self) -> None:
        """Play the bag, once or until stopped."""
        with self._keys():
            self._logger.info('Playback until timestamp: '
                              f'{self._stop if self._stop < self._reader.end_time else -1}')
            done = threading.Event()
            clock_thread = threading.Thread(
                target=self._publish_clock, args=(done,), name='clock', daemon=True)
            try:
                while not self.clock.stopped:
                    if self._args.delay > 0:
                        self._logger.info(f'Sleep {int(self._args.delay * 1e9)} ns')
                        if not self.clock.sleep(self._args.delay):
                            break
                    self._play_once(clock_thread)
                    if not self._args.loop or not self._publishers:
                        break
                if self.clock.stopped:
                    self._logger.info('Stopping playback.')
                else:
                    self._wait_for_acknowledgements()
            finally:
                done.set()
                if clock_thread.is_alive():
                    clock_thread.join()

    def _wait_for_acknowledgements(self) -> None:
        timeout = self._args.wait_for_all_acked
        if timeout < 0:
            return
        limit = Duration(nanoseconds=timeout * 10**6) if timeout else Duration(seconds=-1)
        for publisher in dict.fromkeys(self._publishers.values()):
            if not publisher.wait_for_all_acked(limit):
                self._logger.error(f"Timed out while waiting for all acks on '"
                                   f"{publisher.topic_name}'")


def main(args: argparse.Namespace) -> str | None:
    """Play a bag."""
    try:
        overrides = qos.read_overrides(args.qos_profile_overrides_path)
        re.compile(args.regex)
        re.compile(args.exclude_regex)
    except (ValueError, re.error) as error:
        return f'[ERROR] [ros2bag]: {error}'
    remaps = [word for rule in args.remap for word in ('--remap', rule)]
    rclpy.init(args=['--ros-args', *remaps, '--log-level', args.log_level],
               signal_handler_options=SignalHandlerOptions.NO)
    try:
        with Reader(Path(args.bag_path)) as reader:
            node = rclpy.create_node('rosbag2_player', start_parameter_services=False)
            try:
                player = Player(node, reader, args, overrides)
                received: list[int] = []

                def stop(number: int, _frame: object) -> None:
                    received.append(number)
                    player.clock.stop()

                signal.signal(signal.SIGINT, stop)
                signal.signal(signal.SIGTERM, stop)
                player.play()
                for number in received:
                    get_logger('rclcpp').log(f'signal_handler(signum={number})',
                                             LoggingSeverity.INFO)
            finally:
                node.destroy_node()
    except (ReaderError, OSError) as error:
        return f'[ERROR] [ros2bag]: {error}'
    finally:
        rclpy.try_shutdown()
    return None
