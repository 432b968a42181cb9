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
"""The pinhole camera that drives through the street."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

NEAR_M = 0.4

# As wide as a usual front camera, and the horizon a little above the middle.
_FOCAL_PER_WIDTH = 0.8
_HORIZON_PER_HEIGHT = 0.44


class Camera:
    """
    A camera without distortion at a place in the world.

    World: metres, x right, y up, z along the street. Camera: x right, y down, z forward. Pixels:
    u right, v down, integers at pixel centres. ``size`` is (height, width).
    """

    def __init__(self, size: tuple[int, int], position: tuple[float, float, float],
                 yaw: float, pitch: float) -> None:
        """Place the camera; ``yaw`` to the right and ``pitch`` downwards, in radians."""
        self.size = size
        self.position = np.array(position, np.float64)
        self.yaw = yaw
        self.pitch = pitch
        height, width = size
        self.focal = _FOCAL_PER_WIDTH * width
        self.centre = ((width - 1) / 2, _HORIZON_PER_HEIGHT * height)
        sin_yaw, cos_yaw = math.sin(yaw), math.cos(yaw)
        sin_pitch, cos_pitch = math.sin(pitch), math.cos(pitch)
        self.rotation = np.array([
            [cos_yaw, 0.0, -sin_yaw],
            [-sin_yaw * sin_pitch, -cos_pitch, -cos_yaw * sin_pitch],
            [sin_yaw * cos_pitch, -sin_pitch, cos_yaw * cos_pitch]])
        self._place: tuple[float, ...] = position
        self._axes: list[list[float]] = self.rotation.tolist()

    @property
    def matrix(self) -> Points:
        """Return the intrinsics, float64 [3, 3] in pixels."""
        return np.array([[self.focal, 0.0, self.centre[0]],
                         [0.0, self.focal, self.centre[1]],
                         [0.0, 0.0, 1.0]])

    def project_point(self, point: tuple[float, float, float]) -> tuple[float, float, float]:
        """
        Return (u, v, depth) of a world point; u and v mean nothing unless depth is positive.

        Plain floats: for single points ten times as fast as arrays.
        """
        x, y, z = (point[0] - self._place[0], point[1] - self._place[1],
                   point[2] - self._place[2])
        right, down, ahead = self._axes
        depth = ahead[0] * x + ahead[1] * y + ahead[2] * z
        scale = self.focal / max(depth, 1e-3)
        return ((right[0] * x + right[1] * y + right[2] * z) * scale + self.centre[0],
                (down[0] * x + down[1] * y + down[2] * z) * scale + self.centre[1], depth)

    def to_camera(self, points: Points) -> Points:
        """Return world points [N, 3] in camera coordinates [N, 3]."""
        return (points - self.position) @ self.rotation.T

    def pixels(self, points: Points) -> Points:
        """Return the pixels [N, 2] of camera points [N, 3], all of which must be in front."""
        return points[:, :2] / points[:, 2:] * self.focal + np.array(self.centre)

    def project_polygon(self, points: Points) -> Points | None:
        """
        Return the pixels [M, 2] of a convex polygon of world points [N, 3].

        It is cut off at the near plane; None if nothing is left in front of that.
        """
        seen = clip_near(self.to_camera(points))
        return None if seen is None else self.pixels(seen)

    def depth(self, point: tuple[float, float, float]) -> float:
        """Return how far in front of the camera a world point is."""
        return self.project_point(point)[2]


def clip_near(points: Points) -> Points | None:
    """Cut a convex polygon of camera points [N, 3] off at the near plane; None if all is cut."""
    inside = points[:, 2] >= NEAR_M
    if inside.all():
        return points
    if not inside.any():
        return None
    kept = []
    for i in range(len(points)):
        here, there = points[i], points[(i + 1) % len(points)]
        if inside[i]:
            kept.append(here)
        if inside[i] != inside[(i + 1) % len(points)]:
            share = (NEAR_M - here[2]) / (there[2] - here[2])
            kept.append(here + share * (there - here))
    return np.array(kept)
