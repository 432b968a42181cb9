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
"""A hidden node through which the commands look at the graph."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import rclpy
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

QUIET_S = 0.3
QUIET_ALONE_S = 0.8
LONGEST_S = 3.0
POLL_S = 0.02
SERVICE_TIMEOUT_S = 5.0

T = TypeVar('T')


class NodeName(NamedTuple):
    """A node as the graph names it."""

    name: str
    namespace: str

    @property
    def full_name(self) -> str:
        """Name with its namespace, from the root."""
        return self.namespace.rstrip('/') + '/' + self.name


class GraphNode:
    """A node of the command's own, alive inside a `with` block.

    Where the original asks a daemon that has long watched the graph, this discovers it anew;
    the waits below return as soon as the answer is certain enough.
    """

    def __init__(self, args: argparse.Namespace, node_name: str | None = None) -> None:
        self._spin_time: float | None = getattr(args, 'spin_time', None)
        # Python's own Ctrl-C is wanted here: a KeyboardInterrupt wherever the command is.
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self._started = time.monotonic()
        self.node = rclpy.create_node(
            node_name or f'_ros2cli_{os.getpid()}', start_parameter_services=False,
            parameter_overrides=[
                Parameter('use_sim_time', value=getattr(args, 'use_sim_time', False)),
                Parameter('start_type_description_service', value=False)])

    def __enter__(self) -> GraphNode:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.node.destroy_node()
        rclpy.try_shutdown()

    def wait_until(self, condition: Callable[[], T]) -> T:
        """Poll `condition` until it is true or the graph rests; return its last value."""
        at_rest = self._rest_watch()
        while True:
            value = condition()
            if value or at_rest():
                return value
            time.sleep(POLL_S)

    def settle(self) -> None:
        """Wait until the graph is known."""
        self.wait_until(lambda: False)

    def _rest_watch(self) -> Callable[[], bool]:
        """Return what tells when the view of the graph has stopped changing."""
        node, started = self.node, time.monotonic()
        changed, seen = started, None

        def at_rest() -> bool:
            nonlocal changed, seen
            now = time.monotonic()
            if self._spin_time is not None:
                return now >= self._started + self._spin_time
            nodes = node.get_node_names_and_namespaces()
            publishers = node.get_publishers_info_by_topic('/parameter_events')
            sees: Any = (sorted(nodes), len(publishers), node.get_topic_names_and_types(),
                         node.get_service_names_and_types())
            if sees != seen:
                seen, changed = sees, now
            if now - started > LONGEST_S:
                return True
            # An endpoint whose node is not announced yet: half of the news is still under way.
            if any('UNKNOWN' in publisher.node_name for publisher in publishers):
                return False
            return now - changed > (QUIET_S if len(nodes) > 1 else QUIET_ALONE_S)

        return at_rest

    def node_names(self, include_hidden: bool = False) -> list[NodeName]:
        """Return the nodes of the graph, sorted by full name."""
        nodes = [NodeName(*pair) for pair in self.node.get_node_names_and_namespaces()]
        return sorted((node for node in nodes if include_hidden or not node.name.startswith('_')),
                      key=lambda node: node.full_name)

    def find_node(self, name: str) -> NodeName | None:
        """Wait for a node of this full name; a missing first slash is added."""
        full_name = name if name.startswith('/') else '/' + name
        found = self.wait_until(lambda: [
            node for node in self.node_names(True) if node.full_name == full_name])
        return found[0] if found else None

    def call(self, service_type: Any, service_name: str, request: Any,
             timeout_s: float = SERVICE_TIMEOUT_S) -> Any:
        """Call a service and return its response.

        :raises RuntimeError: no server was found, or it did not answer within `timeout_s`.
        """
        client = self.node.create_client(service_type, service_name)
        try:
            if not client.wait_for_service(timeout_sec=timeout_s):
                raise RuntimeError(f"Wait for service timed out: '{service_name}'")
            future = client.call_async(request)
            rclpy.spin_until_future_complete(self.node, future, timeout_sec=timeout_s)
            if not future.done():
                raise RuntimeError(f"The service '{service_name}' did not answer in time")
            return future.result()
        finally:
            self.node.destroy_client(client)


def is_hidden(name: str) -> bool:
    """Tell whether a topic or service name has a token that starts with an underscore."""
    return any(token.startswith('_') for token in name.split('/'))


def visible(
    names_and_types: list[tuple[str, list[str]]], include_hidden: bool
) -> list[tuple[str, list[str]]]:
    """Return the topics or services to show, sorted by name."""
    return sorted(pair for pair in names_and_types if include_hidden or not is_hidden(pair[0]))
