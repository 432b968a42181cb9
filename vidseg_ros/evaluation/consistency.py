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
"""Temporal consistency: whether a class stays on the surface it was put on, frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.evaluation.confusion import ConfusionMatrix
from vidseg_ros.flow.dis import SMALLEST_SIDE, DisFlow, to_gray
from vidseg_ros.flow.warp import consistent, warp_labels
from vidseg_ros.labels.space import IGNORE

# Wider images are brought down to this for the flow, and the labels with them: the measure
# changes little, and the time it takes falls with the square.
WIDEST = 1024


@dataclass(frozen=True, slots=True)
class Agreement:
    """
    How far one frame's labels agree with the labels before, moved along the optical flow.

    ``pixels`` is the share of the compared pixels that agree, ``miou`` the mean IoU between the
    two label images over those pixels, ``compared`` the share of the image that was compared.
    """

    pixels: float
    miou: float
    compared: float


class TemporalConsistency:
    """
    Measure the agreement of consecutive label images of one camera.

    The labels of frame t-1 are warped onto frame t along the optical flow between the two
    *images* (DIS), and compared with the labels of frame t. Pixels that were hidden or outside
    in frame t-1 are left out: those whose flow leaves the image, or fails the forward-backward
    check. The measure of a video is the mean over its frame pairs. That labels be compared along
    image flow is the temporal consistency of Liu, Shen, Yu and Wang, "Efficient Semantic Video
    Segmentation with Per-frame Inference", ECCV 2020, who give it as mean IoU (``miou`` here)
    and without an occlusion check; ``pixels`` is the same as a share of pixels.

    One object serves one camera and one thread at a time.
    """

    def __init__(self, num_classes: int, preset: str = 'fast') -> None:
        """Remember nothing yet; ``preset`` is the flow's operating point."""
        self.num_classes = num_classes
        self._flow = DisFlow(preset)
        self._previous: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None

    def reset(self) -> None:
        """Forget the frame before: the next one starts a new sequence."""
        self._previous = None

    def update(self, image: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Agreement | None:
        """
        Compare a frame with the one before it, and remember it for the one after.

        ``image`` uint8 [H, W, 3] RGB, ``labels`` uint8 [H, W]. Returns None where there is
        nothing to compare: the first frame, a change of size, an image too small for flow, or
        no pixel that can be followed. ValueError if image and labels differ in size.
        """
        if image.shape[:2] != labels.shape:
            raise ValueError(f'image {list(image.shape)} and labels {list(labels.shape)} '
                             'differ in size')
        gray, labels = _reduced(to_gray(image), labels)
        before, self._previous = self._previous, (gray, labels)
        if before is None or before[0].shape != gray.shape or min(gray.shape) < SMALLEST_SIDE:
            return None
        return compare(before, (gray, labels), self._flow, self.num_classes)


def compare(before: tuple[NDArray[np.uint8], NDArray[np.uint8]],
            now: tuple[NDArray[np.uint8], NDArray[np.uint8]],
            flow: DisFlow, num_classes: int) -> Agreement | None:
    """Compare two frames, each a grey image and its labels, uint8 [H, W]; None if it can't."""
    gray, labels = now
    back = flow.calc(gray, before[0])
    forth = flow.calc(before[0], gray)
    moved = warp_labels(before[1], back)
    seen = consistent(back, forth)
    share = float(seen.mean())
    if not share:
        return None
    # Unlabelled in one and not in the other is a disagreement; in both, agreement without a class.
    pixels = float((moved[seen] == labels[seen]).mean())
    moved[~seen] = IGNORE
    moved[moved >= num_classes] = IGNORE
    matrix = ConfusionMatrix(num_classes)
    matrix.update(labels, moved)
    return Agreement(pixels=pixels, miou=matrix.miou, compared=share)


def _reduced(gray: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    height, width = gray.shape
    if width <= WIDEST:
        return gray, labels.copy()
    size = (WIDEST, max(1, round(height * WIDEST / width)))
    return (cv2.resize(gray, size, interpolation=cv2.INTER_AREA),
            cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST))
