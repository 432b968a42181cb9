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
"""The services by which others read and set log levels."""

from typing import Any

from rcl_interfaces.msg import LoggerLevel, SetLoggerLevelsResult
from rcl_interfaces.srv import GetLoggerLevels, SetLoggerLevels

from rclpy.logging import get_logger_level, set_logger_level
from rclpy.validate_topic_name import TOPIC_SEPARATOR_STRING


class LoggingService:
    """The two logger services of a node."""

    def __init__(self, node: Any) -> None:
        for srv_type, name, callback in (
                (GetLoggerLevels, 'get_logger_levels', self._get_logger_levels),
                (SetLoggerLevels, 'set_logger_levels', self._set_logger_levels)):
            node.create_service(
                srv_type, TOPIC_SEPARATOR_STRING.join((node.get_name(), name)), callback)

    @staticmethod
    def _get_logger_levels(request: Any, response: Any) -> Any:
        response.levels = [LoggerLevel(name=name, level=int(get_logger_level(name)))
                           for name in request.names]
        return response

    @staticmethod
    def _set_logger_levels(request: Any, response: Any) -> Any:
        for level in request.levels:
            result = SetLoggerLevelsResult(successful=True)
            try:
                set_logger_level(level.name, level.level)
            except ValueError:
                result = SetLoggerLevelsResult(
                    successful=False, reason='Failed reason: Invalid logger level.')
            response.results.append(result)
        return response
