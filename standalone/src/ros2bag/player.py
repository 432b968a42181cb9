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
import itertools
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosbags.rosbag2 import Reader, ReaderError
from rosgraph_msgs.msg import Clock
from rosidl_runtime_py.utilities import get_message

from ros2bag import keyboard, qos, session

SECOND = 10**9
READ_AHEAD_BYTES = 256 * 2**20


class PlayerClock:
    """Bag time against the wall: no message waits for the one before, so that nothing drifts."""

    def __init__(self, start: int, rate: float, paused: bool) -> None:
        self._changed = threading.Condition(threading.RLock())
        self.stopped = False
        self._rate, self._paused, self._steps = rate, paused, 0
        self._bag, self._wall = start, time.monotonic()

    def now(self) -> int:
        """Return the bag's time in nanoseconds."""
        with self._changed:
            passed = 0.0 if self._paused else time.monotonic() - self._wall
            return self._bag + int(passed * self._rate * SECOND)

    def restart(self, at: int) -> None:
        """Set the bag's time."""
        with self._changed:
            self._bag, self._wall = at, time.monotonic()
            self._changed.notify_all()

    def toggle_paused(self) -> bool:
        """Pause or resume; return whether it is paused now."""
        with self._changed:
            self.restart(self.now())
            self._paused = not self._paused
            return self._paused

    def scale_rate(self, factor: float) -> float:
        """Change the rate; return the new one."""
        with self._changed:
            self.restart(self.now())
            self._rate *= factor
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
            self.stopped = True
            self._changed.notify_all()

    def wait_until(self, stamp: int) -> bool:
        """Wait for a time of the bag; return False where playing has been stopped."""
        with self._changed:
            while not self.stopped:
                left = (stamp - self.now()) / self._rate / SECOND
                if not self._paused and left <= 0:
                    return True
                if self._paused and self._steps:
                    self._steps -= 1
                    self.restart(max(stamp, self._bag))
                    return True
                self._changed.wait(None if self._paused else left)
            return False

    def sleep(self, seconds: float) -> bool:
        """Wait on the wall's clock; return False where playing has been stopped."""
        with self._changed:
            return not self._changed.wait_for(lambda: self.stopped, seconds)


def read_ahead(messages: Iterator[Any], size: int) -> Generator[Any, None, None]:
    """
    Read messages ahead on a thread, so that the disk does not delay them.

    At most `size` messages wait, of READ_AHEAD_BYTES together or one beyond, and the next is in
    the thread's hands.
    """
    changed = threading.Condition()
    ahead: deque[Any] = deque()
    held, stopped = 0, False

    def has_room() -> bool:
        return stopped or not ahead or (len(ahead) < size and held < READ_AHEAD_BYTES)

    def read() -> None:
        nonlocal held
        try:
            for message in messages:
                with changed:
                    changed.wait_for(has_room)
                    if stopped:
                        return
                    ahead.append(message)
                    held += len(message[2])
                    changed.notify_all()
        finally:
            with changed:
                ahead.append(None)
                changed.notify_all()

    with ThreadPoolExecutor(1, 'read ahead') as thread:
        reading = thread.submit(read)
        try:
            while True:
                with changed:
                    changed.wait_for(lambda: ahead)
                    message = ahead.popleft()
                    if message is None:
                        break
                    held -= len(message[2])
                    changed.notify_all()
                yield message
            reading.result()
        finally:
            with changed:
                stopped = True
                changed.notify_all()


