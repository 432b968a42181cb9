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
"""Actions that set namespace, parameters and remaps of the nodes that follow in the scope."""

import os
from typing import Any

from launch import Action, LaunchContext, SomeSubstitutionsType
from launch.logging import launch_config
from launch.substitutions import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from ..parameters import evaluate_parameter_dict, normalize_parameter_dict, prefix_namespace
from ..ros_adapters import get_ros_node


class PushRosNamespace(Action):
    """Put the nodes that follow into a namespace, within the present one unless absolute."""

    def __init__(self, namespace: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.namespace = normalize_to_list_of_substitutions(namespace)

    def execute(self, context: LaunchContext) -> None:
        from rclpy.validate_namespace import validate_namespace

        previous = context.launch_configurations.get('ros_namespace')
        pushed = perform_substitutions(context, self.namespace)
        namespace = prefix_namespace(previous, pushed) or '/'
        try:
            validate_namespace(namespace)
        except Exception as error:
            raise SubstitutionFailure(
                f"The resulting namespace is invalid: [previous_namespace='{previous}', "
                f"pushed_namespace='{pushed}']") from error
        context.launch_configurations['ros_namespace'] = namespace


PushROSNamespace = PushRosNamespace


class SetParameter(Action):
    """Give a parameter to the nodes that follow."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__parameters = normalize_parameter_dict(
            {tuple(normalize_to_list_of_substitutions(name)): value})
        ((self.name, self.value),) = self.__parameters.items()

    def execute(self, context: LaunchContext) -> None:
        context.launch_configurations.setdefault('global_params', []).extend(
            evaluate_parameter_dict(context, self.__parameters).items())


class SetParametersFromFile(Action):
    """Give the parameters of a file to the nodes that follow."""

    def __init__(self, filename: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__filename = normalize_to_list_of_substitutions(filename)

    def execute(self, context: LaunchContext) -> None:
        context.launch_configurations.setdefault('global_params', []).append(
            perform_substitutions(context, self.__filename))


class SetRemap(Action):
    """Give a remapping rule to the nodes that follow, before their own."""

    def __init__(self, src: SomeSubstitutionsType, dst: SomeSubstitutionsType,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.src = normalize_to_list_of_substitutions(src)
        self.dst = normalize_to_list_of_substitutions(dst)

    def execute(self, context: LaunchContext) -> None:
        context.launch_configurations.setdefault('ros_remaps', []).append(
            (perform_substitutions(context, self.src), perform_substitutions(context, self.dst)))


class SetROSLogDir(Action):
    """Set the folder for the log files of the nodes that follow; relative to the present one."""

    def __init__(self, new_log_dir: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.log_dir = normalize_to_list_of_substitutions(new_log_dir)

    def execute(self, context: LaunchContext) -> None:
        present = os.environ.get('ROS_LOG_DIR') or os.path.dirname(launch_config.log_dir)
        context.environment['ROS_LOG_DIR'] = os.path.join(
            present, perform_substitutions(context, self.log_dir))


class SetUseSimTime(Action):
    """Have launch's own node follow the simulated time."""

    def __init__(self, value: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value = value

    def execute(self, context: LaunchContext) -> None:
        from rclpy.parameter import Parameter

        results = get_ros_node(context).set_parameters(
            [Parameter('use_sim_time', Parameter.Type.BOOL, self.value)])
        if not results[0].successful:
            raise RuntimeError('Failed to set use_sim_time parameter')
