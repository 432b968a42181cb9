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
"""Errors and enumerations that rclpy's compiled module holds, under the name they have there."""

from enum import Enum, IntEnum


class RCLError(RuntimeError):
    """The client library refused or failed."""


class InvalidHandle(RuntimeError):
    """An entity was used after it was destroyed."""


class NodeNameNonExistentError(RCLError):
    """There is no node of that name in the graph."""


class UnknownROSArgsError(RuntimeError):
    """There were ROS arguments that nobody knows."""


class UnsupportedEventTypeError(RCLError):
    """This kind of event does not exist here."""


class TransitionCallbackReturnType(Enum):
    """What a lifecycle callback reports."""

    SUCCESS = 97
    FAILURE = 98
    ERROR = 99

    def to_label(self) -> str:
        """Return the label of the transition that follows."""
        return f'transition_{self.name.lower()}'


class SignalHandlerOptions(IntEnum):
    """Which signals rclpy handles."""

    NO = 0
    SIGINT = 1
    SIGTERM = 2
    ALL = 3


class QoSCompatibility(IntEnum):
    """How well two profiles fit."""

    OK = 0
    WARNING = 1
    ERROR = 2

    def __str__(self) -> str:
        return f'QoSCompatibility.{self.name}'


class rmw_qos_policy_kind_t(IntEnum):
    """The policy that an incompatibility is about."""

    RMW_QOS_POLICY_INVALID = 1
    RMW_QOS_POLICY_DURABILITY = 2
    RMW_QOS_POLICY_DEADLINE = 4
    RMW_QOS_POLICY_LIVELINESS = 8
    RMW_QOS_POLICY_RELIABILITY = 16
    RMW_QOS_POLICY_HISTORY = 32
    RMW_QOS_POLICY_LIFESPAN = 64
    RMW_QOS_POLICY_DEPTH = 128
    RMW_QOS_POLICY_LIVELINESS_LEASE_DURATION = 256
    RMW_QOS_POLICY_AVOID_ROS_NAMESPACE_CONVENTIONS = 512

    def __str__(self) -> str:
        return f'rmw_qos_policy_kind_t.{self.name}'
