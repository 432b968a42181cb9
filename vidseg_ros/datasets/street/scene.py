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
"""A street, drawn by lot: where everything stands, how it moves, how the light changes."""

from __future__ import annotations

import math
from typing import Final, TypeVar

import numpy as np

from vidseg_ros.datasets.street import textures
from vidseg_ros.datasets.street.camera import Camera
from vidseg_ros.datasets.street.canvas import Sprite
from vidseg_ros.datasets.street.houses import BUILDING, Garden, House
from vidseg_ros.datasets.street.layout import (
    CYCLE_M,
    GROUND_PERIOD_M,
    LANE_M,
    PARKED_M,
    ROAD_M,
    SIDEWALK_M,
    VIEW_M,
)
from vidseg_ros.datasets.street.light import Light
from vidseg_ros.datasets.street.painter import Albedo, label_id
from vidseg_ros.datasets.street.things import (
    SIGN,
    VEGETATION,
    Clothes,
    Cycle,
    Person,
    Post,
    Still,
    Straight,
    Thing,
    Tree,
    Vehicle,
)

_BEHIND_M: Final = 30.0
_LANE_MIDDLE_M: Final = LANE_M / 2
_CROSSING_M: Final = 41.7
_PAINTS: Final[tuple[Albedo, ...]] = (
    (196, 198, 200), (44, 46, 50), (150, 26, 30), (34, 58, 120), (118, 122, 126), (226, 226, 222),
    (66, 82, 74), (96, 78, 62), (178, 148, 52), (28, 92, 112))

_Choice = TypeVar('_Choice')


def _sprite(colours: textures.Picture, label: int,
            mask: textures.Picture | None = None) -> Sprite:
    """Return a picture, uint8 [h, w, 3], of things of a label."""
    fourth = np.full((*colours.shape[:2], 1), label, np.uint8)
    return Sprite(np.ascontiguousarray(np.concatenate([colours, fourth], axis=2)), mask)


class _Ahead:
    """The path of a vehicle that keeps its distance ahead of the camera, more or less."""

    def __init__(self, scene: Scene, gap: float, sway: float, phase: float) -> None:
        self._scene = scene
        self._gap = gap
        self._sway = sway
        self._phase = phase

    def __call__(self, time: float) -> tuple[float, float]:
        gap = self._gap + self._sway * math.sin(0.35 * time + self._phase)
        x = _LANE_MIDDLE_M + 0.12 * math.sin(0.4 * time + self._phase)
        return x, self._scene.driven(time) + gap


