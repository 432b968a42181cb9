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

import ctypes as ct
import re
from typing import Any, NamedTuple, Protocol

from cyclonedds.qos import Policy, Qos

from standalone_ros.dds import library as dds
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


class EndpointQos(NamedTuple):
    """What discovery tells of an endpoint or participant: ROS profile (times in ns), user data."""

    profile: dict[str, int]
    user_data: dict[str, str]


def _get(name: str, pointer: int, *kinds: type) -> list[int]:
    """Return the values of one policy; the binding's own reader shares memory between threads."""
    function = getattr(dds.dll, f'dds_qget_{name}')
    values = [kind() for kind in kinds]
    function.restype = ct.c_bool
    if not function(ct.c_void_p(pointer), *(ct.byref(value) for value in values)):
        return []
    return [value.value for value in values]


def _user_data(pointer: int) -> dict[str, str]:
    """Return the `key=value;` pairs; other content gives nothing."""
    found = _get('userdata', pointer, ct.c_void_p, ct.c_size_t)
    if not found or not found[0]:
        return {}
    text = ct.string_at(*found).decode(errors='replace')
    dds.dds_free(found[0])
    return dict(re.findall(r'([^=;]+)=([^;]*);', text))


def read(pointer: int) -> EndpointQos:
    """Read the policies that C code hands out, from any thread."""
    keep_all, depth = _get('history', pointer, ct.c_int, ct.c_int32) or (0, 1)
    reliable, _ = _get('reliability', pointer, ct.c_int, ct.c_int64) or (0, 0)
    (durability,) = _get('durability', pointer, ct.c_int) or (0,)
    liveliness, lease = _get('liveliness', pointer, ct.c_int, ct.c_int64) or (0, dds.INFINITE)
    (lifespan,) = _get('lifespan', pointer, ct.c_int64) or (dds.INFINITE,)
    (deadline,) = _get('deadline', pointer, ct.c_int64) or (dds.INFINITE,)
    return EndpointQos({
        'history': 2 if keep_all else 1, 'depth': 0 if keep_all else depth,
        'reliability': 1 if reliable else 2, 'durability': 1 if durability == 1 else 2,
        'lifespan': lifespan, 'deadline': deadline,
        'liveliness': 3 if liveliness == 2 else 1, 'liveliness_lease_duration': lease,
    }, _user_data(pointer))
