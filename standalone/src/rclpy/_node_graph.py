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
"""What a node can ask about the graph."""

import time
from collections.abc import Callable
from typing import Any

from standalone_ros import arguments, names
from standalone_ros.graph import Endpoint, Graph, NamesAndTypes, demangle_type

from rclpy._handles import NodeHandle
from rclpy._rclpy_pybind11 import NodeNameNonExistentError, RCLError
from rclpy.duration import Duration
from rclpy.expand_topic_name import expand_topic_name
from rclpy.qos import QoSProfile
from rclpy.topic_endpoint_info import TopicEndpointInfo, TopicEndpointTypeEnum
from rclpy.type_hash import TypeHash
from rclpy.validate_full_topic_name import validate_full_topic_name

_TIMES = ('lifespan', 'deadline', 'liveliness_lease_duration')


class NodeGraph:
    """The graph queries of Node."""

    handle: NodeHandle
    _remap_rules: list[arguments.RemapRule]
    get_name: Callable[[], str]
    get_namespace: Callable[[], str]

    @property
    def _graph(self) -> Graph:
        with self.handle:
            return self.handle.context.graph

    def _of_node(
        self, what: str, node_name: str, node_namespace: str, *, writers: bool,
    ) -> list[Endpoint]:
        node_namespace = node_namespace or '/'
        if fault := names.namespace_fault(node_namespace):
            raise RCLError(f'failed to get {what}: {fault.message}, result: 2')
        try:
            return self._graph.endpoints_of_node(node_name, node_namespace, writers=writers)
        except LookupError:
            raise NodeNameNonExistentError(
                f'cannot get {what} for nonexistent node: error not set') from None

    def get_publisher_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False,
    ) -> NamesAndTypes:
        """Return what a node publishes; raises NodeNameNonExistentError."""
        return Graph.topics(
            self._of_node('publisher names and types', node_name, node_namespace, writers=True),
            no_demangle=no_demangle)

    def get_subscriber_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False,
    ) -> NamesAndTypes:
        """Return what a node subscribes to; raises NodeNameNonExistentError."""
        return Graph.topics(
            self._of_node('subscriber names and types', node_name, node_namespace, writers=False),
            no_demangle=no_demangle)

    def get_service_names_and_types_by_node(
        self, node_name: str, node_namespace: str,
    ) -> NamesAndTypes:
        """Return the services that a node offers; raises NodeNameNonExistentError."""
        return Graph.services(self._of_node(
            'service names and types', node_name, node_namespace, writers=False), 'rq/')

    def get_client_names_and_types_by_node(
        self, node_name: str, node_namespace: str,
    ) -> NamesAndTypes:
        """Return the services that a node has clients of; raises NodeNameNonExistentError."""
        return Graph.services(self._of_node(
            'client names and types', node_name, node_namespace, writers=False), 'rr/')

    def get_topic_names_and_types(self, no_demangle: bool = False) -> NamesAndTypes:
        """Return all topics."""
        return Graph.topics(self._graph.endpoints(), no_demangle=no_demangle)

    def get_service_names_and_types(self) -> NamesAndTypes:
        """Return all services."""
        return Graph.services(self._graph.endpoints())

    def get_node_names(self) -> list[str]:
        """Return the names of all nodes, without namespaces."""
        return [name for name, _, _ in self._graph.nodes()]

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """Return (name, namespace) of all nodes."""
        return [(name, namespace) for name, namespace, _ in self._graph.nodes()]

    def get_node_names_and_namespaces_with_enclaves(self) -> list[tuple[str, str, str]]:
        """Return (name, namespace, enclave) of all nodes."""
        return self._graph.nodes()

    def get_fully_qualified_node_names(self) -> list[str]:
        """Return the full names of all nodes."""
        return [names.join(namespace, name) for name, namespace, _ in self._graph.nodes()]

    def _full_name(self, name: Any, *, is_service: bool = False) -> str:
        if not isinstance(name, str):
            raise TypeError(f'expected a str, got {name!r}')
        full_name = expand_topic_name(name, self.get_name(), self.get_namespace())
        validate_full_topic_name(full_name, is_service=is_service)
        return full_name

    def count_publishers(self, topic_name: str) -> int:
        """Return how many publishers a topic has."""
        return len(self._graph.endpoints(f'rt{self._full_name(topic_name)}', writers=True))

    def count_subscribers(self, topic_name: str) -> int:
        """Return how many subscriptions a topic has."""
        return len(self._graph.endpoints(f'rt{self._full_name(topic_name)}', writers=False))

    def count_clients(self, service_name: str) -> int:
        """Return how many clients a service has."""
        name = self._full_name(service_name, is_service=True)
        return len(self._graph.endpoints(f'rr{name}Reply', writers=False))

    def count_services(self, service_name: str) -> int:
        """Return how many servers a service has."""
        name = self._full_name(service_name, is_service=True)
        return len(self._graph.endpoints(f'rq{name}Request', writers=False))

    def _info_by_topic(
        self, topic_name: str, no_mangle: bool, *, writers: bool,
    ) -> list[TopicEndpointInfo]:
        if not no_mangle:
            name = self._full_name(topic_name)
            name = arguments.remap_name(
                self._remap_rules, name, self.get_name(), self.get_namespace(), is_service=False)
            topic_name = f'rt{name}'
        graph = self._graph
        infos = []
        for endpoint in graph.endpoints(topic_name, writers=writers):
            node = graph.owner(endpoint)
            profile = {key: Duration(nanoseconds=value) if key in _TIMES else value
                       for key, value in endpoint.profile.items()}
            infos.append(TopicEndpointInfo(
                node_name=node.name if node else '_NODE_NAME_UNKNOWN_',
                node_namespace=node.namespace if node else '_NODE_NAMESPACE_UNKNOWN_',
                topic_type=endpoint.type if no_mangle else demangle_type(endpoint.type),
                topic_type_hash=TypeHash._from_text(endpoint.type_hash),
                endpoint_type=(TopicEndpointTypeEnum.PUBLISHER if writers
                               else TopicEndpointTypeEnum.SUBSCRIPTION),
                endpoint_gid=list(endpoint.gid), qos_profile=QoSProfile(**profile)))
        return infos

    def get_publishers_info_by_topic(
        self, topic_name: str, no_mangle: bool = False,
    ) -> list[TopicEndpointInfo]:
        """Return the publishers of a topic; with `no_mangle` the name is DDS's."""
        return self._info_by_topic(topic_name, no_mangle, writers=True)

    def get_subscriptions_info_by_topic(
        self, topic_name: str, no_mangle: bool = False,
    ) -> list[TopicEndpointInfo]:
        """Return the subscriptions of a topic; with `no_mangle` the name is DDS's."""
        return self._info_by_topic(topic_name, no_mangle, writers=False)

    def wait_for_node(self, fully_qualified_node_name: str, timeout: float) -> bool:
        """Wait until a node is in the graph; False on timeout."""
        name = '/' + fully_qualified_node_name.lstrip('/')
        deadline = time.monotonic() + timeout
        while name not in self.get_fully_qualified_node_names():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._graph.wait_for_change(min(left, 0.1))
        return True
