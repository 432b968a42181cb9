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

from ros2cli.options import add_graph_arguments, add_qos_arguments
from ros2cli.verbs import Verb, add_verbs, lazy, positive_float, positive_int, unsigned_int

DESCRIPTION = 'Various topic related sub-commands'
NAME_HELP = "Name of the ROS topic (e.g. '/chatter')"


def _add_list_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        '-t', '--show-types', action='store_true', help='Additionally show the topic type'
    )
    parser.add_argument(
        '-c',
        '--count-topics',
        action='store_true',
        help='Only display the number of topics discovered',
    )
    _add_hidden_argument(parser)
    parser.add_argument(
        '-v',
        '--verbose',
        action='store_true',
        help='List full details about each topic',
    )


def _add_hidden_argument(parser: argparse.ArgumentParser) -> None:
    # `ros2 topic --include-hidden-topics list` is valid too: keep what was given before the verb.
    parser.add_argument(
        '--include-hidden-topics',
        action='store_true',
        default=argparse.SUPPRESS,
        help='Consider hidden topics as well',
    )


def _add_info_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument('topic_name', help=NAME_HELP)
    parser.add_argument(
        '--verbose',
        '-v',
        action='store_true',
        help='Prints detailed information like the node name, node namespace, topic type, topic '
        'type hash, GUID, and QoS Profile of the publishers and subscribers to this topic',
    )


def _add_type_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument('topic_name', help=NAME_HELP)


def _add_find_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument('topic_type', help='Name of the ROS topic type to filter for')
    parser.add_argument(
        '-c',
        '--count-topics',
        action='store_true',
        help='Only display the number of topics discovered',
    )
    _add_hidden_argument(parser)


def _add_echo_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument('topic_name', help=NAME_HELP)
    parser.add_argument(
        'message_type', nargs='?', help="Type of the ROS message (e.g. 'std_msgs/msg/String')"
    )
    add_qos_arguments(parser, 'subscribe', 'sensor_data')
    parser.add_argument(
        '--csv',
        action='store_true',
        help='Output all recursive fields separated by commas (e.g. for plotting). If '
        '--include-message-info is also passed, the following fields are prepended: '
        'source_timestamp, received_timestamp, publication_sequence_number, '
        'reception_sequence_number.',
    )
    parser.add_argument(
        '--field',
        help="Echo a selected field of a message. Use '.' to select sub-fields. For example, to "
        "echo the position field of a nav_msgs/msg/Odometry message: 'ros2 topic echo /odom "
        "--field pose.pose.position'",
    )
    parser.add_argument(
        '--full-length',
        '-f',
        action='store_true',
        help='Output all elements for arrays, bytes, and string with a length > '
        "'--truncate-length', by default they are truncated after '--truncate-length' elements "
        "with '...''",
    )
    parser.add_argument(
        '--truncate-length',
        '-l',
        type=unsigned_int,
        default=128,
        help='The length to truncate arrays, bytes, and string to (default: 128)',
    )
    parser.add_argument(
        '--no-arr', action='store_true', help="Don't print array fields of messages"
    )
    parser.add_argument(
        '--no-str', action='store_true', help="Don't print string fields of messages"
    )
    parser.add_argument(
        '--flow-style',
        action='store_true',
        help='Print collections in the flow style (not available with csv format)',
    )
    parser.add_argument(
        '--no-lost-messages', action='store_true', help="Don't report when a message is lost"
    )
    parser.add_argument('--raw', action='store_true', help='Echo the raw binary representation')
    parser.add_argument(
        '--filter',
        dest='filter_expr',
        help='Python expression to filter messages that are printed. Expression can use Python '
        'builtins as well as m (the message).',
    )
    parser.add_argument(
        '--once', action='store_true', help='Print the first message received and then exit.'
    )
    parser.add_argument(
        '--timeout', metavar='N', type=positive_float, help='Set a timeout in seconds for waiting'
    )
    parser.add_argument(
        '--include-message-info',
        '-i',
        action='store_true',
        help='Shows the associated message info.',
    )


def _add_window_arguments(parser: argparse.ArgumentParser, size: int) -> None:
    parser.add_argument('topic_name', help=NAME_HELP)
    parser.add_argument(
        '--window',
        '-w',
        dest='window_size',
        type=positive_int,
        default=size,
        metavar='WINDOW',
        help=f'window size, in # of messages, to measure over (default: {size})',
    )
    add_graph_arguments(parser, daemon=False)


