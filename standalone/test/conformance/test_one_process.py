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

"""Publishers and subscriptions of one process: as if they were in two."""

import array
import threading
import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseWithCovariance
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.wait_for_message import wait_for_message
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Float32, Int32, String, UInt8MultiArray


def status(**fields):
    return DiagnosticArray(status=[DiagnosticStatus(values=[KeyValue(**fields)])])


def test_a_subscription_does_not_see_what_the_publisher_changes_after_publishing(graph, pair):
    link = pair(DiagnosticArray, 5, 5)
    link.wait_matched()
    message = status(key='rate', value='30')
    link.publisher.publish(message)
    message.status[0].values[0].value = 'changed'
    message.status[0].values.append(KeyValue(key='more'))
    message.header.frame_id = 'changed'
    link.publisher.publish(message)
    graph.spin_until(lambda: len(link.received) == 2, 'both arrived')
    assert link.received[0] == status(key='rate', value='30')
    assert link.received[1] == message and link.received[1] is not message


def test_a_subscription_does_not_see_what_becomes_of_the_publishers_pixels(graph, pair):
    link = pair(Image, 5, 5)
    link.wait_matched()
    image = Image(height=2, width=2, step=2, data=array.array('B', b'\1\2\3\4'))
    link.publisher.publish(image)
    image.data[0] = 99
    graph.spin_until(lambda: link.received, 'it arrived')
    assert link.received[0].data.tobytes() == b'\1\2\3\4'
    link.received[0].data[1] = 77
    assert image.data.tobytes() == b'\x63\2\3\4'


@pytest.mark.parametrize('count', [2, 3])
def test_subscriptions_do_not_see_each_others_changes(graph, count):
    topic, received = graph.name('topic'), []
    publisher = graph.node().create_publisher(CameraInfo, topic, 5)

    def spoil(message):
        received.append((message.header.frame_id, list(message.d), message.k.tolist()))
        message.header.frame_id = 'spoiled'
        message.d.append(5.0)
        message.k[0] = -1.0

    for _ in range(count):
        graph.node().create_subscription(CameraInfo, topic, spoil, 5)
    graph.spin_until(lambda: publisher.get_subscription_count() == count, 'all matched')
    info = CameraInfo(d=[0.5], k=np.arange(9.0))
    info.header.frame_id = 'camera'
    publisher.publish(info)
    graph.spin_until(lambda: len(received) == count, 'all got it')
    assert received == [('camera', [0.5], list(range(9)))] * count
    assert info.header.frame_id == 'camera' and info.k[0] == 0.0


def test_numbers_arrive_in_the_precision_of_their_field(graph, pair):
    link = pair(Float32, 1, 1)
    link.wait_matched()
    link.publisher.publish(Float32(data=0.1))
    graph.spin_until(lambda: link.received, 'it arrived')
    assert link.received[0].data == float(np.float32(0.1)) != 0.1


def test_fields_arrive_as_they_would_from_another_process(graph, pair):
    link = pair(PoseWithCovariance, 1, 1)
    link.wait_matched()
    message = PoseWithCovariance(covariance=np.linspace(0, 1, 36))
    message.pose.position.x = 1.0
    link.publisher.publish(message)
    graph.spin_until(lambda: link.received, 'it arrived')
    expected = deserialize_message(serialize_message(message), PoseWithCovariance)
    assert link.received[0] == message
    assert type(link.received[0].covariance) is type(expected.covariance)
    assert link.received[0].covariance.dtype == expected.covariance.dtype


def test_raw_and_ordinary_subscriptions_share_a_topic(graph, pair):
    link, raw = pair(String, 5, 5), []
    graph.node().create_subscription(String, link.topic, raw.append, 5, raw=True)
    graph.spin_until(lambda: link.publisher.get_subscription_count() == 2, 'both matched')
    for text in ('a', 'längere'):
        link.publisher.publish(String(data=text))
    graph.spin_until(lambda: len(raw) == len(link.received) == 2, 'both got both')
    assert [deserialize_message(data, String) for data in raw] == link.received
    assert [message.data for message in link.received] == ['a', 'längere']


def test_messages_and_serialised_messages_keep_their_order(graph, pair):
    link = pair(Int32, 50, 50)
    link.wait_matched()
    for index in range(20):
        message = Int32(data=index)
        link.publisher.publish(serialize_message(message) if index % 3 == 0 else message)
    graph.spin_until(lambda: len(link.received) == 20, 'all arrived')
    graph.spin_for(0.1)
    assert [message.data for message in link.received] == list(range(20))


def test_only_the_newest_are_kept_whichever_way_they_were_published(graph, pair):
    link = pair(Int32, QoSProfile(depth=20), QoSProfile(depth=4))
    link.wait_matched()
    for index in range(10):
        message = Int32(data=index)
        link.publisher.publish(serialize_message(message) if index % 2 else message)
    graph.spin_until(lambda: len(link.received) >= 4, 'four arrived')
    graph.spin_for(0.1)
    assert [message.data for message in link.received] == [6, 7, 8, 9]


