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

"""The node that launch itself has, made when something needs it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from launch import LaunchContext
from launch.event_handlers import OnShutdown

if TYPE_CHECKING:
    from rclpy.node import Node


class ROSAdapter:
    """Spin a node in a thread of its own, from start() to shutdown()."""

    def __init__(self, *, argv: list[str] | None = None, autostart: bool = True) -> None:
        self.__argv = argv or []
        self.__running = False
        if autostart:
            self.start()

    def start(self) -> None:
        if self.__running:
            raise RuntimeError('Cannot start a ROS adapter that is already running')
        # Launch files without lifecycle nodes need no rclpy in launch itself.
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self.ros_context = rclpy.Context()
        rclpy.init(args=self.__argv, context=self.ros_context)
        self.ros_node: Node = rclpy.create_node(
            f'launch_ros_{os.getpid()}', context=self.ros_context)
        self.ros_executor = SingleThreadedExecutor(context=self.ros_context)
        self.__running = True
        self.__thread = threading.Thread(target=self.__spin, daemon=True)
        self.__thread.start()

    def __spin(self) -> None:
        self.ros_executor.add_node(self.ros_node)
        while self.__running:
            self.ros_executor.spin_once(timeout_sec=0.1)
        self.ros_executor.remove_node(self.ros_node)

    def shutdown(self) -> None:
        if not self.__running:
            raise RuntimeError('Cannot shutdown a ROS adapter that is not running')
        import rclpy

        self.__running = False
        self.__thread.join()
        self.ros_node.destroy_node()
        rclpy.shutdown(context=self.ros_context)


def get_ros_adapter(context: LaunchContext) -> ROSAdapter:
    """Give the adapter of a launch, made at the first call and ended with the launch."""
    adapter: Any = context.get_locals_as_dict().get('ros_adapter')
    if adapter is None:
        adapter = ROSAdapter()
        context.extend_globals({'ros_adapter': adapter})
        context.register_event_handler(OnShutdown(on_shutdown=lambda *_: adapter.shutdown()))
    return adapter


def get_ros_node(context: LaunchContext) -> Node:
    """Give launch's own node."""
    return get_ros_adapter(context).ros_node
