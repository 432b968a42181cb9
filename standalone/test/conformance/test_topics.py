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

"""Publishers, subscriptions, quality of service and names."""

import array
from itertools import pairwise, product

import pytest
from rclpy.duration import Duration
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.exceptions import (
    InvalidNamespaceException,
    InvalidNodeNameException,
    InvalidTopicNameException,
)
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    InvalidQoSProfileException,
    LivelinessPolicy,
    QoSPolicyKind,
    QoSPresetProfiles,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_parameters,
    qos_profile_sensor_data,
    qos_profile_services_default,
    qos_profile_system_default,
)
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.wait_for_message import wait_for_message
from sensor_msgs.msg import Image
from std_msgs.msg import Int32, String, UInt8MultiArray

BEST_EFFORT, RELIABLE = ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE
VOLATILE, TRANSIENT_LOCAL = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL
AUTOMATIC, MANUAL = LivelinessPolicy.AUTOMATIC, LivelinessPolicy.MANUAL_BY_TOPIC


def milliseconds(number):
    return Duration(nanoseconds=number * 1_000_000)


def watched_pair(graph, pub_qos, sub_qos):
    """Make a publisher and a subscription, and note what they and the middleware say."""
    topic, events, received = graph.name('topic'), [], []
    publisher = graph.node().create_publisher(
        String,
        topic,
        pub_qos,
        event_callbacks=PublisherEventCallbacks(
            incompatible_qos=lambda event: events.append(('offered', event.last_policy_kind)),
            matched=lambda event: events.append(('pub matched', event.current_count)),
        ),
    )
    subscription = graph.node().create_subscription(
        String,
        topic,
        received.append,
        sub_qos,
        event_callbacks=SubscriptionEventCallbacks(
            incompatible_qos=lambda event: events.append(('requested', event.last_policy_kind)),
            matched=lambda event: events.append(('sub matched', event.current_count)),
        ),
    )
    return publisher, subscription, events, received


def expect_match(graph, pub_qos, sub_qos):
    publisher, subscription, events, received = watched_pair(graph, pub_qos, sub_qos)
    graph.spin_until(lambda: {('pub matched', 1), ('sub matched', 1)} <= set(events), 'matched')
    assert publisher.get_subscription_count() == 1
    assert subscription.get_publisher_count() == 1
    publisher.publish(String(data='x'))
    graph.spin_until(lambda: received, 'the message arrived')
    assert received == [String(data='x')]


def expect_mismatch(graph, pub_qos, sub_qos, policy):
    publisher, subscription, events, received = watched_pair(graph, pub_qos, sub_qos)
    graph.spin_until(lambda: {kind for kind, _ in events} >= {'offered', 'requested'}, 'told')
    assert set(events) == {('offered', policy), ('requested', policy)}
    assert publisher.get_subscription_count() == 0
    assert subscription.get_publisher_count() == 0
    publisher.publish(String(data='x'))
    graph.spin_for(0.1)
    assert received == []


@pytest.mark.parametrize(
    ('pub_reliability', 'sub_reliability', 'pub_durability', 'sub_durability'),
    list(
        product(
            (BEST_EFFORT, RELIABLE),
            (BEST_EFFORT, RELIABLE),
            (VOLATILE, TRANSIENT_LOCAL),
            (VOLATILE, TRANSIENT_LOCAL),
        )
    ),
)
def test_a_publisher_matches_when_it_offers_at_least_the_requested_reliability_and_durability(
    graph, pub_reliability, sub_reliability, pub_durability, sub_durability
):
    offered = QoSProfile(depth=5, reliability=pub_reliability, durability=pub_durability)
    requested = QoSProfile(depth=5, reliability=sub_reliability, durability=sub_durability)
    if (pub_reliability, sub_reliability) == (BEST_EFFORT, RELIABLE):
        expect_mismatch(graph, offered, requested, QoSPolicyKind.RELIABILITY)
    elif (pub_durability, sub_durability) == (VOLATILE, TRANSIENT_LOCAL):
        expect_mismatch(graph, offered, requested, QoSPolicyKind.DURABILITY)
    else:
        expect_match(graph, offered, requested)


