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

from ros2cli.verbs import Option, flag, option

DIRECT = (
    option('--spin-time', type=float,
           help='Seconds to wait for discovery (default: until the graph is at rest)'),
    flag('-s', '--use-sim-time', help='Enable ROS simulation time'),
)
GRAPH = (
    *DIRECT,
    flag('--no-daemon', help='Do not use a daemon (accepted for compatibility: there is none)'),
)
QOS_PROFILES = (
    'unknown', 'default', 'system_default', 'sensor_data', 'services_default', 'parameters',
    'parameter_events', 'action_status_default', 'best_available')
QOS_POLICIES = {
    'history': ('system_default', 'keep_last', 'keep_all', 'unknown'),
    'reliability': ('system_default', 'reliable', 'best_effort', 'unknown', 'best_available'),
    'durability': ('system_default', 'transient_local', 'volatile', 'unknown', 'best_available'),
    'liveliness': ('system_default', 'automatic', 'manual_by_topic', 'unknown', 'best_available'),
}


def hidden(noun: str, **settings: object) -> Option:
    """Return the option that shows hidden `noun`."""
    return flag(f'--include-hidden-{noun}', dest='include_hidden', **settings,
                help=f'Consider hidden {noun} as well')


def hidden_here_too(noun: str) -> Option:
    """Return the same for a verb, before which it may be given as well."""
    return hidden(noun, default=argparse.SUPPRESS)


def qos_options(default_profile: str) -> tuple[Option, ...]:
    """Return the `--qos-*` options of a command whose preset is `default_profile`."""
    overrides = 'overrides that of --qos-profile'
    return (
        option('--qos-profile', choices=QOS_PROFILES,
               help=f'Quality of service preset profile (default: {default_profile})'),
        option('--qos-depth', metavar='N', type=int, help=f'Queue size ({overrides})'),
        *(option(f'--qos-{policy}', choices=choices,
                 help=f'Quality of service {policy} setting ({overrides})')
          for policy, choices in QOS_POLICIES.items()),
        option('--qos-liveliness-lease-duration-seconds', type=float,
               help=f'Quality of service liveliness lease duration ({overrides})'),
    )
