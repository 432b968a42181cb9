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
"""
Play a bag through the live graph and score what comes out.

Ends by itself: when the bag has been played and its last frame is scored, report.json and
report.html lie in the directory given by report:=. The exit code is 0 only if that worked.

    ros2 launch vidseg_ros replay_evaluation.launch.py bag:=BAG method:=fassvid report:=DIR
"""

import json
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit, OnShutdown
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from vidseg_ros.evaluation.recording import chosen_cameras

# Name, default (None: must be given) and meaning.
ARGUMENTS = (
    ('bag', None, 'The bag: a directory, or an .mcap or .db3 file.'),
    ('report', 'report', 'Directory for report.json and report.html.'),
    ('method', 'fassvid', 'The segmentation method.'),
    ('checkpoint', '', 'Its weights; empty: those shipped with it.'),
    ('network', '', 'Its network; empty: as the checkpoint says.'),
    ('engine', 'auto', 'What runs the network.'),
    ('params_file', '', 'Parameters of segmentation_node; empty: config/<method>.param.yaml.'),
    ('frame_policy', 'every', 'every: all frames, none dropped. latest: as on a robot.'),
    ('rate', '1.0', "How fast to play, as a multiple of the recording's own pace."),
    ('cameras', '', "The cameras' names, separated by commas; empty: all in the bag."),
    ('storage', 'auto', "The bag's storage: mcap, sqlite3 or auto."),
    ('namespace', '', 'Namespace of the nodes; the topics of the bag are moved there.'),
    ('consistency', 'true', 'Measure temporal consistency; it needs optical flow.'),
    ('drain_timeout', '5.0', 'Seconds without labels, after the bag is over, until frames '
     'that have none are given up.'),
    ('start_timeout', '300.0', 'Seconds that the nodes may take to be ready.'),
    ('log_level', 'info', 'Log level of the nodes.'),
)

# Beside the launch files both in the source tree and where it is installed.
CONFIG = Path(__file__).resolve().parent.parent / 'config'

# From when the player offers its topics until it plays, in seconds: time to find each other.
DISCOVERY = '1.0'

# Deep enough for seconds of video: reliable transport keeps only what still fits.
DEPTH = 1000


def generate_launch_description():
    """Declare the arguments; what to run depends on them."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=meaning)
          for name, default, meaning in ARGUMENTS),
        OpaqueFunction(function=graph),
    ])


def graph(context):
    """Return the processes, and who starts and ends whom."""
    given = {name: context.launch_configurations[name] for name, _, _ in ARGUMENTS}
    given['bag'] = str(Path(given['bag']).expanduser())
    recorded = chosen_cameras(Path(given['bag']), [
        name.strip() for name in given['cameras'].split(',') if name.strip()])
    cameras = [camera.name for camera in recorded]
    given['transport'] = recorded[0].transport
    truths = sum(camera.truths for camera in recorded)
    # Where only some images have ground truth, the last image may come after the last of it.
    dense = truths == sum(camera.images for camera in recorded)
    namespace = given['namespace'].strip('/')
    root = f'/{namespace}' if namespace else ''
    scratch = tempfile.mkdtemp(prefix='replay_evaluation_')

    segmentation = Node(
        package='vidseg_ros', executable='segmentation_node', name='segmentation_node',
        namespace=namespace, output='screen', parameters=segmentation_parameters(
            given, cameras, root),
        ros_arguments=['--log-level', f'segmentation_node:={given["log_level"]}'])
    evaluation = Node(
        package='vidseg_ros', executable='evaluation_node', name='evaluation_node',
        namespace=namespace, output='screen', parameters=[str(CONFIG / 'evaluation.param.yaml'), {
            'cameras': cameras,
            'transport': given['transport'],
            'report': text(Path(given['report']).expanduser().resolve()),
            'segmentation_node': f'{root}/segmentation_node',
            'expected_frames': truths if dense else 0,
            'drain_timeout': float(given['drain_timeout']),
            'consistency': given['consistency'].lower() in ('true', '1', 'yes'),
            'title': text(f'{given["method"]} on {Path(given["bag"]).resolve().name}'),
            'facts': text(facts(given)),
        }],
        ros_arguments=['--log-level', f'evaluation_node:={given["log_level"]}'])
    waiter = Node(
        executable=sys.executable, arguments=['-m', 'vidseg_ros.nodes.wait_until_ready'],
        exec_name='wait_until_ready', name='wait_until_ready', namespace=namespace,
        output='screen', parameters=[{
            'lifecycle_node': f'{root}/segmentation_node',
            'timeout': float(given['start_timeout']),
            'published': [f'{root}/camera/{c}/segmentation/labels' for c in cameras],
            # Images go to segmentation_node and to evaluation_node.
            'subscribed': [f'{root}{topic}' for c in cameras for topic in (
                image_topic(c, given), image_topic(c, given), truth_topic(c),
                f'/camera/{c}/segmentation/labels')],
        }])
    player = ExecuteProcess(cmd=play(given, cameras, root, Path(scratch)), name='player',
                            output='screen')

    def when_ready(event, context):
        if event.returncode == 0:
            return player
        return failed('the nodes did not get ready', event, context)

    def when_played(event, context):
        # evaluation_node notices by itself that the player has gone.
        return None if event.returncode == 0 else failed('the player failed', event, context)

    def when_evaluated(event, context):
        if event.returncode == 0:
            return Shutdown(reason='the evaluation is done')
        return failed('the evaluation failed', event, context)

    def when_segmentation_ends(event, context):
        return failed('segmentation_node ended', event, context)

    return [
        RegisterEventHandler(OnProcessExit(target_action=waiter, on_exit=when_ready)),
        RegisterEventHandler(OnProcessExit(target_action=player, on_exit=when_played)),
        RegisterEventHandler(OnProcessExit(target_action=evaluation, on_exit=when_evaluated)),
        RegisterEventHandler(OnProcessExit(target_action=segmentation,
                                           on_exit=when_segmentation_ends)),
        RegisterEventHandler(OnShutdown(
            on_shutdown=lambda event, context: shutil.rmtree(scratch, ignore_errors=True))),
        segmentation, evaluation, waiter,
    ]


def failed(what, event, context):
    """End everything with an exit code that is not 0, unless it is ending already."""
    if context.is_shutdown:
        return None
    # An exception is how a launch file makes `ros2 launch` fail: Shutdown() counts as success.
    raise RuntimeError(f'{what} (exit code {event.returncode})')


def image_topic(camera, given):
    """Return the topic of a camera's images."""
    raw = f'/camera/{camera}/image_raw'
    return f'{raw}/compressed' if given['transport'] == 'compressed' else raw


