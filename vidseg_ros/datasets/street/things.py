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
"""What stands and moves in the street."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from vidseg_ros.datasets.street.camera import Points
from vidseg_ros.datasets.street.canvas import Sprite
from vidseg_ros.datasets.street.painter import (
    TO_CAMERA,
    Albedo,
    Painter,
    Vector,
    box_faces,
    inset,
    label_id,
)

Path = Callable[[float], tuple[float, float]]
Bounds = tuple[float, float, float, float]

CAR: Final = label_id('car')
TRUCK: Final = label_id('truck')
BUS: Final = label_id('bus')
PERSON: Final = label_id('person')
RIDER: Final = label_id('rider')
BICYCLE: Final = label_id('bicycle')
MOTORCYCLE: Final = label_id('motorcycle')
POLE: Final = label_id('pole')
LIGHT: Final = label_id('traffic light')
SIGN: Final = label_id('traffic sign')
VEGETATION: Final = label_id('vegetation')

_GLASS: Final[Albedo] = (62, 74, 86)
_TYRE: Final[Albedo] = (34, 34, 36)
_STEEL: Final[Albedo] = (128, 131, 134)
_SKIN: Final = ((232, 190, 160), (198, 150, 116), (140, 98, 72), (104, 70, 52))


class Thing(abc.ABC):
    """Something in the street, with a footprint along the axes and a height."""

    height: float

    @abc.abstractmethod
    def bounds(self, time: float) -> Bounds:
        """Return (x0, x1, z0, z1) in metres at a time in seconds."""

    @abc.abstractmethod
    def paint(self, painter: Painter, time: float) -> None:
        """Paint it."""

    def shadow_casters(self, time: float) -> list[tuple[Bounds, float, float]]:
        """Return (footprint, lower end, upper end) of what casts its shadow."""
        return [(self.bounds(time), 0.0, self.height)]


@dataclass(frozen=True)
class Still:
    """The path of what stays where it is."""

    x: float
    z: float

    def __call__(self, time: float) -> tuple[float, float]:
        """Return (x, z)."""
        del time
        return self.x, self.z


@dataclass(frozen=True)
class Straight:
    """The path of what moves straight on at a constant speed, in metres a second."""

    x: float
    z: float
    speed_x: float = 0.0
    speed_z: float = 0.0

    def __call__(self, time: float) -> tuple[float, float]:
        """Return (x, z)."""
        return self.x + self.speed_x * time, self.z + self.speed_z * time


class Vehicle(Thing):
    """A car, a van, a truck or a bus along the street; ``heading`` is 1 away, -1 towards us."""

    def __init__(self, kind: str, path: Path, heading: int, paint: Albedo) -> None:
        """Describe it; ``kind`` is car, estate, van, truck or bus."""
        self.kind = kind
        self.path = path
        self.heading = heading
        self.albedo = paint
        self.length, self.width, self.height = {
            'car': (4.2, 1.78, 1.46), 'estate': (4.6, 1.82, 1.50), 'van': (4.9, 1.92, 1.95),
            'truck': (7.6, 2.4, 3.2), 'bus': (11.5, 2.5, 3.0)}[kind]
        self.label = {'truck': TRUCK, 'bus': BUS}.get(kind, CAR)

    def bounds(self, time: float) -> Bounds:
        x, z = self.path(time)
        return (x - self.width / 2, x + self.width / 2, z - self.length / 2, z + self.length / 2)

    def _box(self, time: float, y: tuple[float, float], z: tuple[float, float],
             narrow: float = 0.0, taper: tuple[float, float, float] = (0, 0, 0),
             ) -> dict[str, Points]:
        """Return a part; z runs from the rear, 0, to the front, and so do the faces' names."""
        x, middle = self.path(time)
        half = self.width / 2 - narrow
        if self.heading > 0:
            start = middle - self.length / 2
            faces = box_faces((x - half, x + half), y, (start + z[0], start + z[1]), taper)
            return {'rear': faces['low'], 'front': faces['high'], 'left': faces['left'],
                    'right': faces['right'], 'top': faces['top']}
        start = middle + self.length / 2
        side, low, high = taper
        faces = box_faces((x - half, x + half), y, (start - z[1], start - z[0]),
                          (side, high, low))
        return {'rear': faces['high'], 'front': faces['low'], 'left': faces['left'],
                'right': faces['right'], 'top': faces['top']}

    def _solid(self, painter: Painter, faces: dict[str, Points], albedo: Albedo) -> None:
        for face in faces.values():
            painter.face(face, albedo, self.label)

    def paint(self, painter: Painter, time: float) -> None:
        axles = {'truck': (1.3, 6.2), 'bus': (2.6, 8.9)}.get(
            self.kind, (0.75, self.length - 0.85))
        radius = 0.46 if self.kind in ('truck', 'bus') else 0.32
        for axle in axles:
            tyres = self._box(time, (0.0, radius), (axle - 0.05, axle + 0.05), 0.02)
            for end in ('rear', 'front'):
                for left, right in ((0.0, 0.13), (0.87, 1.0)):
                    painter.face(inset(tyres[end], left, 0, right, 1), _TYRE, self.label)
        self._solid(painter, self._box(time, (0.2, 0.5), (0.35, self.length - 0.35), 0.12),
                    (26, 26, 28))
        if self.kind in ('truck', 'bus'):
            self._paint_tall(painter, time)
        else:
            self._paint_car(painter, time)
        self._paint_wheels(painter, time, axles, radius)

    def _paint_car(self, painter: Painter, time: float) -> None:
        long = self.length
        lower = self._box(time, (0.24, 0.60), (0.0, long))
        upper = self._box(time, (0.60, 0.92), (0.04, long - 0.05), 0.01, (0.05, 0.05, 0.20))
        self._solid(painter, lower, tuple(v * 0.92 for v in self.albedo))  # type: ignore[arg-type]
        self._solid(painter, upper, self.albedo)
        start, end = {'car': (0.15, long - 1.15), 'estate': (0.1, long - 1.35),
                      'van': (0.06, long - 0.95)}[self.kind]
        slope = {'car': (0.20, 0.55, 0.80), 'estate': (0.18, 0.28, 0.80),
                 'van': (0.14, 0.12, 0.62)}[self.kind]
        cabin = self._box(time, (0.92, self.height), (start, end), 0.06, slope)
        self._solid(painter, cabin, self.albedo)
        for name, face in cabin.items():
            if name == 'top':
                continue
            if name in ('rear', 'front'):
                painter.face(inset(face, 0.08, 0.12, 0.92, 0.86), _GLASS, self.label)
                # The sky mirrored in the upper part of the pane.
                painter.face(inset(face, 0.10, 0.14, 0.90, 0.40), (104, 118, 132), self.label)
            else:
                for left, right in ((0.07, 0.47), (0.52, 0.93)):
                    painter.face(inset(face, left, 0.14, right, 0.90), _GLASS, self.label)
        rear, front = lower['rear'], lower['front']
        painter.face(inset(rear, 0.0, 0.72, 1.0, 1.0), (44, 44, 46), self.label)
        painter.face(inset(front, 0.0, 0.70, 1.0, 1.0), (44, 44, 46), self.label)
        painter.face(inset(rear, 0.34, 0.18, 0.66, 0.52), (220, 220, 214), self.label)
        painter.face(inset(front, 0.36, 0.60, 0.64, 0.88), (220, 220, 214), self.label)
        for left, right in ((0.02, 0.20), (0.80, 0.98)):
            painter.face(inset(upper['rear'], left, 0.30, right, 0.98), (172, 22, 24), self.label)
            painter.face(inset(upper['front'], left, 0.40, right, 0.95), (236, 238, 240),
                         self.label)
        painter.face(inset(upper['front'], 0.26, 0.52, 0.74, 0.98), (40, 40, 42), self.label)
        for name in ('left', 'right'):
            painter.face(inset(lower[name], 0.0, 0.78, 1.0, 1.0), (40, 40, 42), self.label)
            painter.face(inset(upper[name], 0.44, 0.0, 0.448, 1.0), (30, 30, 32), self.label)

    def _paint_tall(self, painter: Painter, time: float) -> None:
        long = self.length
        if self.kind == 'bus':
            body = self._box(time, (0.35, self.height), (0.0, long))
            self._solid(painter, body, self.albedo)
            for name in ('left', 'right'):
                for i in range(7):
                    painter.face(inset(body[name], 0.03 + i * 0.136, 0.14, 0.15 + i * 0.136, 0.52),
                                 _GLASS, self.label)
                painter.face(inset(body[name], 0, 0.86, 1, 1), (60, 60, 64), self.label)
            painter.face(inset(body['rear'], 0.1, 0.12, 0.9, 0.46), _GLASS, self.label)
            painter.face(inset(body['front'], 0.05, 0.18, 0.95, 0.62), _GLASS, self.label)
            painter.face(inset(body['front'], 0.2, 0.03, 0.8, 0.14), (250, 180, 60), self.label)
            ends = body
        else:
            cargo = self._box(time, (0.9, self.height), (0.0, long - 2.0))
            cab = self._box(time, (0.45, 2.5), (long - 1.9, long), 0.08, (0.05, 0.0, 0.2))
            parts = [(cargo, (216.0, 216.0, 212.0)), (cab, self.albedo)]
            # What is farther from the camera first.
            for part, albedo in parts if self.heading < 0 else reversed(parts):
                self._solid(painter, part, albedo)
            painter.face(inset(cab['front'], 0.06, 0.08, 0.94, 0.48), _GLASS, self.label)
            for name in ('left', 'right'):
                painter.face(inset(cab[name], 0.2, 0.1, 0.8, 0.46), _GLASS, self.label)
            painter.face(inset(cargo['rear'], 0.495, 0.03, 0.505, 0.97), (120, 120, 120),
                         self.label)
            painter.face(inset(cargo['rear'], 0.02, 0.92, 0.98, 1.0), (70, 70, 72), self.label)
            ends = {'rear': cargo['rear'], 'front': cab['front']}
        for left, right in ((0.03, 0.14), (0.86, 0.97)):
            painter.face(inset(ends['rear'], left, 0.84, right, 0.92), (178, 20, 22), self.label)
            painter.face(inset(ends['front'], left, 0.80, right, 0.88), (240, 240, 236),
                         self.label)

    def _paint_wheels(self, painter: Painter, time: float, axles: tuple[float, float],
                      radius: float) -> None:
        x, middle = self.path(time)
        angles = np.linspace(0, 2 * math.pi, 18, endpoint=False)
        for side in (-1, 1):
            # Clockwise as seen from outside.
            turn = angles if side < 0 else -angles
            for axle in axles:
                z = middle + self.heading * (axle - self.length / 2)
                rim = np.stack([np.full(18, x + side * (self.width / 2 + 0.01)),
                                radius + np.sin(turn) * radius, z + np.cos(turn) * radius], 1)
                hub = rim.mean(axis=0)
                if painter.face(rim, _TYRE, self.label):
                    painter.face(hub + (rim - hub) * 0.62, (150, 152, 156), self.label)
                    painter.face(hub + (rim - hub) * 0.2, (70, 70, 74), self.label)


