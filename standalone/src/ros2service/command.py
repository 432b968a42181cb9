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

"""The verbs of `ros2 service`: their options, and where each is done."""

import argparse

from ros2cli.options import add_graph_arguments
from ros2cli.verbs import Verb, add_verbs, lazy, positive_float

DESCRIPTION = 'Various service related sub-commands'


def _add_hidden(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--include-hidden-services',
        action='store_true',
        default=argparse.SUPPRESS,
        help='Consider hidden services as well',
    )


def _add_list(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        '-t', '--show-types', action='store_true', help='Additionally show the service type'
    )
    parser.add_argument(
        '-c',
        '--count-services',
        action='store_true',
        help='Only display the number of services discovered',
    )
    _add_hidden(parser)


def _add_name(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument('service_name', help="Name of the ROS service (e.g. '/set_bool')")


def _add_find(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        'service_type', help="Name of the ROS service type (e.g. 'std_srvs/srv/SetBool')"
    )
    parser.add_argument(
        '-c',
        '--count-services',
        action='store_true',
        help='Only display the number of services discovered',
    )
    _add_hidden(parser)


def _add_call(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser, daemon=False)
    parser.add_argument('service_name', help="Name of the ROS service (e.g. '/set_bool')")
    parser.add_argument(
        'service_type', help="Type of the ROS service (e.g. 'std_srvs/srv/SetBool')"
    )
    parser.add_argument(
        'values',
        nargs='?',
        default='{}',
        help="Values to fill the service request with in YAML format (e.g. '{data: true}'), "
        'otherwise the request has its default values',
    )
    parser.add_argument(
        '-r',
        '--rate',
        metavar='N',
        type=positive_float,
        help='Repeat the call at a specific rate in Hz',
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 service`."""
    parser.add_argument(
        '--include-hidden-services',
        action='store_true',
        help='Consider hidden services as well',
    )
    add_verbs(
        parser,
        {
            'call': Verb('Call a service', lazy('ros2service.verbs', 'call'), _add_call),
            'find': Verb(
                'Output a list of available services of a given type',
                lazy('ros2service.verbs', 'find'),
                _add_find,
            ),
            'info': Verb(
                'Print information about a service', lazy('ros2service.verbs', 'info'), _add_name
            ),
            'list': Verb(
                'Output a list of available services',
                lazy('ros2service.verbs', 'list_services'),
                _add_list,
            ),
            'type': Verb(
                "Output a service's type", lazy('ros2service.verbs', 'print_type'), _add_name
            ),
        },
    )
