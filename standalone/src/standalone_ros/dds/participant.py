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
"""The process's presence in a DDS domain: one participant for each context."""

import threading

from cyclonedds._clayer import (
    ddspy_get_matched_publication_data,
    ddspy_get_matched_subscription_data,
)
from cyclonedds.core import DDSException, Entity
from cyclonedds.domain import Domain, DomainParticipant
from cyclonedds.pub import DataWriter, Publisher
from cyclonedds.qos import Policy, Qos
from cyclonedds.sub import DataReader, Subscriber
from cyclonedds.topic import Topic

from standalone_ros.dds import library as dds
from standalone_ros.dds import qos as qos_map
from standalone_ros.dds.config import domain_configuration
from standalone_ros.dds.raw_type import raw_type
from standalone_ros.memory import keep_large_buffers

_domains: dict[int, tuple[Domain, int]] = {}
_domains_lock = threading.Lock()


def _join_domain(domain_id: int) -> None:
    """Configure the domain for the first participant of this process in it."""
    with _domains_lock:
        domain, users = _domains.get(domain_id, (None, 0))
        if domain is None:
            keep_large_buffers()
            domain = Domain(domain_id, domain_configuration())
        _domains[domain_id] = (domain, users + 1)


def _leave_domain(domain_id: int) -> None:
    with _domains_lock:
        domain, users = _domains.pop(domain_id)
        if users > 1:
            _domains[domain_id] = (domain, users - 1)


class Participant:
    """
    A DDS participant that creates and deletes readers and writers of serialised samples.

    Raises DdsError when the domain cannot be joined.
    """

    def __init__(self, domain_id: int, enclave: str) -> None:
        self.domain_id = domain_id
        self._lock = threading.RLock()
        self._entities: dict[int, Entity] = {}
        self._topics: dict[tuple[str, str], Topic] = {}
        self._peers: dict[int, dict[str, str]] = {}
        self._last_endpoint_id = 0
        self._closed = False
        try:
            _join_domain(domain_id)
            try:
                self.dds_participant = DomainParticipant(
                    domain_id, Qos(Policy.Userdata(f'enclave={enclave};'.encode())))
            except DDSException:
                _leave_domain(domain_id)
                raise
        except DDSException as error:
            raise dds.DdsError(f'cannot join DDS domain {domain_id}: {error}') from None
        self._publisher = Publisher(self.dds_participant)
        self._subscriber = Subscriber(self.dds_participant)
        self.gid = dds.guid_of(self.dds_participant._ref)

    def create_writer(self, topic_name: str, type_name: str, qos: Qos) -> int:
        """Create a writer and return its handle."""
        return self._create(DataWriter, self._publisher, topic_name, type_name, qos)

    def create_reader(self, topic_name: str, type_name: str, qos: Qos) -> int:
        """Create a reader and return its handle."""
        return self._create(DataReader, self._subscriber, topic_name, type_name, qos)

    def _create(
        self, kind: type, parent: Entity, topic_name: str, type_name: str, qos: Qos,
    ) -> int:
        with self._lock:
            try:
                topic = self._topics.get((topic_name, type_name))
                if topic is None:
                    topic = Topic(self.dds_participant, topic_name, raw_type(type_name))
                    self._topics[topic_name, type_name] = topic
                entity = kind(parent, topic, qos)
            except DDSException as error:
                raise dds.DdsError(f'cannot create an endpoint on {topic_name}: {error}') from None
            self._entities[entity._ref] = entity
            return entity._ref

    def delete(self, entity: int) -> None:
        """Delete an entity of this participant; one that is already gone is no error."""
        with self._lock:
            dds.dds_delete(entity)
            self._entities.pop(entity, None)

    def next_endpoint_id(self) -> str:
        """Return an identifier by which the two halves of a service or client are recognised."""
        with self._lock:
            self._last_endpoint_id += 1
            identifier = self.gid[:12] + self._last_endpoint_id.to_bytes(4, 'big')
        return '.'.join(f'{byte:x}' for byte in identifier)

    def peer_data(self, entity: int, handle: int) -> dict[str, str]:
        """
        Return the user data of the endpoint that `entity` is matched with under `handle`.

        Empty when there is none, or when the endpoint has left.
        """
        data = self._peers.get(handle)
        if data is None:
            find = (ddspy_get_matched_publication_data
                    if isinstance(self._entities.get(entity), DataReader)
                    else ddspy_get_matched_subscription_data)
            peer = find(entity, handle, lambda *sample: sample[5], qos_map.read)
            if not isinstance(peer, qos_map.EndpointQos):
                return {}
            data = self._peers[handle] = peer.user_data
        return data

    def close(self) -> None:
        """Leave the domain: peers see the participant and all it holds vanish."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            dds.dds_delete(self.dds_participant._ref)
            self._entities.clear()
            self._topics.clear()
            _leave_domain(self.domain_id)
