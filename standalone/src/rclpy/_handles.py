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
"""The middleware's side of nodes, publishers, subscriptions, clients and services."""

import math
import time
from typing import Any

from standalone_ros import cdr, console, hand_over, interfaces, names
from standalone_ros.complaints import Complaints
from standalone_ros.copying import copy_message
from standalone_ros.dds import qos as qos_map
from standalone_ros.dds import status
from standalone_ros.dds.library import DdsError
from standalone_ros.dds.reader import RawReader
from standalone_ros.dds.service import ClientEndpoint, RequestId, ServiceEndpoint
from standalone_ros.dds.writer import RawWriter
from standalone_ros.hand_over import LocalTopic

from rclpy._rclpy_pybind11 import RCLError
from rclpy.context import Context
from rclpy.destroyable import Destroyable
from rclpy.qos import DurabilityPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy


def _destroy_later(handle: Destroyable, context: Context | None) -> None:
    """Destroy what nobody holds any more, in a thread that is not in the middle of something."""
    if context is not None and context.ok() and not handle._destruction_requested:
        handle._destruction_requested = True
        context.graph.do_later(handle.destroy)


class NodeHandle(Destroyable):
    """A node as the graph knows it."""

    def __init__(self, context: Context, name: str, namespace: str) -> None:
        super().__init__()
        self.context = context
        self.name, self.namespace = name, namespace
        self.entry = context.graph.add_node(name, namespace)

    @property
    def logger_name(self) -> str:
        """The dotted name by which the node logs."""
        return names.join(self.namespace, self.name)[1:].replace('/', '.')

    def __del__(self) -> None:
        _destroy_later(self, getattr(self, 'context', None))

    def check_valid(self, what: str) -> None:
        """Raise RCLError when the context was shut down."""
        if not self.context.ok():
            raise RCLError(f"Failed to create {what}: rcl node's context is invalid")

    def destroy(self) -> None:
        """Take the node out of the graph."""
        self.context.graph.remove_node(self.entry)


class _EndpointHandle(Destroyable):
    """What handles of endpoints have in common."""

    gids: tuple[bytes, ...]
    entity: int
    # What to sleep on until there is something to take.
    conditions: tuple[int, ...] = ()

    def __init__(self, node: NodeHandle, what: str) -> None:
        super().__init__()
        self._node = node
        self._complaints = Complaints(node.logger_name, what)
        self._status_kinds: set[status.StatusKind] = set()

    def _announce(self, *gids: bytes) -> None:
        self.gids = gids
        self._node.context.graph.add_gids(self._node.entry, *gids)

    def _withdraw(self) -> None:
        self._complaints.close()
        self._node.context.graph.remove_gids(self._node.entry, *self.gids)

    def __del__(self) -> None:
        _destroy_later(self, self._node.context if hasattr(self, 'gids') else None)

    @property
    def malformed_count(self) -> int:
        """How many messages were dropped because they could not be decoded."""
        return self._complaints.count

    def get_logger_name(self) -> str:
        """Return the name by which the owning node logs."""
        return self._node.logger_name

    def enable_status(self, kind: status.StatusKind) -> None:
        """Let a kind of status trigger wait sets."""
        self._status_kinds.add(kind)
        status.enable(self.entity, self._status_kinds)


def topic_profile(
    node: NodeHandle, topic: str, profile: QoSProfile, *, writer: bool,
) -> QoSProfile:
    """Return the profile with BEST_AVAILABLE resolved by the endpoints that exist now."""
    if profile.liveliness != LivelinessPolicy.BEST_AVAILABLE and ReliabilityPolicy.BEST_AVAILABLE \
            not in (profile.reliability, profile.durability):
        return profile
    peers = node.context.graph.endpoints(topic, writers=not writer)
    chosen = QoSProfile(**{slot[1:]: getattr(profile, slot) for slot in profile.__slots__})

    def resolve(policy: str, best: int, least: int) -> None:
        if getattr(profile, policy).name == 'BEST_AVAILABLE':
            best_offered = writer or all(p.profile[policy] == best for p in peers)
            setattr(chosen, policy, best if best_offered else least)

    resolve('reliability', ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT)
    resolve('durability', DurabilityPolicy.TRANSIENT_LOCAL, DurabilityPolicy.VOLATILE)
    if profile.liveliness == LivelinessPolicy.BEST_AVAILABLE:
        manual = any(p.profile['liveliness'] == LivelinessPolicy.MANUAL_BY_TOPIC for p in peers)
        chosen.liveliness = (LivelinessPolicy.MANUAL_BY_TOPIC if writer and manual
                             else LivelinessPolicy.AUTOMATIC)
    for name in ('deadline', 'liveliness_lease_duration'):
        if getattr(profile, name).nanoseconds == 2**63 - 2:
            values = [p.profile[name] for p in peers] or [0]
            value = min(values) if writer else max(values)
            setattr(chosen, name, type(profile.deadline)(nanoseconds=value))
    return chosen