@pytest.mark.parametrize(
    ('offered_ms', 'requested_ms', 'matches'),
    [
        (None, 500, False),
        (500, None, True),
        (500, 500, True),
        (500, 1000, True),
        (1000, 500, False),
    ],
)
def test_a_publisher_matches_when_its_deadline_is_no_longer_than_the_requested(
    graph, offered_ms, requested_ms, matches
):
    def profile(deadline):
        return QoSProfile(depth=5, **({'deadline': milliseconds(deadline)} if deadline else {}))

    if matches:
        expect_match(graph, profile(offered_ms), profile(requested_ms))
    else:
        expect_mismatch(graph, profile(offered_ms), profile(requested_ms), QoSPolicyKind.DEADLINE)


@pytest.mark.parametrize(
    ('offered', 'requested', 'matches'),
    [
        ((AUTOMATIC, 500), (AUTOMATIC, 1000), True),
        ((AUTOMATIC, 1000), (AUTOMATIC, 500), False),
        ((AUTOMATIC, None), (AUTOMATIC, 1000), False),
        ((AUTOMATIC, None), (MANUAL, None), False),
        ((MANUAL, None), (AUTOMATIC, None), True),
        ((MANUAL, 500), (AUTOMATIC, 1000), True),
        ((MANUAL, 1000), (MANUAL, 1000), True),
    ],
)
def test_a_publisher_matches_when_its_liveliness_is_at_least_as_strict(
    graph, offered, requested, matches
):
    def profile(kind, lease):
        options = {'liveliness_lease_duration': milliseconds(lease)} if lease else {}
        return QoSProfile(depth=5, liveliness=kind, **options)

    if matches:
        expect_match(graph, profile(*offered), profile(*requested))
    else:
        expect_mismatch(graph, profile(*offered), profile(*requested), QoSPolicyKind.LIVELINESS)


@pytest.mark.parametrize(
    ('offered', 'requested'),
    [
        (ReliabilityPolicy.SYSTEM_DEFAULT, ReliabilityPolicy.SYSTEM_DEFAULT),
        (ReliabilityPolicy.SYSTEM_DEFAULT, RELIABLE),
        (ReliabilityPolicy.BEST_AVAILABLE, RELIABLE),
        (RELIABLE, ReliabilityPolicy.BEST_AVAILABLE),
    ],
)
def test_a_publisher_that_leaves_its_reliability_to_the_middleware_is_reliable(
    graph, offered, requested
):
    expect_match(
        graph, QoSProfile(depth=5, reliability=offered), QoSProfile(depth=5, reliability=requested)
    )


def test_endpoints_of_different_types_on_one_topic_do_not_match(graph):
    topic, received = graph.name('topic'), []
    node = graph.node()
    publisher = node.create_publisher(String, topic, 1)
    node.create_subscription(Int32, topic, received.append, 1)
    graph.spin_until(
        lambda: (
            dict(node.get_topic_names_and_types()).get('/' + topic)
            == ['std_msgs/msg/Int32', 'std_msgs/msg/String']
        ),
        'the graph had both types',
    )
    publisher.publish(String(data='x'))
    graph.spin_for(0.1)
    assert received == []
    assert publisher.get_subscription_count() == 0


@pytest.mark.parametrize('pub_depth', [1, 3, 10])
@pytest.mark.parametrize('sub_depth', [1, 2, 10])
def test_a_late_joiner_gets_what_both_depths_of_transient_local_keep(graph, pub_depth, sub_depth):
    topic, received = graph.name('topic'), []
    publisher = graph.node().create_publisher(
        String, topic, QoSProfile(depth=pub_depth, durability=TRANSIENT_LOCAL)
    )
    for index in range(5):
        publisher.publish(String(data=str(index)))
    graph.node().create_subscription(
        String,
        topic,
        lambda message: received.append(message.data),
        QoSProfile(depth=sub_depth, durability=TRANSIENT_LOCAL),
    )
    graph.spin_until(lambda: '4' in received, 'the last message arrived')
    graph.spin_for(0.05)
    # A reader of a small depth may be read between two arrivals, never out of order.
    kept = ['0', '1', '2', '3', '4'][-pub_depth:]
    assert received == kept[len(kept) - len(received) :]
    assert len(received) >= min(sub_depth, len(kept))


