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

"""Options that many commands share: how long to look for the graph, and quality of service."""

import argparse

QOS_PROFILES = (
    'unknown',
    'default',
    'system_default',
    'sensor_data',
    'services_default',
    'parameters',
    'parameter_events',
    'action_status_default',
    'best_available',
)
QOS_POLICIES = {
    'history': ('system_default', 'keep_last', 'keep_all', 'unknown'),
    'reliability': ('system_default', 'reliable', 'best_effort', 'unknown', 'best_available'),
    'durability': ('system_default', 'transient_local', 'volatile', 'unknown', 'best_available'),
    'liveliness': ('system_default', 'automatic', 'manual_by_topic', 'unknown', 'best_available'),
}


def add_graph_arguments(parser: argparse.ArgumentParser, daemon: bool = True) -> None:
    """Add the options on discovery that every command has."""
    parser.add_argument(
        '--spin-time',
        type=float,
        default=None,
        help='Spin time in seconds to wait for discovery (default: until the graph is at rest)',
    )
    parser.add_argument(
        '-s', '--use-sim-time', action='store_true', help='Enable ROS simulation time'
    )
    if daemon:
        parser.add_argument(
            '--no-daemon',
            action='store_true',
            help='Do not use a daemon (accepted for compatibility: there is none)',
        )


def add_qos_arguments(parser: argparse.ArgumentParser, verb: str, default_profile: str) -> None:
    """
    Add the `--qos-*` options.

    :param verb: 'publish' or 'subscribe', for the help texts.
    :param default_profile: the preset that holds where no option says otherwise.
    """
    parser.add_argument(
        '--qos-profile',
        choices=QOS_PROFILES,
        help=f'Quality of service preset profile to {verb} with (default: {default_profile})',
    )
    parser.add_argument(
        '--qos-depth',
        metavar='N',
        type=int,
        help=f'Queue size setting to {verb} with (overrides depth value of --qos-profile option)',
    )
    for policy, choices in QOS_POLICIES.items():
        parser.add_argument(
            f'--qos-{policy}',
            choices=choices,
            help=f'Quality of service {policy} setting to {verb} with (overrides {policy} value '
            'of --qos-profile option)',
        )
    parser.add_argument(
        '--qos-liveliness-lease-duration-seconds',
        type=float,
        help=f'Quality of service liveliness lease duration setting to {verb} with (overrides '
        'liveliness lease duration value of --qos-profile option)',
    )
