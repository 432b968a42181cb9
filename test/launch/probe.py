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
"""A camera and a consumer in one: what the tests talk to segmentation_node with."""

from __future__ import annotations

import array
import threading
import time
from collections import defaultdict

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from statistics_msgs.msg import MetricsMessage
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from vision_msgs.msg import LabelInfo

HEIGHT, WIDTH = 64, 96


def to_stamp(nanoseconds):
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def to_nanoseconds(stamp):
    return stamp.sec * 10**9 + stamp.nanosec


def picture(index, height=HEIGHT, width=WIDTH):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([(3 * x + 5 * index) % 256, (4 * y) % 256, (x + y + index) % 256],
                    -1).astype(np.uint8)


def image(stamp_ns, pixels, encoding='rgb8', **changes):
    message = Image(header=Header(stamp=to_stamp(stamp_ns), frame_id='front_optical'),
                    height=pixels.shape[0], width=pixels.shape[1], encoding=encoding,
                    step=pixels.shape[1] * pixels.shape[2])
    message.data = array.array('B', pixels.tobytes())
    for name, value in changes.items():
        setattr(message, name, value)
    return message


class _Statuses(dict):
    """Maps names to (status, values); of what was not reported yet, empty ones."""

    def __missing__(self, name):
        return DiagnosticStatus(), {}


class Probe:
    """
    Spins in a thread of its own until closed.

    ``outputs`` maps (camera, output) to the messages that came, in order.
    """

    def __init__(self, domain_id, node='/segmentation_node', namespace='', *, reliable=True):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain_id)
        self.node = Node('probe', context=self.context)
        self.target, self.root = node, namespace
        self.outputs = defaultdict(list)
        self.statuses = _Statuses()
        self.history = defaultdict(list)
        self.metrics = {}
        self.reported_at = 0
        self.events = []
        self._quality = QoSProfile(
            depth=500, reliability=ReliabilityPolicy.RELIABLE if reliable
            else ReliabilityPolicy.BEST_EFFORT)
        self._cameras = {}
        self._clients = {}
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)
        self.node.create_subscription(DiagnosticStatus, f'{node}/events', self.events.append, 50)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self):
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=0.05)

    def close(self):
        self._stop.set()
        self._thread.join(10)
        self._executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def _on_diagnostics(self, message):
        self.reported_at = to_nanoseconds(message.header.stamp)
        for status in message.status:
            name = status.name.rpartition(': ')[2]
            values = {value.key: value.value for value in status.values}
            self.statuses[name] = status, values
            self.history[name].append(values['state'])

    def camera(self, name, kind=Image):
        if name not in self._cameras:
            topic = f'{self.root}/camera/{name}/image_raw'
            self._cameras[name] = self.node.create_publisher(
                kind, topic + ('/compressed' if kind is CompressedImage else ''), self._quality)
        return self._cameras[name]

    def listen(self, camera, *outputs):
        for output in outputs:
            kind, quality = Image, self._quality
            if output == 'label_info':
                kind = LabelInfo
                quality = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
            self.node.create_subscription(
                kind, f'{self.root}/camera/{camera}/segmentation/{output}',
                self.outputs[camera, output].append, quality)

    def listen_to_statistics(self):
        def take(message):
            self.metrics[message.measurement_source_name, message.metrics_source] = message
        self.node.create_subscription(MetricsMessage, f'{self.target}/statistics', take, 200)

    def stamps(self, camera='front', output='labels'):
        return [to_nanoseconds(message.header.stamp)
                for message in list(self.outputs[camera, output])]

    def call(self, kind, name, request, timeout=20.0):
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        client = self._clients[name]
        assert client.wait_for_service(timeout), f'no service {name}'
        future = client.call_async(request)
        assert until(future.done, timeout), f'no answer from {name}'
        return future.result()

    def state(self):
        response = self.call(GetState, f'{self.target}/get_state', GetState.Request())
        return response.current_state.label

    def set(self, **values):
        request = SetParameters.Request(parameters=[
            Parameter(name, value=value).to_parameter_msg() for name, value in values.items()])
        return self.call(SetParameters, f'{self.target}/set_parameters', request).results

    def get(self, name):
        request = GetParameters.Request(names=[name])
        value, = self.call(GetParameters, f'{self.target}/get_parameters', request).values
        return {1: value.bool_value, 2: value.integer_value, 3: value.double_value,
                4: value.string_value, 9: list(value.string_array_value)}[value.type]

    def reset(self):
        return self.call(Trigger, f'{self.target}/reset', Trigger.Request())

    def engine_is(self, **expected):
        return all(self.statuses.get('engine', (None, {}))[1].get(key) == value
                   for key, value in expected.items())


def until(condition, timeout=30.0):
    """Wait for a condition; return whether it came true."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())
