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
"""
The two ends of a pipeline under measurement: a camera's process, and one that wants its labels.

`vidseg benchmark pipeline` starts and commands both, one line of JSON each way:

    pipeline_ends.py publish    {"topics": [...], "frames": "f.npy", "count": 150, "rate": 30}
    pipeline_ends.py listen     {"topics": [...], "statistics": [...]}, later {}

Frames are uint8 [N, H, W, 3] RGB, shown to and fro. Stamps are the system's clock just before
publish(); what comes back says when, in the same clock, the labels were in the other process's
callback. With "journal": FILE the stamps are also written there as they are sent, a line each:
the number of the topic and nanoseconds.
"""

import array
import json
import os
import sys
import threading
import time
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

IMAGES_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
LABELS_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
MATCH_PATIENCE_S = 30.0


def say(found: dict[str, Any]) -> None:
    """Answer a command."""
    print(json.dumps(found), flush=True)


def images_of(path: str) -> list[Image]:
    """Return frames as messages, there and back again so that motion has no jump."""
    frames = np.load(path, mmap_mode='r')
    _, height, width, _ = frames.shape
    forth = [Image(height=height, width=width, encoding='rgb8', step=3 * width,
                   data=array.array('B', frame.tobytes())) for frame in frames]
    return [*forth, *forth[-2:0:-1]]


class Camera(Node):
    """Publish on command."""

    def __init__(self) -> None:
        super().__init__('benchmark_camera')
        self._there: dict[str, Any] = {}
        self._images: tuple[str, list[Image]] = ('', [])

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Publish `count` images on each topic in turn, at `rate` Hz each; say when."""
        topics, rate, count = command['topics'], float(command['rate']), int(command['count'])
        if self._images[0] != command['frames']:
            self._images = command['frames'], images_of(command['frames'])
        images = self._images[1]
        for topic in topics:
            if topic not in self._there:
                self._there[topic] = self.create_publisher(Image, topic, IMAGES_QOS)
        until = time.monotonic() + float(command.get('wait_s', MATCH_PATIENCE_S))
        awaited = command.get('await', topics)
        while any(not self._there[t].get_subscription_count() for t in awaited):
            if time.monotonic() > until:
                return {'nobody': True, 'sent': {topic: [] for topic in topics}}
            time.sleep(0.05)
        sent: dict[str, list[int]] = {topic: [] for topic in topics}
        journal = open(command.get('journal', os.devnull), 'w', buffering=1)  # noqa: SIM115
        late_ms, period = 0.0, 1.0 / rate / len(topics)
        begun = due = time.monotonic()
        cpu_s = time.process_time()
        for number in range(count * len(topics)):
            due = begun + number * period
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            topic = topics[number % len(topics)]
            image = images[(number // len(topics)) % len(images)]
            image.header.frame_id = 'camera'
            now_ns = time.time_ns()
            image.header.stamp.sec, image.header.stamp.nanosec = divmod(now_ns, 1_000_000_000)
            self._there[topic].publish(image)
            sent[topic].append(now_ns)
            journal.write(f'{number % len(topics)} {now_ns}\n')
            late_ms = max(late_ms, -1e3 * pause)
        journal.close()
        return {'sent': sent, 'seconds': time.monotonic() - begun, 'late_ms': late_ms,
                'cpu_ms': 1e3 * (time.process_time() - cpu_s) / max(1, count * len(topics))}


class Listener(Node):
    """Write down when labels came."""

    def __init__(self) -> None:
        super().__init__('benchmark_listener')
        self._lock = threading.Lock()
        self._heard: dict[str, list[tuple[int, int]]] = {}
        self._there: dict[str, Any] = {}
        self._statistics: dict[str, dict[str, dict[str, float]]] = {}

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Subscribe to `topics` and `statistics`; give, and forget, what was heard."""
        for topic in command.get('topics', ()):
            self._there[topic] = self.create_subscription(
                Image, topic, lambda message, topic=topic: self._hear(topic, message), LABELS_QOS)
        for topic in command.get('statistics', ()):
            self._listen_to_statistics(topic)
        with self._lock:
            found = {'heard': self._heard, 'statistics': self._statistics}
            self._heard = {}
        return found

    def _hear(self, topic: str, message: Image) -> None:
        now_ns, stamp = time.time_ns(), message.header.stamp
        with self._lock:
            self._heard.setdefault(topic, []).append(
                (stamp.sec * 1_000_000_000 + stamp.nanosec, now_ns))

    def _listen_to_statistics(self, topic: str) -> None:
        from statistics_msgs.msg import MetricsMessage

        def hear(message: MetricsMessage) -> None:
            kinds = {1: 'mean', 5: 'count', 50: 'p50', 95: 'p95', 99: 'p99'}
            values = {kinds[point.data_type]: float(point.data)
                      for point in message.statistics if point.data_type in kinds}
            source = message.measurement_source_name
            with self._lock:
                self._statistics.setdefault(source, {})[
                    message.metrics_source.removesuffix('_latency')] = values

        self._there[topic] = self.create_subscription(
            MetricsMessage, topic, hear, QoSProfile(depth=100))


def main() -> None:
    """Obey one command a line until there are no more."""
    role = sys.argv[1]
    rclpy.init(args=sys.argv)
    node: Any = {'publish': Camera, 'listen': Listener}[role]()
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def spin() -> None:
        try:
            executor.spin()
        except (KeyboardInterrupt, ExternalShutdownException):
            pass

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    try:
        say({'ready': True})
        for line in sys.stdin:
            say(node.run(json.loads(line)))
    except KeyboardInterrupt:
        pass
    finally:
        rclpy.try_shutdown()
        thread.join(5.0)


if __name__ == '__main__':
    main()
