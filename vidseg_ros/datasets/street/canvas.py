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

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.street.camera import Camera, Points

SUPERSAMPLING: Final = 2

_SHIFT: Final = 4
_FAR_AWAY: Final = 1e5

Pixel = tuple[int, int, int, int]
Sprite = NDArray[np.uint8]


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

    def finish(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the image, uint8 [H, W, 3] RGB, and its label ids, uint8 [H, W]."""
        height, width = self.camera.size
        smooth = cv2.resize(self.pixels, (width, height), interpolation=cv2.INTER_AREA)
        labels = np.ascontiguousarray(self.pixels[::SUPERSAMPLING, ::SUPERSAMPLING, 3])
        return cv2.cvtColor(smooth, cv2.COLOR_RGBA2RGB), labels

    def scaled(self, pixels: Points) -> Points:
        """Return camera pixels as places on the canvas."""
        return (pixels + 0.5) * SUPERSAMPLING - 0.5

    def _fixed(self, pixels: Points) -> NDArray[np.int32]:
        places = np.clip(self.scaled(pixels), -_FAR_AWAY, _FAR_AWAY)
        return np.round(places * (1 << _SHIFT)).astype(np.int32)

    def fill(self, pixels: Points, colour: Pixel) -> None:
        """Fill a convex polygon given by camera pixels [N, 2]."""
        cv2.fillConvexPoly(self.pixels, self._fixed(pixels), colour, cv2.LINE_8, _SHIFT)

    def stroke(self, pixels: Points, width: float, colour: Pixel, closed: bool = False) -> None:
        """Draw a line along camera pixels [N, 2], ``width`` camera pixels thick."""
        thickness = max(1, round(width * SUPERSAMPLING))
        cv2.polylines(self.pixels, [self._fixed(pixels)], closed, colour, min(thickness, 255),
                      cv2.LINE_8, _SHIFT)

    def disc(self, pixel: Points, radius: float, colour: Pixel) -> None:
        """Fill a circle around a camera pixel [2]."""
        centre = self._fixed(pixel[None])[0]
        cv2.circle(self.pixels, (int(centre[0]), int(centre[1])),
                   max(1, round(radius * SUPERSAMPLING * (1 << _SHIFT))), colour, cv2.FILLED,
                   cv2.LINE_8, _SHIFT)

    def paste(self, sprite: Sprite, mask: NDArray[np.uint8] | None, corners: Points,
              table: NDArray[np.uint8]) -> None:
        """
        Paint a picture on a quadrangle.

        ``sprite`` is uint8 [h, w, 4] (RGB and label id), ``mask`` uint8 [h, w], 0 where it is
        empty; ``corners`` the camera pixels [4, 2] of its upper left, upper right, lower right
        and lower left; ``table`` the light on it.
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
        small = (int(np.clip(wide, 1, sprite.shape[1])), int(np.clip(high, 1, sprite.shape[0])))
        if small != (sprite.shape[1], sprite.shape[0]):
            sprite = cv2.resize(sprite, small, interpolation=cv2.INTER_AREA)
            if mask is not None:
                mask = cv2.resize(mask, small, interpolation=cv2.INTER_AREA)
        sprite = cv2.LUT(sprite, table)
        source = np.array([[0, 0], [small[0], 0], [small[0], small[1]], [0, small[1]]],
                          np.float32) - 0.5
        target = (places - [left, top]).astype(np.float32)
        warp = cv2.getPerspectiveTransform(source, target)
        window = (int(right - left), int(bottom - top))
        painted = cv2.warpPerspective(sprite, warp, window, flags=cv2.INTER_LINEAR,
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
