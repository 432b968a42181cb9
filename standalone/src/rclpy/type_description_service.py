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
from rosidl_runtime_py.set_message import set_message_fields
from standalone_ros import structures, typehash
from type_description_interfaces.msg import TypeSource
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
        try:
            if request.type_hash not in ('', typehash.type_hash(request.type_name)):
                response.failure_reason = 'Type hash does not match'
                return response
            description = typehash.description(request.type_name)
        except (LookupError, ValueError) as error:
            response.failure_reason = f'Type not known: {error}'
            return response
        set_message_fields(response.type_description, description)
        if request.include_type_sources:
            described = (description['type_description'],
                         *description['referenced_type_descriptions'])
            response.type_sources = [
                TypeSource(type_name=name, encoding=name.split('/')[1],
                           raw_file_contents=structures.message_text(name))
                for name in (entry['type_name'] for entry in described) if '/msg/' in name]
        response.successful = True
        return response
