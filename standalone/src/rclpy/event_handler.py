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
from typing import Any, ClassVar

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
class _Totals:
    total_count: int
    total_count_change: int


class QoSRequestedDeadlineMissedInfo(_Totals):
    """Deadlines that publishers missed, in all and since the last event."""


class QoSOfferedDeadlineMissedInfo(_Totals):
    """Deadlines that this publisher missed."""


class QoSLivelinessLostInfo(_Totals):
    """How often this publisher failed to say that it is alive."""


class QoSMessageLostInfo(_Totals):
    """Messages that never arrived."""


class IncompatibleTypeInfo(_Totals):
    """Endpoints of another type on the same topic; never reported by this middleware."""


@dataclass
class QoSLivelinessChangedInfo:
    """Matched publishers that are alive, and that are not."""

    alive_count: int
    not_alive_count: int
    alive_count_change: int
    not_alive_count_change: int


@dataclass
class QoSRequestedIncompatibleQoSInfo(_Totals):
    """Endpoints that do not match because of their quality of service."""

    last_policy_kind: rmw_qos_policy_kind_t


@dataclass
class QoSSubscriptionMatchedInfo(_Totals):
    """Endpoints matched, ever and now."""

    current_count: int
    current_count_change: int


QoSOfferedIncompatibleQoSInfo = QoSRequestedIncompatibleQoSInfo
QoSPublisherMatchedInfo = QoSSubscriptionMatchedInfo

_PUBLISHER = QoSPublisherEventType
_SUBSCRIPTION = QoSSubscriptionEventType
# As numbers they would be equal: 0 is the first of either.
_STATUS: dict[str, tuple[status.StatusKind, type]] = {
    _PUBLISHER.RCL_PUBLISHER_OFFERED_DEADLINE_MISSED.name:
        (status.OFFERED_DEADLINE_MISSED, QoSOfferedDeadlineMissedInfo),
    _PUBLISHER.RCL_PUBLISHER_LIVELINESS_LOST.name:
        (status.LIVELINESS_LOST, QoSLivelinessLostInfo),
    _PUBLISHER.RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS.name:
        (status.OFFERED_INCOMPATIBLE_QOS, QoSOfferedIncompatibleQoSInfo),
    _PUBLISHER.RCL_PUBLISHER_MATCHED.name:
        (status.PUBLICATION_MATCHED, QoSPublisherMatchedInfo),
    _SUBSCRIPTION.RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED.name:
        (status.REQUESTED_DEADLINE_MISSED, QoSRequestedDeadlineMissedInfo),
    _SUBSCRIPTION.RCL_SUBSCRIPTION_LIVELINESS_CHANGED.name:
        (status.LIVELINESS_CHANGED, QoSLivelinessChangedInfo),
    _SUBSCRIPTION.RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS.name:
        (status.REQUESTED_INCOMPATIBLE_QOS, QoSRequestedIncompatibleQoSInfo),
    _SUBSCRIPTION.RCL_SUBSCRIPTION_MESSAGE_LOST.name: (status.SAMPLE_LOST, QoSMessageLostInfo),
    _SUBSCRIPTION.RCL_SUBSCRIPTION_MATCHED.name:
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
        if event_type.name not in _STATUS:
            raise UnsupportedEventTypeError(
                f'failed to create event: event type {event_type.name} is not supported')
        super().__init__(callback_group)
        self.event_type = event_type
        self.callback = callback
        self._kind, self._info = _STATUS[event_type.name]
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


class _EventCallbacks:
    """The callbacks for the events of an endpoint, by the event's name in rclpy."""

    _types: ClassVar[dict[str, IntEnum]]
    _warning: str

    def __init__(
        self, *, deadline: Callable | None = None, incompatible_qos: Callable | None = None,
        liveliness: Callable | None = None, incompatible_type: Callable | None = None,
        matched: Callable | None = None, use_default_callbacks: bool = True,
    ) -> None:
        self.deadline = deadline
        self.incompatible_qos = incompatible_qos
        self.liveliness = liveliness
        self.incompatible_type = incompatible_type
        self.matched = matched
        self.use_default_callbacks = use_default_callbacks

    def create_event_handlers(
        self, callback_group: Any, parent: Any, topic_name: str,
    ) -> list[EventHandler]:
        """Return a handler for each callback, and for the default warnings."""
        callbacks = {name: getattr(self, name) for name in self._types}
        if self.incompatible_qos is None and self.use_default_callbacks:
            logger = get_logger(parent.get_logger_name())

            def warn(event: QoSRequestedIncompatibleQoSInfo) -> None:
                policy = qos_policy_name_from_kind(event.last_policy_kind)
                logger.warning(f'{self._warning.format(topic_name)} '
                               f'Last incompatible policy: {policy}')

            callbacks['incompatible_qos'] = warn
        return [EventHandler(callback_group=callback_group, callback=callback,
                             event_type=self._types[name], parent_impl=parent)
                for name, callback in callbacks.items() if callback is not None]


class SubscriptionEventCallbacks(_EventCallbacks):
    """The callbacks for the events of a subscription."""

    _types: ClassVar = {
        'deadline': _SUBSCRIPTION.RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED,
        'incompatible_qos': _SUBSCRIPTION.RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS,
        'liveliness': _SUBSCRIPTION.RCL_SUBSCRIPTION_LIVELINESS_CHANGED,
        'message_lost': _SUBSCRIPTION.RCL_SUBSCRIPTION_MESSAGE_LOST,
        'matched': _SUBSCRIPTION.RCL_SUBSCRIPTION_MATCHED}
    _warning = ("New publisher discovered on topic '{}', offering incompatible QoS. "
                'No messages will be received from it.')

    def __init__(self, *, message_lost: Callable | None = None, **others: Any) -> None:
        super().__init__(**others)
        self.message_lost = message_lost


class PublisherEventCallbacks(_EventCallbacks):
    """The callbacks for the events of a publisher."""

    _types: ClassVar = {
        'deadline': _PUBLISHER.RCL_PUBLISHER_OFFERED_DEADLINE_MISSED,
        'incompatible_qos': _PUBLISHER.RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS,
        'liveliness': _PUBLISHER.RCL_PUBLISHER_LIVELINESS_LOST,
        'matched': _PUBLISHER.RCL_PUBLISHER_MATCHED}
    _warning = ("New subscription discovered on topic '{}', requesting incompatible "
                'QoS. No messages will be sent to it.')
