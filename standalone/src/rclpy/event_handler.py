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
"""Events of publishers and subscriptions: matches, deadlines, liveliness, losses."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from standalone_ros.dds import status

from rclpy._rclpy_pybind11 import UnsupportedEventTypeError, rmw_qos_policy_kind_t
from rclpy.logging import get_logger
from rclpy.qos import qos_policy_name_from_kind
from rclpy.waitable import Waitable

__all__ = [
    'EventHandler', 'IncompatibleTypeInfo', 'PublisherEventCallbacks', 'QoSEventHandler',
    'QoSLivelinessChangedInfo', 'QoSLivelinessLostInfo', 'QoSMessageLostInfo',
    'QoSOfferedDeadlineMissedInfo', 'QoSOfferedIncompatibleQoSInfo', 'QoSPublisherEventType',
    'QoSPublisherMatchedInfo', 'QoSRequestedDeadlineMissedInfo',
    'QoSRequestedIncompatibleQoSInfo', 'QoSSubscriptionEventType', 'QoSSubscriptionMatchedInfo',
    'SubscriptionEventCallbacks', 'UnsupportedEventTypeError']


class QoSPublisherEventType(IntEnum):
    """Events of a publisher."""

    RCL_PUBLISHER_OFFERED_DEADLINE_MISSED = 0
    RCL_PUBLISHER_LIVELINESS_LOST = 1
    RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS = 2
    RCL_PUBLISHER_INCOMPATIBLE_TYPE = 3
    RCL_PUBLISHER_MATCHED = 4


class QoSSubscriptionEventType(IntEnum):
    """Events of a subscription."""

    RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED = 0
    RCL_SUBSCRIPTION_LIVELINESS_CHANGED = 1
    RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS = 2
    RCL_SUBSCRIPTION_MESSAGE_LOST = 3
    RCL_SUBSCRIPTION_INCOMPATIBLE_TYPE = 4
    RCL_SUBSCRIPTION_MATCHED = 5


@dataclass
class QoSRequestedDeadlineMissedInfo:
    """Deadlines that publishers missed, in all and since the last event."""

    total_count: int
    total_count_change: int


@dataclass
class QoSOfferedDeadlineMissedInfo:
    """Deadlines that this publisher missed."""

    total_count: int
    total_count_change: int


@dataclass
class QoSLivelinessLostInfo:
    """How often this publisher failed to say that it is alive."""

    total_count: int
    total_count_change: int


@dataclass
class QoSLivelinessChangedInfo:
    """Matched publishers that are alive, and that are not."""

    alive_count: int
    not_alive_count: int
    alive_count_change: int
    not_alive_count_change: int


@dataclass
class QoSMessageLostInfo:
    """Messages that never arrived."""

    total_count: int
    total_count_change: int


@dataclass
class QoSRequestedIncompatibleQoSInfo:
    """Endpoints that do not match because of their quality of service."""

    total_count: int
    total_count_change: int
    last_policy_kind: rmw_qos_policy_kind_t


@dataclass
class QoSSubscriptionMatchedInfo:
    """Endpoints matched, ever and now."""

    total_count: int
    total_count_change: int
    current_count: int
    current_count_change: int


@dataclass
class IncompatibleTypeInfo:
    """Endpoints of another type on the same topic; never reported by this middleware."""

    total_count: int
    total_count_change: int


QoSOfferedIncompatibleQoSInfo = QoSRequestedIncompatibleQoSInfo
QoSPublisherMatchedInfo = QoSSubscriptionMatchedInfo

_PUBLISHER_STATUS: dict[IntEnum, tuple[status.StatusKind, type]] = {
    QoSPublisherEventType.RCL_PUBLISHER_OFFERED_DEADLINE_MISSED:
        (status.OFFERED_DEADLINE_MISSED, QoSOfferedDeadlineMissedInfo),
    QoSPublisherEventType.RCL_PUBLISHER_LIVELINESS_LOST:
        (status.LIVELINESS_LOST, QoSLivelinessLostInfo),
    QoSPublisherEventType.RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS:
        (status.OFFERED_INCOMPATIBLE_QOS, QoSOfferedIncompatibleQoSInfo),
    QoSPublisherEventType.RCL_PUBLISHER_MATCHED:
        (status.PUBLICATION_MATCHED, QoSPublisherMatchedInfo),
}
_SUBSCRIPTION_STATUS: dict[IntEnum, tuple[status.StatusKind, type]] = {
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED:
        (status.REQUESTED_DEADLINE_MISSED, QoSRequestedDeadlineMissedInfo),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_LIVELINESS_CHANGED:
        (status.LIVELINESS_CHANGED, QoSLivelinessChangedInfo),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS:
        (status.REQUESTED_INCOMPATIBLE_QOS, QoSRequestedIncompatibleQoSInfo),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_MESSAGE_LOST:
        (status.SAMPLE_LOST, QoSMessageLostInfo),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_MATCHED:
        (status.SUBSCRIPTION_MATCHED, QoSSubscriptionMatchedInfo),
}

# DDS numbers policies differently from ROS.
_POLICY_KINDS = {2: 'DURABILITY', 4: 'DEADLINE', 8: 'LIVELINESS', 11: 'RELIABILITY',
                 13: 'HISTORY', 21: 'LIFESPAN'}


class EventHandler(Waitable):
    """Runs a callback when one kind of event happened to a publisher or subscription."""

    def __init__(
        self, *, callback_group: Any, callback: Callable, event_type: IntEnum, parent_impl: Any,
    ) -> None:
        table = (_PUBLISHER_STATUS if isinstance(event_type, QoSPublisherEventType)
                 else _SUBSCRIPTION_STATUS)
        if event_type not in table:
            raise UnsupportedEventTypeError(
                f'failed to create event: event type {event_type.name} is not supported')
        super().__init__(callback_group)
        self.event_type = event_type
        self.callback = callback
        self._kind, self._info = table[event_type]
        self._parent = parent_impl
        with parent_impl:
            parent_impl.enable_status(self._kind)

    def dds_entities(self) -> list[int]:
        """Return the endpoint, which triggers for its enabled kinds of status."""
        return [self._parent.entity]

    def is_ready(self, wait_set: Any) -> bool:
        """Return whether the event happened since it was last taken."""
        return self._parent.entity in wait_set and status.changed(self._parent.entity, self._kind)

    def take_data(self) -> Any:
        """Take the event, None when it is not one of ROS."""
        with self._parent:
            fields = status.take(self._parent.entity, self._kind)
        if 'last_policy_id' in fields:
            policy = _POLICY_KINDS.get(fields['last_policy_id'])
            if policy is None:
                return None  # an endpoint of another type, of which ROS does not tell
            fields['last_policy_kind'] = rmw_qos_policy_kind_t[f'RMW_QOS_POLICY_{policy}']
        names = inspect.signature(self._info).parameters
        return self._info(**{name: fields[name] for name in names})

    async def execute(self, taken_data: Any) -> None:
        """Call back."""
        from rclpy.executors import await_or_execute

        if taken_data:
            await await_or_execute(self.callback, taken_data)

    def destroy(self) -> None:
        """Stop handling; the endpoint itself goes with its owner."""


class QoSEventHandler(EventHandler):
    """The old name of EventHandler."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn('QoSEventHandler is deprecated, use EventHandler instead.',
                      DeprecationWarning, stacklevel=2)
        super().__init__(*args, **kwargs)


