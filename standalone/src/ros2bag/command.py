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
"""Arguments of `ros2 bag`."""

from __future__ import annotations

import argparse
import os
from typing import NoReturn

from ros2cli.verbs import Verb, add_verbs, lazy, positive_float

DESCRIPTION = 'Various rosbag related sub-commands'
LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal']


def _bag_path(text: str) -> str:
    if not os.path.exists(text):
        raise argparse.ArgumentTypeError(f"Bag path '{text}' does not exist!")
    return text


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text} is not the valid type (float)') from None
    if not 0.0 < value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} is not in the valid range (> 0.0)')
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} is not in the valid range (>= 0.0)')
    return value


def _not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'{text} is not in the valid range (>= 0)')
    return value


class _Unsupported(argparse.Action):
    """An option of rosbag2 that is not here: named in the usage, refused in use."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: object, option_string: str | None = None) -> NoReturn:
        parser.error(f'{option_string} is not supported by this implementation')


def _info_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('bag_path', type=_bag_path, help='Bag to open')
    parser.add_argument('-s', '--storage', choices=['mcap', 'sqlite3'],
                        help='Storage identifier; found out by default')
    parser.add_argument('-t', '--topic-name', action='store_true',
                        help='Only display topic names')
    parser.add_argument('-v', '--verbose', action='store_true',
                        help='Display request/response information for services')


def _play_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('bag_path', type=_bag_path, help='Bag to open')
    add('-s', '--storage', choices=['sqlite3', 'mcap'],
        help='Storage identifier; found out by default')
    add('--read-ahead-queue-size', type=int, default=1000,
        help='Messages to hold ready at most. Default is %(default)d')
    add('-r', '--rate', type=_rate, default=1.0,
        help='Rate at which to play back messages. Valid range > 0.0')
    add('--topics', nargs='+', metavar='topic', default=[], help='Topics to replay')
    add('--services', nargs='+', metavar='service', action=_Unsupported,
        help='Services to replay (not supported)')
    add('-e', '--regex', default='', help='Replay only topics that contain this expression')
    add('-x', '--exclude-regex', default='', help='Leave out topics that contain this expression')
    add('--exclude-topics', nargs='+', metavar='topic', default=[], help='Topics to leave out')
    add('--exclude-services', nargs='+', metavar='service', action=_Unsupported,
        help='Services to leave out (not supported)')
    add('--qos-profile-overrides-path', help='YAML file with QoS profiles by topic')
    add('-l', '--loop', action='store_true', help='Start again at the end')
    add('--remap', '-m', nargs='+', default=[], help='Topics to rename: old:=new ...')
    add('--storage-config-file', action=_Unsupported,
        help='Settings of the storage (not supported)')
    clock = parser.add_mutually_exclusive_group()
    clock.add_argument('--clock', type=positive_float, nargs='?', const=40.0, default=0.0,
                       help='Publish /clock at this rate in Hz. Default 40 where given')
    clock.add_argument('--clock-topics', nargs='+', action=_Unsupported,
                       help='Publish /clock before messages of these topics (not supported)')
    clock.add_argument('--clock-topics-all', nargs=0, action=_Unsupported,
                       help='Publish /clock before each message (not supported)')
    add('-d', '--delay', type=_seconds, default=0.0,
        help='Seconds to wait before playing (each loop)')
    add('--playback-duration', type=float, default=-1.0,
        help='Seconds of the bag to play. All where negative')
    until = parser.add_mutually_exclusive_group()
    until.add_argument('--playback-until-sec', type=float, default=-1.0,
                       help='Time stamp in seconds to play until')
    until.add_argument('--playback-until-nsec', type=int, default=-1,
                       help='Time stamp in nanoseconds to play until')
    add('--disable-keyboard-controls', action='store_true', help='Ignore the keyboard')
    add('-p', '--start-paused', action='store_true', help='Start paused')
    add('--start-offset', type=_seconds, default=0.0, help='Seconds of the bag to leave out')
    add('--wait-for-all-acked', type=int, default=-1, metavar='TIMEOUT',
        help='At the end wait, for TIMEOUT milliseconds (0: for ever), until reliable '
             'subscriptions have got everything')
    add('--disable-loan-message', action='store_true', help='Accepted: nothing is loaned here')
    add('--publish-service-requests', nargs=0, action=_Unsupported,
        help='Call the recorded services (not supported)')
    add('--service-requests-source', choices=['service_introspection', 'client_introspection'],
        action=_Unsupported, help='Whose requests to call (not supported)')
    add('--log-level', choices=LOG_LEVELS, default='info', help='Logging level')


def _record_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('topics_positional', type=str, nargs='*', metavar='topics', help='Topics to record')
    add('-o', '--output', help='Folder to create; named after the time by default')
    add('-s', '--storage', choices=['sqlite3', 'mcap'], default='mcap',
        help="Storage identifier, defaults to '%(default)s'")
    add('--topics', nargs='+', metavar='Topic', default=[], help='Topics to record')
    add('--services', nargs='+', metavar='ServiceName', action=_Unsupported,
        help='Services to record (not supported)')
    add('--topic-types', nargs='+', metavar='TopicType', default=[], help='Types to record')
    add('-a', '--all', action='store_true', help='Record all topics but hidden ones')
    add('--all-topics', action='store_true', help='Record all topics but hidden ones')
    add('--all-services', nargs=0, action=_Unsupported,
        help='Record all services (not supported)')
    add('-e', '--regex', default='', help='Record topics that contain this expression')
    add('-x', '--exclude-regex', default='', help='Leave out topics that contain this expression')
    add('--exclude-topic-types', nargs='+', metavar='ExcludeTopicTypes', default=[],
        help='Types to leave out')
    add('--exclude-topics', nargs='+', metavar='Topic', default=[], help='Topics to leave out')
    add('--exclude-services', nargs='+', metavar='ServiceName', action=_Unsupported,
        help='Services to leave out (not supported)')
    add('--include-unpublished-topics', action='store_true',
        help='Also record topics without publisher')
    add('--include-hidden-topics', action='store_true', help='Also record hidden topics')
    add('--no-discovery', action='store_true', help='Only topics that are there at the start')
    add('-p', '--polling-interval', type=int, default=100,
        help='Milliseconds between looks for topics. Default %(default)d')
    add('--ignore-leaf-topics', action='store_true', help='Leave out topics nobody listens to')
    add('--qos-profile-overrides-path', help='YAML file with QoS profiles by topic')
    add('-f', '--serialization-format', default='cdr', choices=['cdr'],
        help='Serialisation of the messages')
    add('-b', '--max-bag-size', type=_not_negative, default=0,
        help='Bytes after which a new file begins. Never by default')
    add('-d', '--max-bag-duration', type=_not_negative, default=0,
        help='Seconds after which a new file begins. Never by default')
    add('--max-cache-size', type=_not_negative, default=100 * 1024 * 1024,
        help='Bytes that may wait to be written. Default %(default)d')
    add('--disable-keyboard-controls', action='store_true', help='Ignore the keyboard')
    add('--start-paused', action='store_true', help='Start paused')
    add('--use-sim-time', action='store_true', help='Stamp messages with the time of /clock')
    add('--node-name', default='rosbag2_recorder', help='Name of the node')
    add('--custom-data', nargs='*', metavar='KEY=VALUE', default=[],
        help='Entries for the custom data of the bag')
    add('--snapshot-mode', nargs=0, action=_Unsupported,
        help='Write only on demand (not supported)')
    add('--log-level', choices=LOG_LEVELS, default='info', help='Logging level')
    add('--storage-preset-profile', choices=['none', 'zstd_fast', 'zstd_small'], default='none',
        help='Compression within an mcap file')
    add('--storage-config-file', action=_Unsupported,
        help='Settings of the storage (not supported)')
    add('--compression-queue-size', type=int, default=1, help='Accepted: nothing is queued')
    add('--compression-threads', type=int, default=0, help='Accepted: one thread writes')
    add('--compression-mode', choices=['none', 'file', 'message'], default='none',
        help='What to compress')
    add('--compression-format', choices=['zstd'], default='', help='How to compress')


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('plugin_type', choices=['storage', 'converter', 'compressor'],
                        help='Kind of plugin to list')
    parser.add_argument('--verbose', action='store_true', help='Print a line about each')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of `ros2 bag`."""
    add_verbs(parser, {
        'info': Verb('Print information about a bag to the screen',
                     lazy('ros2bag.info', 'main'), _info_arguments),
        'list': Verb('Print information about available plugins to the screen',
                     lazy('ros2bag.info', 'list_plugins'), _list_arguments),
        'play': Verb('Play back ROS data from a bag', lazy('ros2bag.player', 'main'),
                     _play_arguments),
        'record': Verb('Record ROS data to a bag', lazy('ros2bag.recorder', 'main'),
                       _record_arguments),
    })
