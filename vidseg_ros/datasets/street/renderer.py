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
"""From a scene to images: ground, sky, shadows, and everything from back to front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.street.camera import Camera, Points
from vidseg_ros.datasets.street.canvas import Canvas
from vidseg_ros.datasets.street.houses import Garden, House
from vidseg_ros.datasets.street.layout import (
    GROUND_PERIOD_M,
    GROUND_REACH_M,
    ROAD_M,
    SIDEWALK_M,
    VIEW_M,
)
from vidseg_ros.datasets.street.light import Light
from vidseg_ros.datasets.street.painter import TO_CAMERA, UP, Painter, label_id
from vidseg_ros.datasets.street.scene import Scene
from vidseg_ros.datasets.street.textures import GROUND_PER_M
from vidseg_ros.datasets.street.things import Bounds, Thing

Image = NDArray[np.uint8]

_SHADOW_REACH_M: Final = 110.0
_FAR_M: Final = 600.0
_GROUND_LEVELS: Final = 6
_NOISE_SIGMA: Final = 1.6
# On the ground, at noon.
_MOST_LIGHT: Final = 1.8


@dataclass(frozen=True)
class Rendering:
    """
    One frame: ``image`` uint8 [H, W, 3] RGB, ``label_ids`` uint8 [H, W] (Cityscapes' 0..33).

    ``camera_matrix`` is float64 [3, 3] in pixels.
    """

    image: Image
    label_ids: Image
    camera_matrix: NDArray[np.float64]


class StreetRenderer:
    """
    Render a street: frame ``n`` is what the camera sees ``n / rate_hz`` seconds after the start.

    The same arguments give the same pictures, in any order and in any process.
    """

    def __init__(self, seed: int | tuple[int, ...], frames: int,
                 size: tuple[int, int] = (512, 1024), rate_hz: float = 17.0) -> None:
        """Build the street; ``size`` is (height, width)."""
        self.frames = frames
        self.rate_hz = rate_hz
        self.scene = Scene(seed, frames / rate_hz, size)
        height, width = size
        camera = self.scene.camera(0.0)
        # Room for the camera to look aside and to nod.
        self._sky = self.scene.sky(camera.focal, round(width * 1.25), round(height * 0.62))
        levels = [self.scene.ground]
        for _ in range(_GROUND_LEVELS - 1):
            last = levels[-1]
            levels.append(_bytes(cv2.resize(last, (last.shape[1] // 2, last.shape[0] // 2),
                                            interpolation=cv2.INTER_AREA)))
        self._ground = levels
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed).spawn(1)[0]))
        grain = rng.normal(0, _NOISE_SIGMA, (height + 64, width + 64, 3)).round().astype(np.int16)
        self._brighter = np.clip(grain, 0, 255).astype(np.uint8)
        self._darker = np.clip(-grain, 0, 255).astype(np.uint8)
        self._grain_seed = int(rng.integers(2**31))
        rows = (np.arange(height)[:, None] / height - 0.5) ** 2
        columns = (np.arange(width)[None] / width - 0.5) ** 2
        vignette = np.clip(255 * (1.0 - 0.22 * (rows + columns)), 0, 255).astype(np.uint8)
        self._vignette = cv2.merge([vignette] * 3)

    def render(self, frame: int) -> Rendering:
        """
        Render a frame.

        :raises IndexError: if the drive has no such frame.
        """
        if not 0 <= frame < self.frames:
            raise IndexError(f'frame {frame} of a drive of {self.frames}')
        time = frame / self.rate_hz
        camera, light = self.scene.camera(time), self.scene.light(time)
        canvas = Canvas(camera)
        painter = Painter(canvas, light)
        houses = [house for house in self.scene.houses
                  if house.z[1] > camera.position[2] - 60 and house.z[0] < _view_end(camera)]
        hulls = [_shadow(house.footprint(), 0.0, house.height + 0.6 * house.roof, light)
                 for house in houses]
        things = [thing for thing in self.scene.things if self._in_view(thing, time, camera)]
        self._paint_sky(canvas, light)
        self._paint_ground(canvas, light, time, hulls)
        self._paint_backdrop(painter)
        self._paint_roadside(painter, houses)
        for thing in _back_to_front(things, time, camera):
            x0, x1, z0, z1 = thing.bounds(time)
            painter.shadow = _shade_at((x0 + x1) / 2, (z0 + z1) / 2, hulls)
            thing.paint(painter, time)
        image, labels = canvas.finish()
        return Rendering(self._expose(image, frame), labels, camera.matrix)

    @staticmethod
    def _in_view(thing: Thing, time: float, camera: Camera) -> bool:
        x0, x1, z0, z1 = thing.bounds(time)
        ahead = camera.position[2]
        if z1 < ahead + 0.8 or z0 > ahead + VIEW_M:
            return False
        reach = max(abs(x0 - camera.position[0]), abs(x1 - camera.position[0]))
        nearest = min(abs(x0 - camera.position[0]), abs(x1 - camera.position[0]))
        # Sideways beyond the picture's edge, with room for crowns and for looking aside.
        return nearest < 0.85 * (z1 - ahead) + 4.0 or reach < 3.0

    def _paint_sky(self, canvas: Canvas, light: Light) -> None:
        camera = canvas.camera
        height, width = camera.size
        horizon = camera.centre[1] - camera.focal * np.tan(camera.pitch)
        # The sky is far away: turning moves it, driving doesn't.
        left = (self._sky.shape[1] - width) / 2 + camera.focal * np.tan(camera.yaw)
        top = self._sky.shape[0] - horizon - 0.5
        rows = min(height, int(np.ceil(horizon)) + 3)
        move = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]])
        sky = cv2.warpAffine(self._sky, move, (width, rows), flags=cv2.INTER_LINEAR,
                             borderMode=cv2.BORDER_REPLICATE)
        gain = 0.80 + 0.20 * light.strength
        sky = cv2.LUT(sky, np.clip(np.arange(256.0) * gain, 0, 255).astype(np.uint8))
        scale = canvas.pixels.shape[0] // height
        big = cv2.resize(sky, (width * scale, rows * scale), interpolation=cv2.INTER_LINEAR)
        canvas.pixels[:rows * scale, :, :3] = big
        canvas.pixels[:, :, 3] = label_id('sky')

    def _paint_ground(self, canvas: Canvas, light: Light, time: float,
                      hulls: list[Points]) -> None:
        camera = canvas.camera
        height, width = camera.size
        v = np.arange(height, dtype=np.float64)
        down = (v - camera.centre[1]) / camera.focal
        # The ray through (u, v) is R^T (right, down, 1); without roll its fall is the row's own.
        fall = -(camera.rotation[1, 1] * down + camera.rotation[2, 1])
        first = int(np.searchsorted(fall, camera.position[1] / _FAR_M))
        if first >= height:
            return
        reach = camera.position[1] / fall[first:]
        u = (np.arange(width) - camera.centre[0]) / camera.focal
        axes = camera.rotation
        base_x = axes[1, 0] * down[first:] + axes[2, 0]
        base_z = axes[1, 2] * down[first:] + axes[2, 2]
        x = (camera.position[0] + reach[:, None] * (base_x[:, None] + axes[0, 0] * u[None]))
        z = (camera.position[2] + reach[:, None] * (base_z[:, None] + axes[0, 2] * u[None]))
        columns = np.clip((x + GROUND_REACH_M) * GROUND_PER_M - 0.5, 1,
                          2 * GROUND_REACH_M * GROUND_PER_M - 2).astype(np.float32)
        rows = ((z % GROUND_PERIOD_M) * GROUND_PER_M - 0.5).astype(np.float32)

        forward = reach * base_z
        # Metres of ground under a pixel: across, and along, where far rows cover ever more.
        across = forward / camera.focal
        along = forward**2 / (camera.focal * camera.position[1])
        level = np.log2(np.maximum(1.0, np.sqrt(across * along) * GROUND_PER_M))
        level = np.clip(level.round().astype(int), 0, _GROUND_LEVELS - 1)
        ground = np.empty((height - first, width, 3), np.uint8)
        for number in range(_GROUND_LEVELS):
            band = np.flatnonzero(level == number)
            if not band.size:
                continue
            part = slice(int(band[0]), int(band[-1]) + 1)
            factor = 1.0 / (1 << number)
            ground[part] = cv2.remap(
                self._ground[number], (columns[part] + 0.5) * factor - 0.5,
                (rows[part] + 0.5) * factor - 0.5, cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_WRAP)

        lit, shaded = np.array(light.gain(UP)), np.array(light.gain(UP, 1.0))
        mask = self._shadow_mask(camera, light, time, hulls)[first:]
        share = np.arange(256.0)[:, None] / 255
        # Half the light under a car is gone even without sun: 255 is that, 190 plain shadow.
        dark = np.interp(share[:, 0], [0.0, 190 / 255, 1.0], [0.0, 1.0, 1.0])[:, None]
        under = np.interp(share[:, 0], [0.0, 190 / 255, 1.0], [1.0, 1.0, 0.45])[:, None]
        gains = (lit * (1 - dark) + shaded * dark) * under
        table = np.clip(gains / _MOST_LIGHT * 255, 0, 255).astype(np.uint8)
        factor_image = cv2.LUT(cv2.merge([mask] * 3), table[None])
        ground = _bytes(cv2.multiply(ground, factor_image, scale=_MOST_LIGHT / 255))
        haze = 1.0 - np.exp(-reach / 320.0)
        hazy = (ground * (1 - haze)[:, None, None].astype(np.float32)
                + (haze[:, None] * np.array(light.haze_colour))[:, None].astype(np.float32))
        scale = canvas.pixels.shape[0] // height
        big = cv2.resize(np.clip(hazy, 0, 255).astype(np.uint8),
                         (width * scale, (height - first) * scale),
                         interpolation=cv2.INTER_LINEAR)
        canvas.pixels[first * scale:, :, :3] = big
        self._label_ground(canvas)

    @staticmethod
    def _label_ground(canvas: Canvas) -> None:
        camera = canvas.camera
        low, high = camera.position[2] - 5.0, camera.position[2] + _FAR_M
        labels = np.ascontiguousarray(canvas.pixels[..., 3])
        for half, name in ((_FAR_M, 'terrain'), (SIDEWALK_M, 'sidewalk'), (ROAD_M, 'road')):
            places = camera.project_polygon(np.array([
                (-half, 0.0, high), (half, 0.0, high), (half, 0.0, low), (-half, 0.0, low)]))
            if places is not None:
                corners = np.clip(canvas.scaled(places), -1e5, 1e5)
                cv2.fillConvexPoly(labels, np.round(corners * 16).astype(np.int32),
                                   label_id(name), cv2.LINE_8, 4)
        canvas.pixels[..., 3] = labels

    def _shadow_mask(self, camera: Camera, light: Light, time: float,
                     hulls: list[Points]) -> Image:
        """Return how dark each pixel's ground is: 0 sunlit, 190 in shadow, 255 under a car."""
        mask = np.zeros(camera.size, np.uint8)
        polygons = list(hulls)
        contacts = []
        ahead = camera.position[2]
        for thing in self.scene.things:
            x0, x1, z0, z1 = thing.bounds(time)
            if z1 < ahead - 25 or z0 > ahead + _SHADOW_REACH_M:
                continue
            polygons.extend(_shadow(footprint, low, high, light)
                            for footprint, low, high in thing.shadow_casters(time))
            if x1 - x0 > 1.5:
                contacts.append(np.array([(x0 + 0.05, z1 - 0.1), (x1 - 0.05, z1 - 0.1),
                                          (x1 - 0.05, z0 + 0.1), (x0 + 0.05, z0 + 0.1)]))
        for garden in self.scene.gardens:
            if garden.z[1] < ahead - 25 or garden.z[0] > ahead + _SHADOW_REACH_M:
                continue
            polygons.append(_shadow((garden.x - 0.1, garden.x + 0.1, *garden.z), 0.0,
                                    garden.height, light))
            for tree in garden.trees:
                polygons.extend(_shadow(footprint, low, high, light)
                                for footprint, low, high in tree.shadow_casters(time))
        for value, group in ((190, polygons), (255, contacts)):
            for polygon in group:
                points = np.stack([polygon[:, 0], np.zeros(len(polygon)), polygon[:, 1]], 1)
                places = camera.project_polygon(points)
                if places is not None:
                    fixed = np.round(np.clip(places, -1e5, 1e5) * 16).astype(np.int32)
                    cv2.fillConvexPoly(mask, fixed, value, cv2.LINE_8, 4)
        soft = max(3, camera.size[1] // 340) | 1
        return _bytes(cv2.GaussianBlur(mask, (soft, soft), 0))

    def _paint_backdrop(self, painter: Painter) -> None:
        """Close the end of the street with trees in the haze."""
        z = float(painter.camera.position[2]) + VIEW_M + 8.0
        x = float(painter.camera.position[0])
        for low, high, top in ((-160, -14, 12.0), (-14, 16, 7.5), (16, 160, 11.0)):
            painter.board(self.scene.backdrop, np.array([
                (x + low, top, z), (x + high, top, z), (x + high, 0.0, z), (x + low, 0.0, z)]),
                TO_CAMERA)

    def _paint_roadside(self, painter: Painter, houses: list[House]) -> None:
        ahead = float(painter.camera.position[2])
        gardens = [garden for garden in self.scene.gardens
                   if garden.z[1] > ahead and garden.z[0] < ahead + VIEW_M]
        both: list[House | Garden] = [*houses, *gardens]
        for part in sorted(both, key=lambda part: -part.z[0]):
            part.paint(painter)

    def _expose(self, image: Image, frame: int) -> Image:
        """Add what a lens and a sensor do: darker corners, noise."""
        height, width = image.shape[:2]
        dy, dx = np.random.Generator(np.random.PCG64(
            np.random.SeedSequence((self._grain_seed, frame)))).integers(0, 64, 2).tolist()
        window = (slice(dy, dy + height), slice(dx, dx + width))
        seen = cv2.multiply(image, self._vignette, scale=1 / 255)
        seen = cv2.add(seen, self._brighter[window])
        return _bytes(cv2.subtract(seen, self._darker[window]))


def _bytes(array: NDArray[Any]) -> Image:
    return np.asarray(array, np.uint8)


def _view_end(camera: Camera) -> float:
    return float(camera.position[2]) + VIEW_M


def _shadow(footprint: Bounds, low: float, high: float, light: Light) -> Points:
    """Return the shadow [N, 2] in (x, z) on the ground of a box between two heights."""
    x0, x1, z0, z1 = footprint
    corners = np.array([(x0, z0), (x1, z0), (x1, z1), (x0, z1)])
    offset = np.array(light.shadow_offset)
    points = np.concatenate([corners + offset * low, corners + offset * high])
    return cv2.convexHull(points.astype(np.float32))[:, 0].astype(np.float64)


def _shade_at(x: float, z: float, hulls: list[Points]) -> float:
    """Return how far a place is in the houses' shadow, 0..1, with a soft border."""
    shade = 0.0
    for hull in hulls:
        inside = cv2.pointPolygonTest(hull.astype(np.float32), (float(x), float(z)), True)
        shade = max(shade, min(1.0, max(0.0, 0.5 + inside)))
    return shade


def _back_to_front(things: list[Thing], time: float, camera: Camera) -> list[Thing]:
    """
    Sort things so that each comes before those that can hide it.

    Of two footprints apart along an axis, the one on the camera's side of the gap can't be
    hidden by the other. Where footprints overlap, or in a circle, depth decides.
    """
    count = len(things)
    if count < 2:
        return things
    bounds = np.array([thing.bounds(time) for thing in things])
    x0, x1, z0, z1 = bounds.T
    eye_x, eye_z = camera.position[0], camera.position[2]
    # hides[a, b]: a must be painted after b.
    apart_z = z1[:, None] <= z0[None]
    apart_right = (x1[:, None] <= x0[None]) & (eye_x <= x0[None])
    apart_left = (x0[:, None] >= x1[None]) & (eye_x >= x1[None])
    after = (apart_z & (eye_z <= z0[None])) | apart_right | apart_left
    # Where each is on its own side of a gap, neither hides the other.
    after &= ~after.T
    depth = (z0 + z1) / 2
    waiting = after.sum(axis=1).astype(int)
    left = np.ones(count, bool)
    order: list[Thing] = []
    for _ in range(count):
        ready = np.flatnonzero(left & (waiting == 0))
        candidates = ready if ready.size else np.flatnonzero(left)
        chosen = int(candidates[np.argmax(depth[candidates])])
        left[chosen] = False
        waiting -= after[:, chosen]
        order.append(things[chosen])
    return order
