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

    def distance(self, point: Points) -> float:
        """Return the distance in metres from the camera to a world point [3]."""
        return float(np.linalg.norm(point - self.camera.position))

    def colour(self, albedo: Albedo, normal: Vector, distance: float,
               label: int) -> tuple[int, int, int, int]:
        """Return what a surface looks like."""
        gain = self.light.gain(normal, self.shadow)
        return (*self.light.shade(albedo, gain, distance), label)

    def glow(self, colour: Albedo, label: int) -> tuple[int, int, int, int]:
        """Return what a lamp looks like: it needs no sun."""
        return int(colour[0]), int(colour[1]), int(colour[2]), label

    def face(self, points: Points, albedo: Albedo, label: int, *, glowing: bool = False) -> bool:
        """
        Paint a flat convex face of world points [N, 3], if its front is seen.

        The front is where the points run clockwise. Return whether it is seen.
        """
        normal = np.cross(points[1] - points[0], points[2] - points[0])
        if np.dot(normal, self.camera.position - points[0]) <= 0:
            return False
        places = self.camera.project_polygon(points)
        if places is None:
            return False
        length = float(np.linalg.norm(normal)) or 1.0
        unit = (normal[0] / length, normal[1] / length, normal[2] / length)
        middle = points.mean(axis=0)
        self.canvas.fill(places, self.glow(albedo, label) if glowing else self.colour(
            albedo, unit, self.distance(middle), label))
        return True

    def sheet(self, points: Points, albedo: Albedo, normal: Vector, label: int) -> None:
        """Paint a flat convex face of world points [N, 3] that has no back."""
        places = self.camera.project_polygon(points)
        if places is not None:
            self.canvas.fill(places, self.colour(
                albedo, normal, self.distance(points.mean(axis=0)), label))

    def limb(self, start: Points, end: Points, widths: tuple[float, float], albedo: Albedo,
             label: int) -> None:
        """Paint a round thing from one world point to another, so many metres thick at each."""
        seen = self.camera.to_camera(np.array([start, end]))
        if seen[:, 2].min() < NEAR_M:
            return
        places = self.camera.pixels(seen)
        radii = self.camera.focal / seen[:, 2] * np.array(widths) / 2
        colour = self.colour(albedo, (self.light.to_sun[0] * 0.5, 0.3, -0.5),
                             float(seen[:, 2].mean()), label)
        along = places[1] - places[0]
        length = float(np.hypot(*along))
        if length > 1e-6:
            across = np.array([-along[1], along[0]]) / length
            self.canvas.fill(np.array([
                places[0] + across * radii[0], places[1] + across * radii[1],
                places[1] - across * radii[1], places[0] - across * radii[0]]), colour)
        for place, radius in zip(places, radii, strict=True):
            if radius > 0.6:
                self.canvas.disc(place, float(radius), colour)

    def ball(self, middle: Points, radius: float, albedo: Albedo, label: int, *,
             glowing: bool = False) -> None:
        """Paint a ball around a world point, its radius in metres."""
        seen = self.camera.to_camera(middle[None])
        if seen[0, 2] < NEAR_M:
            return
        colour = self.glow(albedo, label) if glowing else self.colour(
            albedo, (self.light.to_sun[0] * 0.5, 0.3, -0.5), float(seen[0, 2]), label)
        self.canvas.disc(self.camera.pixels(seen)[0],
                         self.camera.focal * radius / float(seen[0, 2]), colour)

    def line(self, points: Points, width: float, albedo: Albedo, label: int,
             closed: bool = False) -> None:
        """Paint a line along world points [N, 3], so many metres thick."""
        seen = self.camera.to_camera(points)
        if seen[:, 2].min() < NEAR_M:
            return
        depth = float(seen[:, 2].mean())
        self.canvas.stroke(self.camera.pixels(seen), self.camera.focal * width / depth,
                           self.colour(albedo, UP, depth, label), closed)

    def board(self, sprite: Sprite, corners: Points, normal: Vector,
              mask: Sprite | None = None, distance: float | None = None) -> None:
        """
        Paint a picture on a board.

        ``corners`` are the world points [4, 3] of its upper left, upper right, lower right and
        lower left, seen from its front; nothing is painted where one is not before the camera.
        """
        seen = self.camera.to_camera(corners)
        if seen[:, 2].min() < NEAR_M:
            return
        if distance is None:
            distance = self.distance(corners.mean(axis=0))
        table = self.light.table(self.light.gain(normal, self.shadow), distance)
        self.canvas.paste(sprite, mask, self.camera.pixels(seen), table)


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
