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
"""Calling back when parameters of any node change."""

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterEvent

from rclpy.callback_groups import CallbackGroup
from rclpy.qos import QoSProfile, qos_profile_parameter_events


class ParameterCallbackHandle:
    """A callback for one parameter of one node."""

    def __init__(self, parameter_name: str, node_name: str, callback: Callable) -> None:
        self.parameter_name = parameter_name
        self.node_name = node_name
        self.callback = callback


class ParameterEventCallbackHandle:
    """A callback for all parameter events."""

    def __init__(self, callback: Callable) -> None:
        self.callback = callback


class ParameterEventHandler:
    """Sorts `/parameter_events` out for callbacks."""

    def __init__(
        self, node: Any, qos_profile: QoSProfile = qos_profile_parameter_events,
        callback_group: CallbackGroup | None = None,
    ) -> None:
        self.node = node
        self._parameter_callbacks: list[ParameterCallbackHandle] = []
        self._event_callbacks: list[ParameterEventCallbackHandle] = []
        self.parameter_event_subscription = node.create_subscription(
            ParameterEvent, '/parameter_events', self._on_event, qos_profile,
            callback_group=callback_group)

    def _on_event(self, event: ParameterEvent) -> None:
        for handle in list(self._parameter_callbacks):
            parameter = self.get_parameter_from_event(
                event, handle.parameter_name, handle.node_name)
            if parameter is not None:
                handle.callback(parameter)
        for event_handle in list(self._event_callbacks):
            event_handle.callback(event)

    def destroy(self) -> None:
        """Stop calling back."""
        self.node.destroy_subscription(self.parameter_event_subscription)

    @staticmethod
    def get_parameter_from_event(
        event: ParameterEvent, parameter_name: str, node_name: str,
    ) -> ParameterMsg | None:
        """Return the new or changed parameter of that name if the event is about it."""
        if event.node == node_name:
            for parameter in (*event.new_parameters, *event.changed_parameters):
                if parameter.name == parameter_name:
                    return parameter
        return None

    @staticmethod
    def get_parameters_from_event(event: ParameterEvent) -> list[ParameterMsg]:
        """Return all new and changed parameters of an event."""
        return [*event.new_parameters, *event.changed_parameters]

    def _full_name(self, node_name: str) -> str:
        if not node_name:
            return self.node.get_fully_qualified_name()
        if node_name.startswith('/'):
            return node_name
        return f'{self.node.get_namespace().rstrip("/")}/{node_name}'

    def add_parameter_callback(
        self, parameter_name: str, node_name: str, callback: Callable[[ParameterMsg], None],
    ) -> ParameterCallbackHandle:
        """Call back when that parameter of that node gets a value; newest callbacks first."""
        handle = ParameterCallbackHandle(parameter_name, self._full_name(node_name), callback)
        self._parameter_callbacks.insert(0, handle)
        return handle

    def remove_parameter_callback(self, handle: ParameterCallbackHandle) -> None:
        """Undo add_parameter_callback()."""
        self._parameter_callbacks.remove(handle)

    def add_parameter_event_callback(
        self, callback: Callable[[ParameterEvent], None],
    ) -> ParameterEventCallbackHandle:
        """Call back for every event; newest callbacks first."""
        handle = ParameterEventCallbackHandle(callback)
        self._event_callbacks.insert(0, handle)
        return handle

    def remove_parameter_event_callback(self, handle: ParameterEventCallbackHandle) -> None:
        """Undo add_parameter_event_callback()."""
        self._event_callbacks.remove(handle)
