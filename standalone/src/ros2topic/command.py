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
"""The verbs of `ros2 topic`: their options, and where each is done."""

import argparse

from ros2cli.options import DIRECT, GRAPH, hidden, qos_options
from ros2cli.verbs import (
    Option,
    Verb,
    add_verbs,
    flag,
    one_of,
    option,
    positive_float,
    positive_int,
    unsigned_int,
)

from ros2topic import echo, graph, measure, pub

NAME = graph.NAMES.name
TYPE_HELP = "Type of the ROS message (e.g. 'std_msgs/msg/String')"


def _window(size: int) -> Option:
    return option('--window', '-w', dest='window_size', type=positive_int, default=size,
                  metavar='WINDOW',
                  help=f'window size, in # of messages, to measure over (default: {size})')


ECHO = (
    *GRAPH, NAME, option('message_type', nargs='?', help=TYPE_HELP), *qos_options('sensor_data'),
    flag('--csv', help='Output all recursive fields separated by commas (e.g. for plotting). If '
         '--include-message-info is also passed, its values come first: source_timestamp, '
         'received_timestamp, publication_sequence_number, reception_sequence_number.'),
    option('--field', help="Echo a selected field of a message. Use '.' to select sub-fields, "
           "for example: 'ros2 topic echo /odom --field pose.pose.position'"),
    flag('--full-length', '-f', help='Output all elements of arrays, bytes and strings; by '
         "default they are truncated after '--truncate-length' elements with '...'"),
    option('--truncate-length', '-l', type=unsigned_int, default=128,
           help='The length to truncate arrays, bytes, and string to (default: 128)'),
    flag('--no-arr', help="Don't print array fields of messages"),
    flag('--no-str', help="Don't print string fields of messages"),
    flag('--flow-style', help='Print collections in the flow style (not with --csv)'),
    flag('--no-lost-messages', help="Don't report when a message is lost"),
    flag('--raw', help='Echo the raw binary representation'),
    option('--filter', dest='filter_expr', help='Python expression to filter messages that are '
           'printed. Expression can use Python builtins as well as m (the message).'),
    flag('--once', help='Print the first message received and then exit.'),
    option('--timeout', metavar='N', type=positive_float,
           help='Set a timeout in seconds for waiting'),
    flag('--include-message-info', '-i', help='Shows the associated message info.'),
)
HZ = (
    NAME, _window(10000), *DIRECT,
    option('--filter', dest='filter_expr', metavar='EXPR',
           help='only measure messages matching the specified Python expression'),
    flag('--wall-time', dest='use_wtime', help='calculates rate using wall time which can be '
         'helpful when clock is not published during simulation'),
)
PUB = (
    NAME, option('message_type', help=TYPE_HELP),
    one_of(option('values', nargs='?', default='{}', help='Values to fill the message with in '
                  "YAML format (e.g. 'data: Hello World'), otherwise it has its default values"),
           flag('--stdin', help='Read values from standard input, a YAML document a message')),
    option('-r', '--rate', metavar='N', type=positive_float, default=1.0,
           help='Publishing rate in Hz (default: 1)'),
    option('-p', '--print', metavar='N', type=int, default=1,
           help='Only print every N-th published message (default: 1)'),
    one_of(flag('-1', '--once', help='Publish one message and exit'),
           option('-t', '--times', type=unsigned_int, default=0,
                  help='Publish this number of times and then exit')),
    option('-w', '--wait-matching-subscriptions', type=unsigned_int,
           help='Wait until finding the specified number of matching subscriptions. Defaults to '
           '1 when using "-1"/"--once"/"--times", otherwise defaults to 0.'),
    option('--max-wait-time-secs', type=positive_float,
           help='Give up waiting for subscriptions after so long; by default, never.'),
    option('--keep-alive', metavar='N', type=positive_float, default=0.1,
           help='Keep publishing node alive for N seconds after the last msg (default: 0.1)'),
    option('-n', '--node-name', help='Name of the created publishing node'),
    *qos_options('default'), *DIRECT,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 topic`."""
    hidden('topics')(parser)
    lists = graph.NAMES.verbs(
        flag('-v', '--verbose', help='List full details about each topic'),
        type_description="Print a topic's type")
    add_verbs(parser, {
        **lists,
        'bw': Verb('Display bandwidth used by topic', measure.bandwidth,
                   (NAME, _window(100), *DIRECT)),
        'delay': Verb('Display delay of topic from timestamp in header', measure.delay,
                      (NAME, _window(10000), *DIRECT)),
        'echo': Verb('Output messages from a topic', echo.echo, ECHO),
        'hz': Verb('Print the average publishing rate to screen', measure.rate, HZ),
        'info': Verb('Print information about a topic', graph.info,
                     (*GRAPH, NAME,
                      flag('--verbose', '-v', help='Print also node, type hash, GID and quality '
                           'of service of the publishers and subscriptions of this topic'))),
        'list': lists['list']._replace(main=graph.list_topics),
        'pub': Verb('Publish a message to a topic', pub.pub, PUB),
    })
