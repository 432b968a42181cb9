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
"""`ros2 topic hz`, `bw` and `delay`: measure a topic over a window of its last messages."""

import argparse
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.qos import qos_profile_sensor_data
from rclpy.time import Time
from ros2cli.graph import GraphNode

from ros2topic.subscribing import predicate, spin_while, topic_class

NS = 1_000_000_000


def _subscribe(graph: GraphNode, topic_name: str, callback: Callable[[Any], None],
               raw: bool) -> None:
    """Wait for the topic and subscribe to it."""
    kind = topic_class(graph, topic_name, wait=True)
    graph.node.create_subscription(kind, topic_name, callback, qos_profile_sensor_data, raw=raw)


class _TimeWindow:
    """Values by the time of their message; a clock that jumps back empties it."""

    def __init__(self, clock: Any, size: int) -> None:
        self._clock = clock
        self.values: deque[int] = deque(maxlen=size)
        self._last_ns: int | None = None

    def tick(self) -> tuple[int, int | None]:
        """Return the time now and that of the message before, in ns; None after a reset."""
        now, before = self._clock.now().nanoseconds, self._last_ns
        if before is not None and now < before:
            print('time has reset, resetting counters')
            self.values.clear()
            before = None
        self._last_ns = now
        return now, before

    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    def print_summary(self) -> None:
        values = np.array(self.values, dtype=np.int64) / NS
        print(f'\tmin: {values.min():.3f}s max: {values.max():.3f}s '
              f'std dev: {values.std():.5f}s window: {len(values)}')


def rate(args: argparse.Namespace) -> None:
    """Print about once a second at what rate messages arrive."""
    accepts = predicate(args.filter_expr)
    with GraphNode(args) as graph:
        wall = Clock(clock_type=ClockType.SYSTEM_TIME)
        window = _TimeWindow(wall if args.use_wtime else graph.node.get_clock(), args.window_size)
        printed_ns: int | None = None

        def receive(message: Any) -> None:
            nonlocal printed_ns
            if not accepts(message):
                return
            now, before = window.tick()
            if before is None:
                printed_ns = None
                return
            window.values.append(now - before)
            if printed_ns is None:
                printed_ns = now
            elif now >= printed_ns + NS:
                printed_ns = now
                mean = window.mean()
                print(f'average rate: {NS / mean if mean > 0 else 0.0:.3f}')
                window.print_summary()

        # Decoding would only slow the measurement down, unless a filter looks at the message.
        _subscribe(graph, args.name, receive, raw=args.filter_expr is None)
        spin_while(graph)


def delay(args: argparse.Namespace) -> str | None:
    """Print once a second how far header stamps lie behind the node's clock."""
    with GraphNode(args) as graph:
        window = _TimeWindow(graph.node.get_clock(), args.window_size)
        without_header = new = False

        def receive(message: Any) -> None:
            nonlocal without_header, new
            if not hasattr(message, 'header'):
                without_header = True
                return
            now, before = window.tick()
            if before is not None:
                window.values.append(now - Time.from_msg(message.header.stamp).nanoseconds)
                new = True

        def report() -> None:
            nonlocal new
            if new:
                print(f'average delay: {window.mean() / NS:.3f}')
                window.print_summary()
            elif window.values:
                print('no new messages')
            new = False

        _subscribe(graph, args.name, receive, raw=False)
        graph.node.create_timer(1.0, report)
        spin_while(graph, lambda: not without_header)
    return 'msg does not have header' if without_header else None


def _in_unit_of(scale: float) -> Callable[[float], str]:
    for unit, size, digits in (('B', 1, 0), ('KB', 1000, 2)):
        if scale < size * 1000:
            return lambda number: f'{number / size:.{digits}f} {unit}'
    return lambda number: f'{number / 1_000_000:.2f} MB'


def bandwidth(args: argparse.Namespace) -> None:
    """Print once a second how many bytes a second arrive."""
    with GraphNode(args) as graph:
        sizes: deque[tuple[float, int]] = deque(maxlen=args.window_size)

        def report() -> None:
            if len(sizes) < 2:
                return
            counts = [size for _, size in sizes]
            per_second = sum(counts) / (time.monotonic() - sizes[0][0])
            text = _in_unit_of(per_second)
            print(f'{text(per_second)}/s from {len(counts)} messages')
            print(f'\tMessage size mean: {text(sum(counts) / len(counts))} '
                  f'min: {text(min(counts))} max: {text(max(counts))}')

        _subscribe(graph, args.name, lambda data: sizes.append((time.monotonic(), len(data))),
                   raw=True)
        print(f'Subscribed to [{args.name}]')
        graph.node.create_timer(1.0, report)
        spin_while(graph)
