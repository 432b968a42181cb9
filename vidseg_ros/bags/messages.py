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
"""The messages of a camera, made of arrays."""

from __future__ import annotations

from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.bags.errors import BagError
from vidseg_ros.bags.typestore import jazzy_typestore
from vidseg_ros.labels.space import LabelSpace

Compression = Literal['jpeg', 'png']

_JPEG_QUALITY: Final = 95
_PNG_LEVEL: Final = 3
_NANOSECONDS: Final = 10**9


def _new(name: str, **fields: Any) -> Any:
    return jazzy_typestore().types[name](**fields)


def header(stamp_ns: int, frame_id: str) -> Any:
    """Return a std_msgs/Header."""
    seconds, nanoseconds = divmod(stamp_ns, _NANOSECONDS)
    stamp = _new('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
    return _new('std_msgs/msg/Header', stamp=stamp, frame_id=frame_id)


def image(pixels: NDArray[np.uint8], stamp_ns: int, frame_id: str) -> Any:
    """Return a sensor_msgs/Image: rgb8 of uint8 [H, W, 3], mono8 of uint8 [H, W], no padding."""
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return _new('sensor_msgs/msg/Image', header=header(stamp_ns, frame_id), height=height,
                width=width, encoding={1: 'mono8', 3: 'rgb8'}[channels], is_bigendian=0,
                step=width * channels, data=np.ascontiguousarray(pixels).reshape(-1))


def compressed_image(pixels: NDArray[np.uint8], compression: Compression, stamp_ns: int,
                     frame_id: str) -> Any:
    """
    Return a sensor_msgs/CompressedImage of uint8 [H, W, 3] RGB, as image_transport makes it.

    :raises BagError: if the image can't be encoded.
    """
    settings = ([cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if compression == 'jpeg'
                else [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    # The files' own order is blue, green, red for OpenCV; 'format' tells the reader so.
    done, encoded = cv2.imencode(f'.{compression}', cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR),
                                 settings)
    if not done:
        raise BagError(f"{compression} can't hold an image of "
                       f'{pixels.shape[1]}x{pixels.shape[0]}')
    return _new('sensor_msgs/msg/CompressedImage', header=header(stamp_ns, frame_id),
                format=f'rgb8; {compression} compressed bgr8', data=encoded.reshape(-1))


def camera_info(size: tuple[int, int], matrix: NDArray[np.float64] | None, stamp_ns: int,
                frame_id: str) -> Any:
    """
    Return a sensor_msgs/CameraInfo of a pinhole camera without distortion.

    ``size`` is (height, width), ``matrix`` float64 [3, 3] in pixels. None means uncalibrated,
    which the message says with a K of zeros.
    """
    intrinsics = np.zeros((3, 3)) if matrix is None else np.asarray(matrix, np.float64)
    rectification = np.zeros((3, 3)) if matrix is None else np.eye(3)
    projection = np.hstack([intrinsics, np.zeros((3, 1))])
    region = _new('sensor_msgs/msg/RegionOfInterest', x_offset=0, y_offset=0, height=0, width=0,
                  do_rectify=False)
    return _new('sensor_msgs/msg/CameraInfo', header=header(stamp_ns, frame_id),
                height=size[0], width=size[1], distortion_model='plumb_bob', d=np.zeros(5),
                k=intrinsics.reshape(-1), r=rectification.reshape(-1), p=projection.reshape(-1),
                binning_x=0, binning_y=0, roi=region)


def label_info(space: LabelSpace, stamp_ns: int, frame_id: str) -> Any:
    """Return the vision_msgs/LabelInfo of a label space: its class ids and their names."""
    classes = [_new('vision_msgs/msg/VisionClass', class_id=i, class_name=name)
               for i, name in enumerate(space.classes)]
    return _new('vision_msgs/msg/LabelInfo', header=header(stamp_ns, frame_id),
                class_map=classes, threshold=0.0)


def serialize(message: Any) -> memoryview:
    """Return a message as CDR, little endian, with its encapsulation header."""
    return jazzy_typestore().serialize_cdr(message, message.__msgtype__)
