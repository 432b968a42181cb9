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
from functools import partial

from ros2cli.options import DIRECT, GRAPH, hidden
from ros2cli.verbs import Verb, add_verbs, flag, lazy, option, positive_float

DESCRIPTION = 'Various service related sub-commands'
main = partial(lazy, 'ros2service.verbs')
NAME = option('service_name', help="Name of the ROS service (e.g. '/set_bool')")
TYPE = option('service_type', help="Type of the ROS service (e.g. 'std_srvs/srv/SetBool')")
COUNT = flag('-c', '--count-services', help='Only display the number of services discovered')
VERBS = {
    'call': Verb(
        'Call a service', main('call'),
        (*DIRECT, NAME, TYPE,
         option('values', nargs='?', default='{}', help='Values to fill the service request '
                "with in YAML format (e.g. '{data: true}'), otherwise it has its default values"),
         option('-r', '--rate', metavar='N', type=positive_float,
                help='Repeat the call at a specific rate in Hz'))),
    'find': Verb('Output a list of available services of a given type', main('find'),
                 (*GRAPH, TYPE, COUNT, hidden('services'))),
    'info': Verb('Print information about a service', main('info'), (*GRAPH, NAME)),
    'list': Verb('Output a list of available services', main('list_services'),
                 (*GRAPH, flag('-t', '--show-types', help='Additionally show the service type'),
                  COUNT, hidden('services'))),
    'type': Verb("Output a service's type", main('print_type'), (*GRAPH, NAME)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 service`."""
    parser.add_argument('--include-hidden-services', action='store_true',
                        help='Consider hidden services as well')
    add_verbs(parser, VERBS)