def test_a_late_joiner_that_is_volatile_gets_nothing_of_the_past(graph):
    topic, received = graph.name('topic'), []
    publisher = graph.node().create_publisher(
        String, topic, QoSProfile(depth=5, durability=TRANSIENT_LOCAL)
    )
    publisher.publish(String(data='past'))
    graph.node().create_subscription(
        String, topic, lambda message: received.append(message.data), QoSProfile(depth=5)
    )
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    publisher.publish(String(data='present'))
    graph.spin_until(lambda: received, 'a message arrived')
    assert received == ['present']


def test_keep_all_on_both_sides_loses_nothing_of_the_past(graph):
    topic, received = graph.name('topic'), []
    qos = QoSProfile(
        history=HistoryPolicy.KEEP_ALL, durability=TRANSIENT_LOCAL, reliability=RELIABLE
    )
    publisher = graph.node().create_publisher(String, topic, qos)
    for index in range(50):
        publisher.publish(String(data=str(index)))
    graph.node().create_subscription(
        String, topic, lambda message: received.append(int(message.data)), qos
    )
    graph.spin_until(lambda: len(received) == 50, 'all arrived')
    assert received == list(range(50))


def test_keep_last_keeps_the_newest_when_nobody_takes_them(graph, pair):
    link = pair(String, QoSProfile(depth=10), QoSProfile(depth=3))
    link.wait_matched()
    # A second reader of the same messages tells when the last is on the wire.
    other, seen = graph.node(), []
    graph.executor.remove_node(link.listener)
    other.create_subscription(String, link.topic, seen.append, QoSProfile(depth=20))
    graph.spin_until(lambda: link.publisher.get_subscription_count() == 2, 'both matched')
    for index in range(10):
        link.publisher.publish(String(data=str(index)))
    graph.spin_until(lambda: len(seen) == 10, 'all ten were on the wire')
    graph.spin_for(0.1)
    graph.executor.add_node(link.listener)
    graph.spin_until(lambda: len(link.received) >= 3, 'three arrived')
    graph.spin_for(0.1)
    assert [message.data for message in link.received] == ['7', '8', '9']


def test_reliable_messages_arrive_in_order_and_none_is_lost(graph, pair):
    link = pair(Int32, QoSProfile(depth=300), QoSProfile(depth=300))
    link.wait_matched()
    for index in range(200):
        link.publisher.publish(Int32(data=index))
    graph.spin_until(lambda: len(link.received) == 200, 'all arrived')
    assert [message.data for message in link.received] == list(range(200))


