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
"""Telling message and service classes from other classes."""

from typing import Any

from rclpy.exceptions import NoTypeSupportImportedException


def check_for_type_support(msg_or_srv_type: Any) -> None:
    """Raise AttributeError unless the class is that of a ROS 2 interface."""
    try:
        type_support = msg_or_srv_type.__class__._TYPE_SUPPORT
    except AttributeError as error:
        error.args = (
            f'{error.args[0]} This might be a ROS 1 message type but it should be a ROS 2 message '
            'type. Make sure to source your ROS 2 workspace after your ROS 1 workspace.',)
        raise
    if type_support is None:
        raise NoTypeSupportImportedException()


def check_is_valid_msg_type(msg_type: Any) -> None:
    """Raise RuntimeError unless the class is that of a message."""
    check_for_type_support(msg_type)
    if not hasattr(msg_type, 'get_fields_and_field_types'):
        raise RuntimeError(f'The message type provided is not valid ({msg_type}), '
                           'this might be a service or action')


def check_is_valid_srv_type(srv_type: Any) -> None:
    """Raise RuntimeError unless the class is that of a service."""
    check_for_type_support(srv_type)
    if not (hasattr(srv_type, 'Request') and hasattr(srv_type, 'Response')):
        raise RuntimeError(f'The service type provided is not valid ({srv_type}), '
                           'this might be a message or action')