class _TopicHandle(_EndpointHandle):
    """What publishers and subscriptions have in common: one endpoint of a topic."""

    _what: str

    def __init__(
        self, node: NodeHandle, msg_type: Any, topic: str, profile: QoSProfile,
    ) -> None:
        super().__init__(node, f'message on {topic}')
        node.check_valid(self._what)
        self._topic = topic
        dds_topic = topic if profile.avoid_ros_namespace_conventions else f'rt{topic}'
        type_name = interfaces.dds_type_name(msg_type)
        profile = topic_profile(node, dds_topic, profile, writer=self._what == 'publisher')
        self._local = LocalTopic.of(node.context.participant.domain_id, dds_topic, type_name)
        try:
            qos = qos_map.to_dds(profile, f'typehash={interfaces.type_hash(msg_type)};')
            endpoint = self._open(
                profile, (node.context.participant, dds_topic, type_name, qos))
        except (DdsError, ValueError) as error:
            raise RCLError(f'failed to create {self._what}: {error}') from None
        self.entity = endpoint.entity
        self._announce(endpoint.gid)

    def _open(self, profile: QoSProfile, arguments: Any) -> RawReader | RawWriter:
        raise NotImplementedError

    def get_topic_name(self) -> str:
        """Return the resolved name of the topic."""
        return self._topic


class PublisherHandle(_TopicHandle):
    """The writer of a publisher."""

    _what = 'publisher'

    def _open(self, profile: QoSProfile, arguments: Any) -> RawWriter:
        self._bypasses_dds = hand_over.is_possible(profile)
        self._writer = RawWriter(*arguments)
        return self._writer

    def publish(self, msg: Any) -> None:
        """Hand a message to the subscriptions of this process, or serialise and send it."""
        if (self._bypasses_dds and self._local.inboxes and self._node.context.ok()
                and self._local.deliver(msg, self._writer.matched_readers())):
            return
        self.publish_raw(cdr.serialize(msg))

    def publish_raw(self, data: bytes) -> None:
        """Send a serialised message."""
        if not self._node.context.ok():
            raise RCLError("Failed to publish: publisher's context is invalid")
        try:
            self._writer.write(data)
        except DdsError as error:
            raise RCLError(f'Failed to publish: {error}') from None

    def get_subscription_count(self) -> int:
        """Return how many subscriptions are matched."""
        return len(self._writer.matched_readers())

    def assert_liveliness(self) -> None:
        """Say that the publisher is alive."""
        self._writer.assert_liveliness()

    def wait_for_all_acked(self, timeout_ns: int) -> bool:
        """Wait until everything sent was acknowledged."""
        return self._writer.wait_for_acks(timeout_ns)

    def destroy(self) -> None:
        """Delete the writer."""
        self._withdraw()
        self._writer.close()


class SubscriptionHandle(_TopicHandle):
    """The reader of a subscription."""

    _what = 'subscription'

    def _open(self, profile: QoSProfile, arguments: Any) -> RawReader:
        self._reader = RawReader(*arguments)
        self._inbox = hand_over.Inbox(self._local, self._reader, profile)
        self._node.context.inboxes.add(self._inbox)
        self.conditions = (self._reader.data_condition, self._inbox.guard.entity)
        return self._reader

    def take_message(self, msg_type: Any, raw: bool) -> tuple[Any, dict[str, int | None]] | None:
        """Take the next message (its bytes when `raw`) and its timestamps; None without one."""
        def convert(message: Any, alone: bool) -> Any:
            if raw:
                return cdr.serialize(message)
            return message if alone else copy_message(message)

        def decode(view: memoryview) -> Any:
            if raw:
                return b''.join((view[:3], b'\0', view[4:]))
            return cdr.deserialize(view, msg_type)

        while True:
            taken = self._inbox.take(convert)
            if taken is None:
                try:
                    sample = self._reader.take(decode)
                except cdr.CdrError as error:
                    self._complaints.add(error)
                    continue
                if sample is None:
                    return None
                taken = sample.value, sample.source_timestamp
            return taken[0], {
                'source_timestamp': taken[1],
                'received_timestamp': time.time_ns(),
                'publication_sequence_number': None, 'reception_sequence_number': None}

    def get_publisher_count(self) -> int:
        """Return how many publishers are matched."""
        return len(self._reader.matched_writers())

    def destroy(self) -> None:
        """Delete the reader."""
        self._withdraw()
        self._inbox.close()
        self._reader.close()


