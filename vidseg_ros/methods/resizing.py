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
"""From the camera's image to the network's input."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import Image
from vidseg_ros.methods.buffers import BufferPool


def resize_image(image: Image, out: Image, pool: BufferPool | None = None) -> None:
    """
    Resize an image uint8 [H, W, 3] into ``out`` [h, w, 3].

    What is more than twice too large is halved by averaging first, as often as it takes: to
    average over any other number of pixels takes OpenCV tens of times as long. The rest is
    bilinear. ``pool`` is where the halves are kept.
    """
    height, width = out.shape[:2]
    pool = pool or BufferPool(keep=0)
    source: Image = image
    while True:
        half = source.shape[0] // 2, source.shape[1] // 2
        even = source.shape[0] % 2 == 0 and source.shape[1] % 2 == 0
        # OpenCV averages four pixels quickly, but only just four.
        method = cv2.INTER_AREA if even else cv2.INTER_LINEAR
        if half == (height, width):
            cv2.resize(source, (width, height), dst=out, interpolation=method)
            break
        if half[0] < height or half[1] < width:
            cv2.resize(source, (width, height), dst=out, interpolation=cv2.INTER_LINEAR)
            break
        smaller = pool.take((*half, 3))
        cv2.resize(source, half[::-1], dst=smaller, interpolation=method)
        if source is not image:
            pool.give_back(source)
        source = smaller
    if source is not image:
        pool.give_back(source)


def network_input(image: Image, input_size: tuple[int, int]) -> Image:
    """Return the image at the network's input size, uint8 [h, w, 3]; itself if it fits."""
    if input_size in ((0, 0), image.shape[:2]):
        return image
    out = np.empty((*input_size, 3), np.uint8)
    resize_image(image, out)
    return out


def batch_of_one(image: Image, size: tuple[int, int], pool: BufferPool) -> NDArray[np.uint8]:
    """
    Return the image at ``size`` as a contiguous batch, uint8 [1, h, w, 3].

    That is the image's own memory where it fits, and otherwise an array from ``pool``, which
    whoever is done with it may give back.
    """
    if size == image.shape[:2] and image.flags.c_contiguous:
        return image[None]
    batch = pool.take((1, *size, 3))
    if size == image.shape[:2]:
        np.copyto(batch[0], image)
    else:
        resize_image(image, batch[0], pool)
    return batch


def resize_planes(planes: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return planes float [N, C, H, W] interpolated bilinearly to ``size``, [N, C, h, w]."""
    flat = planes.reshape(-1, *planes.shape[2:])
    resized = np.empty((flat.shape[0], *size), np.float32)
    for plane, out in zip(flat, resized, strict=True):
        cv2.resize(plane, size[::-1], dst=out, interpolation=cv2.INTER_LINEAR)
    return resized.reshape(*planes.shape[:2], *size)
