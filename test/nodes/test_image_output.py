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
"""What is published is what was given, out of the same memory each time."""

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header, Int32

from vidseg_ros.nodes.image_gate import ImageGate
from vidseg_ros.nodes.image_message import ImageOutput


@pytest.fixture
def context():
    context = Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


def spin_until(executor, done, seconds=20.0):
    for _ in range(int(seconds / 0.02)):
        if done():
            return True
        executor.spin_once(timeout_sec=0.02)
    return False


def test_images_arrive_as_they_were_when_they_were_published(context):
    node = Node('test_image_output', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    came = []
    node.create_subscription(Image, 'image', came.append, QoSProfile(depth=50))
    output = ImageOutput(node.create_publisher(Image, 'image', QoSProfile(depth=50)), 'mono8')
    assert spin_until(executor, lambda: output.wanted)
    given = []
    rng = np.random.default_rng(1)
    for i, shape in enumerate([(4, 6)] * 10 + [(2, 3, 3), (4, 6), (1, 1)]):
        given.append(rng.integers(0, 256, shape, np.uint8))
        # Not contiguous, as views of larger arrays are.
        padded = np.zeros((shape[0], shape[1] + 5, *shape[2:]), np.uint8)
        padded[:, :shape[1]] = given[-1]
        output.publish(Header(stamp=Time(sec=i), frame_id='eye'), padded[:, :shape[1]])
    assert spin_until(executor, lambda: len(came) == len(given))
    for i, (message, pixels) in enumerate(zip(came, given, strict=True)):
        assert (message.header.stamp.sec, message.header.frame_id) == (i, 'eye')
        assert (message.height, message.width, message.encoding) == (*pixels.shape[:2], 'mono8')
        assert message.step == pixels.size // pixels.shape[0]
        assert bytes(message.data) == pixels.tobytes()
    executor.shutdown()
    node.destroy_node()


def test_nothing_of_an_image_s_size_is_made_anew(context):
    node = Node('test_image_output', context=context)
    output = ImageOutput(node.create_publisher(Image, 'image', 1), 'mono8')
    pixels = np.zeros((32, 48), np.uint8)
    output.publish(Header(), pixels)
    data = output._message.data
    for i in range(5):
        pixels[:] = i
        output.publish(Header(), pixels)
        assert output._message.data is data
        assert bytes(data) == pixels.tobytes()
    node.destroy_node()


def test_a_closed_gate_leaves_messages_where_they_are_and_blocks_nothing(context):
    """Also for more than the threads there are."""
    node = Node('test_image_gate', context=context)
    executor = MultiThreadedExecutor(num_threads=2, context=context)
    executor.add_node(node)
    room = dict.fromkeys('abc', True)
    came = {name: [] for name in 'abc'}
    everything = QoSProfile(history=HistoryPolicy.KEEP_ALL, depth=0)
    publishers, others = {}, []
    for name in 'abc':
        node.create_subscription(
            Int32, name, lambda message, name=name: came[name].append(message.data), everything,
            callback_group=ImageGate(lambda name=name: room[name]))
        publishers[name] = node.create_publisher(Int32, name, 1000)
    other = node.create_publisher(Int32, 'other', 10)
    node.create_subscription(Int32, 'other', lambda message: others.append(message.data), 10,
                             callback_group=MutuallyExclusiveCallbackGroup())
    assert spin_until(executor, lambda: all(
        p.get_subscription_count() for p in (*publishers.values(), other)))
    room.update(a=False, b=False)
    for i in range(300):
        for publisher in publishers.values():
            publisher.publish(Int32(data=i))
    other.publish(Int32(data=7))
    assert spin_until(executor, lambda: len(came['c']) == 300 and others == [7])
    assert came['a'] == came['b'] == []
    room['a'] = True
    executor.wake()
    assert spin_until(executor, lambda: len(came['a']) == 300)
    room['b'] = True
    executor.wake()
    assert spin_until(executor, lambda: len(came['b']) == 300)
    assert all(values == list(range(300)) for values in came.values())
    executor.shutdown()
    node.destroy_node()


def test_nobody_wants_what_was_destroyed(context):
    node = Node('test_image_output', context=context)
    output = ImageOutput(node.create_publisher(Image, 'image', 1), 'mono8')
    node.destroy_publisher(output.publisher)
    assert not output.wanted
    node.destroy_node()
