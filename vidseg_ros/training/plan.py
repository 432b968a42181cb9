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
What is random about a clip: where its frames come from and how they are seen.

A plan is small and says everything; clips.py makes it into pixels on the CPU, device_clips.py on a
GPU. Where a data set has no dense video, the frames before a still are made from it by a smooth
camera motion (a plane homography of zoom, shift, turn and tilt that grows with the temporal
distance) and by objects, cut out of other frames, that move before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.labels.space import IGNORE
from vidseg_ros.networks.clip import Past
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.recipe import Recipe

Homography = NDArray[np.float64]
# Objects to cut out have at least and at most this share of their image.
_OBJECT_AREA = (0.002, 0.06)


@dataclass(frozen=True)
class Occluder:
    """
    An object before the scene.

    ``source`` is the frame that it is cut from, ``mask`` bool [H, W] says where, and ``views``
    lead from there into each frame of the clip.
    """

    source: int
    mask: NDArray[np.bool_]
    views: tuple[Homography, ...]


@dataclass(frozen=True)
class ClipPlan:
    """
    How to make a clip.

    Frame i of the clip, oldest first, shows frame ``sources[i]`` through the homography
    ``views[i]``, in the colours of ``table`` (uint8 [256, 3]) and with ``saturation`` times its
    own; ``starts`` clips begin a stream: of what is before the last frame nothing is seen.
    """

    sources: tuple[int, ...]
    views: tuple[Homography, ...]
    size: tuple[int, int]
    table: NDArray[np.uint8] | None
    saturation: float
    starts: bool
    occluders: tuple[Occluder, ...] = ()


def augmentation(size: tuple[int, int], recipe: Recipe, rng: np.random.Generator) -> Homography:
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


def camera_motion(size: tuple[int, int], amount: float, rng: np.random.Generator) -> Homography:
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


def _power(motion: Homography, exponent: float) -> Homography:
    """Return the part of a small motion that falls on ``exponent`` of its time."""
    return np.eye(3) + (motion / motion[2, 2] - np.eye(3)) * exponent


def _colours(strength: float, rng: np.random.Generator) -> NDArray[np.uint8] | None:
    """Return a table that changes brightness, contrast, and each channel a little."""
    if strength <= 0:
        return None
    gain = np.exp(rng.normal(0, strength * 0.5)) * np.exp(rng.normal(0, strength * 0.25, 3))
    gamma = np.exp(rng.normal(0, strength * 0.7))
    ramp = np.linspace(0, 1, 256)[:, None] ** gamma
    return np.clip(ramp * gain * 255, 0, 255).astype(np.uint8)


def objects(labels: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """Return masks of what can be cut out: patches of one class, whole and of a fitting size."""
    height, width = labels.shape
    found = []
    for value in np.unique(labels):
        if value == IGNORE:
            continue
        _, patches, statistics, _ = cv2.connectedComponentsWithStats(
            (labels == value).astype(np.uint8), connectivity=4
        )
        for index, (left, top, wide, high, area) in enumerate(statistics):
            inside = left > 0 and top > 0 and left + wide < width and top + high < height
            share = area / labels.size
            if index and inside and _OBJECT_AREA[0] <= share <= _OBJECT_AREA[1]:
                found.append(patches == index)
    return found


class ClipPlanner:
    """Draw plans for clips of what a network takes of the past."""

    def __init__(self, store: FrameStore, recipe: Recipe, past: Past) -> None:
        if recipe.clips == 'video' and past is not Past.NONE and not store.windows:
            raise ValueError("clips: 'video', but the data set has no dense video")
        self._store = store
        self._recipe = recipe
        self._past = past

    def plan(self, index: int, rng: np.random.Generator) -> ClipPlan:
        """Return how to make a clip of the labelled frame ``index``."""
        recipe, size = self._recipe, self._store.size
        # All of this is drawn whatever the network takes, so that a still is the same for all.
        crop = augmentation(size, recipe, rng)
        motion = camera_motion(size, recipe.motion, rng)
        last_distance = rng.uniform(0.5, 1.5)
        starts = bool(rng.random() < recipe.stream_start)
        table = _colours(recipe.colour, rng)
        saturation = 1.0
        if recipe.saturation > 0:
            saturation = float(np.clip(rng.normal(1.0, recipe.saturation), 0.0, 2.0))
        distances = self._distances(last_distance, rng)
        sources = self._video(index, distances, rng)
        if sources is not None:
            views = [crop] * len(distances)
            occluders: tuple[Occluder, ...] = ()
        else:
            sources = [index] * len(distances)
            per_frame = 1.0 / recipe.frame_distance
            views = [crop @ _power(motion, d * per_frame) if d else crop for d in distances]
            occluders = self._occluders(views, distances, rng)
        return ClipPlan(
            tuple(sources), tuple(views), recipe.crop, table, saturation,
            starts and self._past is Past.CHANGE, occluders,
        )  # fmt: skip

    def _distances(self, last: float, rng: np.random.Generator) -> list[float]:
        """Return how many frames before I_t each frame of the clip lies."""
        if self._past is Past.CHANGE:
            return [self._recipe.frame_distance, last, 0]
        if self._past is Past.KEY_FRAME:
            return [int(rng.integers(1, self._recipe.max_distance + 1)), 0]
        if self._past is Past.SEQUENCE:
            return list(range(self._recipe.clip_length - 1, -1, -1))
        return [0]

    def _video(
        self, index: int, distances: list[float], rng: np.random.Generator
    ) -> list[int] | None:
        """
        Return the frames of real video, if there are enough of them.

        In a sequence the labelled frame has any place (recurrent U-Nets, section 3.3); else it
        is the last.
        """
        window = self._store.windows.get(index)
        if window is None or self._recipe.clips == 'stills' or self._past is Past.NONE:
            return None
        steps = [max(1, round(d)) if d else 0 for d in distances]
        place = window.index(index)
        if self._past is Past.SEQUENCE:
            first = max(0, place - steps[0])
            final = min(place, len(window) - 1 - steps[0])
            if first > final:
                return None
            place = int(rng.integers(first, final + 1)) + steps[0]
        if place < steps[0]:
            return None
        return [window[place - step] for step in steps]

    def _occluders(
        self, views: list[Homography], distances: list[float], rng: np.random.Generator
    ) -> tuple[Occluder, ...]:
        recipe = self._recipe
        if recipe.occluders <= 0:
            return ()
        height, width = self._store.size
        found = []
        for _ in range(int(rng.poisson(recipe.occluders))):
            source = self._store.labelled[int(rng.integers(len(self._store.labelled)))]
            masks = objects(self._store.labels(source))
            if not masks:
                continue
            mask = masks[int(rng.integers(len(masks)))]
            rows, columns = np.nonzero(mask)
            scale = float(np.exp(rng.uniform(-0.4, 0.4)))
            target = np.array([rng.uniform(0.05, 0.95) * width, rng.uniform(0.2, 0.9) * height])
            offset = target - scale * np.array([columns.mean(), rows.mean()])
            place = np.array([[scale, 0, offset[0]], [0, scale, offset[1]], [0, 0, 1.0]])
            # Objects move about as fast as the camera does, most of them sideways.
            speed = rng.normal(0, recipe.motion / recipe.frame_distance, 2) * (width, height * 0.3)
            moved = []
            for view, distance in zip(views, distances, strict=True):
                back = np.eye(3)
                back[:2, 2] = -speed * distance
                moved.append(view @ back @ place)
            found.append(Occluder(source, mask, tuple(moved)))
        return tuple(found)