@pytest.mark.parametrize('size', [0, 1, 3, 1 << 10, (1 << 16) - 1, 1 << 16, 1 << 20])
def test_content_arrives_unchanged_whatever_its_size(graph, pair, size):
    link = pair(UInt8MultiArray, 1, 1)
    link.wait_matched()
    pattern = bytes(index * 7 % 251 for index in range(997))
    content = (pattern * (size // len(pattern) + 1))[:size]
    link.publisher.publish(UInt8MultiArray(data=array.array('B', content)))
    graph.spin_until(lambda: link.received, 'it arrived')
    assert link.received[0].data.tobytes() == content


def test_images_of_six_megabytes_arrive_one_after_another(graph, pair):
    link = pair(Image, 1, 1)
    link.wait_matched()
    image = Image(height=1024, width=2048, encoding='rgb8', step=2048 * 3)
    image.header.frame_id = 'camera'
    for index in range(3):
        image.header.stamp.sec = index
        image.data = array.array('B', bytes([index]) * (1024 * 2048 * 3))
        link.publisher.publish(image)
        graph.spin_until(lambda count=index + 1: len(link.received) == count, 'it arrived')
        assert link.received[-1] == image


def test_text_of_any_script_arrives_unchanged(graph, pair):
    link = pair(String, 10, 10)
    link.wait_matched()
    texts = ['', 'a', 'grüße', '漢字', '🚗🚲', 'line\nline\ttab', 'x' * 5000]
    for text in texts:
        link.publisher.publish(String(data=text))
    graph.spin_until(lambda: len(link.received) == len(texts), 'all arrived')
    assert [message.data for message in link.received] == texts


def test_a_raw_subscription_gets_the_serialised_bytes(graph, pair):
    link = pair(String, 1, 1, raw=True)
    link.wait_matched()
    message = String(data='hello')
    link.publisher.publish(message)
    graph.spin_until(lambda: link.received, 'it arrived')
    data = link.received[0]
    assert isinstance(data, bytes)
    assert (
        data[:14]
        == serialize_message(message)[:14]
        == b'\x00\x01\x00\x00\x06\x00\x00\x00hello\x00'
    )
    assert deserialize_message(data, String) == message


def test_serialised_bytes_can_be_published(graph, pair):
    link = pair(String, 1, 1)
    link.wait_matched()
    link.publisher.publish(serialize_message(String(data='raw')))
    graph.spin_until(lambda: link.received, 'it arrived')
    assert link.received == [String(data='raw')]


def test_a_callback_with_two_arguments_gets_the_message_info(graph):
    topic, received = graph.name('topic'), []
    publisher = graph.node().create_publisher(String, topic, 1)
    graph.node().create_subscription(
        String, topic, lambda message, info: received.append((message, info)), 1
    )
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    publisher.publish(String(data='x'))
    graph.spin_until(lambda: received, 'it arrived')
    _message, info = received[0]
    assert set(info) >= {'source_timestamp', 'received_timestamp'}
    assert 0 < info['source_timestamp'] <= info['received_timestamp'] + 1_000_000_000


def test_a_node_hears_its_own_publishers(graph):
    node, topic, received = graph.node(), graph.name('topic'), []
    publisher = node.create_publisher(String, topic, 1)
    node.create_subscription(String, topic, received.append, 1)
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    publisher.publish(String(data='self'))
    graph.spin_until(lambda: received, 'it arrived')


@pytest.mark.parametrize(
    'callback', [lambda: None, None, lambda a, b, c: None], ids=['none', 'not callable', 'three']
)
def test_a_subscription_callback_takes_the_message_and_perhaps_its_info(graph, callback):
    with pytest.raises(RuntimeError, match=r'callback should be either be callable with one'):
        graph.node().create_subscription(String, graph.name(), callback, 1)


@pytest.mark.parametrize(
    ('message', 'said'), [(5, "'int'"), (None, "'NoneType'"), (Int32(), 'Int32')]
)
def test_publishing_anything_but_a_message_of_the_type_raises_type_error(graph, message, said):
    publisher = graph.node().create_publisher(String, graph.name(), 1)
    with pytest.raises(
        TypeError, match=r"Expected <class 'std_msgs.msg._string.String'>, got.*" + said
    ):
        publisher.publish(message)


def test_a_class_that_is_no_message_cannot_be_published(graph):
    with pytest.raises(AttributeError, match='_TYPE_SUPPORT'):
        graph.node().create_publisher(str, graph.name(), 1)


@pytest.mark.parametrize(('qos', 'error'), [(-1, ValueError), ('x', TypeError), (1.5, TypeError)])
def test_the_quality_of_service_is_a_profile_or_a_depth(graph, qos, error):
    with pytest.raises(error):
        graph.node().create_publisher(String, graph.name(), qos)


def test_a_destroyed_publisher_cannot_be_used(graph):
    node = graph.node()
    publisher = node.create_publisher(String, graph.name(), 1)
    assert node.destroy_publisher(publisher) is True
    assert node.destroy_publisher(publisher) is False
    with pytest.raises(RuntimeError, match='destruction was requested'):
        publisher.publish(String())
    with pytest.raises(RuntimeError, match='destruction was requested'):
        publisher.get_subscription_count()


def test_a_destroyed_subscription_gets_nothing_more(graph, pair):
    link = pair(String, 1, 1)
    link.wait_matched()
    assert link.listener.destroy_subscription(link.subscription) is True
    graph.spin_until(lambda: link.publisher.get_subscription_count() == 0, 'unmatched')
    link.publisher.publish(String(data='x'))
    graph.spin_for(0.1)
    assert link.received == []


@pytest.mark.parametrize(
    ('given', 'full'),
    [
        ('chat', '/ns/chat'),
        ('/abs', '/abs'),
        ('~/priv', '/ns/pn/priv'),
        ('~', '/ns/pn'),
        ('a{node}b', '/ns/apnb'),
        ('{ns}/x', '/ns/x'),
        ('a__b', '/ns/a__b'),
        ('rt/x', '/ns/rt/x'),
    ],
)
def test_a_relative_name_is_completed_with_the_namespace_and_the_node(graph, given, full):
    node = graph.node('pn', namespace='ns')
    assert node.create_publisher(String, given, 1).topic_name == full
    assert node.create_subscription(String, given, lambda _: None, 1).topic_name == full
    assert node.resolve_topic_name(given) == full


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('', 'topic name must not be empty string'),
        ('9bad', 'topic name token must not start with a number'),
        ('a/9b', 'topic name token must not start with a number'),
        ('a//b', "topic name must not contain repeated '/'"),
        ('a/', 'topic name must not end with a forward slash'),
        ('with space', 'topic name must not contain characters other than'),
        ('with-dash', 'topic name must not contain characters other than'),
        ('a~', "topic name must not have tilde '~' unless it is the first character"),
        ('x' * 256, "topic length should not exceed '255U - 8U'"),
    ],
)
def test_an_invalid_topic_name_raises_and_says_why(graph, name, reason):
    node = graph.node('pn', namespace='ns')
    with pytest.raises(InvalidTopicNameException) as caught:
        node.create_publisher(String, name, 1)
    assert str(caught.value).startswith(f'Invalid topic name: {reason}')
    with pytest.raises(InvalidTopicNameException):
        node.create_subscription(String, name, lambda _: None, 1)


