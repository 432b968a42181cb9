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
"""Publishers."""

from typing import Any, Generic, TypeVar

from rclpy._handles import PublisherHandle
from rclpy.duration import Duration
from rclpy.event_handler import EventHandler, PublisherEventCallbacks
from rclpy.qos import QoSProfile

MsgType = TypeVar('MsgType')
_FOR_EVER = Duration(seconds=-1)


class Publisher(Generic[MsgType]):
    """Publishes messages on a topic; made by Node.create_publisher()."""

    def __init__(
        self, publisher_impl: PublisherHandle, msg_type: type[MsgType], topic: str,
        qos_profile: QoSProfile, event_callbacks: PublisherEventCallbacks, callback_group: Any,
    ) -> None:
        self.__publisher = publisher_impl
        self.msg_type = msg_type
        self.topic = topic
        self.qos_profile = qos_profile
        self.event_handlers: list[EventHandler] = event_callbacks.create_event_handlers(
            callback_group, publisher_impl, topic)

    def publish(self, msg: MsgType | bytes) -> None:
        """Publish a message, or a serialised one; raises TypeError for anything else."""
        with self.handle:
            if isinstance(msg, self.msg_type):
                self.__publisher.publish(msg)
            elif isinstance(msg, bytes):
                self.__publisher.publish_raw(msg)
            else:
                raise TypeError(f'Expected {self.msg_type}, got {type(msg)}')

    def get_subscription_count(self) -> int:
        """Return how many subscriptions receive what is published."""
        with self.handle:
            return self.__publisher.get_subscription_count()

    @property
    def topic_name(self) -> str:
        """The resolved name of the topic."""
        with self.handle:
            return self.__publisher.get_topic_name()

    @property
    def handle(self) -> PublisherHandle:
        """The middleware's publisher."""
        return self.__publisher

    def destroy(self) -> None:
        """Destroy the publisher; see Node.destroy_publisher()."""
        self.__publisher.destroy_when_not_in_use()

    def assert_liveliness(self) -> None:
        """Say that the publisher is alive, for manual liveliness."""
        with self.handle:
            self.__publisher.assert_liveliness()

    def wait_for_all_acked(self, timeout: Duration = _FOR_EVER) -> bool:
        """Wait until reliable subscriptions have everything; False on timeout."""
        with self.handle:
            return self.__publisher.wait_for_all_acked(timeout.nanoseconds)
