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
"""What is known of a publisher or subscription somewhere in the graph."""

from enum import IntEnum
from operator import attrgetter
from typing import Any

from rclpy.qos import HistoryPolicy, QoSPresetProfiles, QoSProfile
from rclpy.type_hash import TypeHash


class TopicEndpointTypeEnum(IntEnum):
    """Kinds of endpoints."""

    INVALID = 0
    PUBLISHER = 1
    SUBSCRIPTION = 2


class TopicEndpointInfo:
    """One endpoint of a topic."""

    __slots__ = [
        '_endpoint_gid',
        '_endpoint_type',
        '_node_name',
        '_node_namespace',
        '_qos_profile',
        '_topic_type',
        '_topic_type_hash',
    ]
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, **kwargs: Any) -> None:
        assert all(f'_{key}' in self.__slots__ for key in kwargs), \
            f'Invalid arguments passed to constructor: {kwargs.keys()!r}'
        self._node_name: str = kwargs.get('node_name', '')
        self._node_namespace: str = kwargs.get('node_namespace', '')
        self._topic_type: str = kwargs.get('topic_type', '')
        self._topic_type_hash: TypeHash = kwargs.get('topic_type_hash', TypeHash())
        self._endpoint_type = TopicEndpointTypeEnum(kwargs.get('endpoint_type', 0))
        self._endpoint_gid: list[int] = kwargs.get('endpoint_gid', [])
        self._qos_profile: QoSProfile = kwargs.get('qos_profile', QoSPresetProfiles.UNKNOWN.value)

    node_name = property(attrgetter('_node_name'), doc='The name of the node.')
    node_namespace = property(attrgetter('_node_namespace'), doc='The namespace of the node.')
    topic_type = property(attrgetter('_topic_type'), doc='The type of the messages.')
    topic_type_hash = property(attrgetter('_topic_type_hash'), doc='The hash of that type.')
    endpoint_type = property(
        attrgetter('_endpoint_type'), doc='Whether it publishes or subscribes.')
    endpoint_gid = property(attrgetter('_endpoint_gid'), doc='The bytes that name the endpoint.')
    qos_profile = property(
        attrgetter('_qos_profile'), doc='The quality of service that it offers or asks for.')

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TopicEndpointInfo) and all(
            getattr(self, slot) == getattr(other, slot) for slot in self.__slots__)

    def __str__(self) -> str:
        qos = self.qos_profile
        history = qos.history.name
        if qos.history == HistoryPolicy.KEEP_LAST:
            history += f' ({qos.depth})'
        return '\n'.join([
            f'Node name: {self.node_name}',
            f'Node namespace: {self.node_namespace}',
            f'Topic type: {self.topic_type}',
            f'Topic type hash: {self.topic_type_hash}',
            f'Endpoint type: {self.endpoint_type.name}',
            f'GID: {".".join(f"{byte:02x}" for byte in self.endpoint_gid)}',
            'QoS profile:',
            f'  Reliability: {qos.reliability.name}',
            f'  History (Depth): {history}',
            f'  Durability: {qos.durability.name}',
            f'  Lifespan: {qos.lifespan}',
            f'  Deadline: {qos.deadline}',
            f'  Liveliness: {qos.liveliness.name}',
            f'  Liveliness lease duration: {qos.liveliness_lease_duration}'])
