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

from ros2cli.verbs import Verb, add_verbs, lazy

DESCRIPTION = 'Show information about ROS interfaces'


def _add_kinds(parser: argparse.ArgumentParser) -> None:
    for letter, kind in (('m', 'msg'), ('s', 'srv'), ('a', 'action')):
        noun = {'msg': 'messages', 'srv': 'services', 'action': 'actions'}[kind]
        parser.add_argument(
            f'-{letter}',
            f'--only-{kind}s' if kind != 'action' else '--only-actions',
            dest='kinds',
            action='append_const',
            const=kind,
            help=f'Print out only the {noun}',
        )


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'type', help="Show an interface definition (e.g. 'example_interfaces/msg/String')"
    )


def _add_package(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('package_name', help="Name of the ROS package (e.g. 'std_msgs')")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 interface`."""
    add_verbs(
        parser,
        {
            'list': Verb(
                'List all interface types available',
                lazy('ros2interface.verbs', 'list_interfaces'),
                _add_kinds,
            ),
            'package': Verb(
                'Output a list of available interface types within one package',
                lazy('ros2interface.verbs', 'list_package'),
                _add_package,
            ),
            'packages': Verb(
                'Output a list of packages that provide interfaces',
                lazy('ros2interface.verbs', 'list_packages'),
                _add_kinds,
            ),
            'show': Verb(
                'Output the interface definition',
                lazy('ros2interface.verbs', 'show'),
                _add_show,
            ),
        },
    )
