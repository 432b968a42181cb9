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
"""Messages within one process: what is copied, what is serialised, and what is equal."""

import array
import os
import random
import threading
import time
import tracemalloc

import pytest
from random_messages import fill
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosidl_runtime_py import get_message_interfaces, get_service_interfaces
from rosidl_runtime_py.utilities import get_message, get_service
from sensor_msgs.msg import Image
from standalone_ros import cdr, interfaces
from standalone_ros.copying import copy_message
from standalone_ros.dds import qos as qos_map
from standalone_ros.dds.participant import Participant
from standalone_ros.dds.reader import RawReader
from standalone_ros.dds.writer import RawWriter
from standalone_ros.hand_over import Inbox, LocalTopic
from std_msgs.msg import Float32, Int32, String

DOMAIN = int(os.environ['ROS_DOMAIN_ID']) + 3


def all_classes():
    for package, names in get_message_interfaces().items():
        yield from (get_message(f'{package}/{name}') for name in names)
    for package, names in get_service_interfaces().items():
        for name in names:
            service = get_service(f'{package}/{name}')
            yield from (service.Request, service.Response)


def test_a_copy_of_any_message_is_what_a_round_trip_through_cdr_gives():
    rng = random.Random(11)
    count = 0
    for cls in all_classes():
        message = fill(rng, cls)
        copied = copy_message(message)
        data = cdr.serialize(message)
        assert type(copied) is cls and copied is not message
        assert cdr.serialize(copied) == data, cls
        again = cdr.deserialize(data, cls)
        assert copied == again and repr(copied) == repr(again), cls
        count += 1
    assert count > 250


@pytest.mark.parametrize('message', [
    Int32(data=2**35 + 7), Int32(data=-2**40), Float32(data=1e300), String(data='cut\0off'),
    String(data='\0')], ids=repr)
def test_what_does_not_fit_is_cut_as_on_the_wire(message):
    assert copy_message(message) == cdr.deserialize(cdr.serialize(message), type(message))


@pytest.mark.parametrize(('field', 'value'), [
    ('header', 5), ('header', None), ('encoding', 5), ('encoding', b'x'), ('height', 'x'),
    ('encoding', '\ud800'), ('height', 1.5)])
def test_a_copy_refuses_what_serialising_refuses_in_the_same_words(field, value):
    message = Image()
    setattr(message, field, value)
    with pytest.raises((TypeError, AttributeError, ValueError)) as said:
        cdr.serialize(message)
    with pytest.raises(type(said.value)) as copied:
        copy_message(message)
    assert str(copied.value) == str(said.value)


@pytest.fixture
def node():
    context = Context()
    context.init([], domain_id=DOMAIN)
    yield Node('local', context=context)
    context.try_shutdown()


@pytest.fixture
def serialised(monkeypatch):
    """Count what is serialised and deserialised of Image and Int32."""
    counts = {'serialize': 0, 'deserialize': 0}

    def counted(name):
        function = getattr(cdr, name)

        def count(first, *rest):
            counts[name] += (rest[0] if rest else type(first)) in (Image, Int32)
            return function(first, *rest)

        return count

    for name in counts:
        monkeypatch.setattr(cdr, name, counted(name))
    return counts


def spin_until(node, condition):
    end = time.monotonic() + 10
    with SingleThreadedExecutor(context=node.context) as executor:
        executor.add_node(node)
        while not condition() and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)
    assert condition()


def test_nothing_is_serialised_while_all_subscriptions_are_in_the_process(node, serialised):
    received = []
    for _ in range(2):
        node.create_subscription(Image, 'i', received.append, 5)
    publisher = node.create_publisher(Image, 'i', 5)
    image = Image(height=2, width=2, step=2, data=b'abcd')
    for _ in range(5):
        publisher.publish(image)
    spin_until(node, lambda: len(received) == 10)
    assert received == [image] * 10
    assert serialised == {'serialize': 0, 'deserialize': 0}


def test_a_raw_subscription_serialises_for_itself(node, serialised):
    received, raw = [], []
    node.create_subscription(Int32, 'n', received.append, 5)
    node.create_subscription(Int32, 'n', raw.append, 5, raw=True)
    node.create_publisher(Int32, 'n', 5).publish(Int32(data=7))
    spin_until(node, lambda: received and raw)
    assert raw == [cdr.serialize(Int32(data=7))] and serialised['deserialize'] == 0


@pytest.fixture
def outside():
    made = Participant(DOMAIN, '/')
    yield made
    made.close()


def test_with_somebody_else_it_is_serialised_once_and_everyone_gets_it_once(
    node, serialised, outside,
):
    received, profile = [], QoSProfile(depth=20)
    node.create_subscription(Int32, 'n', lambda m: received.append(m.data), profile)
    publisher = node.create_publisher(Int32, 'n', profile)
    publisher.publish(Int32(data=0))
    reader = RawReader(outside, 'rt/n', interfaces.dds_type_name(Int32), qos_map.to_dds(profile))
    assert publisher.get_subscription_count() == 2
    for index in (1, 2):
        publisher.publish(Int32(data=index))
    assert serialised == {'serialize': 2, 'deserialize': 0}
    reader.close()
    publisher.publish(Int32(data=3))
    spin_until(node, lambda: len(received) == 4)
    assert received == [0, 1, 2, 3] and serialised == {'serialize': 2, 'deserialize': 2}


