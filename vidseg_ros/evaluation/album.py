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
"""Choosing which frames a report shows, while they go by and without keeping them all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Wide enough for three side by side on a laptop, and for zooming in once.
WIDEST = 720


@dataclass(frozen=True, slots=True)
class Picture:
    """
    One frame to be shown: ``image`` uint8 [H, W, 3] RGB, ``labels`` and ``truth`` uint8 [H, W].

    ``truth`` is None for a frame without ground truth; ``miou`` is then NaN.
    """

    camera: str
    number: int
    stamp_ns: int
    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None
    miou: float
    consistency: float


class Album:
    """
    Keep the best frame, the worst one and some that are evenly spaced, of any number of frames.

    At most ``2 * spaced + 2`` pictures are held at a time, reduced to 720 pixels' width. Frames
    with ground truth are preferred: once there was one, others are no longer taken.
    """

    def __init__(self, spaced: int = 6) -> None:
        """Start empty; ``spaced`` is about how many evenly spaced frames to end with."""
        self._limit = max(1, spaced)
        self._stride = 1
        self._seen = 0
        self._labelled = False
        self._spaced: list[Picture] = []
        self._best: Picture | None = None
        self._worst: Picture | None = None

    def offer(self, picture: Picture) -> None:
        """Look at a frame; keep a reduced copy of it if it may be shown."""
        if picture.truth is not None and not self._labelled:
            self._labelled = True
            self._spaced, self._seen, self._stride = [], 0, 1
        elif picture.truth is None and self._labelled:
            return
        reduced: Picture | None = None
        if math.isfinite(picture.miou):
            if self._best is None or picture.miou > self._best.miou:
                self._best = reduced = _reduced(picture)
            if self._worst is None or picture.miou < self._worst.miou:
                self._worst = reduced = reduced or _reduced(picture)
        if self._seen % self._stride == 0:
            self._spaced.append(reduced or _reduced(picture))
            if len(self._spaced) == 2 * self._limit:
                # Every other one: what stays is still evenly spaced.
                del self._spaced[1::2]
                self._stride *= 2
        self._seen += 1

    def pages(self) -> list[tuple[str, Picture]]:
        """Return what to show: (why, picture), best and worst first, no frame twice."""
        pages: list[tuple[str, Picture]] = []
        if self._best is not None and self._worst is not None:
            if self._best.miou > self._worst.miou:
                pages.append(('worst frame', self._worst))
                pages.append(('best frame', self._best))
            shown = {(p.camera, p.number) for _, p in pages}
        else:
            shown = set()
        spaced = self._spaced
        if len(spaced) > self._limit:
            picks = np.linspace(0, len(spaced) - 1, self._limit).round().astype(int)
            spaced = [spaced[i] for i in picks]
        pages.extend(('', p) for p in spaced if (p.camera, p.number) not in shown)
        return pages


def _reduced(picture: Picture) -> Picture:
    height, width = picture.labels.shape
    scale = min(1.0, WIDEST / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def shrink(array: NDArray[Any], interpolation: int) -> NDArray[Any]:
        return array.copy() if scale == 1.0 else cv2.resize(array, size,
                                                            interpolation=interpolation)

    return Picture(
        camera=picture.camera, number=picture.number, stamp_ns=picture.stamp_ns,
        name=picture.name, miou=picture.miou, consistency=picture.consistency,
        image=shrink(picture.image, cv2.INTER_AREA),
        labels=shrink(picture.labels, cv2.INTER_NEAREST),
        truth=None if picture.truth is None else shrink(picture.truth, cv2.INTER_NEAREST))
