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
"""Images go first, long callbacks hold up nobody, errors come out."""

import threading
import time

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.executors import TimeoutException
from rclpy.node import Node
from rclpy.task import Future, Task
from std_msgs.msg import Int32

from vidseg_ros.nodes.image_gate import ImageGate
from vidseg_ros.nodes.live_executor import LiveExecutor


@pytest.fixture
def node():
    context = Context()
    rclpy.init(context=context)
    node = Node('test_live_executor', context=context)
    yield node
    node.destroy_node()
    context.try_shutdown()


@pytest.fixture
def executor(node):
    executor = LiveExecutor(2, context=node.context)
    executor.add_node(node)
    yield executor
    assert executor.shutdown(10)


def spin_until(executor, done, seconds=20.0):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.02)
    return done()


def test_images_are_taken_while_long_callbacks_run(node, executor):
    gate, threads = threading.Event(), []
    node.create_subscription(Int32, 'image', lambda _: threads.append(threading.current_thread()),
                             100, callback_group=ImageGate(lambda: True))
    timers = [node.create_timer(0.01, lambda: gate.wait(20),
                                callback_group=MutuallyExclusiveCallbackGroup())
              for _ in range(2)]  # as many as there are threads
    publisher = node.create_publisher(Int32, 'image', 100)
    assert spin_until(executor, publisher.get_subscription_count)
    for i in range(10):
        publisher.publish(Int32(data=i))
    assert spin_until(executor, lambda: len(threads) == 10)
    assert set(threads) == {threading.current_thread()}
    gate.set()
    for timer in timers:
        timer.cancel()


@pytest.mark.parametrize('group', [lambda: ImageGate(lambda: True),
                                   MutuallyExclusiveCallbackGroup])
def test_what_a_callback_raises_comes_out_and_spinning_goes_on(node, executor, group):
    came = []

    def callback(message):
        came.append(message.data)
        if message.data == 1:
            raise ValueError('told to fail')
    node.create_subscription(Int32, 'image', callback, 10, callback_group=group())
    publisher = node.create_publisher(Int32, 'image', 10)
    assert spin_until(executor, publisher.get_subscription_count)
    publisher.publish(Int32(data=1))
    with pytest.raises(ValueError, match='told to fail'):
        spin_until(executor, lambda: False, 20)
    publisher.publish(Int32(data=2))
    assert spin_until(executor, lambda: came == [1, 2])


def test_a_future_ends_the_spinning(node, executor):
    future = Future()
    timer = node.create_timer(0.02, lambda: future.set_result(7))
    executor.spin_until_future_complete(future, 10)
    assert future.result() == 7
    timer.cancel()


@pytest.mark.parametrize('spin', ['spin_once', '_spin_once_impl'])
def test_both_of_the_ways_that_rclpy_spins_by_run_callbacks(node, executor, spin):
    came = []
    timer = node.create_timer(0.01, lambda: came.append(1))
    end = time.monotonic() + 20
    while not came and time.monotonic() < end:
        getattr(executor, spin)(timeout_sec=0.02)
    assert came
    timer.cancel()


def test_the_condition_that_rclpy_compares_stays_the_same(node, executor, monkeypatch):
    seen = []

    def wait(timeout_sec, nodes, condition):
        seen.append(condition)
        raise TimeoutException
    monkeypatch.setattr(executor, 'wait_for_ready_callbacks', wait)
    future = Future()
    executor.spin_once(0)
    executor._spin_once_until_future_complete(future, 0)
    future.set_result(None)
    assert seen[0] == seen[1] and seen[1]()
    executor._spin_once_impl()
    assert not seen[2]()


def test_a_task_that_waits_for_a_thread_is_not_submitted_again(node, executor, monkeypatch):
    gate, runs = threading.Event(), []

    def fail():
        runs.append(gate.wait(20))
        raise ValueError('told to fail')
    task = Task(fail)
    # Jazzy offers a task again for as long as it does not run.
    monkeypatch.setattr(executor, 'wait_for_ready_callbacks', lambda *_: (task, None, None))
    submitted = []
    submit = executor._pool.submit
    monkeypatch.setattr(executor._pool, 'submit',
                        lambda *work: submitted.append(work) or submit(*work))
    for _ in range(5):
        executor.spin_once(0)
    assert len(submitted) == 1
    gate.set()
    with pytest.raises(ValueError, match='told to fail'):
        spin_until(executor, lambda: False)
    executor.spin_once(0)  # done, and its error came out once
    assert runs == [True]