@dataclass(frozen=True)
class Clothes:
    """What a person wears."""

    skin: Albedo
    hair: Albedo
    coat: Albedo
    trousers: Albedo
    bag: Albedo | None

    @classmethod
    def choose(cls, rng: np.random.Generator) -> Clothes:
        """Return somebody's clothes."""
        def some(low: int, high: int) -> Albedo:
            red, green, blue = rng.integers(low, high, 3).tolist()
            return red, green, blue
        hair = ((50, 38, 30), (30, 26, 24), (150, 116, 70), (130, 126, 122))[rng.integers(4)]
        return cls(_SKIN[rng.choice(4, p=[0.4, 0.3, 0.2, 0.1])], hair, some(36, 215),
                   some(28, 110), some(40, 170) if rng.random() < 0.35 else None)


class Person(Thing):
    """Somebody walking, ``direction`` is where to: (x, z) of length one."""

    def __init__(self, path: Path, direction: tuple[float, float], clothes: Clothes,
                 height: float, pace: float, phase: float) -> None:
        """Describe somebody; ``pace`` is in steps a second, 0 standing."""
        self.path = path
        self.direction = direction
        self.clothes = clothes
        self.height = height
        self.pace = pace
        self.phase = phase

    def bounds(self, time: float) -> Bounds:
        x, z = self.path(time)
        return x - 0.28, x + 0.28, z - 0.28, z + 0.28

    def shadow_casters(self, time: float) -> list[tuple[Bounds, float, float]]:
        x, z = self.path(time)
        return [((x - 0.2, x + 0.2, z - 0.2, z + 0.2), 0.0, self.height)]

    def paint(self, painter: Painter, time: float) -> None:
        x, z = self.path(time)
        tall = self.height / 1.75
        ahead_x, ahead_z = self.direction
        swing = math.sin(self.phase + time * self.pace * math.pi) * (0.48 if self.pace else 0.06)
        rise = 0.02 * abs(math.cos(self.phase + time * self.pace * math.pi))

        def at(forward: float, up: float, sideways: float) -> Vector:
            return (x + (ahead_x * forward + ahead_z * sideways) * tall, (up + rise) * tall,
                    z + (ahead_z * forward - ahead_x * sideways) * tall)

        wear = self.clothes
        sides = sorted((-1, 1), key=lambda s: -painter.camera.depth(at(0, 0, 0.2 * s)))
        for side in sides:
            angle = swing * side
            step, up = 0.45 * math.sin(angle) + 0.02, 0.92 - 0.45 * math.cos(angle)
            knee = at(step, up, 0.09 * side)
            bend = angle - (0.5 * max(0.0, -angle) + 0.06)
            step, up = step + 0.43 * math.sin(bend), max(0.05, up - 0.43 * math.cos(bend))
            foot, toe = at(step, up, 0.09 * side), at(step + 0.15, up, 0.09 * side)
            painter.limb(at(0, 0.94, 0.085 * side), knee, (0.17, 0.13), wear.trousers, PERSON)
            painter.limb(knee, foot, (0.13, 0.09), wear.trousers, PERSON)
            painter.limb(foot, toe, (0.09, 0.08), (40, 36, 34), PERSON)
        self._arm(painter, at, sides[0], swing)
        painter.limb(at(0, 0.98, 0), at(0, 1.30, 0), (0.32, 0.37), wear.coat, PERSON)
        painter.limb(at(0, 1.30, -0.11), at(0, 1.30, 0.11), (0.25, 0.25), wear.coat, PERSON)
        painter.limb(at(0, 1.40, 0), at(0.01, 1.52, 0), (0.12, 0.11), wear.skin, PERSON)
        if wear.bag is not None:
            painter.limb(at(-0.17, 1.05, 0), at(-0.17, 1.34, 0), (0.24, 0.26), wear.bag, PERSON)
            if painter.camera.depth(at(0.3, 0, 0)) < painter.camera.depth(at(-0.3, 0, 0)):
                painter.limb(at(0.03, 1.0, 0), at(0.03, 1.34, 0), (0.32, 0.36), wear.coat, PERSON)
        self._arm(painter, at, sides[1], swing)
        parts = [(at(0.03, 1.61, 0), 0.105, wear.skin), (at(-0.03, 1.645, 0), 0.11, wear.hair)]
        parts.sort(key=lambda part: -painter.camera.depth(part[0]))
        for middle, radius, albedo in parts:
            painter.ball(middle, radius * tall, albedo, PERSON)

    def _arm(self, painter: Painter, at: Callable[[float, float, float], Vector], side: int,
             swing: float) -> None:
        angle = -swing * side * 0.85
        elbow = at(0.29 * math.sin(angle), 1.36 - 0.29 * math.cos(angle), 0.23 * side)
        hand = at(0.29 * math.sin(angle) + 0.26 * math.sin(angle + 0.3),
                  1.36 - 0.29 * math.cos(angle) - 0.26 * math.cos(angle + 0.3), 0.25 * side)
        coat = tuple(v * 0.92 for v in self.clothes.coat)
        painter.limb(at(0, 1.36, 0.19 * side), elbow, (0.13, 0.10), coat,  # type: ignore[arg-type]
                     PERSON)
        painter.limb(elbow, hand, (0.10, 0.075), coat, PERSON)  # type: ignore[arg-type]
        painter.ball(hand, 0.05, self.clothes.skin, PERSON)


