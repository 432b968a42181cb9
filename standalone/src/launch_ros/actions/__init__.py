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
"""Actions that launch nodes and set what nodes are given."""

from ..unsupported import unsupported
from .lifecycle_node import LifecycleNode
from .node import Node
from .scope import (
    PushROSNamespace,
    PushRosNamespace,
    SetParameter,
    SetParametersFromFile,
    SetRemap,
    SetROSLogDir,
    SetUseSimTime,
)

ComposableNodeContainer = unsupported('launch_ros.actions.ComposableNodeContainer')
LifecycleTransition = unsupported('launch_ros.actions.LifecycleTransition')
LoadComposableNodes = unsupported('launch_ros.actions.LoadComposableNodes')
ROSTimer = unsupported('launch_ros.actions.ROSTimer')

__all__ = [
    'ComposableNodeContainer', 'LifecycleNode', 'LifecycleTransition', 'LoadComposableNodes',
    'Node', 'PushROSNamespace', 'PushRosNamespace', 'ROSTimer', 'SetParameter',
    'SetParametersFromFile', 'SetROSLogDir', 'SetRemap', 'SetUseSimTime',
]
