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
"""Messages to bytes and back."""

from typing import Any

from standalone_ros import cdr

from rclpy.type_support import check_for_type_support


def serialize_message(message: Any) -> bytes:
    """Return a message in the form that it is sent in."""
    check_for_type_support(type(message))
    return cdr.serialize(message)


def deserialize_message(serialized_message: bytes, message_type: Any) -> Any:
    """Return the message that the bytes stand for; raises RCLError when they are none."""
    from rclpy._rclpy_pybind11 import RCLError

    check_for_type_support(message_type)
    try:
        return cdr.deserialize(serialized_message, message_type)
    except cdr.CdrError as error:
        raise RCLError(f'failed to deserialize ROS message: {error}') from None
