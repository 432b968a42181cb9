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
Measure how a client library carries images between two processes, and what it costs at rest.

    python benchmarks/graph.py --json graph.json

Measures whichever rclpy the shell has, by its public API alone: run it once in a shell where
ROS 2 is sourced and once without, and compare. Latency is the time from just before publish() in
one process to the callback in the other, so it holds serialising, both copies and deserialising.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import Trigger

SHAPES = [(2048, 1024, 'rgb8', 3), (1024, 512, 'mono8', 1)]
PROFILE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
TOPIC = 'benchmark_graph/image'
# To be in step with the other end; not measured.
WARM_UP_FRAMES = 10
PATIENCE_S = 30.0


def cpu_s() -> float:
    """Return the CPU time that this process has used, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def talk(width: int, height: int, encoding: str, channels: int, rate: float, frames: int) -> None:
    """Publish `frames` images at `rate` Hz once somebody listens; print the CPU time per frame."""
    rclpy.init()
    node = rclpy.create_node('benchmark_talker')
    publisher = node.create_publisher(Image, TOPIC, PROFILE)
    step = width * channels
    image = Image(width=width, height=height, encoding=encoding, step=step,
                  data=os.urandom(step) * height)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    sent, used = 0, 0.0

    def publish() -> None:
        nonlocal sent, used
        if sent == frames or publisher.get_subscription_count() == 0:
            return
        before = cpu_s()
        image.header.frame_id = str(sent)
        image.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(image)
        used += cpu_s() - before
        sent += 1

    node.create_timer(1.0 / rate, publish)
    deadline = time.monotonic() + PATIENCE_S + frames / rate
    while sent < frames and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    print(used / max(sent, 1), flush=True)
    # The listener says when it has seen enough: what is on its way still counts.
    sys.stdin.read()
    node.destroy_node()
    rclpy.try_shutdown()


def listen(
    width: int, height: int, encoding: str, channels: int, rate: float, frames: int,
) -> dict[str, Any]:
    """Start a talker, hear its images, and return the latency in ms and the frames lost."""
    node = rclpy.create_node('benchmark_listener')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    latency_ms: dict[int, float] = {}

    def heard(image: Image) -> None:
        now_ns = node.get_clock().now().nanoseconds
        stamp = image.header.stamp
        sent_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        latency_ms[int(image.header.frame_id)] = (now_ns - sent_ns) / 1e6

    subscription = node.create_subscription(Image, TOPIC, heard, PROFILE)
    frames += WARM_UP_FRAMES
    arguments = [width, height, encoding, channels, rate, frames]
    with subprocess.Popen(
        [sys.executable, __file__, '--talk', *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as talker:
        last, deadline = time.monotonic(), time.monotonic() + PATIENCE_S + frames / rate
        count, used = 0, cpu_s()
        while time.monotonic() < deadline and len(latency_ms) < frames:
            executor.spin_once(timeout_sec=0.1)
            if len(latency_ms) > count:
                count, last = len(latency_ms), time.monotonic()
            elif count and time.monotonic() - last > 3.0:
                break
        used = cpu_s() - used
        talker_cpu_s = float(talker.communicate()[0] or 'nan')
    node.destroy_subscription(subscription)
    executor.shutdown()
    node.destroy_node()
    measured = sorted(ms for number, ms in latency_ms.items() if number >= WARM_UP_FRAMES)
    return {
        'image': f'{width}x{height} {encoding}',
        'rate_hz': rate,
        'frames': frames - WARM_UP_FRAMES,
        'lost': frames - WARM_UP_FRAMES - len(measured),
        'median_ms': round(statistics.median(measured), 2) if measured else None,
        'p95_ms': round(measured[int(0.95 * (len(measured) - 1))], 2) if measured else None,
        'publish_cpu_ms': round(1e3 * talker_cpu_s, 2),
        'listen_cpu_ms': round(1e3 * used / max(len(latency_ms), 1), 2),
    }


def within(
    width: int, height: int, encoding: str, channels: int, rate: float, frames: int,
) -> dict[str, Any]:
    """Publish and hear images in one process and one node; return the latency in ms."""
    node = rclpy.create_node('benchmark_within')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    latency_ms: list[float] = []
    sent_at = 0.0

    def heard(image: Image) -> None:
        latency_ms.append(1e3 * (time.perf_counter() - sent_at))

    node.create_subscription(Image, f'{TOPIC}_within', heard, PROFILE)
    publisher = node.create_publisher(Image, f'{TOPIC}_within', PROFILE)
    step = width * channels
    image = Image(width=width, height=height, encoding=encoding, step=step,
                  data=os.urandom(step) * height)
    deadline = time.monotonic() + PATIENCE_S
    while publisher.get_subscription_count() == 0 and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    frames += WARM_UP_FRAMES
    used = cpu_s()
    for number in range(frames):
        begun = time.monotonic()
        sent_at = time.perf_counter()
        publisher.publish(image)
        while len(latency_ms) <= number and time.monotonic() - begun < 1.0:
            executor.spin_once(timeout_sec=0.1)
        time.sleep(max(0.0, 1.0 / rate - (time.monotonic() - begun)))
    used = cpu_s() - used
    executor.shutdown()
    node.destroy_node()
    measured = sorted(latency_ms[WARM_UP_FRAMES:])
    return {
        'image': f'{width}x{height} {encoding}',
        'frames': frames - WARM_UP_FRAMES,
        'lost': frames - len(latency_ms),
        'median_ms': round(statistics.median(measured), 2) if measured else None,
        'p95_ms': round(measured[int(0.95 * (len(measured) - 1))], 2) if measured else None,
        'cpu_ms': round(1e3 * used / frames, 2),
    }


def rest(seconds: float) -> dict[str, Any]:
    """Return the CPU use in percent of one core of a node with 20 entities and no traffic."""
    node = rclpy.create_node('benchmark_rest')
    entities: list[Any] = []
    for number in range(5):
        name = f'benchmark_graph/rest_{number}'
        entities += [
            node.create_publisher(String, name, PROFILE),
            node.create_subscription(String, name, lambda message: None, PROFILE),
            node.create_service(Trigger, f'{name}/ask', lambda request, response: response),
            node.create_client(Trigger, f'{name}/ask'),
        ]
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def spin_for(duration_s: float) -> None:
        deadline = time.monotonic() + duration_s
        while (left_s := deadline - time.monotonic()) > 0:
            executor.spin_once(timeout_sec=left_s)

    spin_for(2.0)  # discovery
    before = cpu_s()
    spin_for(seconds)
    used = cpu_s() - before
    executor.shutdown()
    node.destroy_node()
    return {'entities': len(entities), 'seconds': seconds,
            'cpu_percent': round(100 * used / seconds, 2)}


def library() -> str:
    """Return which rclpy this is."""
    for name, label in (('vidseg-ros-standalone', 'standalone'), ('rclpy', 'ROS 2 rclpy')):
        try:
            if name != 'rclpy' and 'standalone' not in str(Path(rclpy.__file__).parents[1]):
                continue
            return f'{label} {importlib.metadata.version(name)}'
        except importlib.metadata.PackageNotFoundError:
            continue
    return 'rclpy'


def machine() -> str:
    """Return the CPU's name and how many of its cores this process may use."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path('/proc/cpuinfo')
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith('model name'):
                model = line.partition(':')[2].strip()
                break
    return f'{len(os.sched_getaffinity(0))} cores, {model}'


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])  # type: ignore[union-attr]
    parser.add_argument('--rate', type=float, default=30.0, help='frames per second')
    parser.add_argument('--frames', type=int, default=300, help='frames of each size')
    parser.add_argument('--rest-seconds', type=float, default=20.0, help='time at rest')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures here, too')
    parser.add_argument('--talk', nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.talk:
        width, height, encoding, channels, rate, frames = options.talk
        talk(int(width), int(height), encoding, int(channels), float(rate), int(frames))
        return
    rclpy.init()
    found: dict[str, Any] = {'library': library(), 'machine': machine(),
                             'python': platform.python_version(),
                             'middleware': get_rmw_implementation_identifier(), 'images': [],
                             'within': []}
    print(f'{found["library"]}, Python {found["python"]}, {found["machine"]}')
    print(f'{"image":18} {"lost":>9} {"median":>9} {"95 %":>9} {"publish CPU":>12} '
          f'{"listen CPU":>12}')
    for shape in SHAPES:
        row = listen(*shape, options.rate, options.frames)
        found['images'].append(row)
        lost = f'{row["lost"]}/{row["frames"]}'
        print(f'{row["image"]:18} {lost:>9} {row["median_ms"]!s:>6} ms {row["p95_ms"]!s:>6} ms '
              f'{row["publish_cpu_ms"]:>9} ms {row["listen_cpu_ms"]:>9} ms')
    for shape in SHAPES:
        row = within(*shape, options.rate, max(1, options.frames // 3))
        found['within'].append(row)
        print(f'{row["image"]:18} within one process: {row["median_ms"]!s} ms, 95 % '
              f'{row["p95_ms"]!s} ms')
    found['rest'] = rest(options.rest_seconds)
    print(f'at rest, {found["rest"]["entities"]} entities: {found["rest"]["cpu_percent"]} % of a '
          'core')
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + '\n')
    rclpy.try_shutdown()


if __name__ == '__main__':
    try:
        main()
    except (KeyboardInterrupt, ExternalShutdownException):
        sys.exit(1)