@pytest.mark.parametrize(
    ('name', 'reason', 'mark'),
    [
        ('', 'node name must not be empty', 0),
        ('9bad', 'node name must not start with a number', 0),
        ('with-dash', "node name must not contain characters other than alphanumerics or '_'", 4),
        ('a/b', "node name must not contain characters other than alphanumerics or '_'", 1),
    ],
)
def test_an_invalid_node_name_raises_and_points_at_the_place(graph, name, reason, mark):
    with pytest.raises(InvalidNodeNameException) as caught:
        Node(name, context=graph.context)
    assert str(caught.value) == f"Invalid node name: {reason}:\n  '{name}'\n   {' ' * mark}^"


@pytest.mark.parametrize(
    ('namespace', 'full_name'),
    [('', '/n'), ('/', '/n'), ('a', '/a/n'), ('/a', '/a/n'), ('a/b', '/a/b/n')],
)
def test_a_namespace_becomes_absolute(graph, namespace, full_name):
    assert graph.node('n', namespace=namespace).get_fully_qualified_name() == full_name


@pytest.mark.parametrize('namespace', ['/a/', '/a//b', '/9a', 'a b', '~', '//'])
def test_an_invalid_namespace_raises(graph, namespace):
    with pytest.raises(InvalidNamespaceException, match='Invalid namespace: '):
        graph.node('n', namespace=namespace)


