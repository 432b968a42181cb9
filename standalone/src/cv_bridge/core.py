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
"""ROS images from and to OpenCV arrays."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from cv_bridge.encodings import DEPTHS, cvtColor2, encoding_dtype, getCvType


class CvBridgeError(TypeError):
    """An image cannot be converted."""


class CvBridge:
    """Converts between sensor_msgs images and numpy arrays as OpenCV has them."""

    def __init__(self) -> None:
        depths = {number: name for name, number in DEPTHS.items()}
        self.cvtype_to_name = {number + ((channels - 1) << 3): f'{name}C{channels}'
                               for number, name in depths.items() for channels in range(1, 5)}
        self.numpy_type_to_cvtype = {
            'uint8': '8U', 'int8': '8S', 'uint16': '16U', 'int16': '16S', 'int32': '32S',
            'float32': '32F', 'float64': '64F'}

    def dtype_with_channels_to_cvtype2(self, dtype: np.dtype, n_channels: int) -> str:
        """Return the generic encoding, as `8UC3`, of an element type and channels."""
        return f'{self.numpy_type_to_cvtype[dtype.name]}C{n_channels}'

    def encoding_to_cvtype2(self, encoding: str) -> int:
        """Return OpenCV's type number of an encoding."""
        try:
            return getCvType(encoding)
        except RuntimeError as error:
            raise CvBridgeError(error) from error

    def encoding_to_dtype_with_channels(self, encoding: str) -> tuple[str, int]:
        """Return the name of the element type, and the channels, of an encoding."""
        try:
            dtype, channels = encoding_dtype(encoding)
        except RuntimeError as error:
            raise CvBridgeError(error) from error
        return dtype.name, channels

    def imgmsg_to_cv2(self, img_msg: Any, desired_encoding: str = 'passthrough') -> np.ndarray:
        """Return the pixels of an image message.

        With `passthrough` the array is [H,W] or [H,W,C] in the message's own encoding, and shares
        the message's memory where its rows are not padded; otherwise it is a converted copy.

        Raises
        ------
        CvBridgeError
            An encoding is unknown, or there is no such conversion.
        TypeError
            The message has fewer bytes than its size says.

        """
        name, channels = self.encoding_to_dtype_with_channels(img_msg.encoding)
        dtype = np.dtype(name)
        columns = img_msg.step // dtype.itemsize // channels
        shape = (img_msg.height, columns) if channels == 1 else (
            img_msg.height, columns, channels)
        image: np.ndarray = np.ndarray(shape, dtype, img_msg.data)
        image = np.ascontiguousarray(image[:, :img_msg.width])
        if img_msg.is_bigendian == (sys.byteorder == 'little') and dtype.itemsize > 1:
            image = image.byteswap()
        if desired_encoding == 'passthrough':
            return image
        try:
            return cvtColor2(image, img_msg.encoding, desired_encoding)
        except (RuntimeError, cv2.error) as error:
            raise CvBridgeError(error) from error

    def compressed_imgmsg_to_cv2(self, cmprs_img_msg: Any,
                                 desired_encoding: str = 'passthrough') -> np.ndarray | None:
        """Return the pixels of a compressed image message; None where OpenCV cannot decode it."""
        data = np.frombuffer(cmprs_img_msg.data, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if desired_encoding == 'passthrough' or image is None:
            return image
        try:
            return cvtColor2(image, 'bgr8', desired_encoding)
        except (RuntimeError, cv2.error) as error:
            raise CvBridgeError(error) from error

    def cv2_to_imgmsg(self, cvim: np.ndarray, encoding: str = 'passthrough',
                      header: Any = None) -> Image:
        """Return an image message of an array [H,W] or [H,W,C].

        Raises
        ------
        CvBridgeError
            The encoding is unknown or does not suit the array.
        TypeError
            This is no array.

        """
        if not isinstance(cvim, np.ndarray | np.generic):
            raise TypeError('Your input type is not a numpy array')
        message = Image(height=cvim.shape[0], width=cvim.shape[1])
        if header is not None:
            message.header = header
        channels = 1 if cvim.ndim < 3 else cvim.shape[2]
        generic = self.dtype_with_channels_to_cvtype2(cvim.dtype, channels)
        if encoding != 'passthrough':
            number = self.encoding_to_cvtype2(encoding)
            if self.cvtype_to_name.get(number, encoding) != generic:
                raise CvBridgeError(
                    f'encoding specified as {encoding}, but image has incompatible type {generic}')
        message.encoding = generic if encoding == 'passthrough' else encoding
        message.is_bigendian = int(cvim.dtype.byteorder == '>')
        # One copy: array.array takes the bytes straight from the pixels.
        message.data.frombytes(np.ascontiguousarray(cvim).reshape(-1).view(np.uint8).data)
        message.step = len(message.data) // message.height if message.height else 0
        return message

    def cv2_to_compressed_imgmsg(self, cvim: np.ndarray,
                                 dst_format: str = 'jpg') -> CompressedImage:
        """Return an array compressed as an image file of the format `dst_format`."""
        if not isinstance(cvim, np.ndarray | np.generic):
            raise TypeError('Your input type is not a numpy array')
        message = CompressedImage(format=dst_format)
        done, data = cv2.imencode(f'.{dst_format}', np.asarray(cvim))
        if not done:
            raise CvBridgeError(f'the image cannot be written as {dst_format}')
        message.data.frombytes(data.tobytes())
        return message