class Player:
    """Publishes the messages of an open bag."""

    def __init__(self, node: Any, reader: Reader, args: argparse.Namespace,
                 overrides: dict[str, QoSProfile], clock: PlayerClock) -> None:
        self._reader, self._args, self._clock = reader, args, clock
        self._logger = node.get_logger()
        if not args.disable_keyboard_controls:
            keyboard.tell_if_deaf()
        for storage in getattr(reader.storage, 'storages', [reader.storage]):
            if Path(storage.path).suffix == '.db3':
                get_logger('rosbag2_storage').info(
                    f"Opened database '{storage.path}' for READ_ONLY.")
        self._logger.info(f'Set rate to {args.rate:g}')
        self._start, self._stop = _span(reader, args)
        self._publishers: dict[int, Any] = {}
        for topic in dict.fromkeys(connection.topic for connection in reader.connections):
            if not session.is_excluded(topic, args) and (
                    not (args.topics or args.regex) or topic in args.topics
                    or session.is_chosen(topic, args)):
                self._add_publisher(node, topic, overrides.get(topic))
        # As a clock on the wire ought to be: the newest counts, none is sent twice.
        self._time_publisher = node.create_publisher(Clock, '/clock', QoSProfile(
            depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)) if args.clock else None

    def _add_publisher(self, node: Any, topic: str, profile: QoSProfile | None) -> None:
        if topic == '/clock' and self._args.clock:
            self._logger.warning("Ignoring recorded topic '/clock': --clock publishes it")
            return
        connections = [entry for entry in self._reader.connections if entry.topic == topic]
        try:
            (name,) = {connection.msgtype for connection in connections}
            cls = get_message(name)
        except (ValueError, AttributeError, ImportError) as error:
            self._logger.warning(f"Ignoring a topic '{topic}', reason: {error}.")
            return
        if profile is None:
            profile, agreed = qos.offered([
                entry for connection in connections
                for entry in getattr(connection.ext, 'offered_qos_profiles', [])])
            if not agreed:
                self._logger.warning(
                    f"Not all original publishers on topic '{topic}' offered the same QoS "
                    'profiles. Falling back to the default publisher offer.')
        publisher = node.create_publisher(cls, topic, profile)
        self._publishers |= {connection.id: publisher for connection in connections}

    def _publish_time(self, done: threading.Event) -> None:
        assert self._time_publisher is not None
        begin, count = time.monotonic(), 0
        while not done.wait(max(0.0, begin + count / self._args.clock - time.monotonic())):
            seconds, rest = divmod(self._clock.now(), SECOND)
            self._time_publisher.publish(Clock(clock=Time(sec=seconds, nanosec=rest)))
            count += 1

    def _play_once(self, time_thread: threading.Thread) -> None:
        connections = [entry for entry in self._reader.connections if entry.id in self._publishers]
        if not connections:
            return
        messages = self._reader.messages(connections, self._start, self._stop)
        with contextlib.closing(read_ahead(messages, self._args.read_ahead_queue_size)) as ahead:
            # Reading begins before the clock does, and nobody is told a time before that: it
            # would go back.
            first = list(itertools.islice(ahead, 1))
            self._clock.restart(self._start)
            if self._time_publisher is not None and not time_thread.is_alive():
                time_thread.start()
            for connection, stamp, data in itertools.chain(first, ahead):
                if not self._clock.wait_until(stamp):
                    return
                self._publishers[connection.id].publish(bytes(data))

    def _keys(self) -> contextlib.AbstractContextManager[None]:
        if self._args.disable_keyboard_controls:
            return contextlib.nullcontext()

        def pause() -> None:
            paused = self._clock.toggle_paused()
            self._logger.info('Pausing play.' if paused else 'Resuming play.')

        def scale(factor: float) -> None:
            self._logger.info(f'Set rate to {self._clock.scale_rate(factor):g}')

        self._logger.info('Adding keyboard callbacks.')
        for line in ('SPACE for Pause/Resume', 'CURSOR_RIGHT for Play Next Message',
                     'CURSOR_UP for Increase Rate 10%', 'CURSOR_DOWN for Decrease Rate 10%'):
            self._logger.info(f'Press {line}')
        return keyboard.keys({keyboard.SPACE: pause, keyboard.RIGHT: self._clock.step,
                              keyboard.UP: lambda: scale(1.1), keyboard.DOWN: lambda: scale(0.9)})

    def play(self) -> None:
        """Play the bag, once or until stopped."""
        done = threading.Event()
        time_thread = threading.Thread(
            target=self._publish_time, args=(done,), name='clock', daemon=True)
        with self._keys():
            self._logger.info('Playback until timestamp: '
                              f'{self._stop if self._stop < self._reader.end_time else -1}')
            try:
                while not self._clock.stopped:
                    if self._args.delay > 0:
                        self._logger.info(f'Sleep {int(self._args.delay * 1e9)} ns')
                        if not self._clock.sleep(self._args.delay):
                            break
                    self._play_once(time_thread)
                    if not self._args.loop or not self._publishers:
                        break
                if self._clock.stopped:
                    self._logger.info('Stopping playback.')
                else:
                    self._wait_for_acknowledgements()
            finally:
                done.set()
                if time_thread.is_alive():
                    time_thread.join()

    def _wait_for_acknowledgements(self) -> None:
        timeout = self._args.wait_for_all_acked
        if timeout < 0:
            return
        limit = Duration(nanoseconds=timeout * 10**6) if timeout else Duration(seconds=-1)
        for publisher in dict.fromkeys(self._publishers.values()):
            if not publisher.wait_for_all_acked(limit):
                self._logger.error("Timed out while waiting for all acks on "
                                   f"'{publisher.topic_name}'")


def _span(reader: Reader, args: argparse.Namespace) -> tuple[int, int]:
    """Return the time stamps between which to play."""
    start = reader.start_time + int(args.start_offset * SECOND)
    stops = [start + int(args.playback_duration * SECOND) if args.playback_duration >= 0 else -1,
             int(args.playback_until_sec * SECOND), args.playback_until_nsec]
    return start, min([reader.end_time, *(stop for stop in stops if stop >= 0)])


def main(args: argparse.Namespace) -> None:
    """Play a bag."""
    overrides = session.read_settings(args)
    remaps = [word for rule in args.remap for word in ('--remap', rule)]
    try:
        with Reader(Path(args.bag_path)) as reader:
            clock = PlayerClock(_span(reader, args)[0], args.rate, args.start_paused)
            with session.node_until_signal(
                    'rosbag2_player', [*remaps, '--log-level', args.log_level], clock.stop,
                    start_parameter_services=False) as node:
                Player(node, reader, args, overrides, clock).play()
    except (ReaderError, OSError) as error:
        raise session.failure(error) from None
