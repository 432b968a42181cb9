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
"""Painting solid things: faces, limbs and boards in the world, lit by the sun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from cityscapesscripts.helpers.labels import name2label

from vidseg_ros.datasets.street.camera import NEAR_M, Camera, Points
from vidseg_ros.datasets.street.canvas import Canvas, Sprite
from vidseg_ros.datasets.street.light import Light

Albedo = tuple[float, float, float]
Vector = tuple[float, float, float]

UP: Final[Vector] = (0.0, 1.0, 0.0)
TO_CAMERA: Final[Vector] = (0.0, 0.0, -1.0)


def label_id(name: str) -> int:
    """Return Cityscapes' label id of a class."""
    return int(name2label[name].id)


class Painter:
    """
    Paint on a canvas what the camera sees in this light.

    ``shadow`` is how far the thing that is being painted stands in another's shadow, 0..1.
    """

    def __init__(self, canvas: Canvas, light: Light) -> None:
        """Begin a picture."""
        self.canvas = canvas
        self.camera: Camera = canvas.camera
        self.light = light
        self.shadow = 0.0
        x, y, z = self.camera.position.tolist()
        self._eye: Vector = (x, y, z)
        # Round things show some of the side that the sun is on.
        self._round: Vector = (light.to_sun[0] * 0.5, 0.3, -0.5)

    def distance(self, point: Sequence[float]) -> float:
        """Return the distance in metres from the camera to a world point."""
        return math.dist(point, self._eye)

    def colour(self, albedo: Albedo, normal: Vector, distance: float,
               label: int) -> tuple[int, int, int, int]:
        """Return what a surface looks like."""
        gain = self.light.gain(normal, self.shadow)
        return (*self.light.shade(albedo, gain, distance), label)

    def glow(self, colour: Albedo, label: int) -> tuple[int, int, int, int]:
        """Return what a lamp looks like: it needs no sun."""
        return int(colour[0]), int(colour[1]), int(colour[2]), label

    def _places(self, points: Points) -> list[tuple[float, float]] | None:
        """Return the pixels of a polygon of world points, cut off at the near plane."""
        places = [self.camera.project_point(point) for point in points.tolist()]
        if min(place[2] for place in places) >= NEAR_M:
            return [place[:2] for place in places]
        cut = self.camera.project_polygon(points)
        return None if cut is None else cut.tolist()

    def face(self, points: Points, albedo: Albedo, label: int) -> bool:
        """
        Paint a flat convex face of world points [N, 3], if its front is seen.

        The front is where the points run clockwise. Return whether it is seen.
        """
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = points[:3].tolist()
        bx, by, bz, cx, cy, cz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
        nx, ny, nz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        eye = self._eye
        if nx * (eye[0] - ax) + ny * (eye[1] - ay) + nz * (eye[2] - az) <= 0:
            return False
        places = self._places(points)
        if places is None:
            return False
        length = math.sqrt(nx * nx + ny * ny + nz * nz) or 1.0
        self.canvas.fill(places, self.colour(
            albedo, (nx / length, ny / length, nz / length), self.distance((ax, ay, az)), label))
        return True

    def sheet(self, points: Points, albedo: Albedo, normal: Vector, label: int) -> None:
        """Paint a flat convex face of world points [N, 3] that has no back."""
        places = self._places(points)
        if places is not None:
            self.canvas.fill(places, self.colour(
                albedo, normal, self.distance(points.mean(axis=0).tolist()), label))

    def limb(self, start: Vector, end: Vector, widths: tuple[float, float], albedo: Albedo,
             label: int) -> None:
        """Paint a round thing from one world point to another, so many metres thick at each."""
        u0, v0, near = self.camera.project_point(start)
        u1, v1, far = self.camera.project_point(end)
        if min(near, far) < NEAR_M:
            return
        r0 = self.camera.focal / near * widths[0] / 2
        r1 = self.camera.focal / far * widths[1] / 2
        colour = self.colour(albedo, self._round, near, label)
        length = math.hypot(u1 - u0, v1 - v0)
        if length > 1e-6:
            x, y = (v0 - v1) / length, (u1 - u0) / length
            self.canvas.fill([(u0 + x * r0, v0 + y * r0), (u1 + x * r1, v1 + y * r1),
                              (u1 - x * r1, v1 - y * r1), (u0 - x * r0, v0 - y * r0)], colour)
        if r0 > 0.6:
            self.canvas.disc((u0, v0), r0, colour)
        if r1 > 0.6:
            self.canvas.disc((u1, v1), r1, colour)

    def ball(self, middle: Vector, radius: float, albedo: Albedo, label: int, *,
             glowing: bool = False) -> None:
        """Paint a ball around a world point, its radius in metres."""
        u, v, depth = self.camera.project_point(middle)
        if depth < NEAR_M:
            return
        colour = (self.glow(albedo, label) if glowing
                  else self.colour(albedo, self._round, depth, label))
        self.canvas.disc((u, v), self.camera.focal * radius / depth, colour)

    def line(self, points: Sequence[Vector], width: float, albedo: Albedo, label: int,
             closed: bool = False) -> None:
        """Paint a line along world points, so many metres thick."""
        places = [self.camera.project_point(point) for point in points]
        if min(place[2] for place in places) < NEAR_M:
            return
        depth = places[0][2]
        self.canvas.stroke([place[:2] for place in places], self.camera.focal * width / depth,
                           self.colour(albedo, UP, depth, label), closed)

    def board(self, sprite: Sprite, corners: Points, normal: Vector,
              distance: float | None = None) -> None:
        """
        Paint a picture on a board.

        ``corners`` are the world points [4, 3] of its upper left, upper right, lower right and
        lower left, seen from its front; nothing is painted where one is not before the camera.
        """
        seen = self.camera.to_camera(corners)
        if seen[:, 2].min() < NEAR_M:
            return
        if distance is None:
            distance = self.distance(corners.mean(axis=0).tolist())
        table = self.light.table(self.light.gain(normal, self.shadow), distance)
        self.canvas.paste(sprite, self.camera.pixels(seen), table)


def box_faces(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float],
              taper: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> dict[str, Points]:
    """
    Return the faces of a box, each [4, 3] clockwise from outside, from its upper left corner.

    ``taper`` is how far the top lies further in than the bottom: at both sides, at the low-z
    end and at the high-z end.
    """
    (x0, x1), (y0, y1), (z0, z1) = x, y, z
    side, low, high = taper
    lower = [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)]
    upper = [(x0 + side, y1, z0 + low), (x1 - side, y1, z0 + low),
             (x1 - side, y1, z1 - high), (x0 + side, y1, z1 - high)]
    return {
        'low': np.array([upper[0], upper[1], lower[1], lower[0]]),
        'high': np.array([upper[2], upper[3], lower[3], lower[2]]),
        'left': np.array([upper[3], upper[0], lower[0], lower[3]]),
        'right': np.array([upper[1], upper[2], lower[2], lower[1]]),
        'top': np.array([upper[3], upper[2], upper[1], upper[0]]),
    }


def inset(face: Points, left: float, top: float, right: float, bottom: float) -> Points:
    """Return a part of a four-cornered face; the borders are shares, 0..1, of its sides."""
    upper_left, upper_right, lower_right, lower_left = face

    def at(across: float, down: float) -> Points:
        upper = upper_left + (upper_right - upper_left) * across
        lower = lower_left + (lower_right - lower_left) * across
        return upper + (lower - upper) * down

    return np.array([at(left, top), at(right, top), at(right, bottom), at(left, bottom)])