def _add_hz_arguments(parser: argparse.ArgumentParser) -> None:
    _add_window_arguments(parser, 10000)
    parser.add_argument(
        '--filter',
        dest='filter_expr',
        metavar='EXPR',
        help='only measure messages matching the specified Python expression',
    )
    parser.add_argument(
        '--wall-time',
        dest='use_wtime',
        action='store_true',
        help='calculates rate using wall time which can be helpful when clock is not published '
        'during simulation',
    )


def _add_pub_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('topic_name', help=NAME_HELP)
    parser.add_argument(
        'message_type', help="Type of the ROS message (e.g. 'std_msgs/msg/String')"
    )
    values = parser.add_mutually_exclusive_group()
    values.add_argument(
        'values',
        nargs='?',
        default='{}',
        help="Values to fill the message with in YAML format (e.g. 'data: Hello World'), "
        'otherwise the message will be published with default values',
    )
    values.add_argument('--stdin', action='store_true', help='Read values from standard input')
    parser.add_argument(
        '-r',
        '--rate',
        metavar='N',
        type=positive_float,
        default=1.0,
        help='Publishing rate in Hz (default: 1)',
    )
    parser.add_argument(
        '-p',
        '--print',
        metavar='N',
        type=int,
        default=1,
        help='Only print every N-th published message (default: 1)',
    )
    times = parser.add_mutually_exclusive_group()
    times.add_argument('-1', '--once', action='store_true', help='Publish one message and exit')
    times.add_argument(
        '-t',
        '--times',
        type=unsigned_int,
        default=0,
        help='Publish this number of times and then exit',
    )
    parser.add_argument(
        '-w',
        '--wait-matching-subscriptions',
        type=unsigned_int,
        default=None,
        help='Wait until finding the specified number of matching subscriptions. Defaults to 1 '
        'when using "-1"/"--once"/"--times", otherwise defaults to 0.',
    )
    parser.add_argument(
        '--max-wait-time-secs',
        type=positive_float,
        default=None,
        help='This sets the maximum wait time in seconds if --wait-matching-subscriptions is '
        'set. By default, this flag is not set meaning the subscriber will wait endlessly.',
    )
    parser.add_argument(
        '--keep-alive',
        metavar='N',
        type=positive_float,
        default=0.1,
        help='Keep publishing node alive for N seconds after the last msg (default: 0.1)',
    )
    parser.add_argument('-n', '--node-name', help='Name of the created publishing node')
    add_qos_arguments(parser, 'publish', 'default')
    add_graph_arguments(parser, daemon=False)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 topic`."""
    parser.add_argument(
        '--include-hidden-topics', action='store_true', help='Consider hidden topics as well'
    )
    add_verbs(
        parser,
        {
            'bw': Verb(
                'Display bandwidth used by topic',
                lazy('ros2topic.measure', 'bandwidth'),
                lambda verb: _add_window_arguments(verb, 100),
            ),
            'delay': Verb(
                'Display delay of topic from timestamp in header',
                lazy('ros2topic.measure', 'delay'),
                lambda verb: _add_window_arguments(verb, 10000),
            ),
            'echo': Verb(
                'Output messages from a topic',
                lazy('ros2topic.echo', 'echo'),
                _add_echo_arguments,
            ),
            'find': Verb(
                'Output a list of available topics of a given type',
                lazy('ros2topic.graph', 'find'),
                _add_find_arguments,
            ),
            'hz': Verb(
                'Print the average publishing rate to screen',
                lazy('ros2topic.measure', 'rate'),
                _add_hz_arguments,
            ),
            'info': Verb(
                'Print information about a topic',
                lazy('ros2topic.graph', 'info'),
                _add_info_arguments,
            ),
            'list': Verb(
                'Output a list of available topics',
                lazy('ros2topic.graph', 'list_topics'),
                _add_list_arguments,
            ),
            'pub': Verb(
                'Publish a message to a topic',
                lazy('ros2topic.pub', 'pub'),
                _add_pub_arguments,
            ),
            'type': Verb(
                "Print a topic's type",
                lazy('ros2topic.graph', 'print_type'),
                _add_type_arguments,
            ),
        },
    )