class Cycle(Thing):
    """A bicycle or a motorcycle, ridden or not; ``direction`` as a person's."""

    def __init__(self, path: Path, direction: tuple[float, float], paint: Albedo, *,
                 rider: Clothes | None = None, motor: bool = False, phase: float = 0.0) -> None:
        """Describe it."""
        self.path = path
        self.direction = direction
        self.albedo = paint
        self.rider = rider
        self.motor = motor
        self.phase = phase
        self.height = 1.72 if rider else 1.05

    def bounds(self, time: float) -> Bounds:
        x, z = self.path(time)
        long, wide = abs(self.direction[0]), abs(self.direction[1])
        return (x - 0.85 * long - 0.25 * wide, x + 0.85 * long + 0.25 * wide,
                z - 0.85 * wide - 0.25 * long, z + 0.85 * wide + 0.25 * long)

    def shadow_casters(self, time: float) -> list[tuple[Bounds, float, float]]:
        x, z = self.path(time)
        long, wide = 0.7 * abs(self.direction[0]) + 0.06, 0.7 * abs(self.direction[1]) + 0.06
        casters = [((x - long, x + long, z - wide, z + wide), 0.0, 0.8)]
        if self.rider:
            casters.append(((x - 0.25, x + 0.25, z - 0.25, z + 0.25), 0.8, self.height))
        return casters

    def paint(self, painter: Painter, time: float) -> None:
        x, z = self.path(time)
        ahead_x, ahead_z = self.direction
        label = MOTORCYCLE if self.motor else BICYCLE

        def at(forward: float, up: float, sideways: float = 0.0) -> Vector:
            return (x + ahead_x * forward + ahead_z * sideways, up,
                    z + ahead_z * forward - ahead_x * sideways)

        angles = [2 * math.pi * n / 20 for n in range(20)]
        radius, tyre = (0.31, 0.12) if self.motor else (0.34, 0.045)
        for centre in (-0.54, 0.54):
            painter.line([at(centre + radius * math.cos(a), radius + radius * math.sin(a))
                          for a in angles], tyre, _TYRE, label, closed=True)
            painter.ball(at(centre, radius), 0.06, _STEEL, label)
        if self.motor:
            painter.limb(at(-0.45, 0.55), at(0.35, 0.62), (0.30, 0.34), self.albedo, label)
            painter.limb(at(-0.05, 0.34), at(0.15, 0.36), (0.32, 0.32), (64, 64, 68), label)
            painter.limb(at(-0.55, 0.80), at(0.0, 0.78), (0.16, 0.22), (34, 34, 36), label)
            painter.limb(at(0.54, radius), at(0.36, 0.98), (0.09, 0.09), _STEEL, label)
            painter.limb(at(0.34, 1.0, -0.32), at(0.34, 1.0, 0.32), (0.05, 0.05), _TYRE, label)
            painter.ball(at(0.46, 0.84), 0.10, (226, 226, 220), label)
        else:
            hub, saddle, head = at(-0.05, 0.30), at(-0.2, 0.92), at(0.40, 0.86)
            for start, end in ((at(-0.54, radius), hub), (hub, saddle), (at(-0.54, radius),
                               at(-0.18, 0.82)), (hub, head), (at(-0.18, 0.80), head),
                               (head, at(0.54, radius)), (head, at(0.38, 1.0))):
                painter.line([start, end], 0.045, self.albedo, label)
            painter.line([at(-0.32, 0.94), at(-0.08, 0.94)], 0.09, _TYRE, label)
            painter.line([at(0.36, 1.02, -0.28), at(0.40, 1.02, 0.28)], 0.045, _TYRE, label)
        if self.rider is not None:
            self._paint_rider(painter, at, self.rider, time)

    def _paint_rider(self, painter: Painter, at: Callable[..., Vector], wear: Clothes,
                     time: float) -> None:
        turn = self.phase + time * 2 * math.pi * 1.1
        for side in (-1, 1):
            pedal = (0.0 + 0.17 * math.cos(turn) * side, 0.30 + 0.17 * math.sin(turn) * side)
            knee = at(0.22 + pedal[0] * 0.4, 0.72 + (pedal[1] - 0.3) * 0.7, 0.11 * side)
            foot = at(pedal[0], pedal[1], 0.11 * side)
            painter.limb(at(-0.2, 0.98, 0.08 * side), knee, (0.17, 0.13), wear.trousers, RIDER)
            painter.limb(knee, foot, (0.12, 0.09), wear.trousers, RIDER)
            painter.limb(foot, at(pedal[0] + 0.12, pedal[1], 0.11 * side), (0.09, 0.08),
                         (40, 36, 34), RIDER)
        painter.limb(at(-0.2, 1.0), at(0.0, 1.36), (0.30, 0.34), wear.coat, RIDER)
        painter.limb(at(0.0, 1.36, -0.12), at(0.0, 1.36, 0.12), (0.22, 0.22), wear.coat, RIDER)
        for side in (-1, 1):
            painter.limb(at(0.02, 1.38, 0.17 * side), at(0.2, 1.14, 0.24 * side), (0.11, 0.09),
                         wear.coat, RIDER)
            painter.limb(at(0.2, 1.14, 0.24 * side), at(0.38, 1.04, 0.24 * side), (0.09, 0.07),
                         wear.skin, RIDER)
        painter.ball(at(0.07, 1.58), 0.11, wear.skin, RIDER)
        painter.ball(at(0.05, 1.63), 0.12, wear.coat if wear.bag else wear.hair, RIDER)


