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
"""Quality of service."""

import warnings
from collections.abc import Iterable
from enum import Enum, IntEnum
from typing import Any

from rclpy._rclpy_pybind11 import QoSCompatibility
from rclpy.duration import Duration


class QoSPolicyKind(IntEnum):
    """The kinds of policies."""

    INVALID = 1
    DURABILITY = 2
    DEADLINE = 4
    LIVELINESS = 8
    RELIABILITY = 16
    HISTORY = 32
    LIFESPAN = 64
    DEPTH = 128
    LIVELINESS_LEASE_DURATION = 256
    AVOID_ROS_NAMESPACE_CONVENTIONS = 512


def qos_policy_name_from_kind(policy_kind: QoSPolicyKind | int) -> str:
    """Return the name of a kind of policy."""
    return QoSPolicyKind(policy_kind).name


class InvalidQoSProfileException(Exception):
    """A profile lacks what it needs."""

    def __init__(self, *args: Any) -> None:
        super().__init__('Invalid QoSProfile', *args)


class _ByShortKey:
    """An enumeration of which names in lower case are known, too."""

    @classmethod
    def short_keys(cls) -> list[str]:
        """Return the names in lower case."""
        return [key.lower() for key in cls.__members__]  # type: ignore[attr-defined]

    @classmethod
    def get_from_short_key(cls, name: str) -> Any:
        """Return the value of a name in either case."""
        return cls[name.upper()].value  # type: ignore[index]


class QoSPolicyEnum(_ByShortKey, IntEnum):
    """The base of policies."""

    @property
    def short_key(self) -> str:
        """The name in lower case."""
        return self.name.lower()


class HistoryPolicy(QoSPolicyEnum):
    """Which samples are kept."""

    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2
    UNKNOWN = 3


class ReliabilityPolicy(QoSPolicyEnum):
    """Whether lost samples are sent again."""

    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class DurabilityPolicy(QoSPolicyEnum):
    """Whether late subscriptions get what was published before."""

    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class LivelinessPolicy(QoSPolicyEnum):
    """Who asserts that a publisher is alive."""

    SYSTEM_DEFAULT = 0
    AUTOMATIC = 1
    MANUAL_BY_TOPIC = 3
    UNKNOWN = 4
    BEST_AVAILABLE = 5


QoSHistoryPolicy = HistoryPolicy
QoSReliabilityPolicy = ReliabilityPolicy
QoSDurabilityPolicy = DurabilityPolicy
QoSLivelinessPolicy = LivelinessPolicy

DeadlineBestAvailable = Duration(nanoseconds=2**63 - 2)
LivelinessLeaseDurationeBestAvailable = Duration(nanoseconds=2**63 - 2)


class _PolicyField:
    """A policy of a profile: converts numbers to the enumeration."""

    def __init__(self, policy: type[QoSPolicyEnum]) -> None:
        self._policy = policy

    def __set_name__(self, owner: type, name: str) -> None:
        self._slot = f'_{name}'

    def __get__(self, profile: Any, owner: type) -> Any:
        return self if profile is None else getattr(profile, self._slot)

    def __set__(self, profile: Any, value: Any) -> None:
        assert isinstance(value, int)
        setattr(profile, self._slot, self._policy(value))


