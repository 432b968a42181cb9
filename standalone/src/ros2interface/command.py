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
"""The verbs of `ros2 interface`."""

import argparse
from functools import partial

from ros2cli.verbs import Verb, add_verbs, lazy, option

DESCRIPTION = 'Show information about ROS interfaces'
main = partial(lazy, 'ros2interface.verbs')
KINDS = tuple(
    option(f'-{kind[0]}', f'--only-{kind}s', dest='kinds', action='append_const', const=kind,
           help=f'Print out only the {noun}')
    for kind, noun in (('msg', 'messages'), ('srv', 'services'), ('action', 'actions')))
VERBS = {
    'list': Verb('List all interface types available', main('list_interfaces'),
                 KINDS),
    'package': Verb(
        'Output a list of available interface types within one package',
        main('list_package'),
        (option('package_name', help="Name of the ROS package (e.g. 'std_msgs')"),)),
    'packages': Verb('Output a list of packages that provide interfaces',
                     main('list_packages'), KINDS),
    'show': Verb(
        'Output the interface definition', main('show'),
        (option('type', help="An interface definition (e.g. 'example_interfaces/msg/String')"),)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 interface`."""
    add_verbs(parser, VERBS)
