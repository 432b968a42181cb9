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
"""The table of parameters, declared to ROS."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from vidseg_ros.nodes.parameters import TABLE, Parameter


def descriptor(parameter: Parameter) -> ParameterDescriptor:
    """Return the description of one parameter."""
    described = ParameterDescriptor(
        name=parameter.name, description=parameter.description.replace('`', ''),
        additional_constraints=parameter.constraints, read_only=parameter.read_only)
    if parameter.minimum is not None and parameter.maximum is not None:
        if isinstance(parameter.default, float):
            described.floating_point_range = [FloatingPointRange(
                from_value=float(parameter.minimum), to_value=float(parameter.maximum), step=0.0)]
        else:
            described.integer_range = [IntegerRange(
                from_value=int(parameter.minimum), to_value=int(parameter.maximum), step=1)]
    return described


def declare(node: Node) -> dict[str, Any]:
    """
    Declare all parameters of the table; return their values by name.

    :raises rclpy.exceptions.ParameterException: if an override is impossible.
    """
    return {parameter.name: node.declare_parameter(
        parameter.name, parameter.default, descriptor(parameter)).value for parameter in TABLE}
