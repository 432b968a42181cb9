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
"""The service that describes the types a node uses."""

from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, ParameterType
from standalone_ros import interfaces
from type_description_interfaces.srv import GetTypeDescription

from rclpy.validate_topic_name import TOPIC_SEPARATOR_STRING

START_TYPE_DESCRIPTION_SERVICE_PARAM = 'start_type_description_service'


class TypeDescriptionService:
    """Offers `~/get_type_description` unless a parameter turns it off."""

    def __init__(self, node: Any) -> None:
        if not node.has_parameter(START_TYPE_DESCRIPTION_SERVICE_PARAM):
            node.declare_parameter(
                START_TYPE_DESCRIPTION_SERVICE_PARAM, True, ParameterDescriptor(
                    name=START_TYPE_DESCRIPTION_SERVICE_PARAM, type=ParameterType.PARAMETER_BOOL,
                    description='If enabled, start the ~/get_type_description service.',
                    read_only=True))
        self.enabled = bool(node.get_parameter(START_TYPE_DESCRIPTION_SERVICE_PARAM).value)
        if self.enabled:
            node.create_service(
                GetTypeDescription,
                TOPIC_SEPARATOR_STRING.join((node.get_name(), 'get_type_description')),
                self._describe)

    @staticmethod
    def _describe(request: Any, response: Any) -> Any:
        response.successful = False
        describe = getattr(interfaces, 'type_description', None)
        if describe is None:
            response.failure_reason = 'type descriptions are not available'
            return response
        try:
            response.type_description = describe(request.type_name, request.type_hash)
            response.successful = True
        except LookupError as error:
            response.failure_reason = str(error)
        return response