def test_keep_all_keeps_all_until_they_are_taken(graph, pair):
    qos = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
    link = pair(Int32, qos, qos)
    link.wait_matched()
    for index in range(500):
        link.publisher.publish(Int32(data=index))
    graph.spin_until(lambda: len(link.received) == 500, 'all arrived')
    assert [message.data for message in link.received] == list(range(500))


def test_each_of_several_publishers_keeps_its_order(graph):
    topic, received = graph.name('topic'), []
    publishers = [graph.node().create_publisher(Int32, topic, 200) for _ in range(3)]
    graph.node().create_subscription(
        Int32, topic, lambda message: received.append(message.data), 400)
    graph.spin_until(
        lambda: all(each.get_subscription_count() == 1 for each in publishers), 'matched')

    def publish(number):
        for index in range(50):
            publishers[number].publish(Int32(data=number * 1000 + index))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    graph.spin_until(lambda: len(received) == 150, 'all arrived')
    for thread in threads:
        thread.join()
    for number in range(3):
        mine = [value for value in received if value // 1000 == number]
        assert mine == [number * 1000 + index for index in range(50)]


def test_the_message_info_tells_when_each_was_published(graph):
    topic, received = graph.name('topic'), []
    publisher = graph.node().create_publisher(Int32, topic, 5)
    graph.node().create_subscription(
        Int32, topic, lambda message, info: received.append((message.data, info)), 5)
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    before = time.time_ns()
    publisher.publish(Int32(data=0))
    between = time.time_ns()
    publisher.publish(Int32(data=1))
    after = time.time_ns()
    graph.spin_until(lambda: len(received) == 2, 'both arrived')
    stamps = [info['source_timestamp'] for _, info in received]
    assert before <= stamps[0] <= between <= stamps[1] <= after
    assert all(info['received_timestamp'] >= info['source_timestamp'] for _, info in received)


def test_nodes_of_two_contexts_of_a_process_hear_each_other(graph):
    other, received = Context(), []
    other.init([])
    try:
        topic = graph.name('topic')
        publisher = Node(graph.name('node'), context=other).create_publisher(String, topic, 5)
        graph.node().create_subscription(String, topic, received.append, 5)
        graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
        publisher.publish(String(data='across'))
        graph.spin_until(lambda: received, 'it arrived')
        assert received == [String(data='across')]
    finally:
        other.try_shutdown()


ECHO = """
import rclpy
from rclpy.executors import ExternalShutdownException
from std_msgs.msg import Int32
import sys
rclpy.init()
node = rclpy.create_node('echo')
publisher = node.create_publisher(Int32, sys.argv[1] + '_back', 100)
node.create_subscription(Int32, sys.argv[1], publisher.publish, 100)
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException):
    pass
"""


def test_everyone_gets_each_message_once_while_another_process_joins_and_leaves(
    graph, pair, start_script
):
    link, echoed = pair(Int32, 100, 100), []
    graph.node().create_subscription(
        Int32, link.topic + '_back', lambda message: echoed.append(message.data), 100)
    link.wait_matched()
    sent = iter(range(1000))

    def publish_until(condition, what):
        def step():
            link.publisher.publish(Int32(data=next(sent)))
            graph.spin_for(0.02)
            return condition()

        graph.spin_until(step, what)

    publish_until(lambda: len(link.received) > 3, 'some arrived')
    process = start_script(ECHO, link.topic)
    publish_until(lambda: len(echoed) > 5, 'the other process had some')
    assert link.publisher.get_subscription_count() == 2
    process.terminate()
    publish_until(lambda: link.publisher.get_subscription_count() == 1, 'the other was gone')
    publish_until(lambda: True, 'one more')
    last = next(sent)
    link.publisher.publish(Int32(data=last))
    graph.spin_until(lambda: link.received[-1].data == last, 'the last arrived')
    assert [message.data for message in link.received] == list(range(last + 1))
    assert echoed == list(range(echoed[0], echoed[0] + len(echoed)))


def test_a_message_outlives_its_publisher(graph, pair):
    link = pair(String, 5, 5)
    link.wait_matched()
    link.publisher.publish(String(data='last words'))
    link.talker.destroy_publisher(link.publisher)
    graph.spin_until(lambda: link.received, 'it arrived')


def test_a_destroyed_subscription_gets_nothing_and_keeps_nobody_from_it(graph, pair):
    link, other = pair(String, 5, 5), []
    link.wait_matched()
    graph.node().create_subscription(String, link.topic, other.append, 5)
    graph.spin_until(lambda: link.publisher.get_subscription_count() == 2, 'both matched')
    link.publisher.publish(String(data='x'))
    link.listener.destroy_subscription(link.subscription)
    link.publisher.publish(String(data='y'))
    graph.spin_until(lambda: len(other) == 2, 'the other got both')
    assert link.received == []
    assert link.publisher.get_subscription_count() == 1


def test_a_message_past_its_lifespan_is_not_delivered(graph, pair):
    qos = QoSProfile(depth=5, lifespan=Duration(nanoseconds=50_000_000))
    link = pair(String, qos, 5)
    link.wait_matched()
    graph.executor.remove_node(link.listener)
    link.publisher.publish(String(data='old'))
    time.sleep(0.15)
    link.publisher.publish(String(data='new'))
    graph.executor.add_node(link.listener)
    graph.spin_until(lambda: link.received, 'one arrived')
    graph.spin_for(0.1)
    assert link.received == [String(data='new')]


def test_deadlines_are_met_by_publishing_and_missed_without(graph):
    topic, missed, received = graph.name('topic'), [], []
    qos = QoSProfile(depth=5, deadline=Duration(nanoseconds=200_000_000))
    publisher = graph.node().create_publisher(String, topic, qos)
    graph.node().create_subscription(
        String, topic, received.append, qos,
        event_callbacks=SubscriptionEventCallbacks(deadline=missed.append))
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    for _ in range(10):
        publisher.publish(String())
        graph.spin_for(0.04)
    assert len(received) == 10 and not missed
    graph.spin_until(lambda: missed, 'a deadline was missed')


@pytest.mark.parametrize('depth', [1, 3])
def test_late_joiners_of_a_process_get_what_is_kept_and_what_follows(graph, depth):
    topic = graph.name('topic')
    qos = QoSProfile(depth=depth, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = graph.node().create_publisher(Int32, topic, qos)
    early, late = [], []
    graph.node().create_subscription(
        Int32, topic, lambda message: early.append(message.data), QoSProfile(depth=10))
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    for index in range(5):
        publisher.publish(Int32(data=index))
    graph.spin_until(lambda: len(early) == 5, 'the early got all')
    graph.node().create_subscription(
        Int32, topic, lambda message: late.append(message.data),
        QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    graph.spin_until(lambda: len(late) == depth, 'the late got what was kept')
    publisher.publish(Int32(data=5))
    graph.spin_until(lambda: early[-1] == late[-1] == 5, 'both got what followed')
    assert early == list(range(6)) and late == list(range(5 - depth, 6))


def test_a_best_effort_subscription_hears_a_reliable_publisher(graph, pair):
    link = pair(Int32, QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE),
                QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT))
    link.wait_matched()
    for index in range(30):
        link.publisher.publish(Int32(data=index))
    graph.spin_until(lambda: len(link.received) == 30, 'all arrived')


def test_a_callback_may_publish_to_its_own_subscription(graph):
    node, topic, received = graph.node(), graph.name('topic'), []
    publisher = node.create_publisher(Int32, topic, 5)

    def count_down(message):
        received.append(message.data)
        if message.data:
            publisher.publish(Int32(data=message.data - 1))

    node.create_subscription(Int32, topic, count_down, 5)
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    publisher.publish(Int32(data=5))
    graph.spin_until(lambda: received and received[-1] == 0, 'it counted down')
    assert received == [5, 4, 3, 2, 1, 0]


def test_spin_once_runs_one_callback_for_each_message(graph, pair):
    link = pair(Int32, 10, 10)
    link.wait_matched()
    graph.executor.remove_node(link.listener)
    with SingleThreadedExecutor(context=graph.context) as executor:
        executor.add_node(link.listener)
        while not executor.spin_once(timeout_sec=0.05) and link.received:
            link.received.clear()
        for index in range(3):
            link.publisher.publish(Int32(data=index))
        for count in range(1, 4):
            executor.spin_once(timeout_sec=5.0)
            assert len(link.received) == count


def test_an_executor_that_sleeps_wakes_up_for_a_message_of_its_process(graph, pair):
    link = pair(Float32, 5, 5)
    link.wait_matched()
    graph.executor.remove_node(link.listener)
    arrived = threading.Event()
    link.subscription.callback = lambda message: arrived.set()
    executor = MultiThreadedExecutor(2, context=graph.context)
    executor.add_node(link.listener)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    try:
        time.sleep(0.3)
        link.publisher.publish(Float32())
        assert arrived.wait(5.0)
    finally:
        executor.shutdown(5.0)
        thread.join(10.0)
    assert not thread.is_alive()


def test_wait_for_message_gets_one_of_its_own_process(graph):
    node, topic = graph.node(), graph.name('topic')
    publisher = node.create_publisher(String, topic, 5)
    stop = threading.Event()

    def publish():
        while not stop.wait(0.02):
            publisher.publish(String(data='here'))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        found, message = wait_for_message(String, graph.node(), topic, time_to_wait=10)
    finally:
        stop.set()
        thread.join()
    assert found and message == String(data='here')


def test_ten_megabytes_arrive_unchanged(graph, pair):
    link = pair(UInt8MultiArray, 2, 2)
    link.wait_matched()
    content = np.random.default_rng(3).integers(0, 256, 10_000_000, np.uint8)
    message = UInt8MultiArray(data=array.array('B', content.tobytes()))
    for _ in range(2):
        link.publisher.publish(message)
    graph.spin_until(lambda: len(link.received) == 2, 'both arrived')
    for received in link.received:
        assert np.array_equal(np.frombuffer(received.data, np.uint8), content)
    assert link.received[0].data is not link.received[1].data