def truth_topic(camera):
    """Return the topic of a camera's ground truth."""
    return f'/camera/{camera}/ground_truth/labels'


def segmentation_parameters(given, cameras, root):
    """Return the parameter file, and over it what was given and what an evaluation needs."""
    file = given['params_file'] or str(CONFIG / f'{given["method"]}.param.yaml')
    if given['params_file'] and not Path(file).exists():
        raise RuntimeError(f"there is no parameter file '{file}'")
    values = {
        'cameras': cameras,
        'transport': given['transport'],
        'method': given['method'],
        'engine': given['engine'],
        'frame_policy': given['frame_policy'],
        'autostart': True,
    }
    values |= {name: text(given[name]) for name in ('checkpoint', 'network') if given[name]}
    if given['frame_policy'] == 'every':
        values |= {f'qos_overrides.{root}/camera/{camera}/segmentation/labels.publisher.depth':
                   DEPTH for camera in cameras}
    return [file, values] if Path(file).exists() else [values]


def play(given, cameras, root, scratch):
    """Return the player's command: nothing is lost on the way, whatever the bag's own QoS."""
    quality = {'history': 'keep_last', 'depth': DEPTH, 'reliability': 'reliable',
               'durability': 'volatile'}
    topics = [topic for c in cameras for topic in (image_topic(c, given), truth_topic(c))]
    overrides = scratch / 'qos.yaml'
    overrides.write_text(yaml.safe_dump({topic: dict(quality) for topic in topics}))
    command = ['ros2', 'bag', 'play', given['bag'], '--rate', given['rate'],
               '--delay', DISCOVERY, '--disable-keyboard-controls',
               '--wait-for-all-acked', '10000', '--qos-profile-overrides-path', str(overrides)]
    if given['storage'] != 'auto':
        command += ['--storage', given['storage']]
    if root:
        infos = [f'/camera/{c}/{rest}' for c in cameras
                 for rest in ('ground_truth/label_info', 'camera_info')]
        command += ['--remap', *(f'{topic}:={root}{topic}' for topic in topics + infos)]
    return command


def facts(given):
    """Return what the report should say of this run, as JSON."""
    command = ['ros2', 'launch', 'vidseg_ros', 'replay_evaluation.launch.py']
    command += [f'{name}:={given[name]}' for name, default, _ in ARGUMENTS
                if given[name] != default]
    said = {name: given[name] for name in ('bag', 'method', 'engine', 'rate', 'frame_policy')}
    said['rate'] = float(given['rate'])
    said['checkpoint'] = given['checkpoint'] or 'shipped'
    said['command'] = shlex.join(command)
    return json.dumps(said)


def text(value):
    """Return a parameter that stays text, whatever it looks like as YAML."""
    return ParameterValue(str(value), value_type=str)
