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
"""
Chains of optical flows: from a frame over several others to one further back.

What lies several frames back is fetched once, along the composed flow. To warp it from frame to
frame instead would round it every time: nearest-neighbour warping loses motion of less than half
a pixel a frame altogether, and bilinear warping blurs.
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Flow = NDArray[np.float32]
# Where to fetch from: float32 [H, W, 2], x and y in pixels.
Positions = NDArray[np.float32]
Plane = NDArray[np.float32]


def positions(flow: Flow) -> Positions:
    """Return where each pixel is led to, ``p + flow[p]``, float32 [H, W, 2]."""
    return np.asarray(cv2.add(flow, _grid(*flow.shape[:2])), np.float32)


def compose(first: Flow, second: Flow) -> Flow:
    """
    Return the flow that does both: ``first[p] + second[p + first[p]]``, float32 [H, W, 2].

    ``second`` is defined on the frame that ``first`` leads into. Where that leads outside, the
    nearest vector of ``second`` is taken.
    """
    return np.asarray(cv2.add(first, fetch(second, positions(first), nearest=False)), np.float32)


def resize_flow(flow: Flow, size: tuple[int, int]) -> Flow:
    """Return the flow for images of ``size`` (height, width), its vectors scaled along."""
    if flow.shape[:2] == size:
        return flow
    method = cv2.INTER_AREA if size[0] < flow.shape[0] else cv2.INTER_LINEAR
    resized = cv2.resize(flow, (size[1], size[0]), interpolation=method)
    # By numpy, with one factor for each of two channels, this takes ten times as long.
    scale = size[1] / flow.shape[1], size[0] / flow.shape[0], 1.0, 1.0
    cv2.multiply(resized, scale, dst=resized)  # type: ignore[call-overload]
    return np.asarray(resized, np.float32)


class PixelMaps:
    """
    Where the pixels of an image are led to by a flow on a coarser grid.

    The flow is interpolated bilinearly, as ``positions(resize_flow(flow, size))`` does it, in a
    fraction of the time and without allocating: for who warps every frame. Keeps its work space,
    so it belongs to one thread at a time.
    """

    def __init__(self) -> None:
        self._maps: tuple[Plane, Plane] = (np.empty((0, 0), np.float32),) * 2

    def __call__(
        self, flow: Flow, size: tuple[int, int], run: int = 1
    ) -> tuple[Plane, Plane]:
        """
        Return the x and the y of each pixel's target, float32 [H, W] each, in pixels.

        ``flow`` float32 [h, w, 2] is in cells of its grid, which covers the image of ``size``
        (height, width). Where ``run`` pixels of a row go together, [H, W / run], it is the target
        of pixel run // 2 of each if the flow in the middle of the run moved all of them. The
        arrays returned are overwritten by the next call.
        """
        shape = size[0], size[1] // run
        if self._maps[0].shape != shape:
            self._maps = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for axis, target in ((1, self._maps[0]), (0, self._maps[1])):
            cells, step = flow.shape[axis], run if axis else 1
            scale = size[axis] / cells
            offset = 0.5 * (step - 1) - step // 2
            # A cell's target in pixels. Interpolated, its own position gives each pixel's own...
            centres = (np.arange(cells, dtype=np.float32) + 0.5) * scale - (0.5 + offset)
            plane = flow[..., 1 - axis] * np.float32(scale)
            plane += centres[None, :] if axis else centres[:, None]
            cv2.resize(plane, shape[::-1], dst=target, interpolation=cv2.INTER_LINEAR)
            # ... but outside of the outermost centres, where the interpolation stands still.
            own = np.arange(shape[axis], dtype=np.float32) * step + step // 2
            missing = own[own < centres[0]] - centres[0]
            margin = len(missing)
            if margin and axis:
                target[:, :margin] += missing
                target[:, -margin:] -= missing[::-1]
            elif margin:
                target[:margin] += missing[:, None]
                target[-margin:] -= missing[::-1, None]
        return self._maps


def fetch_pixels(
    image: NDArray[Any],
    at: tuple[Plane, Plane],
    out: NDArray[Any],
    *,
    nearest: bool = True,
    outside: float | None = None,
) -> NDArray[Any]:
    """Fetch ``image`` as ``fetch`` does, at positions that ``PixelMaps`` made, into ``out``."""
    cv2.remap(
        image, *at, cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR, dst=out,
        borderMode=cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT,
        borderValue=0.0 if outside is None else (outside,) * 4,
    )  # fmt: skip
    return out


def fetch(
    image: NDArray[Any], at: Positions, *, nearest: bool = True, outside: float | None = None
) -> NDArray[Any]:
    """
    Fetch ``image``, [H, W] or [H, W, C] of any size, at the positions given.

    Outside of the image it is continued by its border, or by the value ``outside``. Bilinear
    unless ``nearest``; uint8, uint16 or float32.
    """
    return cv2.remap(
        image, at, None,  # type: ignore[call-overload]
        cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT,
        borderValue=0.0 if outside is None else (outside,) * 4,
    )  # fmt: skip


def within(at: Positions, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which positions lie inside an image of ``size`` (height, width), bool [H, W]."""
    x, y = at[..., 0], at[..., 1]
    return (x >= -0.5) & (x < size[1] - 0.5) & (y >= -0.5) & (y < size[0] - 0.5)


@functools.lru_cache(maxsize=8)
def _grid(height: int, width: int) -> Positions:
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    return np.ascontiguousarray(np.dstack(np.broadcast_arrays(x, y)))
