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
"""Getting loggers and setting their levels."""

from pathlib import Path

from standalone_ros import console, log_file

from rclpy.impl.logging_severity import LoggingSeverity
from rclpy.impl.rcutils_logger import RcutilsLogger

_root_logger = RcutilsLogger()


def get_logger(name: str) -> RcutilsLogger:
    """Return a logger; raises ValueError for an empty name."""
    if not name:
        raise ValueError('Logger name must not be empty.')
    return _root_logger.get_child(name)


def initialize() -> None:
    """Start logging."""


def shutdown() -> None:
    """Stop logging and forget all levels."""
    console.reset()


def clear_config() -> None:
    """Forget all levels."""
    console.reset()


def set_logger_level(
    name: str, level: int | LoggingSeverity, detailed_error: bool = False,
) -> None:
    """Set a logger's own level; the empty name stands for the default."""
    console.set_level(name, LoggingSeverity(level))


def get_logger_effective_level(name: str) -> LoggingSeverity:
    """Return the level in force for a logger."""
    return LoggingSeverity(console.effective_level(name))


def get_logger_level(name: str) -> LoggingSeverity:
    """Return a logger's own level, UNSET when it has none."""
    return LoggingSeverity(console.level(name))


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    """Return the severity of that name, in either case; raises RuntimeError for others."""
    try:
        return LoggingSeverity[log_severity.upper()]
    except KeyError:
        raise RuntimeError('Failed to get severity name') from None


def get_logging_directory() -> Path:
    """Return where ROS log files belong."""
    return log_file.directory()
