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

"""What nodes know of the graph."""

import pytest
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from std_msgs.msg import String
from std_srvs.srv import Trigger

STRING_HASH = 'RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18'

ANOTHER_PROCESS = """
import sys
import rclpy
from rclpy.executors import ExternalShutdownException
from std_msgs.msg import String
from std_srvs.srv import Trigger

rclpy.init()
node = rclpy.create_node(sys.argv[1], namespace='/far')
publisher = node.create_publisher(String, sys.argv[2], 10)
node.create_timer(0.05, lambda: publisher.publish(String(data='from afar')))
node.create_service(Trigger, '~/trigger', lambda request, response: response)
print('up', flush=True)
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException):
    pass
except RuntimeError:
    # The signal may come just before publish().
    if rclpy.ok():
        raise
"""


def test_a_node_sees_itself_and_others(graph):
    node, other = graph.node(namespace='/space'), graph.node()
    names = {node.get_name(), other.get_name()}
    graph.spin_until(lambda: names <= set(node.get_node_names()), 'both were seen')
    # There may be others in the domain.
    found = [pair for pair in node.get_node_names_and_namespaces() if pair[0] in names]
    assert sorted(found) == sorted([(node.get_name(), '/space'), (other.get_name(), '/')])
    assert {f'/space/{node.get_name()}', f'/{other.get_name()}'} <= set(
        node.get_fully_qualified_node_names()
    )
    assert (node.get_name(), '/space', '/') in node.get_node_names_and_namespaces_with_enclaves()


def test_topics_are_listed_with_their_types(graph):
    node, topic = graph.node(), graph.name('topic')
    node.create_publisher(String, topic, 1)
    expected = {
        '/parameter_events': ['rcl_interfaces/msg/ParameterEvent'],
        '/rosout': ['rcl_interfaces/msg/Log'],
        f'/{topic}': ['std_msgs/msg/String'],
    }
    graph.spin_until(
        lambda: expected.keys() <= dict(node.get_topic_names_and_types()).keys(),
        'they were known',
    )
    found = node.get_topic_names_and_types()
    assert found == sorted(found)
    assert {name: types for name, types in found if name in expected} == expected


def test_names_on_the_wire_have_a_prefix_for_their_kind(graph):
    node, topic, service = graph.node(), graph.name('topic'), graph.name('service')
    node.create_publisher(String, topic, 1)
    node.create_service(Trigger, service, lambda request, response: response)

    def raw():
        return dict(node.get_topic_names_and_types(no_demangle=True))

    graph.spin_until(lambda: f'rt/{topic}' in raw() and f'rr/{service}Reply' in raw(), 'known')
    assert raw()[f'rt/{topic}'] == ['std_msgs::msg::dds_::String_']
    assert raw()[f'rq/{service}Request'] == ['std_srvs::srv::dds_::Trigger_Request_']
    assert raw()[f'rr/{service}Reply'] == ['std_srvs::srv::dds_::Trigger_Response_']
    assert 'ros_discovery_info' in raw()


def test_publishers_and_subscriptions_are_counted(graph):
    node, topic = graph.node(), graph.name('topic')
    publishers = [graph.node().create_publisher(String, topic, 1) for _ in range(2)]
    node.create_subscription(String, topic, lambda _: None, 1)
    graph.spin_until(
        lambda: (node.count_publishers(topic), node.count_subscribers(topic)) == (2, 1), 'counted'
    )
    assert node.count_publishers('/' + topic) == 2
    assert node.count_publishers('/nothing_here') == 0
    graph.spin_until(lambda: publishers[0].get_subscription_count() == 1, 'matched')
    with pytest.raises(ValueError, match='topic name token must not start with a number'):
        node.count_publishers('9bad')


def test_services_and_clients_are_counted_and_listed(graph):
    node, other, service = graph.node(), graph.node(), graph.name('service')
    node.create_service(Trigger, service, lambda request, response: response)
    other.create_client(Trigger, service)
    graph.spin_until(
        lambda: (node.count_services(service), node.count_clients(service)) == (1, 1), 'counted'
    )
    assert (f'/{service}', ['std_srvs/srv/Trigger']) in node.get_service_names_and_types()
    graph.spin_until(
        lambda: other.get_client_names_and_types_by_node(other.get_name(), '/'), 'attributed'
    )
    assert other.get_client_names_and_types_by_node(other.get_name(), '/') == [
        (f'/{service}', ['std_srvs/srv/Trigger'])
    ]


def test_what_a_node_publishes_and_hears_is_told_by_node(graph):
    node, topic = graph.node(), graph.name('topic')
    talker = graph.node()
    talker.create_publisher(String, topic, 1)
    node.create_subscription(String, topic, lambda _: None, 1)

    def published():
        return node.get_publisher_names_and_types_by_node(talker.get_name(), '/')

    def heard():
        return node.get_subscriber_names_and_types_by_node(node.get_name(), '/')

    graph.spin_until(lambda: len(published()) == 3 and heard(), 'all were known')
    assert [name for name, _ in published()] == sorted(
        ['/parameter_events', '/rosout', f'/{topic}']
    )
    assert heard() == [(f'/{topic}', ['std_msgs/msg/String'])]