class Post(Thing):
    """Something on a post: a street lamp, a sign, a traffic light."""

    def __init__(self, x: float, z: float, kind: str, *, sign: Sprite | None = None,
                 phase: float = 0.0) -> None:
        """Put it up; ``kind`` is lamp, sign or light; ``sign`` its picture."""
        self.x = x
        self.z = z
        self.kind = kind
        self.sign = sign
        self.phase = phase
        self.height = {'lamp': 7.2, 'sign': 2.75, 'light': 3.3}[kind]
        self.thickness = {'lamp': 0.17, 'sign': 0.09, 'light': 0.13}[kind]

    def bounds(self, time: float) -> Bounds:
        del time
        return self.x - 0.12, self.x + 0.12, self.z - 0.12, self.z + 0.12

    def shadow_casters(self, time: float) -> list[tuple[Bounds, float, float]]:
        del time
        half = self.thickness / 2
        casters = [((self.x - half, self.x + half, self.z - half, self.z + half), 0.0,
                    self.height)]
        if self.kind != 'lamp':
            wide = 0.33 if self.kind == 'sign' else 0.16
            casters.append(((self.x - wide, self.x + wide, self.z - 0.04, self.z + 0.04),
                            self.height - 0.75, self.height))
        return casters

    def paint(self, painter: Painter, time: float) -> None:
        foot, top = (self.x, 0.0, self.z), (self.x, self.height, self.z)
        wide = self.thickness
        grey: Albedo = (104, 108, 110) if self.kind == 'lamp' else _STEEL
        painter.limb(foot, top, (wide, wide * 0.75), grey, POLE)
        if self.kind == 'lamp':
            inward = -1.0 if self.x > 0 else 1.0
            arm = (self.x + inward * 1.7, self.height + 0.25, self.z)
            head = (self.x + inward * 2.35, self.height + 0.23, self.z)
            painter.limb(top, arm, (0.1, 0.07), grey, POLE)
            painter.limb(arm, head, (0.16, 0.14), (150, 152, 154), POLE)
            painter.limb(foot, (self.x, 0.9, self.z), (0.24, 0.24), grey, POLE)
        elif self.kind == 'sign' and self.sign is not None:
            half, high = 0.36, self.height
            corners = np.array([[self.x - half, high, self.z - 0.05],
                                [self.x + half, high, self.z - 0.05],
                                [self.x + half, high - 2 * half, self.z - 0.05],
                                [self.x - half, high - 2 * half, self.z - 0.05]])
            painter.board(self.sign, corners, TO_CAMERA)
        elif self.kind == 'light':
            self._paint_lamps(painter, time)

    def _paint_lamps(self, painter: Painter, time: float) -> None:
        faces = box_faces((self.x - 0.17, self.x + 0.17), (self.height - 0.95, self.height),
                          (self.z - 0.18, self.z - 0.02))
        for face in faces.values():
            painter.face(face, (40, 42, 40), LIGHT)
        shown = int((time + self.phase) / 4.0) % 3
        lamps: tuple[Albedo, ...] = ((238, 40, 30), (248, 186, 40), (40, 214, 120))
        for i, lamp in enumerate(lamps):
            middle = (self.x, self.height - 0.18 - 0.30 * i, self.z - 0.19)
            if i == (0, 2, 1)[shown]:
                painter.ball(middle, 0.11, lamp, LIGHT, glowing=True)
            else:
                painter.ball(middle, 0.11, (lamp[0] * 0.2, lamp[1] * 0.2, lamp[2] * 0.2), LIGHT)


