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
"""The actions for use in launch files."""

from .events import EmitEvent, LogInfo, RegisterEventHandler, Shutdown, UnregisterEventHandler
from .execute_process import ExecuteProcess
from .include import DeclareLaunchArgument, IncludeLaunchDescription
from .opaque import OpaqueCoroutine, OpaqueFunction
from .scope import (
    AppendEnvironmentVariable,
    GroupAction,
    PopEnvironment,
    PopLaunchConfigurations,
    PushEnvironment,
    PushLaunchConfigurations,
    ResetEnvironment,
    ResetLaunchConfigurations,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
    UnsetEnvironmentVariable,
    UnsetLaunchConfiguration,
)
from .timer import TimerAction

__all__ = [
    'AppendEnvironmentVariable', 'DeclareLaunchArgument', 'EmitEvent', 'ExecuteProcess',
    'GroupAction', 'IncludeLaunchDescription', 'LogInfo', 'OpaqueCoroutine', 'OpaqueFunction',
    'PopEnvironment', 'PopLaunchConfigurations', 'PushEnvironment', 'PushLaunchConfigurations',
    'RegisterEventHandler', 'ResetEnvironment', 'ResetLaunchConfigurations',
    'SetEnvironmentVariable', 'SetLaunchConfiguration', 'Shutdown', 'TimerAction',
    'UnregisterEventHandler', 'UnsetEnvironmentVariable', 'UnsetLaunchConfiguration',
]
