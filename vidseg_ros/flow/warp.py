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
"""Warping images, labels and flows along an optical flow, and finding where that can't work."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Flow = NDArray[np.float32]


def warp_labels(labels: NDArray[np.uint8], flow: Flow, border: int = 255) -> NDArray[np.uint8]:
    """
    Fetch labels along a flow, nearest neighbour.

    ``labels`` uint8 [H, W] belong to the image that ``flow``, float32 [H, W, 2] in pixels, leads
    into: the result is ``labels[p + flow[p]]``, uint8 [H, W], and ``border`` where that lies
    outside. ValueError if the sizes differ.
    """
    return _remap(labels, flow, cv2.INTER_NEAREST, border)


def warp_image(image: NDArray[Any], flow: Flow, border: float = 0.0) -> NDArray[Any]:
    """
    Fetch an image (or a map of features) along a flow, bilinearly.

    ``image`` uint8, uint16 or float32 [H, W] or [H, W, C]; otherwise as ``warp_labels``.
    """
    return _remap(image, flow, cv2.INTER_LINEAR, border)


def inside(flow: Flow) -> NDArray[np.bool_]:
    """Return where ``p + flow[p]`` lies within the image, bool [H, W]."""
    height, width = flow.shape[:2]
    x, y = _targets(flow)
    return (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)


def consistent(flow: Flow, back: Flow) -> NDArray[np.bool_]:
    """
    Return where a flow and the flow back agree, bool [H, W]: elsewhere something is hidden.

    ``flow`` leads from this image to the other, ``back`` from the other to this one. A pixel
    passes if it is led into the image and ``|w + b|^2 < 0.01 (|w|^2 + |b|^2) + 0.5``, with b the
    flow back at its target: the check of Sundaram, Brox and Keutzer, "Dense Point Trajectories
    by GPU-accelerated Large Displacement Optical Flow", ECCV 2010, section 3.
    """
    returned = warp_image(back, flow)
    gap = np.square(flow + returned).sum(axis=2)
    length = np.square(flow).sum(axis=2) + np.square(returned).sum(axis=2)
    return inside(flow) & (gap < 0.01 * length + 0.5)


def _remap(image: NDArray[Any], flow: Flow, interpolation: int, border: float) -> NDArray[Any]:
    if image.shape[:2] != flow.shape[:2]:
        raise ValueError(f'a flow of {flow.shape[:2]} can not warp an image of {image.shape[:2]}')
    x, y = _targets(flow)
    return cv2.remap(image, x, y, interpolation, borderMode=cv2.BORDER_CONSTANT,
                     borderValue=(border,) * 4)


def _targets(flow: Flow) -> tuple[Flow, Flow]:
    height, width = flow.shape[:2]
    x, y = _grid(height, width)
    return flow[..., 0] + x, flow[..., 1] + y


@functools.lru_cache(maxsize=8)
def _grid(height: int, width: int) -> tuple[Flow, Flow]:
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    return x, y