def test_history_is_one_for_messages_from_inside_and_outside(node, outside):
    received, profile = [], QoSProfile(depth=3)
    node.create_subscription(Int32, 'n', lambda m: received.append(m.data), profile)
    publisher = node.create_publisher(Int32, 'n', profile)
    writer = RawWriter(outside, 'rt/n', interfaces.dds_type_name(Int32), qos_map.to_dds(profile))
    for index in range(10):
        if index % 2:
            writer.write(cdr.serialize(Int32(data=index)))
        else:
            publisher.publish(Int32(data=index))
    spin_until(node, lambda: len(received) >= 3)
    assert received == [7, 8, 9]


def test_messages_that_nobody_takes_any_more_are_freed(node):
    publisher = node.create_publisher(Image, 'i', 2)
    subscriptions = [node.create_subscription(Image, 'i', lambda m: None, 2) for _ in range(2)]
    image = Image(data=array.array('B', bytes(10**6)))
    publisher.publish(image)
    tracemalloc.start()
    try:
        for _ in range(10):
            publisher.publish(image)
        # Two are kept, for both.
        assert 1.9e6 < tracemalloc.get_traced_memory()[0] < 2.2e6
        for subscription in subscriptions:
            node.destroy_subscription(subscription)
        assert tracemalloc.get_traced_memory()[0] < 2e5
    finally:
        tracemalloc.stop()


def test_a_message_that_cannot_be_serialised_is_refused_by_publish(node):
    node.create_subscription(String, 's', lambda m: None, 5)
    publisher = node.create_publisher(String, 's', 5)
    with pytest.raises(TypeError, match='bad argument type'):
        publisher.publish(String(data=5))


def test_who_publishes_in_the_middle_of_publishing_does_not_hang(node):
    received = []
    node.create_subscription(Int32, 'n', lambda m: received.append(m.data), 5)
    publisher = node.create_publisher(Int32, 'n', 5)
    local = LocalTopic.of(DOMAIN, 'rt/n', interfaces.dds_type_name(Int32))
    thread = threading.Thread(target=lambda: publish_inside(local, publisher), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    spin_until(node, lambda: received == [3])


def publish_inside(local, publisher):
    with local.lock:
        publisher.publish(Int32(data=3))


def test_stamps_rise_through_a_small_step_back_of_the_clock_and_follow_a_large_one(
    node, monkeypatch,
):
    subscription = node.create_subscription(Int32, 'n', lambda m: None, 5)
    publisher = node.create_publisher(Int32, 'n', 5)
    begin = time.time_ns()
    for now in (begin, begin - 10**8, begin - 10**10):
        monkeypatch.setattr(time, 'time_ns', lambda now=now: now)
        publisher.publish(Int32())
    monkeypatch.undo()
    with subscription.handle:
        stamps = [subscription.handle.take_message(Int32, False)[1]['source_timestamp']
                  for _ in range(3)]
    assert stamps == [begin, begin + 1, begin - 10**10]


def test_what_exceeds_the_history_is_counted_from_the_head_of_the_cache():
    class Cache:
        """A reader whose second sample is older than its first, as with two clocks."""

        instance_handle = -1

        def __init__(self):
            self.stamps = [2**62, 5]

        def peek_stamps(self, limit):
            return self.stamps[:limit]

        def take(self, decode):
            del self.stamps[0]

    cache, local = Cache(), LocalTopic()
    inbox = Inbox(local, cache, QoSProfile(depth=2))
    try:
        local.deliver(Int32(data=1), [cache.instance_handle])
        # One is too much. The cache's older sample is not at its head, so it can't be the one.
        assert inbox.take(lambda message, alone: message) is None
        assert cache.stamps == [2**62, 5]
    finally:
        inbox.close()


def test_a_history_of_any_depth_costs_only_what_is_in_it(node, outside):
    profile = QoSProfile(depth=2**31 - 1)
    type_name = interfaces.dds_type_name(Int32)
    reader = RawReader(outside, 'rt/n', type_name, qos_map.to_dds(profile))
    writer = RawWriter(outside, 'rt/n', type_name, qos_map.to_dds(profile))
    for index in range(40):
        assert len(reader.peek_stamps(2**31 - 1)) == index
        writer.write(cdr.serialize(Int32(data=index)))
    stamps = reader.peek_stamps(2**31 - 1)
    assert len(stamps) == 40 and stamps == sorted(stamps)
    assert reader.peek_stamps(20) == stamps[:20]


def test_shutdown_closes_the_inboxes_of_subscriptions_that_live_on(node):
    subscription = node.create_subscription(Image, 'i', lambda m: None, 5)
    inbox = subscription.handle._inbox
    node.create_publisher(Image, 'i', 5).publish(Image())
    assert inbox.guard.entity and inbox._parcels
    node.context.shutdown()
    assert not inbox.guard.entity and not inbox._parcels