class Tree(Thing):
    """A tree: a picture that always faces the camera."""

    def __init__(self, x: float, z: float, height: float, sprite: Sprite,
                 trunk: float = 0.3) -> None:
        """Plant it."""
        self.x = x
        self.z = z
        self.height = height
        self.sprite = sprite
        self.trunk = trunk

    def bounds(self, time: float) -> Bounds:
        del time
        return (self.x - self.trunk, self.x + self.trunk, self.z - self.trunk,
                self.z + self.trunk)

    def shadow_casters(self, time: float) -> list[tuple[Bounds, float, float]]:
        crown = self.height * 0.27
        return [(self.bounds(time), 0.0, self.height * 0.5),
                ((self.x - crown, self.x + crown, self.z - crown, self.z + crown),
                 self.height * 0.45, self.height * 0.8),
                ((self.x - crown * 0.6, self.x + crown * 0.6, self.z - crown * 0.6,
                  self.z + crown * 0.6), self.height * 0.35, self.height * 0.95)]

    def paint(self, painter: Painter, time: float) -> None:
        half = self.height / 2
        across = np.array([math.cos(painter.camera.yaw), 0.0, -math.sin(painter.camera.yaw)])
        # Leaves stir in the wind.
        stir = np.array([0.03 * math.sin(1.9 * time + self.x + self.z), 0.0, 0.0])
        foot, top = np.array([self.x, 0.0, self.z]), np.array([self.x, self.height, self.z])
        corners = np.array([top - across * half + stir, top + across * half + stir,
                            foot + across * half, foot - across * half])
        painter.board(self.sprite, corners, (0.3 * painter.light.to_sun[0], 0.6, -0.6))
