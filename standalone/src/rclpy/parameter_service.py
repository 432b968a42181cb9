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
"""The services by which others read and set a node's parameters."""

import weakref
from typing import Any

from rcl_interfaces.msg import ListParametersResult, SetParametersResult
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)

from rclpy.exceptions import ParameterNotDeclaredException, ParameterUninitializedException
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_parameters
from rclpy.validate_topic_name import TOPIC_SEPARATOR_STRING


class ParameterService:
    """The six parameter services of a node."""

    def __init__(self, node: Any) -> None:
        self._node_weak_ref = weakref.ref(node)
        for srv_type, name, callback in (
            (DescribeParameters, 'describe_parameters', self._describe_parameters),
            (GetParameters, 'get_parameters', self._get_parameters),
            (GetParameterTypes, 'get_parameter_types', self._get_parameter_types),
            (ListParameters, 'list_parameters', self._list_parameters),
            (SetParameters, 'set_parameters', self._set_parameters),
            (SetParametersAtomically, 'set_parameters_atomically',
             self._set_parameters_atomically),
        ):
            node.create_service(srv_type, TOPIC_SEPARATOR_STRING.join((node.get_name(), name)),
                                callback, qos_profile=qos_profile_parameters)

    @property
    def _node(self) -> Any:
        node = self._node_weak_ref()
        if node is None:
            raise ReferenceError('Expected valid node weak reference')
        return node

    def _describe_parameters(self, request: Any, response: Any) -> Any:
        try:
            response.descriptors = self._node.describe_parameters(list(request.names))
        except ParameterNotDeclaredException:
            response.descriptors = []
        return response

    def _get_parameters(self, request: Any, response: Any) -> Any:
        try:
            response.values = [p.get_parameter_value()
                               for p in self._node.get_parameters(list(request.names))]
        except (ParameterNotDeclaredException, ParameterUninitializedException):
            response.values = []
        return response

    def _get_parameter_types(self, request: Any, response: Any) -> Any:
        try:
            types = self._node.get_parameter_types(list(request.names))
            response.types = [getattr(type_, 'value', type_) for type_ in types]
        except ParameterNotDeclaredException:
            response.types = []
        return response

    def _list_parameters(self, request: Any, response: Any) -> Any:
        try:
            response.result = self._node.list_parameters(list(request.prefixes), request.depth)
        except (TypeError, ValueError):
            response.result = ListParametersResult()
        return response

    def _set(self, messages: list[Any]) -> SetParametersResult:
        try:
            return self._node.set_parameters_atomically(
                [Parameter.from_parameter_msg(message) for message in messages])
        except ParameterNotDeclaredException as error:
            return SetParametersResult(successful=False, reason=str(error))

    def _set_parameters(self, request: Any, response: Any) -> Any:
        response.results = [self._set([message]) for message in request.parameters]
        return response

    def _set_parameters_atomically(self, request: Any, response: Any) -> Any:
        response.result = self._set(list(request.parameters))
        return response
