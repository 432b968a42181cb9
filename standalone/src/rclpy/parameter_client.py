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
"""Reading and setting the parameters of other nodes."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)

from rclpy.callback_groups import CallbackGroup
from rclpy.client import Client
from rclpy.parameter import Parameter, parameter_dict_from_yaml_file
from rclpy.qos import QoSProfile, qos_profile_parameter_events, qos_profile_services_default
from rclpy.subscription import Subscription
from rclpy.task import Future

Parameters = Sequence[Parameter | ParameterMsg]


def _messages(parameters: Parameters) -> list[ParameterMsg]:
    return [p.to_parameter_msg() if isinstance(p, Parameter) else p for p in parameters]


class AsyncParameterClient:
    """Clients of the six parameter services of a remote node; calls return futures."""

    def __init__(
        self, node: Any, remote_node_name: str,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> None:
        self.remote_node_name = remote_node_name
        self.node = node

        def client(srv_type: Any, name: str) -> Client:
            return node.create_client(srv_type, f'{remote_node_name}/{name}',
                                      qos_profile=qos_profile, callback_group=callback_group)

        self._get_parameter_client = client(GetParameters, 'get_parameters')
        self._list_parameter_client = client(ListParameters, 'list_parameters')
        self._set_parameter_client = client(SetParameters, 'set_parameters')
        self._get_parameter_types_client = client(GetParameterTypes, 'get_parameter_types')
        self._describe_parameters_client = client(DescribeParameters, 'describe_parameters')
        self._set_parameters_atomically_client = client(
            SetParametersAtomically, 'set_parameters_atomically')
        self._clients = (
            self._list_parameter_client, self._set_parameter_client, self._get_parameter_client,
            self._get_parameter_types_client, self._describe_parameters_client,
            self._set_parameters_atomically_client)

    @staticmethod
    def _call(client: Client, request: Any, callback: Callable | None) -> Future:
        future = client.call_async(request)
        if callback:
            future.add_done_callback(callback)
        return future

    def services_are_ready(self) -> bool:
        """Return whether all services are there."""
        return all(client.service_is_ready() for client in self._clients)

    def wait_for_services(self, timeout_sec: float | None = None) -> bool:
        """Wait until all services are there; False on timeout."""
        deadline = None if timeout_sec is None else time.monotonic() + timeout_sec
        for client in self._clients:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            if not client.wait_for_service(left):
                return False
        return True

    def list_parameters(
        self, prefixes: list[str] | None = None, depth: int | None = None,
        callback: Callable | None = None,
    ) -> Future:
        """Ask for names; see Node.list_parameters()."""
        request = ListParameters.Request(prefixes=prefixes or [], depth=depth or 0)
        return self._call(self._list_parameter_client, request, callback)

    def get_parameters(self, names: list[str], callback: Callable | None = None) -> Future:
        """Ask for values."""
        return self._call(
            self._get_parameter_client, GetParameters.Request(names=names), callback)

    def set_parameters(self, parameters: Parameters, callback: Callable | None = None) -> Future:
        """Set parameters one after the other."""
        request = SetParameters.Request(parameters=_messages(parameters))
        return self._call(self._set_parameter_client, request, callback)

    def describe_parameters(self, names: list[str], callback: Callable | None = None) -> Future:
        """Ask for descriptors."""
        return self._call(self._describe_parameters_client,
                          DescribeParameters.Request(names=names), callback)

    def get_parameter_types(self, names: list[str], callback: Callable | None = None) -> Future:
        """Ask for types."""
        return self._call(self._get_parameter_types_client,
                          GetParameterTypes.Request(names=names), callback)

    def set_parameters_atomically(
        self, parameters: Parameters, callback: Callable | None = None,
    ) -> Future:
        """Set all parameters or none."""
        request = SetParametersAtomically.Request(parameters=_messages(parameters))
        return self._call(self._set_parameters_atomically_client, request, callback)

    def delete_parameters(self, names: list[str], callback: Callable | None = None) -> Future:
        """Undeclare parameters, which only dynamically typed ones allow."""
        return self.set_parameters([Parameter(name) for name in names], callback)

    def load_parameter_file(
        self, parameter_file: str, use_wildcard: bool = False, callback: Callable | None = None,
    ) -> Future:
        """Set the parameters of a file one after the other."""
        parameters = parameter_dict_from_yaml_file(parameter_file, use_wildcard)
        return self.set_parameters(list(parameters.values()), callback)

    def load_parameter_file_atomically(
        self, parameter_file: str, use_wildcard: bool = False, callback: Callable | None = None,
    ) -> Future:
        """Set all parameters of a file or none."""
        parameters = parameter_dict_from_yaml_file(parameter_file, use_wildcard)
        return self.set_parameters_atomically(list(parameters.values()), callback)

    def on_parameter_event(
        self, callback: Callable, qos_profile: QoSProfile = qos_profile_parameter_events,
        **kwargs: Any,
    ) -> Subscription:
        """Subscribe to the parameter events of all nodes."""
        return self.node.create_subscription(
            ParameterEvent, '/parameter_events', callback, qos_profile, **kwargs)
