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
"""Turn image messages into uint8 [H, W, 3] RGB in one pass, refusing what is no image."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from vidseg_ros.methods.base import Image
from vidseg_ros.pipeline.arrival import BadFrame

MAX_PIXELS = 1 << 26
"""Larger images (67 megapixels) are taken for damaged headers."""

_CHANNELS = {
    'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1,
    '8UC1': 1, '8UC3': 3, '8UC4': 4,
    'yuv422': 2, 'uyvy': 2, 'yuv422_yuy2': 2, 'yuyv': 2, 'yuy2': 2,
    'bayer_rggb8': 1, 'bayer_bggr8': 1, 'bayer_gbrg8': 1, 'bayer_grbg8': 1,
}
_CODES = {
    'bgr8': cv2.COLOR_BGR2RGB, '8UC3': cv2.COLOR_BGR2RGB,
    'rgba8': cv2.COLOR_RGBA2RGB, 'bgra8': cv2.COLOR_BGRA2RGB, '8UC4': cv2.COLOR_BGRA2RGB,
    'mono8': cv2.COLOR_GRAY2RGB, '8UC1': cv2.COLOR_GRAY2RGB,
    'yuv422': cv2.COLOR_YUV2RGB_UYVY, 'uyvy': cv2.COLOR_YUV2RGB_UYVY,
    'yuv422_yuy2': cv2.COLOR_YUV2RGB_YUY2, 'yuyv': cv2.COLOR_YUV2RGB_YUY2,
    'yuy2': cv2.COLOR_YUV2RGB_YUY2,
    # OpenCV names a Bayer pattern by its second row, ROS by its first.
    'bayer_rggb8': cv2.COLOR_BayerBG2RGB, 'bayer_bggr8': cv2.COLOR_BayerRG2RGB,
    'bayer_gbrg8': cv2.COLOR_BayerGR2RGB, 'bayer_grbg8': cv2.COLOR_BayerGB2RGB,
}
ENCODINGS = tuple(_CHANNELS)
"""What is converted here; other encodings are left to cv_bridge."""


def stamp_ns(stamp: Any) -> int:
    """
    Return a builtin_interfaces/Time in nanoseconds.

    :raises BadFrame: if no clock can have given it (negative, or a nanosecond part of a second
        or more, as conversions from NaN leave it).
    """
    if stamp.sec < 0 or not 0 <= stamp.nanosec < 1_000_000_000:
        raise BadFrame('impossible stamp', f'sec {stamp.sec}, nanosec {stamp.nanosec}')
    return stamp.sec * 1_000_000_000 + stamp.nanosec


_DECODE_RGB: int | None = getattr(cv2, 'IMREAD_COLOR_RGB', None)  # since OpenCV 4.10

Take = Callable[[tuple[int, ...]], Image]
"""Returns memory, uint8 of the shape given, for a converted image."""


def _new(shape: tuple[int, ...]) -> Image:
    return np.empty(shape, np.uint8)


def to_rgb(message: Any, take: Take = _new) -> Image:
    """
    Return the image of a sensor_msgs/Image as uint8 [H, W, 3] RGB.

    rgb8 is a view of the message's own buffer, rows padded as they are there; everything else
    is converted in one pass, into what ``take`` returns.

    :raises BadFrame: with one of the causes 'empty image', 'too large', 'wrong step',
        'short data', 'excess data', 'odd size', 'unknown encoding'.
    """
    height, width, encoding = message.height, message.width, message.encoding
    _check_size(width, height)
    channels = _CHANNELS.get(encoding)
    if channels is None:
        return _by_cv_bridge(message)
    pixels = _view(message, height, width, channels)
    if encoding == 'rgb8':
        return pixels
    if encoding.startswith('bayer') and (width % 2 or height % 2):
        raise BadFrame('odd size', f'{width}x{height} of {encoding}')
    if channels == 2 and width % 2:
        raise BadFrame('odd size', f'{width}x{height} of {encoding}')
    if channels == 1:
        pixels = pixels[:, :, 0]
    converted = take((height, width, 3))
    cv2.cvtColor(pixels, _CODES[encoding], dst=converted)
    return converted


def compressed_to_rgb(message: Any) -> Image:
    """
    Return the image of a sensor_msgs/CompressedImage as uint8 [H, W, 3] RGB.

    :raises BadFrame: with one of the causes 'empty image', 'too large', 'truncated',
        'undecodable'.
    """
    data = message.data
    if len(data) == 0:
        raise BadFrame('empty image', f'no data, format {message.format!r}')
    buffer = np.frombuffer(data, np.uint8)
    _check_compressed(buffer.data, message.format)
    flags = (cv2.IMREAD_COLOR if _DECODE_RGB is None else _DECODE_RGB) \
        | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(buffer, flags)
    except cv2.error as error:
        raise BadFrame('undecodable', str(error).strip()) from None
    if image is None:
        raise BadFrame('undecodable', f'{len(data)} bytes, format {message.format!r}')
    if _DECODE_RGB is None:
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)
    return image  # type: ignore[return-value]


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise BadFrame('empty image', f'{width}x{height}')
    if width * height > MAX_PIXELS:
        raise BadFrame('too large', f'{width}x{height}')


def _view(message: Any, height: int, width: int, channels: int) -> Image:
    """Return the message's own buffer as [H, W, channels], without a copy."""
    step, row = message.step, width * channels
    if step < row:
        raise BadFrame('wrong step', f'{step}, but a row of {message.encoding} has {row} bytes')
    data = message.data
    if len(data) < step * height:
        raise BadFrame('short data', f'{len(data)} bytes of {step * height}')
    if len(data) > step * height:
        raise BadFrame('excess data', f'{len(data)} bytes for {step * height}')
    flat = np.frombuffer(data, np.uint8)
    return flat.reshape(height, step)[:, :row].reshape(height, width, channels) \
        if step == row else \
        np.lib.stride_tricks.as_strided(flat, (height, width, channels), (step, channels, 1))


