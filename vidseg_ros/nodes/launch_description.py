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
"""What the launch files of the methods have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node

ARGUMENTS = (
    ('namespace', '', 'Namespace of the node and of its topics.'),
    ('cameras', '', "The cameras' names, separated by commas; empty: as params_file says."),
    ('params_file', '', "Parameter file; empty: the package's config/{method}.param.yaml."),
    ('checkpoint', '', 'Weights: a file, the name of shipped ones, or random:SEED; empty: as '
     'params_file says.'),
    ('engine', '', 'What runs the network: auto, torch, openvino, ...; empty: as params_file '
     'says.'),
    ('frame_policy', '', 'latest or every; empty: as params_file says.'),
    ('transport', '', 'raw or compressed; empty: as params_file says.'),
    ('use_sim_time', 'false', 'Whether time comes from /clock, as with ros2 bag play --clock.'),
    ('rviz', 'false', 'Whether to start rviz2 with the image and the overlay of the first '
     'camera.'),
    ('log_level', 'info', 'Log level of the node: debug, info, warn, error or fatal.'),
)
_OVERRIDES = ('checkpoint', 'engine', 'frame_policy', 'transport')


def segmentation_launch(method: str, share: Path) -> LaunchDescription:
    """
    Return the launch description of segmentation_node with a method's parameters.

    ``share`` is the folder that config/ and rviz/ lie in.
    """
    def nodes(context: LaunchContext) -> list[Node]:
        given = {name: context.launch_configurations[name] for name, _, _ in ARGUMENTS}
        return _nodes(given, method, share)

    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default,
                                description=meaning.format(method=method))
          for name, default, meaning in ARGUMENTS),
        OpaqueFunction(function=nodes),
    ])


def _nodes(given: dict[str, str], method: str, share: Path) -> list[Node]:
    file = Path(given['params_file'] or share / 'config' / f'{method}.param.yaml').expanduser()
    if not file.is_file():
        raise RuntimeError(f"there is no parameter file '{file}'")
    values: dict[str, Any] = {name: given[name] for name in _OVERRIDES if given[name]}
    values['use_sim_time'] = _truth(given, 'use_sim_time')
    cameras = [name.strip() for name in given['cameras'].split(',') if name.strip()]
    if cameras:
        values['cameras'] = cameras
    actions = [Node(
        package='vidseg_ros', executable='segmentation_node', name='segmentation_node',
        namespace=given['namespace'], output='screen',
        parameters=[str(file), values],
        ros_arguments=['--log-level', f'segmentation_node:={given["log_level"]}'])]
    if _truth(given, 'rviz'):
        root = '/' + given['namespace'].strip('/') if given['namespace'].strip('/') else ''
        camera = f'{root}/camera/{cameras[0] if cameras else "front"}'
        actions.append(Node(
            package='rviz2', executable='rviz2', name='rviz2', output='screen',
            arguments=['-d', str(share / 'rviz' / 'vidseg.rviz')],
            parameters=[{'use_sim_time': values['use_sim_time']}],
            remappings=[(f'/camera/front/{topic}', f'{camera}/{topic}') for topic in (
                'image_raw', 'segmentation/overlay', 'segmentation/confidence')]))
    return actions


def _truth(given: dict[str, str], name: str) -> bool:
    value = given[name].strip().lower()
    if value not in ('true', 'false', '1', '0'):
        raise RuntimeError(f"{name}:= is true or false, not '{given[name]}'")
    return value in ('true', '1')
