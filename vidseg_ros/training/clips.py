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
Clips for training: a labelled frame and the frames before it.

Where a data set has no dense video, the frames before are made from the still by a smooth camera
motion: a plane homography of zoom, shift, turn and tilt that grows with the temporal distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.labels.space import IGNORE
from vidseg_ros.training.recipe import Recipe

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Clip:
    """
    One sample: I_t and its labels, I_t-1 and I_t-k.

    Images uint8 [H, W, 3] RGB, ``labels`` uint8 [H, W]. At the start of a stream there is no
    earlier frame: ``starts`` is true and both are black.
    """

    image: Image
    labels: Image
    last: Image
    earlier: Image
    starts: bool


def augmentation(
    size: tuple[int, int], recipe: Recipe, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a random scale, flip and crop as a 3x3 map from the image to the crop."""
    height, width = size
    crop_height, crop_width = recipe.crop
    scale = float(np.exp(rng.uniform(np.log(recipe.scale[0]), np.log(recipe.scale[1]))))
    # A crop inside the scaled image, or the scaled image somewhere inside the crop.
    spare_x, spare_y = width * scale - crop_width, height * scale - crop_height
    left = rng.uniform(min(0.0, spare_x), max(0.0, spare_x))
    top = rng.uniform(min(0.0, spare_y), max(0.0, spare_y))
    flip = rng.random() < recipe.flip
    mirror = np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]]) if flip else np.eye(3)
    return np.array([[scale, 0, -left], [0, scale, -top], [0, 0, 1.0]]) @ mirror


def camera_motion(
    size: tuple[int, int], amount: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """
    Return a smooth camera motion over ``amount`` (a fraction of the image) as a homography.

    Driving is mostly forward, so that the earlier view is most often the wider one; the centre
    of expansion lies near the horizon.
    """
    height, width = size
    zoom = np.exp(amount * rng.normal(-0.6, 0.7))
    shift = amount * rng.normal(0, 0.35, 2) * (width, height * 0.4)
    turn = amount * rng.normal(0, 0.12)
    tilt = amount * rng.normal(0, 0.25, 2) / (width, height)
    centre = np.array([width * rng.uniform(0.35, 0.65), height * rng.uniform(0.35, 0.55)])
    to_centre = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1.0]])
    cos, sin = np.cos(turn) * zoom, np.sin(turn) * zoom
    move = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]], [tilt[0], tilt[1], 1.0]])
    return np.linalg.inv(to_centre) @ move @ to_centre


def _power(motion: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Return the part of a small motion that falls on ``exponent`` of its time."""
    return np.eye(3) + (motion / motion[2, 2] - np.eye(3)) * exponent


def jitter_colour(images: list[Image], strength: float, rng: np.random.Generator) -> list[Image]:
    """Change brightness, contrast, and each channel a little, alike in all the images."""
    if strength <= 0:
        return images
    gain = np.exp(rng.normal(0, strength * 0.5)) * np.exp(rng.normal(0, strength * 0.25, 3))
    gamma = np.exp(rng.normal(0, strength * 0.7))
    ramp = np.linspace(0, 1, 256)[:, None] ** gamma
    table = np.clip(ramp * gain * 255, 0, 255).astype(np.uint8).reshape(1, 256, 3)
    return [np.asarray(cv2.LUT(image, table), np.uint8) for image in images]


def make_clip(image: Image, labels: Image, recipe: Recipe, rng: np.random.Generator) -> Clip:
    """Augment a still and make the frames before it."""
    size = image.shape[:2]
    crop = augmentation(size, recipe, rng)
    shape = recipe.crop[1], recipe.crop[0]
    motion = camera_motion(size, recipe.motion, rng)
    last = _power(motion, rng.uniform(0.5, 1.5) / recipe.frame_distance)

    def view(homography: NDArray[np.float64]) -> Image:
        return cv2.warpPerspective(  # type: ignore[return-value]
            image, homography, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )

    truth = cv2.warpPerspective(
        labels, crop, shape, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT,
        borderValue=IGNORE,
    )  # fmt: skip
    starts = bool(rng.random() < recipe.stream_start)
    if starts:
        (now,) = jitter_colour([view(crop)], recipe.colour, rng)
        black = np.zeros_like(now)
        return Clip(now, truth, black, black, True)  # type: ignore[arg-type]
    now, before, earlier = jitter_colour(
        [view(crop), view(crop @ last), view(crop @ motion)], recipe.colour, rng
    )
    return Clip(now, truth, before, earlier, False)  # type: ignore[arg-type]