def _by_cv_bridge(message: Any) -> Image:
    try:
        from cv_bridge import CvBridge
    except ImportError:
        raise BadFrame('unknown encoding', repr(message.encoding)) from None
    expected = message.step * message.height
    if len(message.data) != expected:
        cause = 'short data' if len(message.data) < expected else 'excess data'
        raise BadFrame(cause, f'{len(message.data)} bytes of {expected}')
    try:
        image = CvBridge().imgmsg_to_cv2(message, 'rgb8')
    except Exception as error:  # CvBridgeError, but also what numpy and OpenCV raise inside it
        raise BadFrame('unknown encoding', f'{message.encoding!r}: {error}') from None
    if image.dtype != np.uint8 or image.shape != (message.height, message.width, 3):
        raise BadFrame('unknown encoding', repr(message.encoding))
    return image


def _check_compressed(data: memoryview, name: str) -> None:
    """Look at the header only: a decoder allocates what it says, and forgives a missing end."""
    if data[:2] == b'\xff\xd8':
        width, height, scan = _jpeg_header(data)
        _check_size(width, height)
        # Within a scan 0xff is always followed by a zero or a restart marker.
        if bytes(data[scan:]).rfind(b'\xff\xd9') < 0:
            raise BadFrame('truncated', f'{len(data)} bytes of JPEG without an end')
    elif data[:8] == b'\x89PNG\r\n\x1a\n':
        if len(data) < 24:
            raise BadFrame('truncated', f'{len(data)} bytes of PNG')
        _check_size(*struct.unpack('>II', data[16:24]))
        if bytes(data[-64:]).rfind(b'IEND') < 0:
            raise BadFrame('truncated', f'{len(data)} bytes of PNG without an end')
    else:
        raise BadFrame('undecodable', f'neither JPEG nor PNG, format {name!r}')


def _jpeg_header(data: memoryview) -> tuple[int, int, int]:
    """Return width, height and where the first scan begins (ITU-T T.81, annex B)."""
    position, size = 2, (0, 0)
    try:
        while True:
            while data[position] == 0xff and data[position + 1] == 0xff:
                position += 1  # fill bytes
            if data[position] != 0xff:
                raise BadFrame('undecodable', f'no JPEG marker at byte {position}')
            marker = data[position + 1]
            length, = struct.unpack('>H', data[position + 2:position + 4])
            if length < 2:
                raise BadFrame('undecodable', f'JPEG segment of {length} bytes')
            if 0xc0 <= marker <= 0xcf and marker not in (0xc4, 0xc8, 0xcc):
                height, width = struct.unpack('>HH', data[position + 5:position + 9])
                size = width, height
            position += 2 + length
            if marker == 0xda:
                return *size, position
    except (IndexError, struct.error):
        raise BadFrame('truncated', f'{len(data)} bytes of JPEG') from None
