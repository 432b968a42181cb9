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
"""What rclpy costs and leaves behind."""

import gc
import os
import signal
import subprocess
import sys
import time

import pytest
import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import Image
from standalone_ros import console
from standalone_ros.dds.library import DdsError
from std_msgs.msg import String

DOMAIN = str(int(os.environ['ROS_DOMAIN_ID']) + 2)


@pytest.fixture
def context():
    made = Context()
    made.init([], domain_id=int(DOMAIN))
    yield made
    made.try_shutdown()


def spin_until(executor, condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    assert condition()


def test_an_executor_that_waits_uses_no_processor_time(context):
    node = Node('idle', context=context)
    for i in range(10):
        node.create_publisher(String, f'a{i}', 5)
        node.create_subscription(String, f'b{i}', lambda m: None, 5)
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        for _ in range(20):
            executor.spin_once(timeout_sec=0.05)
        used = time.process_time()
        executor.spin_once(timeout_sec=1.5)
        assert time.process_time() - used < 0.015


def test_a_coroutine_that_awaits_uses_no_processor_time_and_goes_on_when_it_can(context):
    node, future, seen = Node('awaits', context=context), Future(), []

    async def wait():
        seen.append(await future)

    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        executor.create_task(wait)
        executor.spin_once(timeout_sec=0.1)
        used = time.process_time()
        executor.spin_once(timeout_sec=1.0)
        assert time.process_time() - used < 0.01 and not seen
        future.set_result(5)
        executor.spin_once(timeout_sec=1.0)
        assert seen == [5]


def test_a_node_that_nobody_holds_vanishes(context):
    keep = Node('keep', context=context)
    gone = Node('gone', context=context)
    gone.create_subscription(String, 't', lambda m, node=gone: None, 5)
    assert keep.count_subscribers('t') == 1
    del gone
    gc.collect()
    end = time.monotonic() + 5
    while ((keep.get_node_names() != ['keep'] or keep.count_subscribers('t'))
           and time.monotonic() < end):
        time.sleep(0.02)
    assert keep.get_node_names() == ['keep'] and keep.count_subscribers('t') == 0


def test_malformed_messages_are_counted_and_said_once_a_second(context, capfd):
    node, received = Node('bad', context=context), []
    subscription = node.create_subscription(Image, 'i', received.append, 1000)
    publisher = node.create_publisher(Image, 'i', 1000)
    good = Image(height=1, width=4, step=4, encoding='mono8', data=b'abcd')
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        for size in range(4, 40):
            publisher.publish(b'\0\1\0\0' + b'\xff' * size)
        publisher.publish(good)
        spin_until(executor, lambda: received)
    assert received == [good] and subscription.handle.malformed_count == 36
    assert capfd.readouterr().err.count('dropped malformed message on /i') == 1


def test_contexts_come_and_go(context):
    for _ in range(5):
        other = Context()
        other.init([], domain_id=int(DOMAIN))
        Node('other', context=other).create_publisher(String, 'q', 1)
        start = time.monotonic()
        other.shutdown()
        assert time.monotonic() - start < 1.0
    assert not rclpy.ok()


SPIN = """
import rclpy
from rclpy.executors import ExternalShutdownException
rclpy.init(args=[])
node = rclpy.create_node('spins')
node.create_timer(0.02, lambda: None)
print('up', flush=True)
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException):
    pass
"""


@pytest.mark.parametrize('sent', [signal.SIGINT, signal.SIGTERM])
def test_a_process_ends_soon_after_a_signal_and_says_nothing(sent):
    environment = {**os.environ, 'ROS_DOMAIN_ID': DOMAIN}
    with subprocess.Popen([sys.executable, '-c', SPIN], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == 'up\n'
        time.sleep(0.2)
        start = time.monotonic()
        process.send_signal(sent)
        _, said = process.communicate(timeout=20)
    # It takes less than a second; others may be busy.
    assert time.monotonic() - start < 5.0
    assert process.returncode == 0 and said == ''


SEND = """
import array, os, time
import rclpy
from sensor_msgs.msg import Image
rclpy.init(args=[])
node = rclpy.create_node('sends')
publisher = node.create_publisher(Image, 'big', 5)
while not publisher.get_subscription_count():
    time.sleep(0.02)
image = Image(height=1024, width=2048, step=6144, encoding='rgb8')
image.data = array.array('B', bytes(1024 * 6144))
for i in range(20):
    image.header.stamp.sec = i
    publisher.publish(image)
    time.sleep(0.03)
publisher.wait_for_all_acked()
"""


def test_large_images_arrive_without_loss_on_default_buffers(context):
    node, stamps = Node('takes', context=context), []
    node.create_subscription(
        Image, 'big', lambda m: stamps.append((m.header.stamp.sec, len(m.data))), 20)
    environment = {**os.environ, 'ROS_DOMAIN_ID': DOMAIN}
    with subprocess.Popen([sys.executable, '-c', SEND], env=environment) as process:
        with SingleThreadedExecutor(context=context) as executor:
            executor.add_node(node)
            spin_until(executor, lambda: len(stamps) == 20, 60.0)
        assert process.wait(20) == 0
    assert stamps == [(i, 1024 * 6144) for i in range(20)]


FILL = """
import resource
import rclpy
rclpy.init(args=[])

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        one, other = bytes(8_000_000), bytearray(8_000_000)
        del one, other
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

new_pages()
print(new_pages())
rclpy.shutdown()
"""


@pytest.mark.parametrize(('variables', 'few'), [
    ({}, True), ({'MALLOC_MMAP_THRESHOLD_': '1000000'}, False)])
def test_the_memory_of_large_messages_is_used_again_unless_the_user_says_otherwise(
    variables, few,
):
    ended = subprocess.run(
        [sys.executable, '-c', FILL], env={**os.environ, 'ROS_DOMAIN_ID': DOMAIN, **variables},
        capture_output=True, text=True, timeout=30, check=True)
    assert (int(ended.stdout) < 1000) == few


@pytest.mark.parametrize('error', [DdsError('no room'), MemoryError()], ids=repr)
def test_an_init_that_fails_leaves_nothing_behind(monkeypatch, error):
    closed, users = [], console._users

    def fail(participant, enclave):
        monkeypatch.setattr(participant, 'close', lambda close=participant.close: (
            closed.append(participant), close()))
        raise error

    with monkeypatch.context() as patch:
        patch.setattr('rclpy.context.Graph', fail)
        made = Context()
        with pytest.raises(RCLError if isinstance(error, DdsError) else MemoryError):
            made.init([], domain_id=int(DOMAIN))
    assert len(closed) == 1 and console._users == users and not made.ok()
    made.init([], domain_id=int(DOMAIN))
    made.shutdown()
    assert console._users == users
