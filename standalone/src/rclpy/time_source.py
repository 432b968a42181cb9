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
"""Following `/clock` while the parameter `use_sim_time` is true."""

import weakref
from typing import Any

import rosgraph_msgs.msg
from rcl_interfaces.msg import SetParametersResult

from rclpy.clock import ROSClock
from rclpy.clock_type import ClockType
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time

CLOCK_TOPIC = '/clock'
USE_SIM_TIME_NAME = 'use_sim_time'


class TimeSource:
    """Sets the clocks attached to it as the parameter of its node says."""

    def __init__(self, *, node: Any = None) -> None:
        self._clock_sub: Any = None
        self._node_weak_ref: weakref.ref[Any] | None = None
        self._associated_clocks: set[ROSClock] = set()
        self._last_time_set = Time(clock_type=ClockType.ROS_TIME)
        self._ros_time_is_active = False
        if node is not None:
            self.attach_node(node)

    @property
    def ros_time_is_active(self) -> bool:
        """Whether the clocks follow `/clock`."""
        return self._ros_time_is_active

    @ros_time_is_active.setter
    def ros_time_is_active(self, enabled: bool) -> None:
        if self._ros_time_is_active == enabled:
            return
        self._ros_time_is_active = enabled
        for clock in self._associated_clocks:
            clock._set_ros_time_is_active(enabled)
        node = self._get_node()
        if node is None:
            return
        if enabled:
            self._clock_sub = node.create_subscription(
                rosgraph_msgs.msg.Clock, CLOCK_TOPIC, self.clock_callback,
                QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
        elif self._clock_sub is not None:
            node.destroy_subscription(self._clock_sub)
            self._clock_sub = None

    def attach_node(self, node: Any) -> None:
        """Follow the parameter of a node, declaring it if need be."""
        from rclpy.node import Node

        if not isinstance(node, Node):
            raise TypeError('Node must be of type rclpy.node.Node')
        if self._node_weak_ref is not None:
            self.detach_node()
        self._node_weak_ref = weakref.ref(node)
        if not node.has_parameter(USE_SIM_TIME_NAME):
            node.declare_parameter(USE_SIM_TIME_NAME, False)
        parameter = node.get_parameter(USE_SIM_TIME_NAME)
        if parameter.type_ == Parameter.Type.BOOL:
            self.ros_time_is_active = parameter.value
        elif parameter.type_ != Parameter.Type.NOT_SET:
            node.get_logger().error(f"Invalid type for parameter '{USE_SIM_TIME_NAME}' "
                                    f'{parameter.type_!r} should be bool')
        node.add_on_set_parameters_callback(self._on_set_parameters)

    def detach_node(self) -> None:
        """Stop following the parameter."""
        if self._clock_sub is not None:
            node = self._get_node()
            if node is None:
                raise RuntimeError('Unable to destroy previously created clock subscription')
            node.destroy_subscription(self._clock_sub)
        self._clock_sub = None
        self._node_weak_ref = None

    def attach_clock(self, clock: ROSClock) -> None:
        """Set a clock from now on."""
        if not isinstance(clock, ROSClock):
            raise ValueError('Only clocks with type ROS_TIME can be attached.')
        clock.set_ros_time_override(self._last_time_set)
        clock._set_ros_time_is_active(self.ros_time_is_active)
        self._associated_clocks.add(clock)

    def clock_callback(self, msg: rosgraph_msgs.msg.Clock) -> None:
        """Set the clocks to what `/clock` says."""
        self._last_time_set = Time.from_msg(msg.clock)
        for clock in self._associated_clocks:
            clock.set_ros_time_override(self._last_time_set)

    def _on_set_parameters(self, parameter_list: list[Parameter]) -> SetParametersResult:
        for parameter in parameter_list:
            if parameter.name == USE_SIM_TIME_NAME:
                if parameter.type_ != Parameter.Type.BOOL:
                    reason = f'{USE_SIM_TIME_NAME} parameter set to something besides a bool'
                    if (node := self._get_node()) is not None:
                        node.get_logger().error(reason)
                    return SetParametersResult(successful=False, reason=reason)
                self.ros_time_is_active = parameter.value
        return SetParametersResult(successful=True)

    def _get_node(self) -> Any:
        return None if self._node_weak_ref is None else self._node_weak_ref()
