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
"""Serialised samples over Cyclone DDS."""

import os
import time

import pytest
from cyclonedds.qos import _CQos
from rclpy.duration import Duration
from rclpy.qos import QoSProfile, qos_profile_default
from standalone_ros.dds import config
from standalone_ros.dds import qos as qos_map
from standalone_ros.dds.library import DdsError
from standalone_ros.dds.participant import Participant
from standalone_ros.dds.reader import RawReader
from standalone_ros.dds.service import ClientEndpoint, ServiceEndpoint
from standalone_ros.dds.waitset import Guard, WaitSet
from standalone_ros.dds.writer import RawWriter

TYPE = 'test_msgs::msg::dds_::Anything_'


@pytest.fixture
def participant():
    made = Participant(1 + os.getpid() % 100, '/')
    yield made
    made.close()


def pair(participant, topic='rt/t', types=(TYPE, TYPE), profile=qos_profile_default):
    qos = qos_map.to_dds(profile)
    return (RawWriter(participant, topic, types[0], qos),
            RawReader(participant, topic, types[1], qos))


@pytest.mark.parametrize('size', [0, 1, 2, 3, 4, 5, 1000, 70_001])
def test_bytes_arrive_as_they_were_sent(participant, size):
    writer, reader = pair(participant)
    body = os.urandom(size)
    writer.write(b'\0\1\0\0' + body)
    taken = reader.take(bytes).value
    assert taken == bytes([0, 1, 0, -size % 4]) + body
    assert reader.take(bytes) is None


def test_what_decoding_raises_comes_out_and_the_sample_is_gone(participant):
    writer, reader = pair(participant)
    for text in (b'\0\1\0\0abcd', b'\0\1\0\0efgh'):
        writer.write(text)
    with pytest.raises(ZeroDivisionError):
        reader.take(lambda view: 1 // 0)
    assert reader.take(bytes).value.endswith(b'efgh')


def test_less_than_a_header_is_not_sent(participant):
    writer, reader = pair(participant)
    for data in (b'', b'\0\1\0'):
        with pytest.raises(DdsError, match='shorter'):
            writer.write(data)
    assert reader.take(bytes) is None


def test_types_of_other_names_do_not_match(participant):
    writer, reader = pair(participant, types=(TYPE, TYPE.replace('Any', 'Some')))
    writer.write(b'\0\1\0\0')
    assert writer.matched_readers() == [] and reader.take(bytes) is None


def test_profiles_come_back_from_discovery_as_they_were_given():
    profile = QoSProfile(depth=7, durability=1, reliability=2, liveliness=3,
                         deadline=Duration(seconds=3), lifespan=Duration(seconds=2))
    pointer = _CQos.qos_to_cqos(qos_map.to_dds(profile, 'typehash=RIHS01_00;a=b;'))
    found = qos_map.read(pointer)
    _CQos.cqos_destroy(pointer)
    assert found.profile == {
        'history': 1, 'depth': 7, 'reliability': 2, 'durability': 1, 'lifespan': 2 * 10**9,
        'deadline': 3 * 10**9, 'liveliness': 3, 'liveliness_lease_duration': 2**63 - 1}
    assert found.user_data == {'typehash': 'RIHS01_00', 'a': 'b'}


def test_a_reply_reaches_the_client_that_asked(participant):
    request, reply = ('rq/sRequest', TYPE, ''), ('rr/sReply', TYPE, '')
    server = ServiceEndpoint(participant, reply, request, qos_profile_default, 'serviceid')
    clients = [ClientEndpoint(participant, request, reply, qos_profile_default, 'clientid')
               for _ in range(2)]
    assert all(client.server_is_available() for client in clients)
    numbers = [client.send(b'\0\1\0\0' + bytes([i] * 4)) for i, client in enumerate(clients)]
    for _ in clients:
        asked, body = server.take()
        assert server.reply(asked, body)
    for i, client in enumerate(clients):
        assert client.take_reply() == (numbers[i], b'\0\1\0\0' + bytes([i] * 4))
        assert client.take_reply() is None


def test_a_request_too_short_for_its_header_is_refused(participant):
    request, reply = ('rq/sRequest', TYPE, ''), ('rr/sReply', TYPE, '')
    server = ServiceEndpoint(participant, reply, request, qos_profile_default, 'serviceid')
    RawWriter(participant, *request[:2], qos_map.to_dds(qos_profile_default)).write(b'\0\1\0\0ab')
    with pytest.raises(ValueError, match='header'):
        server.take()


def test_a_guard_wakes_a_wait_set_until_it_is_cleared(participant):
    guard, wait_set = Guard(), WaitSet()
    assert wait_set.wait([guard.entity], 0) == set()
    guard.set()
    assert wait_set.wait([guard.entity], -1) == {guard.entity}
    guard.clear()
    start = time.monotonic()
    assert wait_set.wait([guard.entity], 50_000_000) == set()
    assert time.monotonic() - start > 0.045
    wait_set.close()
    guard.close()


def test_nodes_look_on_this_machine_alone_unless_told_otherwise(monkeypatch):
    for name in ('ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY', 'ROS_STATIC_PEERS',
                 'CYCLONEDDS_URI'):
        monkeypatch.delenv(name, raising=False)
    local = config.domain_configuration()
    assert '<Peer address="localhost"/>' in local
    assert '<AllowMulticast>false' in local and '<MaxAutoParticipantIndex>32' in local
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    monkeypatch.setenv('ROS_STATIC_PEERS', '10.0.0.7')
    wide = config.domain_configuration()
    assert 'localhost' not in wide and 'AllowMulticast' not in wide and '10.0.0.7' in wide
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    assert 'Peer' not in config.domain_configuration()
    monkeypatch.setenv('CYCLONEDDS_URI', 'file:///etc/cyclone.xml')
    assert config.domain_configuration().endswith(',file:///etc/cyclone.xml')


def test_profiles_are_written_in_the_order_of_their_fields():
    assert str(QoSProfile(depth=3)).startswith(
        'QoSProfile(history=1, depth=3, reliability=1, durability=2, lifespan=0 nanoseconds')
