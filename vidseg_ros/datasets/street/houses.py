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
"""What lines the street: houses, and gardens between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vidseg_ros.datasets.street.camera import NEAR_M, Points
from vidseg_ros.datasets.street.canvas import Sprite
from vidseg_ros.datasets.street.layout import VIEW_M
from vidseg_ros.datasets.street.painter import TO_CAMERA, Albedo, Painter, Vector, label_id
from vidseg_ros.datasets.street.things import Tree

_DEPTH_M = 11.0
BUILDING = label_id('building')


def _along_street(painter: Painter, sprite: Sprite, x: float, y: tuple[float, float],
                  z: tuple[float, float]) -> None:
    """Paint a picture on a wall beside the street; what is behind the camera is cut off."""
    low, high = z
    start = max(low, float(painter.camera.position[2]) + 6.0 * NEAR_M)
    if start >= high - 0.1:
        return
    # Columns run from the end of the street on the right, towards it on the left.
    wide = sprite.picture.shape[1]
    cut = round((start - low) / (high - low) * wide)
    if wide - cut < 2:
        return
    side = 1.0 if x > 0 else -1.0
    normal: Vector = (-side, 0.0, 0.0)
    near_top, far_top = (x, y[1], start), (x, y[1], high)
    near_low, far_low = (x, y[0], start), (x, y[0], high)
    if side > 0:
        picture = sprite.columns(0, wide - cut) if cut else sprite
        corners = np.array([far_top, near_top, near_low, far_low])
    else:
        picture = sprite.columns(cut, wide) if cut else sprite
        corners = np.array([near_top, far_top, far_low, near_low])
    middle = (x, 2.0, start + 0.35 * (high - start))
    painter.board(picture, corners, normal, distance=painter.distance(middle))


@dataclass
class House:
    """A house beside the street, its front at ``x``, from ``z[0]`` to ``z[1]``."""

    x: float
    z: tuple[float, float]
    height: float
    front: Sprite
    side: Sprite
    roof: float
    tiles: Albedo

    def footprint(self) -> tuple[float, float, float, float]:
        """Return (x0, x1, z0, z1)."""
        behind = self.x + (_DEPTH_M if self.x > 0 else -_DEPTH_M)
        return min(self.x, behind), max(self.x, behind), *self.z

    def paint(self, painter: Painter) -> None:
        """Paint its roof, the end that faces us and its front."""
        if self.z[1] < painter.camera.position[2] + 6.0 * NEAR_M:
            return
        away = 1.0 if self.x > 0 else -1.0
        ridge = self.x + away * _DEPTH_M / 2
        if self.roof > 0:
            self._paint_roof(painter, away, ridge)
        low, high = self.z
        if low > painter.camera.position[2] + 6.0 * NEAR_M:
            behind = self.x + away * _DEPTH_M
            left, right = min(self.x, behind), max(self.x, behind)
            painter.board(self.side, np.array([
                (left, self.height, low), (right, self.height, low), (right, 0.0, low),
                (left, 0.0, low)]), TO_CAMERA)
            if self.roof > 0:
                colour = self.side.picture[0, 0].tolist()
                painter.sheet(np.array([
                    (self.x, self.height, low), (ridge, self.height + self.roof, low),
                    (behind, self.height, low)]), (colour[0], colour[1], colour[2]),
                    TO_CAMERA, BUILDING)
        _along_street(painter, self.front, self.x, (0.0, self.height), (low, high))

    def _paint_roof(self, painter: Painter, away: float, ridge: float) -> None:
        low, high = self.z
        eave = self.x - away * 0.35
        slope = np.hypot(ridge - self.x, self.roof)
        normal: Vector = (-away * self.roof / slope, abs(ridge - self.x) / slope, 0.0)
        parts = 4
        edges = np.linspace(0, 1, parts + 1)
        for i in range(parts):
            lower, upper = edges[i], edges[i + 1]
            points: Points = np.array([
                (eave + (ridge - eave) * lower, self.height + self.roof * lower, low),
                (eave + (ridge - eave) * lower, self.height + self.roof * lower, high),
                (eave + (ridge - eave) * upper, self.height + self.roof * upper, high),
                (eave + (ridge - eave) * upper, self.height + self.roof * upper, low)])
            tone = 1.0 - 0.06 * (i % 2)
            painter.sheet(points, (self.tiles[0] * tone, self.tiles[1] * tone,
                                   self.tiles[2] * tone), normal, BUILDING)


@dataclass
class Garden:
    """A gap between houses: trees behind a hedge, a fence or a wall."""

    x: float
    z: tuple[float, float]
    border: Sprite
    height: float
    trees: list[Tree] = field(default_factory=list)

    def paint(self, painter: Painter) -> None:
        """Paint the trees, then what is before them."""
        ahead = float(painter.camera.position[2])
        for tree in sorted(self.trees, key=lambda tree: -tree.z):
            if ahead + 1.0 < tree.z < ahead + VIEW_M:
                tree.paint(painter, 0.0)
        _along_street(painter, self.border, self.x, (0.0, self.height), self.z)
