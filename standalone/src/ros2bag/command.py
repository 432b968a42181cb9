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
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from ros2cli.verbs import Option, Verb, add_verbs, flag, lazy, one_of, option, positive_float


def _bag_path(text: str) -> str:
    if not os.path.exists(text):
        raise argparse.ArgumentTypeError(f"Bag path '{text}' does not exist!")
    return text


def _at_least_0(kind: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = kind(text)
        if not 0 <= value < float('inf'):
            raise argparse.ArgumentTypeError(f'{text} is not in the valid range (>= 0)')
        return value

    return parse


def _rate(text: str) -> float:
    try:
        return positive_float(text)
    except argparse.ArgumentTypeError:
        reason = 'in the valid range (> 0.0)'
    except ValueError:
        reason = 'the valid type (float)'
    raise argparse.ArgumentTypeError(f'{text} is not {reason}')


class _Unsupported(argparse.Action):
    """An option of rosbag2 that is not here: refused by its name."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: object, option_string: str | None = None) -> NoReturn:
        parser.error(f'{option_string} is not supported by this implementation')


def _unsupported(*names: str) -> tuple[Option, ...]:
    return tuple(option(name, nargs='*', action=_Unsupported, help='(not supported)')
                 for name in names)


def _many(name: str, help: str, **settings: Any) -> Option:
    return option(name, nargs='+', default=[], metavar='NAME', help=help, **settings)


BAG = option('bag_path', type=_bag_path, help='Bag to open')
COMMON = (
    _many('--topics', 'Topics to play or record'),
    _many('--exclude-topics', 'Topics to leave out'),
    option('-e', '--regex', default='', help='Choose topics that contain this expression'),
    option('-x', '--exclude-regex', default='',
           help='Leave out topics that contain this expression'),
    option('--qos-profile-overrides-path', help='YAML file with QoS profiles by topic'),
    flag('--disable-keyboard-controls', help='Ignore the keyboard'),
    option('--log-level', choices=['debug', 'info', 'warn', 'error', 'fatal'], default='info',
           help='Logging level'),
    *_unsupported('--services', '--exclude-services', '--storage-config-file'),
)
INFO = (
    BAG,
    option('-s', '--storage', choices=['mcap', 'sqlite3'], help='Storage; found out by default'),
    flag('-t', '--topic-name', help='Only display topic names'),
    flag('-v', '--verbose', help='Accepted: there is nothing more to tell'),
)
PLAY = (
    BAG, *COMMON,
    option('-s', '--storage', choices=['mcap', 'sqlite3'], help='Storage; found out by default'),
    option('--read-ahead-queue-size', type=_at_least_0(int), default=64,
           help='Messages to hold ready at most (default: %(default)d)'),
    option('-r', '--rate', type=_rate, default=1.0, help='Rate at which to play, above 0'),
    flag('-l', '--loop', help='Start again at the end'),
    option('-m', '--remap', nargs='+', default=[], help='Topics to rename: old:=new ...'),
    option('--clock', type=positive_float, nargs='?', const=40.0, default=0.0,
           help='Publish /clock at this rate in Hz (40 where none is given)'),
    option('-d', '--delay', type=_at_least_0(float), default=0.0,
           help='Seconds to wait before playing (each loop)'),
    option('--playback-duration', type=float, default=-1.0,
           help='Seconds of the bag to play; all where negative'),
    one_of(option('--playback-until-sec', type=float, default=-1.0,
                  help='Time stamp in seconds to play until'),
           option('--playback-until-nsec', type=int, default=-1,
                  help='Time stamp in nanoseconds to play until')),
    flag('-p', '--start-paused', help='Start paused'),
    option('--start-offset', type=_at_least_0(float), default=0.0,
           help='Seconds of the bag to leave out'),
    option('--wait-for-all-acked', type=int, default=-1, metavar='TIMEOUT',
           help='At the end wait, for TIMEOUT milliseconds (0: for ever), until reliable '
           'subscriptions have got everything'),
    flag('--disable-loan-message', help='Accepted: nothing is loaned here'),
    *_unsupported('--clock-topics', '--clock-topics-all', '--publish-service-requests',
                  '--service-requests-source'),
)
RECORD = (
    option('topics_positional', nargs='*', metavar='topics', help='Topics to record'), *COMMON,
    option('-o', '--output', help='Folder to create; named after the time by default'),
    option('-s', '--storage', choices=['sqlite3', 'mcap'], default='mcap',
           help='Storage (default: %(default)s)'),
    _many('--topic-types', 'Types to record'),
    _many('--exclude-topic-types', 'Types to leave out'),
    flag('-a', '--all', '--all-topics', help='Record all topics but hidden ones'),
    flag('--include-unpublished-topics', help='Also record topics without publisher'),
    flag('--include-hidden-topics', help='Also record hidden topics'),
    flag('--ignore-leaf-topics', help='Leave out topics nobody listens to'),
    flag('--no-discovery', help='Only topics that are there at the start'),
    option('-p', '--polling-interval', type=int, default=100,
           help='Milliseconds between looks for topics (default: %(default)d)'),
    option('-f', '--serialization-format', default='cdr', choices=['cdr'],
           help='Serialisation of the messages'),
    option('-b', '--max-bag-size', type=_at_least_0(int), default=0,
           help='Bytes after which a new file begins; never by default'),
    option('-d', '--max-bag-duration', type=_at_least_0(int), default=0,
           help='Seconds after which a new file begins; never by default'),
    option('--max-cache-size', type=_at_least_0(int), default=100 * 1024 * 1024,
           help='Bytes that may wait to be written (default: %(default)d)'),
    flag('--start-paused', help='Start paused'),
    flag('--use-sim-time', help='Stamp messages with the time of /clock'),
    option('--node-name', default='rosbag2_recorder', help='Name of the node'),
    option('--custom-data', nargs='*', metavar='KEY=VALUE', default=[],
           help='Entries for the custom data of the bag'),
    option('--storage-preset-profile', choices=['none', 'zstd_fast', 'zstd_small'],
           default='none', help='Compression within an mcap file'),
    option('--compression-queue-size', type=int, default=1, help='Accepted: nothing is queued'),
    option('--compression-threads', type=int, default=0, help='Accepted: one thread writes'),
    option('--compression-mode', choices=['none', 'file', 'message'], default='none',
           help='What to compress'),
    option('--compression-format', choices=['zstd'], default='', help='How to compress'),
    *_unsupported('--all-services', '--snapshot-mode'),
)
LIST = (
    option('plugin_type', choices=['storage', 'converter', 'compressor'], help='Kind of plugin'),
    flag('--verbose', help='Print a line about each'),
)


add_arguments = partial(add_verbs, verbs={
    'info': Verb('Print information about a bag to the screen',
                 lazy('ros2bag.info', 'main'), INFO),
    'list': Verb('Print information about available plugins to the screen',
                 lazy('ros2bag.info', 'list_plugins'), LIST),
    'play': Verb('Play back ROS data from a bag', lazy('ros2bag.player', 'main'), PLAY),
    'record': Verb('Record ROS data to a bag', lazy('ros2bag.recorder', 'main'), RECORD),
})