def test_remap_rules_of_one_node_hold_for_it_alone(graph):
    arguments = ['--ros-args', '-r', 'chat:=talk', '-r', '__node:=renamed', '-r', '__ns:=/there']
    node, other = graph.node('n', cli_args=arguments), graph.node('n')
    assert node.get_fully_qualified_name() == '/there/renamed'
    assert node.create_publisher(String, 'chat', 1).topic_name == '/there/talk'
    assert node.create_publisher(String, '/chat', 1).topic_name == '/chat'
    assert node.resolve_topic_name('chat') == '/there/talk'
    assert other.create_publisher(String, 'chat', 1).topic_name == '/chat'


def test_a_profile_needs_a_history_or_a_depth():
    with pytest.raises(InvalidQoSProfileException, match='History and/or depth'):
        QoSProfile()
    with pytest.raises(InvalidQoSProfileException, match='without a depth setting'):
        QoSProfile(history=HistoryPolicy.KEEP_LAST)


def test_a_profile_of_a_depth_is_reliable_volatile_and_keeps_the_last():
    profile = QoSProfile(depth=5)
    assert (profile.history, profile.depth) == (HistoryPolicy.KEEP_LAST, 5)
    assert (profile.reliability, profile.durability) == (RELIABLE, VOLATILE)
    assert profile == QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5)
    assert profile != QoSProfile(depth=6)


def test_the_preset_profiles_have_the_documented_values():
    assert (qos_profile_sensor_data.depth, qos_profile_sensor_data.reliability) == (5, BEST_EFFORT)
    assert (qos_profile_services_default.depth, qos_profile_parameters.depth) == (10, 1000)
    assert qos_profile_system_default.history == HistoryPolicy.SYSTEM_DEFAULT
    assert QoSPresetProfiles.get_from_short_key('sensor_data') == qos_profile_sensor_data
    assert QoSPresetProfiles.SENSOR_DATA.value is qos_profile_sensor_data
    assert ReliabilityPolicy.short_keys() == [
        'system_default', 'reliable', 'best_effort', 'unknown', 'best_available',
    ]  # fmt: skip


def test_a_missed_deadline_is_told_to_both_sides(graph):
    topic, missed = graph.name('topic'), []
    qos = QoSProfile(depth=5, deadline=milliseconds(200))
    publisher = graph.node().create_publisher(
        String,
        topic,
        qos,
        event_callbacks=PublisherEventCallbacks(
            deadline=lambda event: missed.append(('offered', event.total_count))
        ),
    )
    graph.node().create_subscription(
        String,
        topic,
        lambda _: None,
        qos,
        event_callbacks=SubscriptionEventCallbacks(
            deadline=lambda event: missed.append(('requested', event.total_count))
        ),
    )
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    publisher.publish(String())
    graph.spin_until(lambda: {side for side, _ in missed} == {'offered', 'requested'}, 'told')
    for side in ('offered', 'requested'):
        counts = [count for which, count in missed if which == side]
        assert all(before < after for before, after in pairwise(counts))


def test_a_subscription_is_told_when_a_publisher_comes_and_goes(graph):
    topic, events = graph.name('topic'), []
    graph.node().create_subscription(
        String,
        topic,
        lambda _: None,
        1,
        event_callbacks=SubscriptionEventCallbacks(
            matched=lambda event: events.append((event.current_count, event.current_count_change))
        ),
    )
    talker = graph.node()
    publisher = talker.create_publisher(String, topic, 1)
    graph.spin_until(lambda: events == [(1, 1)], 'the publisher came')
    talker.destroy_publisher(publisher)
    graph.spin_until(lambda: events == [(1, 1), (0, -1)], 'the publisher went')


def test_wait_for_message_returns_the_message_or_false(graph):
    node, topic = graph.node(), graph.name('topic')
    assert wait_for_message(String, node, topic, time_to_wait=0.1) == (False, None)
    qos = QoSProfile(depth=1, durability=TRANSIENT_LOCAL)
    node.create_publisher(String, topic, qos).publish(String(data='w'))
    found, message = wait_for_message(String, node, topic, qos_profile=qos, time_to_wait=10)
    assert found
    assert message == String(data='w')
