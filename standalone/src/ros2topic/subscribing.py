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
"""What the verbs that subscribe have in common: the type and quality of service of a topic."""

import argparse
import copy
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy import qos
from rclpy.duration import Duration
from rclpy.exceptions import InvalidTopicNameException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.validate_full_topic_name import validate_full_topic_name
from ros2cli.graph import GraphNode
from rosidl_runtime_py.utilities import get_message

from ros2topic.graph import NAMES

POLICIES: dict[str, Any] = {
    'history': qos.HistoryPolicy, 'reliability': qos.ReliabilityPolicy,
    'durability': qos.DurabilityPolicy, 'liveliness': qos.LivelinessPolicy}


def message_class(type_name: str) -> Any:
    """Return the class of a message type.

    :raises RuntimeError: there is no such message type.
    """
    try:
        return get_message(type_name)
    except (AttributeError, ModuleNotFoundError, ValueError):
        raise RuntimeError('The passed message type is invalid') from None


def topic_class(graph: GraphNode, topic_name: str, wait: bool) -> Any | None:
    """Return the message class of a topic of the graph.

    :param wait: wait for the topic as long as it takes; otherwise return None.
    :raises RuntimeError: the name is invalid, or the topic has several types.
    """
    node = graph.node
    try:
        full_name = expand_topic_name(topic_name, node.get_name(), node.get_namespace())
        validate_full_topic_name(full_name)
    except (ValueError, InvalidTopicNameException) as error:
        raise RuntimeError(str(error)) from None
    types = graph.wait_until(lambda: NAMES.types_of(graph, full_name))
    if not types:
        print(f'WARNING: topic [{topic_name}] does not appear to be published yet')
        while wait and not types:
            time.sleep(0.1)
            types = NAMES.types_of(graph, full_name)
    if len(types) > 1:
        raise RuntimeError(f"Cannot echo topic '{topic_name}', as it contains more than one type: "
                           f'[{", ".join(types)}]')
    return message_class(types[0]) if types else None


def given_qos(args: argparse.Namespace) -> bool:
    """Tell whether the user asked for any quality of service."""
    return any(value is not None for name, value in vars(args).items() if name.startswith('qos_'))


def apply_qos_options(preset: qos.QoSProfile, args: argparse.Namespace) -> qos.QoSProfile:
    """Return the preset, or the one that was asked for, with the `--qos-*` options put in."""
    if args.qos_profile:
        preset = qos.QoSPresetProfiles.get_from_short_key(args.qos_profile)
    profile = copy.copy(preset)
    for name, kind in POLICIES.items():
        value = getattr(args, f'qos_{name}')
        if value:
            setattr(profile, name, kind.get_from_short_key(value))
    lease = args.qos_liveliness_lease_duration_seconds
    if lease is not None and lease >= 0:
        profile.liveliness_lease_duration = Duration(seconds=lease)
    if args.qos_depth is not None and args.qos_depth >= 0:
        profile.depth = args.qos_depth
    elif profile.durability == qos.DurabilityPolicy.TRANSIENT_LOCAL and profile.depth == 0:
        profile.depth = 1
    return profile


def matching_qos(graph: GraphNode, topic_name: str) -> qos.QoSProfile:
    """Return a profile that every present publisher of the topic is compatible with."""
    endpoints = graph.node.get_publishers_info_by_topic(topic_name)
    profile = copy.copy(qos.qos_profile_sensor_data)
    for name, strong, weak in (
        ('reliability', qos.ReliabilityPolicy.RELIABLE, qos.ReliabilityPolicy.BEST_EFFORT),
        ('durability', qos.DurabilityPolicy.TRANSIENT_LOCAL, qos.DurabilityPolicy.VOLATILE),
    ):
        offered = [getattr(endpoint.qos_profile, name) == strong for endpoint in endpoints]
        if any(offered) and not all(offered):
            kind = type(strong).__name__
            print(f'Some, but not all, publishers are offering {kind}.{strong.name}. Falling back '
                  f'to {kind}.{weak.name} as it will connect to all publishers')
        setattr(profile, name, strong if offered and all(offered) else weak)
    return profile


def predicate(expression: str | None) -> Callable[[Any], bool]:
    """Compile a filter expression over a message `m`.

    :raises RuntimeError: the expression is not Python.
    """
    if expression is None:
        return lambda m: True
    try:
        code = compile(expression, '<filter>', 'eval')
    except SyntaxError as error:
        raise RuntimeError(f"Invalid filter expression '{expression}': {error.msg}") from None
    return lambda m: bool(eval(code, {'m': m}))


def spin_while(graph: GraphNode, condition: Callable[[], bool] = lambda: True) -> None:
    """Run the node's callbacks while `condition` holds."""
    while rclpy.ok() and condition():
        rclpy.spin_once(graph.node, timeout_sec=0.1)
