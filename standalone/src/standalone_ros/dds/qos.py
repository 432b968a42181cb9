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
"""Quality of service between ROS profiles and Cyclone DDS policies, as rmw_cyclonedds maps it."""

import re
from typing import Any, Protocol

from cyclonedds.qos import Policy, Qos

from standalone_ros.dds.library import INFINITE

UNLIMITED = -1


class Profile(Protocol):
    """The fields of a rclpy QoSProfile that matter here; policies are rmw's numbers."""

    @property
    def history(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def reliability(self) -> int: ...
    @property
    def durability(self) -> int: ...
    @property
    def liveliness(self) -> int: ...
    @property
    def lifespan(self) -> Any: ...
    @property
    def deadline(self) -> Any: ...
    @property
    def liveliness_lease_duration(self) -> Any: ...


def to_dds(profile: Profile, user_data: str = '', *, ignore_local: bool = False) -> Qos:
    """
    Return the reader or writer policies for a ROS profile, `user_data` attached to the endpoint.

    Raises ValueError for unknown policies and for a depth that DDS cannot hold.
    """
    if 3 in (profile.history, profile.reliability, profile.durability) or profile.liveliness == 4:
        raise ValueError('unknown quality of service policy')
    if not 0 <= profile.depth < 2**31:
        raise ValueError('unsupported history depth')
    history = (Policy.History.KeepAll if profile.history == 2
               else Policy.History.KeepLast(profile.depth or 1))
    policies = [
        Policy.WriterDataLifecycle(autodispose=False),
        Policy.DataRepresentation(use_cdrv0_representation=True),
        history,
        (Policy.Reliability.BestEffort if profile.reliability == 2
         else Policy.Reliability.Reliable(INFINITE)),
    ]
    if profile.durability == 1:
        policies += [
            Policy.Durability.TransientLocal,
            # Cyclone keeps history for late readers by this policy, not by the writer's own.
            Policy.DurabilityService(0, history, UNLIMITED, UNLIMITED, UNLIMITED)]
    else:
        policies.append(Policy.Durability.Volatile)
    if profile.lifespan.nanoseconds:
        policies.append(Policy.Lifespan(profile.lifespan.nanoseconds))
    if profile.deadline.nanoseconds:
        policies.append(Policy.Deadline(profile.deadline.nanoseconds))
    lease = profile.liveliness_lease_duration.nanoseconds or INFINITE
    policies.append(Policy.Liveliness.ManualByTopic(lease) if profile.liveliness == 3
                    else Policy.Liveliness.Automatic(lease))
    if ignore_local:
        policies.append(Policy.IgnoreLocal.Participant)
    if user_data:
        policies.append(Policy.Userdata(user_data.encode()))
    return Qos(*policies)


def from_dds(qos: Qos) -> dict[str, int]:
    """Return the fields of the ROS profile that an endpoint's policies stand for, times in ns."""
    history = qos[Policy.History]
    liveliness = qos[Policy.Liveliness]
    return {
        'history': 2 if history is Policy.History.KeepAll else 1,
        'depth': getattr(history, 'depth', 0 if history is Policy.History.KeepAll else 1),
        'reliability': 2 if qos[Policy.Reliability] is Policy.Reliability.BestEffort else 1,
        'durability': 1 if qos[Policy.Durability] is Policy.Durability.TransientLocal else 2,
        'lifespan': getattr(qos[Policy.Lifespan], 'lifespan', INFINITE),
        'deadline': getattr(qos[Policy.Deadline], 'deadline', INFINITE),
        'liveliness': 3 if isinstance(liveliness, Policy.Liveliness.ManualByTopic) else 1,
        'liveliness_lease_duration': getattr(liveliness, 'lease_duration', INFINITE),
    }


def user_data(qos: Qos | None) -> dict[str, str]:
    """Return the `key=value;` pairs of an entity's user data; other content gives nothing."""
    policy = qos[Policy.Userdata] if qos is not None else None
    text = policy.data.decode(errors='replace') if policy is not None else ''
    return dict(re.findall(r'([^=;]+)=([^;]*);', text))