def _incompatible_qos_warning(logger: Any, text: str) -> Callable[[Any], None]:
    def warn(event: QoSRequestedIncompatibleQoSInfo) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        logger.warning(f'{text} Last incompatible policy: {policy}')

    return warn


class _EventCallbacks:
    """What the two kinds of callbacks have in common."""

    use_default_callbacks: bool

    def _create(
        self, callback_group: Any, parent: Any, callbacks: dict[IntEnum, Callable | None],
    ) -> list[EventHandler]:
        return [EventHandler(callback_group=callback_group, callback=callback,
                             event_type=event_type, parent_impl=parent)
                for event_type, callback in callbacks.items() if callback is not None]


class SubscriptionEventCallbacks(_EventCallbacks):
    """The callbacks for the events of a subscription."""

    def __init__(
        self, *, deadline: Callable | None = None, incompatible_qos: Callable | None = None,
        liveliness: Callable | None = None, message_lost: Callable | None = None,
        incompatible_type: Callable | None = None, matched: Callable | None = None,
        use_default_callbacks: bool = True,
    ) -> None:
        self.deadline = deadline
        self.incompatible_qos = incompatible_qos
        self.liveliness = liveliness
        self.message_lost = message_lost
        self.incompatible_type = incompatible_type
        self.matched = matched
        self.use_default_callbacks = use_default_callbacks

    def create_event_handlers(
        self, callback_group: Any, subscription: Any, topic_name: str,
    ) -> list[EventHandler]:
        """Return a handler for each callback, and for the default warnings."""
        incompatible_qos = self.incompatible_qos
        if incompatible_qos is None and self.use_default_callbacks:
            incompatible_qos = _incompatible_qos_warning(
                get_logger(subscription.get_logger_name()),
                f"New publisher discovered on topic '{topic_name}', offering incompatible QoS. "
                'No messages will be received from it.')
        kind = QoSSubscriptionEventType
        return self._create(callback_group, subscription, {
            kind.RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED: self.deadline,
            kind.RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS: incompatible_qos,
            kind.RCL_SUBSCRIPTION_LIVELINESS_CHANGED: self.liveliness,
            kind.RCL_SUBSCRIPTION_MESSAGE_LOST: self.message_lost,
            kind.RCL_SUBSCRIPTION_MATCHED: self.matched})


class PublisherEventCallbacks(_EventCallbacks):
    """The callbacks for the events of a publisher."""

    def __init__(
        self, *, deadline: Callable | None = None, liveliness: Callable | None = None,
        incompatible_qos: Callable | None = None, incompatible_type: Callable | None = None,
        matched: Callable | None = None, use_default_callbacks: bool = True,
    ) -> None:
        self.deadline = deadline
        self.liveliness = liveliness
        self.incompatible_qos = incompatible_qos
        self.incompatible_type = incompatible_type
        self.matched = matched
        self.use_default_callbacks = use_default_callbacks

    def create_event_handlers(
        self, callback_group: Any, publisher: Any, topic_name: str,
    ) -> list[EventHandler]:
        """Return a handler for each callback, and for the default warnings."""
        incompatible_qos = self.incompatible_qos
        if incompatible_qos is None and self.use_default_callbacks:
            incompatible_qos = _incompatible_qos_warning(
                get_logger(publisher.get_logger_name()),
                f"New subscription discovered on topic '{topic_name}', requesting incompatible "
                'QoS. No messages will be sent to it.')
        kind = QoSPublisherEventType
        return self._create(callback_group, publisher, {
            kind.RCL_PUBLISHER_OFFERED_DEADLINE_MISSED: self.deadline,
            kind.RCL_PUBLISHER_LIVELINESS_LOST: self.liveliness,
            kind.RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS: incompatible_qos,
            kind.RCL_PUBLISHER_MATCHED: self.matched})
