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
"""Publish arrays as sensor_msgs/Image without making anything anew."""

from __future__ import annotations

import array

import numpy as np
from numpy.typing import NDArray
from rclpy.exceptions import InvalidHandle
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image
from std_msgs.msg import Header


class ImageOutput:
    """
    A publisher of images of one encoding, with the one message that it publishes.

    ``publish`` of rclpy has serialised the message when it returns and keeps nothing of it, so
    that its memory can be filled again: one copy for each image, and no assignment to ``data``,
    which copies once more, or for anything but an ``array.array`` byte by byte. Not for use by
    two threads at once.
    """

    def __init__(self, publisher: Publisher, encoding: str) -> None:
        self.publisher = publisher
        self._message = Image(encoding=encoding, is_bigendian=0)
        self._pixels = np.empty(0, np.uint8)

    @property
    def wanted(self) -> bool:
        """Tell whether anybody subscribes; nobody does once the publisher is destroyed."""
        try:
            return self.publisher.get_subscription_count() > 0
        except InvalidHandle:  # another thread may just have destroyed it
            return False

    def publish(self, header: Header, pixels: NDArray[np.uint8]) -> None:
        """Publish uint8 [H, W] or [H, W, C], without row padding."""
        if self._pixels.shape != pixels.shape:
            self._shape(pixels.shape)
        np.copyto(self._pixels, pixels)
        self._message.header = header
        self.publisher.publish(self._message)

    def _shape(self, shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        channels = shape[2] if len(shape) == 3 else 1
        message = self._message
        message.height, message.width, message.step = height, width, width * channels
        message.data = array.array('B', bytes(height * width * channels))
        # The message may have taken a copy of that.
        self._pixels = np.frombuffer(message.data, np.uint8).reshape(shape)
