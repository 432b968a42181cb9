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
"""
What is known of the ROS graph: endpoints from DDS discovery, nodes from `ros_discovery_info`.

One thread for each participant sleeps until discovery has news; queries also look for themselves,
so that what this process just created is seen at once.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cyclonedds._clayer import ddspy_take_endpoint, ddspy_take_participant
from cyclonedds.builtin import (
    BuiltinDataReader,
    BuiltinTopicDcpsParticipant,
    BuiltinTopicDcpsPublication,
    BuiltinTopicDcpsSubscription,
)
from cyclonedds.core import InstanceState
from rmw_dds_common.msg import Gid, NodeEntitiesInfo, ParticipantEntitiesInfo

from standalone_ros import cdr, interfaces
from standalone_ros.complaints import Complaints
from standalone_ros.dds import library as dds
from standalone_ros.dds import qos as qos_map
from standalone_ros.dds.participant import Participant
from standalone_ros.dds.reader import RawReader
from standalone_ros.dds.waitset import Guard, WaitSet
from standalone_ros.dds.writer import RawWriter

NamesAndTypes = list[tuple[str, list[str]]]


class _Time(NamedTuple):
    nanoseconds: int


class _DiscoveryProfile(NamedTuple):
    """Reliable and transient local, as every ROS participant announces itself."""

    history: int
    depth: int = 1
    reliability: int = 1
    durability: int = 1
    liveliness: int = 1
    lifespan: _Time = _Time(0)
    deadline: _Time = _Time(0)
    liveliness_lease_duration: _Time = _Time(0)


@dataclass(frozen=True)
class Endpoint:
    """One reader or writer somewhere in the domain, its topic and type in DDS terms."""

    gid: bytes
    participant: bytes
    topic: str
    type: str
    is_writer: bool
    profile: dict[str, int]
    type_hash: str


@dataclass(eq=False)
class NodeEntry:
    """A node as its participant announces it."""

    name: str
    namespace: str
    gids: set[bytes] = field(default_factory=set)


def demangle_type(name: str) -> str:
    """Return `pkg/msg/Name` of `pkg::msg::dds_::Name_`, other names unchanged."""
    if '::dds_::' not in name or not name.endswith('_'):
        return name
    return name[:-1].replace('dds_::', '').replace('::', '/')


def demangle_topic(name: str) -> str | None:
    """Return the ROS topic of a DDS topic, None when it is not one."""
    return name[2:] if name.startswith('rt/') else None


def demangle_service(topic: str, type_name: str) -> tuple[str, str] | None:
    """Return the service's name and type of a request or reply topic, None for other topics."""
    for prefix, suffix, part in (('rq/', 'Request', '_Request'), ('rr/', 'Reply', '_Response')):
        if topic.startswith(prefix) and topic.endswith(suffix):
            return topic[2:-len(suffix)], demangle_type(type_name).removesuffix(part)
    return None


def _names_and_types(pairs: Iterable[tuple[str, str] | None]) -> NamesAndTypes:
    found: dict[str, set[str]] = {}
    for pair in pairs:
        if pair is not None:
            found.setdefault(pair[0], set()).add(pair[1])
    return [(name, sorted(types)) for name, types in sorted(found.items())]