class _ServiceSide(_EndpointHandle):
    """What clients and services have in common."""

    endpoint_class: type

    def __init__(
        self, node: NodeHandle, srv_type: Any, name: str, profile: QoSProfile,
    ) -> None:
        what = 'service' if self.endpoint_class is ServiceEndpoint else 'client'
        super().__init__(node, f'{what} message on {name}')
        node.check_valid(what)
        self.name = self.service_name = name
        request, reply = (
            (f'{prefix}{name}{suffix}', interfaces.dds_type_name(part), interfaces.type_hash(part))
            for prefix, suffix, part in (('rq', 'Request', srv_type.Request),
                                         ('rr', 'Reply', srv_type.Response)))
        writes, reads = (reply, request) if what == 'service' else (request, reply)
        try:
            self._endpoint = self.endpoint_class(
                node.context.participant, writes, reads, profile, f'{what}id')
        except (DdsError, ValueError) as error:
            raise RCLError(f'failed to create {what}: {error}') from None
        self.entity = self._endpoint.reader.entity
        self.conditions = (self._endpoint.reader.data_condition,)
        self._announce(self._endpoint.writer.gid, self._endpoint.reader.gid)

    def destroy(self) -> None:
        """Delete the reader and the writer."""
        self._withdraw()
        self._endpoint.close()


class ServiceHandle(_ServiceSide):
    """A server."""

    endpoint_class = ServiceEndpoint

    def service_take_request(self, request_type: Any) -> tuple[Any, RequestId | None]:
        """Take the next request and what identifies it; (None, None) without one."""
        while True:
            try:
                taken = self._endpoint.take()
                if taken is None:
                    return None, None
                return cdr.deserialize(taken[1], request_type), taken[0]
            except (cdr.CdrError, ValueError) as error:
                self._complaints.add(error)

    def service_send_response(self, response: Any, request: RequestId) -> None:
        """Answer a request."""
        try:
            sent = self._endpoint.reply(request, cdr.serialize(response))
        except DdsError as error:
            raise RCLError(f'failed to send response: {error}') from None
        if not sent:
            console.log(30, self.get_logger_name(),
                        f'failed to send response to {self.name} (timeout): '
                        'client will not receive response')


class ClientHandle(_ServiceSide):
    """A client."""

    endpoint_class = ClientEndpoint

    def send_request(self, request: Any) -> int:
        """Send a request and return its sequence number."""
        if not self._node.context.ok():
            raise RCLError("failed to send request: client's context is invalid")
        try:
            return self._endpoint.send(cdr.serialize(request))
        except DdsError as error:
            raise RCLError(f'failed to send request: {error}') from None

    @property
    def identity(self) -> int:
        """The number by which replies say that they are for this client."""
        return self._endpoint.writer.instance_handle

    def take_response(self, response_type: Any) -> tuple[int, Any] | None:
        """Take the next reply and the sequence number of its request; None without one."""
        while True:
            try:
                taken = self._endpoint.take_reply()
                if taken is None:
                    return None
                return taken[0], cdr.deserialize(taken[1], response_type)
            except (cdr.CdrError, ValueError) as error:
                self._complaints.add(error)

    def service_server_is_available(self) -> bool:
        """Return whether a server would get a request and its answer would come back."""
        return self._node.context.ok() and self._endpoint.server_is_available()

    def wait_for_server(self, timeout: float | None) -> bool:
        """Wait until a server is available, or the context is shut down."""
        context = self._node.context
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while context.ok() and not self._endpoint.server_is_available():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # Discovery tells of a server shortly before it is matched, so look again soon after.
            context.graph.wait_for_change(min(left, 0.05))
        return self.service_server_is_available()
