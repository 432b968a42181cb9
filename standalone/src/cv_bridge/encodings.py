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
"""The names of image encodings, and conversions between them.

Names and rules are those of sensor_msgs/image_encodings.hpp and of cv_bridge's C++ part.
"""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np

DEPTHS = {'8U': cv2.CV_8U, '8S': cv2.CV_8S, '16U': cv2.CV_16U, '16S': cv2.CV_16S,
          '32S': cv2.CV_32S, '32F': cv2.CV_32F, '64F': cv2.CV_64F}
DTYPES: dict[str, Any] = {
    '8U': np.uint8, '8S': np.int8, '16U': np.uint16, '16S': np.int16, '32S': np.int32,
    '32F': np.float32, '64F': np.float64}

COLOURS = {'mono': ('GRAY', 1), 'bgr': ('BGR', 3), 'rgb': ('RGB', 3), 'bgra': ('BGRA', 4),
           'rgba': ('RGBA', 4)}
# OpenCV names a Bayer pattern by its second row, ROS by its first.
BAYER = {'bayer_rggb': 'BayerBG', 'bayer_bggr': 'BayerRG', 'bayer_gbrg': 'BayerGR',
         'bayer_grbg': 'BayerGB'}
YUV = {'uyvy': 'UYVY', 'yuv422': 'UYVY', 'yuyv': 'YUY2', 'yuv422_yuy2': 'YUY2'}

_GENERIC = re.compile(r'(8U|8S|16U|16S|32S|32F|64F)(?:C(\d*))?')


def _parsed(encoding: str) -> tuple[str, str, int]:
    """Return OpenCV's name of the colour format ('' if none), the depth name and the channels."""
    base = encoding.rstrip('0123456789')
    depth = encoding[len(base):]
    if base in COLOURS and depth in {'8', '16'}:
        return COLOURS[base][0], f'{depth}U', COLOURS[base][1]
    if base in BAYER and depth in {'8', '16'}:
        return BAYER[base], f'{depth}U', 1
    if encoding in YUV:
        return YUV[encoding], '8U', 2
    match = _GENERIC.fullmatch(encoding)
    if match:
        channels = int(match[2] or 1)
        if 1 <= channels <= 512:
            return '', match[1], channels
    raise RuntimeError(f'Unrecognized image encoding [{encoding}]')


def encoding_dtype(encoding: str) -> tuple[np.dtype, int]:
    """Return the element type and the channels of an encoding; RuntimeError if it is unknown."""
    _, depth, channels = _parsed(encoding)
    return np.dtype(DTYPES[depth]), channels


def getCvType(encoding: str) -> int:
    """Return OpenCV's type number of an encoding; RuntimeError if it is unknown."""
    _, depth, channels = _parsed(encoding)
    return DEPTHS[depth] + ((channels - 1) << 3)


def _colour_code(source: str, target: str, src_format: str, dst_format: str) -> int:
    name = None
    if src_format in YUV.values():
        name = f'COLOR_YUV2{dst_format}_{src_format}'
    elif not dst_format.startswith('Bayer') and dst_format not in YUV.values() and not (
            src_format.startswith('Bayer') and dst_format.endswith('A')):
        name = f'COLOR_{src_format}2{dst_format}'
    code = getattr(cv2, name, None) if name else None
    if code is None:
        raise RuntimeError(f'Unsupported conversion from [{source}] to [{target}]')
    return code


def cvtColor2(image: np.ndarray, source: str, target: str) -> np.ndarray:
    """Convert an image from one encoding to another; RuntimeError if that makes no sense."""
    src_format, src_depth, src_channels = _parsed(source)
    dst_format, dst_depth, dst_channels = _parsed(target)
    if not src_format and dst_format:
        raise RuntimeError(f'[{source}] is not a color format. but [{target}] is. '
                           'The conversion does not make sense')
    if not (src_format and dst_format):
        if src_channels != dst_channels:
            if not src_format:
                raise RuntimeError(
                    f'[{source}] and [{target}] do not have the same number of channel')
            raise RuntimeError(f'[{source}] is a color format but [{target}] is not so they must '
                               'have the same OpenCV type, CV_8UC3, CV16UC1 ....')
    elif src_format != dst_format:
        image = cv2.cvtColor(image, _colour_code(source, target, src_format, dst_format))
    else:
        image = image.copy()
    if src_depth == dst_depth:
        return image if src_format and dst_format else image.copy()
    scale = {('8U', '16U'): 65535 / 255, ('16U', '8U'): 255 / 65535}.get(
        (src_depth, dst_depth), 1.0)
    dtype = np.dtype(DTYPES[dst_depth])
    values = image.astype(np.float64) * scale
    if dtype.kind in 'iu':
        # As OpenCV's convertTo: round to even, saturate.
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(dtype)
