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
"""The events that the launch service itself knows."""

from typing import Any

from ..event import Event
from . import process as process
from .matchers import matches_action


class ExecutionComplete(Event):
    """Say that an action has completed."""

    def __init__(self, *, action: Any) -> None:
        self.action = action


class IncludeLaunchDescription(Event):
    """Ask for a launch description to be visited."""

    def __init__(self, launch_description: Any) -> None:
        self.launch_description = launch_description


class Shutdown(Event):
    """Ask for all to be shut down."""

    def __init__(self, *, reason: str = 'reason not given', due_to_sigint: bool = False) -> None:
        self.reason = reason
        self.due_to_sigint = due_to_sigint


class TimerEvent(Event):
    """Say that a timer has run out."""

    def __init__(self, *, timer_action: Any) -> None:
        self.timer_action = timer_action


__all__ = ['ExecutionComplete', 'IncludeLaunchDescription', 'Shutdown', 'TimerEvent',
           'matches_action', 'process']