class Graph:
    """The graph as one participant sees it, and the announcement of its own nodes."""

    def __init__(self, participant: Participant, enclave: str) -> None:
        self._own = participant.gid
        self._endpoints: dict[int, Endpoint] = {}
        self._participants: dict[bytes, str] = {self._own: enclave}
        self._nodes: dict[bytes, list[NodeEntry]] = {self._own: []}
        self._recent: set[bytes] = set()
        self._changed = threading.Condition(threading.RLock())
        self._closing = False
        self._complaints = Complaints('rclpy.graph', 'message on ros_discovery_info')
        self._chores: deque[Callable[[], None]] = deque()
        type_name = interfaces.dds_type_name(ParticipantEntitiesInfo)
        user_data = f'typehash={interfaces.type_hash(ParticipantEntitiesInfo)};'
        dp = participant.dds_participant
        self._builtin = [BuiltinDataReader(dp, topic) for topic in (
            BuiltinTopicDcpsParticipant, BuiltinTopicDcpsPublication,
            BuiltinTopicDcpsSubscription)]
        self._reader = RawReader(
            participant, 'ros_discovery_info', type_name,
            qos_map.to_dds(_DiscoveryProfile(history=2), user_data, ignore_local=True))
        self._writer = RawWriter(
            participant, 'ros_discovery_info', type_name,
            qos_map.to_dds(_DiscoveryProfile(history=1), user_data))
        self._guard = Guard()
        self._thread = threading.Thread(target=self._watch, name='ros_graph', daemon=True)
        self._thread.start()

    # Keeping up.

    def _watch(self) -> None:
        conditions = [dds.dds_create_readcondition(reader._ref, dds.ANY_STATE)
                      for reader in self._builtin]
        conditions += [self._reader.data_condition, self._guard.entity]
        wait_set = WaitSet()
        while not self._closing:
            wait_set.wait(conditions, -1)
            self._guard.clear()
            while self._chores and not self._closing:
                self._chores.popleft()()
            if not self._closing:
                self.refresh()
        wait_set.close()

    def refresh(self) -> None:
        """Take in all that discovery has brought."""
        with self._changed:
            if self._closing:
                return
            # A node's participant is discovered before the node; others are made up.
            for stranger in self._nodes.keys() - self._participants.keys() - self._recent:
                del self._nodes[stranger]
            self._recent.clear()
            news = [self._drain(ddspy_take_participant, self._builtin[0], self._on_participant)]
            for reader, is_writer in zip(self._builtin[1:], (True, False), strict=True):
                news.append(self._drain(
                    ddspy_take_endpoint, reader,
                    lambda *sample, w=is_writer: self._on_endpoint(w, *sample)))
            while (sample := self._reader.take(self._decode)) is not None:
                if sample.value is not None:
                    self._on_nodes(sample.value)
                news.append(1)
            if any(news):
                self._changed.notify_all()

    @staticmethod
    def _drain(take: Callable[..., Any], reader: BuiltinDataReader, on_sample: Callable) -> int:
        total = 0
        while True:
            taken = take(reader._ref, 128, on_sample, qos_map.read)
            if isinstance(taken, int) or not taken:
                return total
            total += len(taken)

    def _on_participant(self, key: bytes, qos: Any, info: Any) -> None:
        if info.valid_data and info.instance_state == InstanceState.Alive:
            self._participants[key] = qos.user_data.get('enclave', '')
        else:
            self._participants.pop(key, None)
            self._nodes.pop(key, None)

    def _on_endpoint(
        self, is_writer: bool, key: bytes, participant: bytes, _handle: int, topic: str,
        type_name: str, qos: Any, info: Any, _type_id: bytes | None,
    ) -> None:
        if info.valid_data and info.instance_state == InstanceState.Alive:
            if type_name.startswith('org::eclipse::cyclonedds::builtin'):
                return
            self._endpoints[info.instance_handle] = Endpoint(
                bytes(key), bytes(participant), topic, type_name, is_writer,
                qos.profile, qos.user_data.get('typehash', ''))
        else:
            self._endpoints.pop(info.instance_handle, None)

    def _decode(self, view: memoryview) -> ParticipantEntitiesInfo | None:
        try:
            return cdr.deserialize(view, ParticipantEntitiesInfo)
        except cdr.CdrError as error:
            self._complaints.add(error)
            return None

    def _on_nodes(self, message: ParticipantEntitiesInfo) -> None:
        gid = bytes(message.gid.data)
        if gid == self._own:
            return  # somebody poses as this process
        self._recent.add(gid)
        self._nodes[gid] = [
            NodeEntry(entry.node_name, entry.node_namespace,
                      {bytes(gid.data) for gid in (*entry.reader_gid_seq, *entry.writer_gid_seq)})
            for entry in message.node_entities_info_seq]

    @property
    def malformed_count(self) -> int:
        """How many announcements of nodes were dropped because they could not be decoded."""
        return self._complaints.count

    def wait_for_change(self, timeout: float) -> None:
        """Wait until discovery has news, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait(timeout)

    def wake(self) -> None:
        """Make those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def do_later(self, chore: Callable[[], None]) -> None:
        """Have the graph's thread do something that can't be done here, such as in a finalizer."""
        self._chores.append(chore)
        self._guard.set()

    # Announcing our own nodes.

    def add_node(self, name: str, namespace: str) -> NodeEntry:
        """Announce a node of this process."""
        entry = NodeEntry(name, namespace)
        with self._changed:
            self._nodes[self._own].append(entry)
            self._announce()
        return entry

    def remove_node(self, entry: NodeEntry) -> None:
        """Announce that a node of this process is gone."""
        with self._changed:
            if entry in (nodes := self._nodes.get(self._own, [])):
                nodes.remove(entry)
                self._announce()

    def add_gids(self, entry: NodeEntry, *gids: bytes) -> None:
        """Announce endpoints as belonging to a node."""
        with self._changed:
            entry.gids.update(gids)
            self._announce()

    def remove_gids(self, entry: NodeEntry, *gids: bytes) -> None:
        """Take endpoints back from a node."""
        with self._changed:
            entry.gids.difference_update(gids)
            self._announce()

    def _announce(self) -> None:
        if self._closing:
            return
        self.refresh()
        writers = {e.gid for e in self._endpoints.values() if e.is_writer}

        def gids(entry: NodeEntry, writing: bool) -> list[Gid]:
            return [Gid(data=list(gid)) for gid in sorted(entry.gids)
                    if (gid in writers) == writing]

        message = ParticipantEntitiesInfo(
            gid=Gid(data=list(self._own)),
            node_entities_info_seq=[
                NodeEntitiesInfo(
                    node_namespace=entry.namespace, node_name=entry.name,
                    reader_gid_seq=gids(entry, False), writer_gid_seq=gids(entry, True))
                for entry in self._nodes[self._own]])
        self._writer.write(cdr.serialize(message))
        self._changed.notify_all()

    # Asking.

    def nodes(self) -> list[tuple[str, str, str]]:
        """Return (name, namespace, enclave) of every node, own ones first."""
        self.refresh()
        with self._changed:
            return [(entry.name, entry.namespace, self._participants.get(gid, ''))
                    for gid, entries in self._nodes.items() for entry in entries]

    def owner(self, endpoint: Endpoint) -> NodeEntry | None:
        """Return the node that an endpoint belongs to."""
        with self._changed:
            return next((entry for entry in self._nodes.get(endpoint.participant, [])
                         if endpoint.gid in entry.gids), None)

    def endpoints(
        self, topic: str | None = None, *, writers: bool | None = None,
    ) -> list[Endpoint]:
        """Return the endpoints of a DDS topic (None: of all), writers or readers or both."""
        self.refresh()
        with self._changed:
            return [e for e in self._endpoints.values()
                    if topic in (None, e.topic) and writers in (None, e.is_writer)]

    def endpoints_of_node(self, name: str, namespace: str, *, writers: bool) -> list[Endpoint]:
        """Return the endpoints of one node; raises LookupError when there is no such node."""
        endpoints = self.endpoints(writers=writers)
        with self._changed:
            entries = [entry for entries in self._nodes.values() for entry in entries
                       if (entry.name, entry.namespace) == (name, namespace)]
        if not entries:
            raise LookupError(namespace.rstrip('/') + '/' + name)
        return [e for e in endpoints if any(e.gid in entry.gids for entry in entries)]

    @staticmethod
    def topics(endpoints: Iterable[Endpoint], *, no_demangle: bool = False) -> NamesAndTypes:
        """Return the topics of endpoints with their types, sorted, by default in ROS terms."""
        if no_demangle:
            return _names_and_types((e.topic, e.type) for e in endpoints)
        return _names_and_types(
            (topic, demangle_type(e.type)) for e in endpoints
            if (topic := demangle_topic(e.topic)) is not None)

    @staticmethod
    def services(endpoints: Iterable[Endpoint], prefix: str = '') -> NamesAndTypes:
        """Return the services of endpoints whose DDS topic starts with `prefix`."""
        return _names_and_types(demangle_service(e.topic, e.type) for e in endpoints
                                if e.topic.startswith(prefix))

    def close(self) -> None:
        """Stop following the graph."""
        with self._changed:
            self._closing = True
        self._guard.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)
        self._builtin.clear()
        self._guard.close()
        self._complaints.close()
