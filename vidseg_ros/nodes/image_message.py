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
"""Image messages out of numpy arrays, filled by one copy."""

from __future__ import annotations

import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header


def image_message(header: Header, encoding: str, pixels: NDArray[np.uint8]) -> Image:
    """
    Return a message of a uint8 [H, W] or [H, W, C] array, without row padding.

    Its data is an ``array.array``, which the generated message class takes as it is; anything
    else (bytes, numpy, memoryview) it would check and copy byte by byte.
    """
    height, width = pixels.shape[:2]
    data = array.array('B')
    data.frombytes(np.ascontiguousarray(pixels).data.cast('B'))
    message = Image(header=header, height=height, width=width, encoding=encoding,
                    is_bigendian=0, step=pixels.size // height)
    message.data = data
    return message
