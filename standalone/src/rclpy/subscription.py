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
"""Subscriptions."""

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, Generic, TypeVar

from rclpy._handles import SubscriptionHandle
from rclpy.event_handler import EventHandler, SubscriptionEventCallbacks
from rclpy.qos import QoSProfile

MsgType = TypeVar('MsgType')


class Subscription(Generic[MsgType]):
    """Calls back with the messages of a topic; made by Node.create_subscription()."""

    class CallbackType(Enum):
        """What a callback takes."""

        MessageOnly = 0
        WithMessageInfo = 1

    def __init__(
        self, subscription_impl: SubscriptionHandle, msg_type: type[MsgType], topic: str,
        callback: Callable, callback_group: Any, qos_profile: QoSProfile, raw: bool,
        event_callbacks: SubscriptionEventCallbacks,
    ) -> None:
        self.__subscription = subscription_impl
        self.msg_type = msg_type
        self.topic = topic
        self.callback = callback
        self.callback_group = callback_group
        self._executor_event = False
        self.qos_profile = qos_profile
        self.raw = raw
        self.event_handlers: list[EventHandler] = event_callbacks.create_event_handlers(
            callback_group, subscription_impl, topic)

    def get_publisher_count(self) -> int:
        """Return how many publishers are received from."""
        with self.handle:
            return self.__subscription.get_publisher_count()

    @property
    def handle(self) -> SubscriptionHandle:
        """The middleware's subscription."""
        return self.__subscription

    def destroy(self) -> None:
        """Destroy the subscription; see Node.destroy_subscription()."""
        self.__subscription.destroy_when_not_in_use()

    @property
    def topic_name(self) -> str:
        """The resolved name of the topic."""
        with self.handle:
            return self.__subscription.get_topic_name()

    @property
    def callback(self) -> Callable:
        """What is called with a message, or with a message and its timestamps."""
        return self._callback

    @callback.setter
    def callback(self, value: Callable) -> None:
        for kind in Subscription.CallbackType:
            try:
                inspect.signature(value).bind(*[object()] * (kind.value + 1))
            except TypeError:
                continue
            self._callback, self._callback_type = value, kind
            return
        raise RuntimeError(
            'Subscription.__init__(): callback should be either be callable with one argument'
            '(to get only the message) or two (to get message and message info)')