class _TypedField:
    """A field of a profile that must be of one type."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __set_name__(self, owner: type, name: str) -> None:
        self._slot = f'_{name}'

    def __get__(self, profile: Any, owner: type) -> Any:
        return self if profile is None else getattr(profile, self._slot)

    def __set__(self, profile: Any, value: Any) -> None:
        assert isinstance(value, self._kind)
        if self._slot == '_depth' and value == 0 and profile.history == HistoryPolicy.KEEP_LAST:
            warnings.warn(
                "A zero depth with KEEP_LAST doesn't make sense; no data could be stored. "
                'This will be interpreted as SYSTEM_DEFAULT', stacklevel=3)
        setattr(profile, self._slot, value)


class QoSProfile:
    """
    The quality of service that an endpoint offers or asks for.

    At least `history` or `depth` must be given; raises InvalidQoSProfileException otherwise.
    """

    _ORDER = ('_history', '_depth', '_reliability', '_durability', '_lifespan', '_deadline',
              '_liveliness', '_liveliness_lease_duration', '_avoid_ros_namespace_conventions')
    __slots__ = _ORDER
    __hash__ = None  # type: ignore[assignment]

    history = _PolicyField(HistoryPolicy)
    depth = _TypedField(int)
    reliability = _PolicyField(ReliabilityPolicy)
    durability = _PolicyField(DurabilityPolicy)
    lifespan = _TypedField(Duration)
    deadline = _TypedField(Duration)
    liveliness = _PolicyField(LivelinessPolicy)
    liveliness_lease_duration = _TypedField(Duration)
    avoid_ros_namespace_conventions = _TypedField(bool)

    def __init__(self, **kwargs: Any) -> None:
        assert all(f'_{key}' in self.__slots__ for key in kwargs), \
            f'Invalid arguments passed to constructor: {kwargs.keys()!r}'
        if 'history' not in kwargs and 'depth' not in kwargs:
            raise InvalidQoSProfileException('History and/or depth settings are required.')
        self.history = kwargs.get('history', HistoryPolicy.KEEP_LAST)
        if self.history == HistoryPolicy.KEEP_LAST and 'depth' not in kwargs:
            raise InvalidQoSProfileException('History set to KEEP_LAST without a depth setting.')
        self.depth = kwargs.get('depth', 10)
        self.reliability = kwargs.get('reliability', ReliabilityPolicy.RELIABLE)
        self.durability = kwargs.get('durability', DurabilityPolicy.VOLATILE)
        self.lifespan = kwargs.get('lifespan', Duration())
        self.deadline = kwargs.get('deadline', Duration())
        self.liveliness = kwargs.get('liveliness', LivelinessPolicy.SYSTEM_DEFAULT)
        self.liveliness_lease_duration = kwargs.get('liveliness_lease_duration', Duration())
        self.avoid_ros_namespace_conventions = kwargs.get('avoid_ros_namespace_conventions', False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QoSProfile) and all(
            getattr(self, slot) == getattr(other, slot) for slot in self.__slots__)

    def __str__(self) -> str:
        fields = ', '.join(
            f'{slot[1:]}={value.value if isinstance(value, IntEnum) else value}'
            for slot in self.__slots__ for value in [getattr(self, slot)])
        return f'{type(self).__name__}({fields})'


def _system_default(**kwargs: Any) -> QoSProfile:
    return QoSProfile(history=0, depth=0, reliability=0, durability=0, **kwargs)


qos_profile_unknown = QoSProfile(history=3, depth=0, reliability=3, durability=3, liveliness=4)
qos_profile_default = QoSProfile(depth=10)
qos_profile_system_default = _system_default()
qos_profile_sensor_data = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_services_default = QoSProfile(depth=10)
qos_profile_parameters = QoSProfile(depth=1000)
qos_profile_parameter_events = QoSProfile(depth=1000)
qos_profile_best_available = QoSProfile(
    depth=10, reliability=ReliabilityPolicy.BEST_AVAILABLE,
    durability=DurabilityPolicy.BEST_AVAILABLE, deadline=DeadlineBestAvailable,
    liveliness=LivelinessPolicy.BEST_AVAILABLE,
    liveliness_lease_duration=LivelinessLeaseDurationeBestAvailable)
qos_profile_action_status_default = QoSProfile(
    depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
qos_profile_rosout_default = QoSProfile(
    depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10))


class QoSPresetProfiles(_ByShortKey, Enum):
    """Profiles by name."""

    UNKNOWN = qos_profile_unknown
    DEFAULT = qos_profile_default
    SYSTEM_DEFAULT = qos_profile_system_default
    SENSOR_DATA = qos_profile_sensor_data
    SERVICES_DEFAULT = qos_profile_services_default
    PARAMETERS = qos_profile_parameters
    PARAMETER_EVENTS = qos_profile_parameter_events
    ACTION_STATUS_DEFAULT = qos_profile_action_status_default
    BEST_AVAILABLE = qos_profile_best_available


_UNCERTAIN = ('SYSTEM_DEFAULT', 'UNKNOWN')


def _policy_finding(
    name: str, offered: QoSPolicyEnum, requested: QoSPolicyEnum, least: str, most: str,
    clash: str, least_offered: str, most_requested: str,
) -> tuple[str, str] | None:
    """Compare a policy of which publishers offer at least `least` and others ask for `most`."""
    if offered.name == least and requested.name == most:
        return 'ERROR', clash
    if offered.name in _UNCERTAIN and requested.name == most:
        return 'WARNING', most_requested.format(offered.short_key)
    if offered.name == least and requested.name in _UNCERTAIN:
        return 'WARNING', least_offered.format(requested.short_key)
    if offered.name in _UNCERTAIN and requested.name in _UNCERTAIN:
        return 'WARNING', (f'Publisher {name} is {offered.short_key} and '
                           f'subscription {name} is {requested.short_key}')
    return None


def _findings(offered: QoSProfile, requested: QoSProfile) -> Iterable[tuple[str, str] | None]:
    """Yield (severity, text) for what keeps two profiles apart, or may."""
    yield _policy_finding(
        'reliability', offered.reliability, requested.reliability, 'BEST_EFFORT', 'RELIABLE',
        'Best effort publisher and reliable subscription',
        'Best effort publisher, but subscription is {}',
        'Reliable subscription, but publisher is {}')
    yield _policy_finding(
        'durability', offered.durability, requested.durability, 'VOLATILE', 'TRANSIENT_LOCAL',
        'Volatile publisher and transient local subscription',
        'Volatile publisher, but subscription is {}',
        'Transient local subscription, but publisher is {}')
    deadline, wanted = offered.deadline.nanoseconds, requested.deadline.nanoseconds
    if wanted and not deadline:
        yield 'ERROR', 'Subscription has a deadline, but publisher does not'
    elif wanted and deadline > wanted:
        yield 'ERROR', 'Subscription deadline is less than publisher deadline'
    yield _policy_finding(
        'liveliness', offered.liveliness, requested.liveliness, 'AUTOMATIC', 'MANUAL_BY_TOPIC',
        "Publisher's liveliness is automatic and subscription's is manual by topic",
        "Publisher's liveliness is automatic, but subscription's is {}",
        "Subscription's liveliness is manual by topic, but publisher's is {}")
    lease = offered.liveliness_lease_duration.nanoseconds
    wanted = requested.liveliness_lease_duration.nanoseconds
    if wanted and not lease:
        yield 'ERROR', 'Subscription has a liveliness lease duration, but publisher does not'
    elif wanted and lease > wanted:
        yield 'ERROR', 'Subscription liveliness lease duration is less than publisher'


def qos_check_compatible(
    publisher_qos: QoSProfile, subscription_qos: QoSProfile,
) -> tuple[QoSCompatibility, str]:
    """Return whether endpoints with these profiles would match, and what speaks against it."""
    findings = [f for f in _findings(publisher_qos, subscription_qos) if f is not None]
    worst = max((QoSCompatibility[severity] for severity, _ in findings),
                default=QoSCompatibility.OK)
    return worst, ''.join(f'{severity}: {text};' for severity, text in findings
                          if severity == worst.name)
