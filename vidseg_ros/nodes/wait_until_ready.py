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
A process that ends when a graph is ready to be fed, for launch files to wait on.

Ready means: the segmentation node is active and offers labels, and all who want the cameras'
images have subscribed. A player started earlier would play the first frames to nobody.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import rclpy
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

# How often to look, and how often to say what is missing, in seconds.
_LOOK, _SAY = 0.1, 5.0

# An answer that takes longer is asked for again.
_ANSWER = 2.0


class ReadyWaiter(Node):
    """Look at the graph until nothing is missing."""

    def __init__(self, **kwargs: Any) -> None:
        """Declare the parameters."""
        super().__init__('wait_until_ready', **kwargs)

        def value(name: str, default: Any, description: str) -> Any:
            return self.declare_parameter(
                name, default, ParameterDescriptor(description=description, read_only=True)).value

        self.timeout = value('timeout', 300.0, 'Give up after so many seconds.')
        node = value('lifecycle_node', 'segmentation_node', 'The node that must be active.')
        self._published = [t for t in value(
            'published', [''], 'Topics that must have a publisher.') if t]
        self._subscribed = [t for t in value(
            'subscribed', [''], 'Topics that must have subscriptions; as often as they are '
            'named here.') if t]
        self._node = node
        self._client = self.create_client(GetState, f'{node}/get_state')
        self._state = ''
        self._asked: Any = None
        self._asked_at = 0.0

    def missing(self) -> str:
        """Return what is missing, in words; '' if nothing is."""
        self._ask()
        if self._state != 'active':
            return f'{self._node} is {self._state or "not there"}'
        for topic in self._published:
            if not self.count_publishers(self.resolve_topic_name(topic)):
                return f'nobody offers {topic}'
        for topic in dict.fromkeys(self._subscribed):
            there = self.count_subscribers(self.resolve_topic_name(topic))
            if there < self._subscribed.count(topic):
                return f'{topic} has {there} subscriptions of {self._subscribed.count(topic)}'
        return ''

    def _ask(self) -> None:
        """Keep asking the node for its state, without waiting for the answer."""
        now = time.monotonic()
        if self._asked is not None and self._asked.done():
            answer, self._asked = self._asked.result(), None
            if answer is not None:
                self._state = ('active' if answer.current_state.id == State.PRIMARY_STATE_ACTIVE
                               else answer.current_state.label)
        if self._state != 'active' and self._client.service_is_ready() and (
                self._asked is None or now - self._asked_at > _ANSWER):
            self._asked, self._asked_at = self._client.call_async(GetState.Request()), now


def main(args: Sequence[str] | None = None) -> int:
    """Wait; return 0 when all is ready, 1 when it took too long or was interrupted."""
    rclpy.init(args=args)
    node: ReadyWaiter | None = None
    try:
        node = ReadyWaiter()
        return wait(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 1
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def wait(node: ReadyWaiter) -> int:
    """Spin a waiter until nothing is missing; return 0, or 1 when it took too long."""
    begin = said = time.monotonic()
    while rclpy.ok():
        rclpy.spin_once(node, timeout_sec=_LOOK)
        missing, now = node.missing(), time.monotonic()
        if not missing:
            node.get_logger().info(f'ready after {now - begin:.1f} s')
            return 0
        if now - begin > node.timeout:
            node.get_logger().error(f'not ready after {node.timeout:g} s: {missing}')
            return 1
        if now - said > _SAY:
            said = now
            node.get_logger().info(f'waiting: {missing}')
        time.sleep(_LOOK)
    return 1


if __name__ == '__main__':
    sys.exit(main())