class Scene:
    """
    Everything in the street as functions of time, all drawn from one seed.

    ``duration_s`` is how long the drive takes; the street is built as long as it needs.
    """

    def __init__(self, seed: int | tuple[int, ...], duration_s: float,
                 size: tuple[int, int]) -> None:
        """Build the street; ``size`` is the images' (height, width)."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
        self.size = size
        self.duration_s = duration_s
        self._speed = rng.uniform(7.0, 10.0)
        self._phases = rng.uniform(0, 2 * math.pi, 8)
        self.end_m = self.driven(duration_s) + VIEW_M
        # Two drives in five go towards a low sun.
        if rng.random() < 0.4:
            self._sun = (rng.uniform(-0.35, 0.35), rng.uniform(0.16, 0.24))
        else:
            self._sun = (rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 2.4), rng.uniform(0.7, 1.15))
        self._cloud_period_s = rng.uniform(7.0, 14.0)
        self.cloudiness = rng.uniform(0.1, 0.65)
        self._rng = rng
        self.ground = textures.ground(rng)
        from_right = math.sin(self._sun[0])
        self._trees = [_sprite(tree.colours, VEGETATION, tree.mask) for tree in
                       (textures.tree(rng, from_right) for _ in range(5))]
        self._signs = [_sprite(sign.colours, SIGN, sign.mask)
                       for sign in map(textures.sign, range(5))]
        self._borders = [
            (_sprite(textures.hedge(rng), VEGETATION), 1.5),
            (_sprite(textures.fence(rng), label_id('fence')), 1.3),
            (_sprite(textures.stone_wall(rng), label_id('wall')), 1.6)]
        self.backdrop = _sprite(textures.hedge(rng), VEGETATION)
        self.houses: list[House] = []
        self.gardens: list[Garden] = []
        self.things: list[Thing] = []
        self._build_houses()
        self._put_up_posts()
        self._park()
        self._drive()
        self._walk()
        self._cycle()

    # The camera and the light.

    def driven(self, time: float) -> float:
        """Return how far along the street the camera is, in metres."""
        return self._speed * time + 1.6 * (math.sin(0.5 * time + float(self._phases[0]))
                                           - math.sin(float(self._phases[0])))

    def camera(self, time: float) -> Camera:
        """Return the camera at a time in seconds: it drives, sways and nods."""
        p = self._phases
        x = _LANE_MIDDLE_M - 0.1 + 0.22 * math.sin(0.45 * time + p[1])
        yaw = 0.022 * math.sin(0.38 * time + p[2]) + 0.004 * math.sin(2.1 * time + p[3])
        pitch = 0.012 + 0.0032 * math.sin(6.9 * time + p[4]) + 0.002 * math.sin(11.3 * time + p[5])
        height = 1.38 + 0.012 * math.sin(6.9 * time + p[4] + 0.8)
        return Camera(self.size, (float(x), float(height), self.driven(time)), float(yaw),
                      float(pitch))

    def light(self, time: float) -> Light:
        """Return the light at a time in seconds: clouds pass before the sun."""
        wave = (math.sin(2 * math.pi * time / self._cloud_period_s + self._phases[6])
                + 0.4 * math.sin(5.1 * math.pi * time / self._cloud_period_s + self._phases[7]))
        strength = 0.5 * (1 + math.tanh(1.6 * wave + 2.2 - 2.2 * self.cloudiness))
        return Light(float(self._sun[0]), float(self._sun[1]),
                     0.15 + 0.85 * float(strength))

    @property
    def sun(self) -> tuple[float, float]:
        """Return the sun's (azimuth, elevation) in radians."""
        return float(self._sun[0]), float(self._sun[1])

    def sky(self, focal: float, width: int, height: int) -> textures.Picture:
        """Return the sky for a camera of a focal length in pixels."""
        rng = np.random.Generator(np.random.PCG64(int(self._rng.integers(2**32))))
        return textures.sky(rng, (height, width), focal, self.sun, self.cloudiness)

    # What is there.

    def _one_of(self, choices: list[_Choice]) -> _Choice:
        return choices[int(self._rng.integers(len(choices)))]

    def _build_houses(self) -> None:
        rng = self._rng
        fronts = []
        for _ in range(14):
            bays, floors = int(rng.integers(3, 7)), int(rng.integers(3, 6))
            bay_m, floor_m = rng.uniform(2.5, 3.3), rng.uniform(2.9, 3.5)
            picture = textures.facade(rng, bays, floors, bay_m, floor_m)
            fronts.append((_sprite(picture, BUILDING), bays * bay_m, floors * floor_m,
                           _sprite(textures.side_wall(rng, picture), BUILDING)))
        for side in (-1.0, 1.0):
            z = -_BEHIND_M - rng.uniform(0, 10)
            setback = rng.uniform(0, 1.0)
            while z < self.end_m:
                if rng.random() < 0.2:
                    long = rng.uniform(8.0, 18.0)
                    self._lay_out_garden(side, z, long)
                    z += long
                    setback = rng.uniform(0, 2.0)
                    continue
                front, long, high, wall = self._one_of(fronts)
                tiles = self._one_of([(132, 74, 56), (92, 86, 84), (112, 64, 50)])
                roof = float(rng.uniform(2.2, 4.0)) if rng.random() < 0.7 else 0.0
                self.houses.append(House(side * (SIDEWALK_M + setback), (z, z + long), high,
                                         front, wall, roof, tiles))
                z += long
                if rng.random() < 0.3:
                    setback = rng.uniform(0, 1.2)

    def _lay_out_garden(self, side: float, z: float, long: float) -> None:
        rng = self._rng
        border, height = self._one_of(self._borders)
        repeat = max(1, round(long / 5.0))
        wide = Sprite(np.ascontiguousarray(np.tile(border.picture, (1, repeat, 1))))
        trees = []
        for _ in range(int(rng.integers(2, 5))):
            sprite = self._one_of(self._trees)
            trees.append(Tree(side * (SIDEWALK_M + rng.uniform(2.5, 7.0)),
                              z + rng.uniform(1.5, long - 1.5), rng.uniform(6.0, 10.0), sprite))
        self.gardens.append(Garden(side * (SIDEWALK_M + 0.2), (z, z + long), wide, height, trees))

    def _near_crossing(self, z: float, before: float, after: float) -> bool:
        return -before < (z - _CROSSING_M + GROUND_PERIOD_M / 2) % GROUND_PERIOD_M \
            - GROUND_PERIOD_M / 2 < after

    def _put_up_posts(self) -> None:
        rng = self._rng
        for side in (-1.0, 1.0):
            z = -10.0 + rng.uniform(0, 10)
            while z < self.end_m:
                self.things.append(Post(side * (ROAD_M + 0.5), z, 'lamp'))
                z += rng.uniform(24.0, 30.0)
            z = -5.0
            while z < self.end_m:
                if rng.random() < 0.75 and not self._near_crossing(z, 5.0, 3.0):
                    sprite = self._one_of(self._trees)
                    self.things.append(Tree(side * (ROAD_M + 0.95), z + rng.uniform(-2, 2),
                                            rng.uniform(5.0, 7.5), sprite, 0.18))
                z += rng.uniform(9.0, 20.0)
        z = 6.0
        while z < self.end_m:
            if not self._near_crossing(z, 5.0, 3.0):
                self.things.append(Post(ROAD_M + 0.45, z, 'sign', sign=self._one_of(self._signs)))
            z += rng.uniform(12.0, 26.0)
        crossing = _CROSSING_M - GROUND_PERIOD_M
        while crossing < self.end_m:
            phase = float(rng.uniform(0, 12))
            for x in (ROAD_M + 0.35, -ROAD_M - 0.35):
                self.things.append(Post(x, crossing - 2.6, 'light', phase=phase))
            self.things.append(Post(ROAD_M + 0.35, crossing + 2.2, 'sign', sign=self._signs[4]))
            crossing += GROUND_PERIOD_M

    def _park(self) -> None:
        rng = self._rng
        for side in (-1, 1):
            z = -12.0 + rng.uniform(0, 5)
            while z < self.end_m:
                if rng.random() < 0.5 and not self._near_crossing(z, 9.0, 6.0):
                    kind = str(rng.choice(['car', 'estate', 'van'], p=[0.5, 0.35, 0.15]))
                    x = side * (PARKED_M + rng.uniform(-0.08, 0.12))
                    heading = side if rng.random() < 0.9 else -side
                    self.things.append(Vehicle(kind, Still(x, z), heading,
                                               self._one_of(list(_PAINTS))))
                z += rng.uniform(5.9, 7.4)
            z = 0.0
            while z < self.end_m:
                where = Still(side * (SIDEWALK_M - 0.45), z)
                direction = self._one_of([(0.35, 0.94), (0.96, 0.28), (-0.2, 0.98)])
                motor = rng.random() < 0.35
                self.things.append(Cycle(where, direction, self._one_of(list(_PAINTS)),
                                         motor=bool(motor)))
                z += rng.uniform(8.0, 24.0)

    def _drive(self) -> None:
        rng = self._rng
        gap = float(rng.uniform(15.0, 24.0))
        for _ in range(3):
            kind = str(rng.choice(['car', 'estate', 'van', 'truck', 'bus'],
                                  p=[0.4, 0.3, 0.1, 0.1, 0.1]))
            path = _Ahead(self, gap, 3.0, float(self._phases[3]))
            self.things.append(Vehicle(kind, path, 1, self._one_of(list(_PAINTS))))
            gap += float(rng.uniform(24.0, 45.0))
        speed = float(rng.uniform(7.0, 10.0))
        z = float(rng.uniform(12.0, 30.0))
        while z < self.end_m + speed * self.duration_s:
            kind = str(rng.choice(['car', 'estate', 'van', 'truck', 'bus'],
                                  p=[0.45, 0.3, 0.11, 0.07, 0.07]))
            self.things.append(Vehicle(kind, Straight(-_LANE_MIDDLE_M, z, 0.0, -speed), -1,
                                       self._one_of(list(_PAINTS))))
            z += float(rng.uniform(22.0, 60.0))

    def _person(self, path: Straight, direction: tuple[float, float]) -> Person:
        rng = self._rng
        speed = math.hypot(path.speed_x, path.speed_z)
        return Person(path, direction, Clothes.choose(rng), float(rng.uniform(1.55, 1.9)),
                      speed / 0.72, float(rng.uniform(0, 2 * math.pi)))

    def _walk(self) -> None:
        rng = self._rng
        margin = 1.8 * self.duration_s
        for side in (-1.0, 1.0):
            z = 4.0 - margin
            while z < self.end_m + margin:
                for n in range(int(rng.choice([1, 2], p=[0.75, 0.25]))):
                    x = side * (ROAD_M + rng.uniform(1.6, 2.7)) + 0.6 * n * side
                    still = rng.random() < 0.15
                    speed = 0.0 if still else float(rng.choice([-1, 1]) * rng.uniform(0.9, 1.6))
                    facing = (-side, 0.0) if still else (0.0, math.copysign(1.0, speed))
                    self.things.append(self._person(
                        Straight(x, z + 0.2 * n, 0.0, speed), facing))
                z += float(rng.uniform(4.0, 13.0))
        self._cross()

    def _cross(self) -> None:
        """Let people cross the road at the crossings ahead, where no car runs into them."""
        rng = self._rng
        vehicles = [thing for thing in self.things if isinstance(thing, Vehicle)]
        crossing = _CROSSING_M
        while crossing < self.end_m:
            for _ in range(8):
                side = float(rng.choice([-1.0, 1.0]))
                speed = float(rng.uniform(1.2, 1.7))
                start = float(rng.uniform(-2.0, self.duration_s))
                z = crossing + float(rng.uniform(-1.2, 1.2))
                person = self._person(Straight(side * (SIDEWALK_M - 1.0) + side * speed * start, z,
                                               -side * speed, 0.0), (-side, 0.0))
                if self._is_free(person, vehicles, start, start + 16.0 / speed):
                    self.things.append(person)
            crossing += GROUND_PERIOD_M

    def _is_free(self, person: Person, vehicles: list[Vehicle], start: float,
                 end: float) -> bool:
        for time in np.arange(max(0.0, start), min(self.duration_s, end), 0.2).tolist():
            x, z = person.path(time)
            if abs(x) > ROAD_M + 0.2:
                continue
            # The camera's own car counts, too.
            if abs(x - _LANE_MIDDLE_M) < 1.6 and -3.0 < z - self.driven(time) < 5.0:
                return False
            for vehicle in vehicles:
                x0, x1, z0, z1 = vehicle.bounds(time)
                if x0 - 0.5 < x < x1 + 0.5 and z0 - 1.0 < z < z1 + 1.0:
                    return False
        return True

    def _cycle(self) -> None:
        rng = self._rng
        for direction in (1.0, -1.0):
            speed = direction * float(rng.uniform(4.0, 5.5))
            z = float(rng.uniform(8.0, 20.0))
            while z < self.end_m + 5.5 * self.duration_s:
                self.things.append(Cycle(Straight(direction * CYCLE_M, z, 0.0, speed),
                                         (0.0, direction), self._one_of(list(_PAINTS)),
                                         rider=Clothes.choose(rng),
                                         phase=float(rng.uniform(0, 6))))
                z += float(rng.uniform(25.0, 60.0))
