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
"""The picture that the street is painted on, colours and labels at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.street.camera import Camera, Points

SUPERSAMPLING: Final = 2

_SHIFT: Final = 4
_FAR_AWAY: Final = 1e5

Bytes = NDArray[np.uint8]
Pixel = tuple[int, int, int, int]
Place = tuple[float, float]
Places = Sequence[Place]


def _shrunk(picture: Bytes, size: tuple[int, int]) -> Bytes:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


class Sprite:
    """
    A picture to paint on boards: uint8 [h, w, 4], RGB and label id, with reduced copies.

    ``mask`` is uint8 [h, w], 0 where the picture is empty; None if it is full.
    """

    def __init__(self, picture: Bytes, mask: Bytes | None = None) -> None:
        """Keep the picture."""
        self.picture = picture
        self.mask = mask
        self._reduced: dict[
            tuple[int, int], tuple[Bytes, Bytes | None]] = {}

    def reduced(self, width: float, height: float,
                ) -> tuple[Bytes, Bytes | None]:
        """Return picture and mask, halved along each side as long as they stay that large."""
        rows, columns = self.picture.shape[:2]
        key = (max(0, int(math.log2(columns / max(1.0, min(width, columns))))),
               max(0, int(math.log2(rows / max(1.0, min(height, rows))))))
        if key == (0, 0):
            return self.picture, self.mask
        if key not in self._reduced:
            size = (max(1, columns >> key[0]), max(1, rows >> key[1]))
            self._reduced[key] = (_shrunk(self.picture, size),
                                  None if self.mask is None else _shrunk(self.mask, size))
        return self._reduced[key]

    def columns(self, start: int, stop: int) -> Sprite:
        """Return a part of the picture."""
        return Sprite(np.ascontiguousarray(self.picture[:, start:stop]),
                      None if self.mask is None
                      else np.ascontiguousarray(self.mask[:, start:stop]))


class Canvas:
    """
    Red, green, blue and the Cityscapes label id as four channels, at twice the camera's size.

    So every stroke sets colour and label of exactly the same pixels; averaging then smooths the
    colours' edges, while labels stay hard.
    """

    def __init__(self, camera: Camera) -> None:
        """Prepare an empty picture for a camera."""
        self.camera = camera
        height, width = camera.size
        self.pixels = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING, 4), np.uint8)

    def finish(self) -> tuple[Bytes, Bytes]:
        """Return the image, uint8 [H, W, 3] RGB, and its label ids, uint8 [H, W]."""
        height, width = self.camera.size
        smooth = cv2.resize(self.pixels, (width, height), interpolation=cv2.INTER_AREA)
        labels = np.ascontiguousarray(self.pixels[::SUPERSAMPLING, ::SUPERSAMPLING, 3])
        return np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGBA2RGB), np.uint8), labels

    def scaled(self, pixels: Points) -> Points:
        """Return camera pixels as places on the canvas."""
        return (pixels + 0.5) * SUPERSAMPLING - 0.5

    @staticmethod
    def _fixed(pixels: Places) -> NDArray[np.int32]:
        scale, half = SUPERSAMPLING << _SHIFT, ((SUPERSAMPLING - 1) << _SHIFT) / 2
        return np.array([(round(min(max(u, -_FAR_AWAY), _FAR_AWAY) * scale + half),
                          round(min(max(v, -_FAR_AWAY), _FAR_AWAY) * scale + half))
                         for u, v in pixels], np.int32)

    def fill(self, pixels: Places, colour: Pixel) -> None:
        """Fill a convex polygon given by camera pixels."""
        cv2.fillConvexPoly(self.pixels, self._fixed(pixels), colour, cv2.LINE_8, _SHIFT)

    def stroke(self, pixels: Places, width: float, colour: Pixel, closed: bool = False) -> None:
        """Draw a line along camera pixels, ``width`` camera pixels thick."""
        thickness = max(1, round(width * SUPERSAMPLING))
        cv2.polylines(self.pixels, [self._fixed(pixels)], closed, colour, min(thickness, 255),
                      cv2.LINE_8, _SHIFT)

    def disc(self, pixel: Place, radius: float, colour: Pixel) -> None:
        """Fill a circle around a camera pixel."""
        centre = self._fixed([pixel])[0].tolist()
        cv2.circle(self.pixels, centre,
                   max(1, round(radius * SUPERSAMPLING * (1 << _SHIFT))), colour, cv2.FILLED,
                   cv2.LINE_8, _SHIFT)

    def paste(self, sprite: Sprite, corners: Points, table: Bytes) -> None:
        """
        Paint a picture on a quadrangle.

        ``corners`` are the camera pixels [4, 2] of its upper left, upper right, lower right and
        lower left; ``table`` is the light on it.
        """
        places = self.scaled(corners)
        height, width = self.pixels.shape[:2]
        left, top = np.floor(places.min(axis=0)).astype(int)
        right, bottom = np.ceil(places.max(axis=0)).astype(int) + 1
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, width), min(bottom, height)
        if right <= left or bottom <= top:
            return
        # Reduced to about the size it will have, so that far walls don't glitter.
        wide = max(np.linalg.norm(places[1] - places[0]), np.linalg.norm(places[2] - places[3]))
        high = max(np.linalg.norm(places[3] - places[0]), np.linalg.norm(places[2] - places[1]))
        picture, mask = sprite.reduced(float(wide), float(high))
        small = (picture.shape[1], picture.shape[0])
        lit = cv2.LUT(picture, table)
        source = np.array([[0, 0], [small[0], 0], [small[0], small[1]], [0, small[1]]],
                          np.float32) - 0.5
        target = (places - [left, top]).astype(np.float32)
        warp = cv2.getPerspectiveTransform(source, target)
        window = (int(right - left), int(bottom - top))
        painted = cv2.warpPerspective(lit, warp, window, flags=cv2.INTER_LINEAR,
                                      borderMode=cv2.BORDER_REPLICATE)
        where = np.zeros((window[1], window[0]), np.uint8)
        cv2.fillConvexPoly(where, np.round(target * (1 << _SHIFT)).astype(np.int32), 255,
                           cv2.LINE_8, _SHIFT)
        if mask is not None:
            cut = cv2.warpPerspective(mask, warp, window, flags=cv2.INTER_LINEAR,
                                      borderMode=cv2.BORDER_CONSTANT)
            where[cut < 128] = 0
        region = self.pixels[top:bottom, left:right]
        cv2.copyTo(painted, where, region)