def test_asking_about_a_node_that_is_not_there_raises(graph):
    with pytest.raises(RuntimeError, match='nonexistent node'):
        graph.node().get_publisher_names_and_types_by_node('nobody', '/')


def test_endpoints_are_told_with_node_type_and_quality_of_service(graph):
    node, topic = graph.node(namespace='/space'), graph.name('topic')
    node.create_publisher(
        String,
        topic,
        QoSProfile(depth=7, reliability=ReliabilityPolicy.BEST_EFFORT),
    )
    node.create_subscription(
        String,
        topic,
        lambda _: None,
        QoSProfile(depth=3, durability=DurabilityPolicy.TRANSIENT_LOCAL),
    )
    full = f'/space/{topic}'
    graph.spin_until(
        lambda: (
            any(
                info.node_name == node.get_name()
                for info in node.get_publishers_info_by_topic(full)
            )
            and node.get_subscriptions_info_by_topic(full)
        ),
        'both were known',
    )
    (publisher,) = node.get_publishers_info_by_topic(full)
    assert (publisher.node_name, publisher.node_namespace) == (node.get_name(), '/space')
    assert publisher.topic_type == 'std_msgs/msg/String'
    assert str(publisher.topic_type_hash) == STRING_HASH
    assert len(publisher.endpoint_gid) == 16
    profile = publisher.qos_profile
    assert (profile.history, profile.depth) == (HistoryPolicy.KEEP_LAST, 7)
    assert profile.reliability == ReliabilityPolicy.BEST_EFFORT
    assert profile.liveliness == LivelinessPolicy.AUTOMATIC
    (subscription,) = node.get_subscriptions_info_by_topic(full)
    assert subscription.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert node.get_publishers_info_by_topic('/nothing_here') == []


def test_an_endpoint_prints_as_the_command_line_shows_it(graph):
    node, topic = graph.node(), graph.name('topic')
    node.create_subscription(String, topic, lambda _: None, QoSProfile(depth=3))
    graph.spin_until(
        lambda: [
            info.node_name
            for info in node.get_subscriptions_info_by_topic(topic)
            if info.node_name == node.get_name()
        ],
        'it was known',
    )
    lines = str(node.get_subscriptions_info_by_topic(topic)[0]).split('\n')
    assert lines[5].startswith('GID: ')
    assert lines[:5] + lines[6:] == [
        f'Node name: {node.get_name()}',
        'Node namespace: /',
        'Topic type: std_msgs/msg/String',
        f'Topic type hash: {STRING_HASH}',
        'Endpoint type: SUBSCRIPTION',
        'QoS profile:',
        '  Reliability: RELIABLE',
        '  History (Depth): KEEP_LAST (3)',
        '  Durability: VOLATILE',
        '  Lifespan: Infinite',
        '  Deadline: Infinite',
        '  Liveliness: AUTOMATIC',
        '  Liveliness lease duration: Infinite',
    ]


def test_the_topics_of_every_node_have_their_own_quality_of_service(graph):
    node = graph.node()
    graph.spin_until(
        lambda: (
            node.get_publishers_info_by_topic('/rosout')
            and node.get_publishers_info_by_topic('/parameter_events')
        ),
        'they were known',
    )
    rosout = node.get_publishers_info_by_topic('/rosout')[0].qos_profile
    assert (rosout.depth, rosout.durability) == (1000, DurabilityPolicy.TRANSIENT_LOCAL)
    assert rosout.lifespan.nanoseconds == 10_000_000_000
    events = node.get_publishers_info_by_topic('/parameter_events')[0].qos_profile
    assert (events.depth, events.durability) == (1000, DurabilityPolicy.VOLATILE)


def test_waiting_for_a_node_returns_whether_it_came(graph):
    node, other = graph.node(), graph.node()
    assert node.wait_for_node(f'/{other.get_name()}', 10) is True
    assert node.wait_for_node('/nobody_at_all', 0.2) is False


def test_a_node_of_another_process_comes_is_heard_and_goes(graph, start_script):
    name, topic, received = graph.name('far'), graph.name('topic'), []
    node = graph.node()
    node.create_subscription(String, f'/far/{topic}', received.append, 10)
    client = node.create_client(Trigger, f'/far/{name}/trigger')
    process = start_script(ANOTHER_PROCESS, name, topic)
    assert process.stdout.readline() == 'up\n'
    graph.spin_until(lambda: received, 'it was heard')
    assert received[0] == String(data='from afar')
    graph.spin_until(lambda: (name, '/far') in node.get_node_names_and_namespaces(), 'it came')
    assert graph.call(client, Trigger.Request()) == Trigger.Response()
    process.terminate()
    assert process.wait(timeout=15) == 0
    graph.spin_until(lambda: name not in node.get_node_names(), 'it went')
    graph.spin_until(lambda: not client.service_is_ready(), 'its service went')
