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
from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

SECOND = 10**9


def from_bag(recorded: Qos) -> QoSProfile:
    """Return a recorded profile, with the default history, as rosbag2 offers it again."""
    def duration(value: QosTime) -> Duration:
        return Duration(nanoseconds=value.sec * SECOND + value.nsec)

    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=10,
        reliability=ReliabilityPolicy(recorded.reliability.value),
        durability=DurabilityPolicy(recorded.durability.value),
        deadline=duration(recorded.deadline), lifespan=duration(recorded.lifespan),
        liveliness=LivelinessPolicy(recorded.liveliness.value),
        liveliness_lease_duration=duration(recorded.liveliness_lease_duration))


def to_bag(profile: QoSProfile) -> Qos:
    """Return a profile as bags keep it."""
    def time(value: Duration) -> QosTime:
        return QosTime(*divmod(value.nanoseconds, SECOND))

    return Qos(
        QosHistory(int(profile.history)), profile.depth, QosReliability(int(profile.reliability)),
        QosDurability(int(profile.durability)), time(profile.deadline), time(profile.lifespan),
        QosLiveliness(int(profile.liveliness)), time(profile.liveliness_lease_duration),
        bool(profile.avoid_ros_namespace_conventions))


def offered(recorded: list[Qos]) -> tuple[QoSProfile, bool]:
    """Return the profile to publish with, and whether the recorded ones agree on it."""
    if not recorded:
        return QoSProfile(depth=10), True
    kinds = {profile._replace(history=QosHistory.KEEP_LAST, depth=0) for profile in recorded}
    if len(kinds) == 1:
        return from_bag(recorded[0]), True
    return QoSProfile(depth=10), False


def requested(profiles: list[QoSProfile]) -> QoSProfile:
    """Return the strictest profile that all these publishers can serve."""
    def all_are(name: str, value: Any) -> bool:
        return bool(profiles) and all(getattr(profile, name) == value for profile in profiles)

    reliable = not profiles or all_are('reliability', ReliabilityPolicy.RELIABLE)
    lasting = all_are('durability', DurabilityPolicy.TRANSIENT_LOCAL)
    # Bursts wait here until the callback has handed them on.
    return QoSProfile(
        depth=100,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if lasting else DurabilityPolicy.VOLATILE)


def read_overrides(path: str | None) -> dict[str, QoSProfile]:
    """Read profiles by topic from a YAML file.

    Raises
    ------
    ValueError
        The file is not readable as such.

    """
    if path is None:
        return {}
    policies = {'history': HistoryPolicy, 'reliability': ReliabilityPolicy,
                'durability': DurabilityPolicy, 'liveliness': LivelinessPolicy}
    durations = {'deadline', 'lifespan', 'liveliness_lease_duration'}
    try:
        with open(path, encoding='utf-8') as file:
            entries = (yaml.safe_load(file) or {}).items()
        profiles = {}
        for topic, settings in entries:
            values: dict[str, Any] = {'history': 'keep_last', 'depth': 10, **settings}
            for key, value in values.items():
                if key in policies:
                    values[key] = policies[key][str(value).upper()]
                elif key in durations:
                    values[key] = Duration(
                        nanoseconds=value.get('sec', 0) * SECOND + value.get('nsec', 0))
            profiles[topic] = QoSProfile(**values)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError,
            AssertionError) as error:
        raise ValueError(f"'{path}' holds no QoS profiles by topic: {error!r}") from error
    return profiles
