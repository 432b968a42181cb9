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
"""The topics of one camera: its images in, its segmentation out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import LabelInfo

from vidseg_ros.labels.space import LabelSpace
from vidseg_ros.methods.base import Wanted
from vidseg_ros.nodes.frame_buffers import FrameBuffers
from vidseg_ros.nodes.image_gate import ImageGate
from vidseg_ros.nodes.image_message import ImageOutput
from vidseg_ros.nodes.label_info import label_info
from vidseg_ros.nodes.overlay import Overlay
from vidseg_ros.nodes.qos_overrides import QoSOverrides
from vidseg_ros.nodes.settings import Settings
from vidseg_ros.pipeline.result import Result

OnImage = Callable[[str, Any], None]


class CameraTopics:
    """
    Hold the publishers, and while subscribed the subscription, of one camera.

    ``publish`` may be called from another thread than the rest. ``has_room`` tells whether
    another image may be taken; ``buffers`` is memory for the pipeline to convert images into.
    """

    def __init__(self, node: Node, camera: str, settings: Settings, on_image: OnImage,
                 has_room: Callable[[], bool], overrides: QoSOverrides) -> None:
        self.camera = camera
        self._node = node
        self._on_image = on_image
        self._gate = ImageGate(has_room)
        self.buffers = FrameBuffers()
        self._lock = threading.RLock()  # publish and destroy exclude each other
        self._destroyed = False
        self._subscription: Subscription | None = None
        self._reliable = False
        self._overrides = overrides
        self._mismatches: set[str] = set()
        self._lost = 0
        self._space: LabelSpace | None = None
        self._overlay: Overlay | None = None

        def output(name: str, encoding: str = 'mono8') -> ImageOutput:
            topic = f'camera/{camera}/segmentation/{name}'
            publisher: Publisher = overrides.create(
                'publisher', topic, QoSProfile(depth=settings.output_depth),
                lambda profile, options: node.create_publisher(
                    Image, topic, profile, qos_overriding_options=options))
            return ImageOutput(publisher, encoding)

        self._labels = output('labels')
        self._confidence = output('confidence')
        self._age = output('age')
        self._drawn = output('overlay', 'rgb8')
        self._info = node.create_publisher(
            LabelInfo, f'camera/{camera}/segmentation/label_info',
            QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))

    # ---- images in

    def subscribe(self, settings: Settings) -> None:
        """Subscribe to the camera's images, as the settings say; replaces a subscription."""
        compressed = settings['transport'] == 'compressed'
        topic = f'camera/{self.camera}/image_raw' + ('/compressed' if compressed else '')
        depth = settings.image_depth
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_ALL if depth is None else HistoryPolicy.KEEP_LAST,
            depth=depth or 0,
            reliability=ReliabilityPolicy.RELIABLE if settings.image_reliable
            else ReliabilityPolicy.BEST_EFFORT)
        message_type = CompressedImage if compressed else Image
        self.unsubscribe()
        self._subscription = self._overrides.create(
            'subscription', topic, profile,
            lambda profile, options: self._create_subscription(
                message_type, topic, profile, options))
        self._reliable = profile.reliability == ReliabilityPolicy.RELIABLE

    def _create_subscription(self, message_type: type, topic: str, profile: QoSProfile,
                             options: QoSOverridingOptions | None) -> Subscription:
        def callback(message: Any) -> None:
            self._on_image(self.camera, message)

        def incompatible(event: Any) -> None:
            policy = str(qos_policy_name_from_kind(event.last_policy_kind)).lower()
            self._mismatches.add(policy)
            self._node.get_logger().warning(
                f'{self.topic}: a publisher offers incompatible QoS ({policy}); nothing will '
                'come from it')

        def lost(event: Any) -> None:
            self._lost = event.total_count

        full = SubscriptionEventCallbacks(incompatible_qos=incompatible, message_lost=lost)
        fewer = SubscriptionEventCallbacks(incompatible_qos=incompatible)
        for events in (full, fewer):
            try:
                return self._node.create_subscription(
                    message_type, topic, callback, profile, callback_group=self._gate,
                    event_callbacks=events, qos_overriding_options=options)
            except UnsupportedEventTypeError:  # not every middleware tells of lost messages
                continue
        return self._node.create_subscription(
            message_type, topic, callback, profile, callback_group=self._gate,
            qos_overriding_options=options)

    def unsubscribe(self) -> None:
        """Take no more images."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
        self._mismatches.clear()
        self._lost = 0

    @property
    def topic(self) -> str:
        """Return the full name of the topic the images come from, '' while not subscribed."""
        subscription = self._subscription
        try:
            return subscription.topic_name if subscription is not None else ''
        except InvalidHandle:  # another thread has just unsubscribed
            return ''

    @property
    def lost_by_middleware(self) -> int:
        """Return how many images the middleware says never reached us."""
        return self._lost

    def qos_mismatches(self) -> tuple[str, ...]:
        """Return the policies in which publishers of the images do not suit us."""
        if self._mismatches and not self._still_mismatched():
            self._mismatches.clear()
        return tuple(sorted(self._mismatches))

    def _still_mismatched(self) -> bool:
        """Look whether such a publisher is still there; there is no event for its going."""
        topic = self.topic
        if not self._reliable or not topic:
            return bool(topic)
        try:
            infos = self._node.get_publishers_info_by_topic(topic)
        except InvalidHandle:  # the node is being destroyed
            return False
        return any(info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
                   for info in infos)

    # ---- results out

    def wanted(self) -> Wanted | None:
        """Return what somebody subscribes to; None if nobody does to anything."""
        confidence, age = self._confidence.wanted, self._age.wanted
        if not (confidence or age or self._labels.wanted or self._drawn.wanted):
            return None
        return Wanted(confidence, age)

    def announce(self, space: LabelSpace) -> None:
        """Publish what the labels mean, unless that was published already."""
        with self._lock:
            if space != self._space and not self._destroyed:
                self._space = space
                self._overlay = Overlay(space)
                stamp = self._node.get_clock().now().to_msg()
                self._info.publish(label_info(space, stamp))

    def publish(self, result: Result, settings: Settings) -> None:
        """Publish a result; each output only if somebody subscribes to it."""
        with self._lock:
            if not self._destroyed:
                self._publish(result, settings)

    def _publish(self, result: Result, settings: Settings) -> None:
        self.announce(result.segmenter.label_space)
        header, segmentation = result.context, result.segmentation
        if self._labels.wanted:
            self._labels.publish(header, segmentation.labels)
        for output, values in ((self._confidence, segmentation.confidence),
                               (self._age, segmentation.age)):
            if values is not None and output.wanted:
                output.publish(header, values)
        if self._drawn.wanted:
            assert self._overlay is not None
            drawn = self._overlay.draw(result.frame.image, segmentation.labels,
                                       settings['overlay_opacity'], settings['overlay_legend'])
            self._drawn.publish(header, drawn)

    def destroy(self) -> None:
        """Give all topics up."""
        self.unsubscribe()
        with self._lock:
            self._destroyed = True
            for output in (self._labels, self._confidence, self._age, self._drawn):
                self._node.destroy_publisher(output.publisher)
            self._node.destroy_publisher(self._info)
