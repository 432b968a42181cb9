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
"""Letting parameters override the quality of service of an endpoint."""

from collections.abc import Callable, Iterable
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult

import rclpy.qos
from rclpy.duration import Duration
from rclpy.exceptions import ParameterAlreadyDeclaredException
from rclpy.qos import QoSPolicyEnum, QoSPolicyKind, QoSProfile

QosCallbackResult = SetParametersResult
QosCallbackType = Callable[[QoSProfile], Any]

_ENUMERATIONS = (QoSPolicyKind.HISTORY, QoSPolicyKind.RELIABILITY, QoSPolicyKind.DURABILITY,
                 QoSPolicyKind.LIVELINESS)


class InvalidQosOverridesError(Exception):
    """The overrides were rejected."""


class QoSOverridingOptions:
    """Which policies may be overridden, and who checks the result."""

    def __init__(
        self, policy_kinds: Iterable[QoSPolicyKind], *, callback: QosCallbackType | None = None,
        entity_id: str | None = None,
    ) -> None:
        self._policy_kinds = policy_kinds
        self._callback = callback
        self._entity_id = entity_id

    @property
    def policy_kinds(self) -> Iterable[QoSPolicyKind]:
        """The policies that may be overridden."""
        return self._policy_kinds

    @property
    def callback(self) -> QosCallbackType | None:
        """What checks the resulting profile."""
        return self._callback

    @property
    def entity_id(self) -> str | None:
        """What tells endpoints of one node on one topic apart."""
        return self._entity_id

    @classmethod
    def with_default_policies(
        cls, *, callback: QosCallbackType | None = None, entity_id: str | None = None,
    ) -> 'QoSOverridingOptions':
        """Allow history, depth and reliability."""
        return cls((QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY),
                   callback=callback, entity_id=entity_id)


def _policy_value(qos: QoSProfile, policy: QoSPolicyKind) -> str | int | bool:
    value = getattr(qos, policy.name.lower())
    if isinstance(value, QoSPolicyEnum):
        if value.short_key == 'unknown':
            raise ValueError('User provided QoS profile is invalid')
        return value.short_key
    return value.nanoseconds if isinstance(value, Duration) else value


def _set_policy(qos: QoSProfile, policy: QoSPolicyKind, value: Any) -> None:
    name = policy.name.lower()
    if policy in _ENUMERATIONS:
        try:
            value = getattr(rclpy.qos, f'{name.capitalize()}Policy')[value.upper()]
        except KeyError:
            raise RuntimeError(f'Unexpected QoS override for policy `{name}`: `{value}`') from None
    elif isinstance(getattr(qos, name), Duration):
        value = Duration(nanoseconds=value)
    setattr(qos, name, value)


def _declare_qos_parameters(
    kind: str, node: Any, topic_name: str, qos: QoSProfile, options: QoSOverridingOptions,
) -> None:
    """Declare `qos_overrides.<topic>.<kind>.<policy>` and change `qos` by what they hold."""
    suffix = '' if options.entity_id is None else f'_{options.entity_id}'
    about = f'for {kind} `{topic_name}` with id `{options.entity_id}`'
    for policy in options.policy_kinds:
        if kind == 'subscription' and policy == QoSPolicyKind.LIFESPAN:
            continue
        policy_name = policy.name.lower()
        name = f'qos_overrides.{topic_name}.{kind}{suffix}.{policy_name}'
        descriptor = ParameterDescriptor(description=f'{policy_name} {about}', read_only=True)
        try:
            parameter = node.declare_parameter(name, _policy_value(qos, policy), descriptor)
        except ParameterAlreadyDeclaredException:
            parameter = node.get_parameter(name)
        _set_policy(qos, policy, parameter.value)
    if options.callback is not None:
        result = options.callback(qos)
        if not result.successful:
            raise InvalidQosOverridesError(
                f'Provided QoS overrides {about}, are not valid: {result.reason}')
