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
"""Make clips from their plans on the CPU: a labelled frame, the frames before it, all exact."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.labels.space import IGNORE
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.plan import ClipPlan, Homography

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Clip:
    """
    One sample: the frames of a clip, oldest first; the last is I_t.

    ``images`` uint8 [T, H, W, 3] RGB, ``labels`` uint8 [T, H, W], 255 where nothing is known.
    Where the clip ``starts`` a stream the frames before I_t are black. ``flow``, if it was asked
    for, leads from I_t to the first frame: float32 [H, W, 2], (x, y) in pixels.
    """

    images: Image
    labels: Image
    starts: bool
    flow: NDArray[np.float32] | None = None


def _view(image: Image, homography: Homography, size: tuple[int, int]) -> Image:
    return cv2.warpPerspective(  # type: ignore[return-value]
        image, homography, (size[1], size[0]), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip


def _label_view(
    labels: Image, homography: Homography, size: tuple[int, int], outside: int = IGNORE
) -> Image:
    return cv2.warpPerspective(  # type: ignore[return-value]
        labels, homography, (size[1], size[0]), flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT, borderValue=outside,  # type: ignore[call-overload]
    )  # fmt: skip


def saturate(image: Image, saturation: float) -> Image:
    """Multiply the distance of each pixel from its grey by ``saturation``."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(image, saturation, grey, 1.0 - saturation, 0), np.uint8)


def displacement(homography: Homography, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return by how much each pixel is moved, float32 [H, W, 2]."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    points = np.stack([x, y, np.ones_like(x)], -1) @ homography.T
    moved = points[..., :2] / points[..., 2:]
    return np.asarray(moved - np.stack([x, y], -1), np.float32)


def make_clip(plan: ClipPlan, store: FrameStore, *, with_flow: bool = False) -> Clip:
    """Make the pixels and the labels of a plan."""
    size, count = plan.size, len(plan.sources)
    images = np.zeros((count, *size, 3), np.uint8)
    labels = np.full((count, *size), IGNORE, np.uint8)
    owner = np.zeros(size, np.uint8)
    for i, (source, view) in enumerate(zip(plan.sources, plan.views, strict=True)):
        if plan.starts and i < count - 1:
            continue
        image, truth = store[source]
        picture = _view(image, view, size)
        if truth is not None:
            labels[i] = _label_view(truth, view, size)
        for number, occluder in enumerate(plan.occluders, start=1):
            theirs, their_truth = store[occluder.source]
            assert their_truth is not None
            seen = _label_view(occluder.mask.view(np.uint8), occluder.views[i], size, 0)
            where = seen.astype(bool)
            picture[where] = _view(theirs, occluder.views[i], size)[where]
            labels[i][where] = _label_view(their_truth, occluder.views[i], size)[where]
            if i == count - 1:
                owner[where] = number
        if plan.table is not None:
            picture = np.asarray(cv2.LUT(picture, plan.table[None]), np.uint8)
        images[i] = picture if plan.saturation == 1.0 else saturate(picture, plan.saturation)
    flow = _flow(plan, owner) if with_flow else None
    return Clip(images, labels, plan.starts, flow)


def _flow(plan: ClipPlan, owner: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return where each pixel of the last frame is in the first one."""
    every = [plan.views, *(occluder.views for occluder in plan.occluders)]
    flow = np.zeros((*plan.size, 2), np.float32)
    for number, views in enumerate(every):
        where = owner == number
        if where.any():
            motion = views[0] @ np.linalg.inv(views[-1])
            flow[where] = displacement(motion, plan.size)[where]
    return flow
