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
"""QoS profiles in bags and in rclpy."""

from __future__ import annotations

from typing import Any

import yaml
from rclpy import qos
from rclpy.duration import Duration
from rclpy.qos import QoSProfile
from rosbags import interfaces

SECOND = 10**9
POLICIES: dict[str, tuple[Any, Any]] = {
    'reliability': (qos.ReliabilityPolicy, interfaces.QosReliability),
    'durability': (qos.DurabilityPolicy, interfaces.QosDurability),
    'liveliness': (qos.LivelinessPolicy, interfaces.QosLiveliness)}
DURATIONS = ('deadline', 'lifespan', 'liveliness_lease_duration')


def from_bag(recorded: interfaces.Qos) -> QoSProfile:
    """Return a recorded profile, with the default history, as rosbag2 offers it again."""
    profile = QoSProfile(depth=10)
    for name, (policy, _) in POLICIES.items():
        setattr(profile, name, policy(getattr(recorded, name).value))
    for name in DURATIONS:
        value = getattr(recorded, name)
        setattr(profile, name, Duration(nanoseconds=value.sec * SECOND + value.nsec))
    return profile


def to_bag(profile: QoSProfile) -> interfaces.Qos:
    """Return a profile as bags keep it."""
    values: dict[str, Any] = {
        'history': interfaces.QosHistory(int(profile.history)), 'depth': profile.depth,
        'avoid_ros_namespace_conventions': bool(profile.avoid_ros_namespace_conventions)}
    for name, (_, kind) in POLICIES.items():
        values[name] = kind(int(getattr(profile, name)))
    for name in DURATIONS:
        values[name] = interfaces.QosTime(*divmod(getattr(profile, name).nanoseconds, SECOND))
    return interfaces.Qos(**values)


def offered(recorded: list[interfaces.Qos]) -> tuple[QoSProfile, bool]:
    """Return the profile to publish with, and whether the recorded ones agree on it."""
    kinds = {profile._replace(history=interfaces.QosHistory.KEEP_LAST, depth=0)
             for profile in recorded}
    return from_bag(recorded[0]) if len(kinds) == 1 else QoSProfile(depth=10), len(kinds) < 2


def requested(profiles: list[QoSProfile]) -> QoSProfile:
    """Return the strictest profile that all these publishers can serve."""
    reliable = all(p.reliability == qos.ReliabilityPolicy.RELIABLE for p in profiles)
    lasting = bool(profiles) and all(
        p.durability == qos.DurabilityPolicy.TRANSIENT_LOCAL for p in profiles)
    # Bursts wait here until the callback has handed them on.
    profile = QoSProfile(depth=100)
    if not reliable:
        profile.reliability = qos.ReliabilityPolicy.BEST_EFFORT
    if lasting:
        profile.durability = qos.DurabilityPolicy.TRANSIENT_LOCAL
    return profile


def read_overrides(path: str | None) -> dict[str, QoSProfile]:
    """Read profiles by topic from a YAML file.

    :raises ValueError: the file is not readable as such.
    """
    if path is None:
        return {}
    policies = {'history': qos.HistoryPolicy, **{name: pair[0] for name, pair in POLICIES.items()}}
    try:
        with open(path, encoding='utf-8') as file:
            entries = (yaml.safe_load(file) or {}).items()
        profiles = {}
        for topic, settings in entries:
            values: dict[str, Any] = {'history': 'keep_last', 'depth': 10, **settings}
            for key, value in values.items():
                if key in policies:
                    values[key] = policies[key][str(value).upper()]
                elif key in DURATIONS:
                    values[key] = Duration(
                        nanoseconds=value.get('sec', 0) * SECOND + value.get('nsec', 0))
            profiles[topic] = QoSProfile(**values)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError,
            AssertionError) as error:
        raise ValueError(f"'{path}' holds no QoS profiles by topic: {error!r}") from error
    return profiles
