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
"""Pictures that the street is papered with, made from noise and rectangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.street.layout import (
    GROUND_PERIOD_M,
    GROUND_REACH_M,
    LANE_M,
    ROAD_M,
    SIDEWALK_M,
)

Picture = NDArray[np.uint8]
Random = np.random.Generator

GROUND_PER_M: Final = 32
FACADE_PER_M: Final = 30


@dataclass(frozen=True)
class Cutout:
    """A picture with holes: ``colours`` uint8 [h, w, 3] RGB, ``mask`` uint8 [h, w]."""

    colours: Picture
    mask: Picture


def noise(rng: Random, size: tuple[int, int], cell: float,
          octaves: int = 3) -> NDArray[np.float32]:
    """
    Return smooth noise, float32 [h, w], about -1..1.

    ``cell`` is the size in pixels of its largest lumps; each octave halves size and weight.
    """
    height, width = size
    total = np.zeros(size, np.float32)
    weight = 1.0
    for _ in range(octaves):
        grid = (max(2, round(height / cell) + 1), max(2, round(width / cell) + 1))
        lumps = rng.uniform(-1, 1, grid).astype(np.float32)
        total += weight * cv2.resize(lumps, (width, height), interpolation=cv2.INTER_CUBIC)
        weight /= 2
        cell = max(1.0, cell / 2)
    return total / 1.75


def _tinted(base: NDArray[np.float32], colour: tuple[float, float, float]) -> Picture:
    """Return a grey pattern around 1 in a colour."""
    return np.clip(base[..., None] * np.array(colour, np.float32), 0, 255).astype(np.uint8)


def ground(rng: Random) -> Picture:
    """
    Return a piece of street from above that can be repeated: uint8 [z, x, 3] RGB.

    Row 0 is z = 0; columns run from -GROUND_REACH_M to GROUND_REACH_M.
    """
    scale = GROUND_PER_M
    length, width = round(GROUND_PERIOD_M * scale), round(2 * GROUND_REACH_M * scale)
    fine = rng.normal(0, 1, (length, width)).astype(np.float32)
    blotches = noise(rng, (length, width), 3.0 * scale)
    # Made to meet at the ends.
    ramp = np.linspace(0, 1, length, dtype=np.float32)[:, None]
    blotches = blotches * (1 - ramp) + np.roll(blotches, length // 2, 0) * ramp
    picture = _tinted(1 + 0.05 * fine + 0.12 * blotches, (104, 130, 66))
    x = (np.arange(width) + 0.5) / scale - GROUND_REACH_M
    z = (np.arange(length) + 0.5) / scale

    road = np.abs(x) < ROAD_M
    # Tyres have polished the lanes, oil has darkened their middles.
    lane = np.abs(np.abs(x) - LANE_M / 2)
    wear = (0.06 * np.exp(-((lane - 0.75) / 0.25) ** 2) - 0.05 * np.exp(-(lane / 0.35) ** 2))
    asphalt = _tinted(1 + 0.055 * fine + 0.09 * blotches + wear[None].astype(np.float32),
                      (99, 99, 103))
    picture[:, road] = asphalt[:, road]
    for _ in range(7):
        left, top = rng.uniform(-ROAD_M + 0.5, ROAD_M - 2.5), rng.uniform(2, GROUND_PERIOD_M - 7)
        wide, long = rng.uniform(0.6, 2.0), rng.uniform(1.0, 5.0)
        rows = slice(round(top * scale), round((top + long) * scale))
        columns = slice(round((left + GROUND_REACH_M) * scale),
                        round((left + wide + GROUND_REACH_M) * scale))
        patch = picture[rows, columns].astype(np.float32) * rng.choice([0.84, 0.90, 1.07])
        picture[rows, columns] = np.clip(patch, 0, 255).astype(np.uint8)
    for _ in range(14):
        points = np.cumsum(np.vstack([
            [rng.uniform(-ROAD_M, ROAD_M) + GROUND_REACH_M, rng.uniform(3, GROUND_PERIOD_M - 8)],
            rng.normal([0, 0.35], [0.22, 0.2], (10, 2))]), axis=0)
        cv2.polylines(picture, [np.round(points * scale).astype(np.int32)], False, (66, 66, 70),
                      1, cv2.LINE_AA)

    paint = (214, 214, 210)
    dashes = (z % 8.0) < 3.6
    picture[np.ix_(dashes, np.abs(x) < 0.07)] = paint
    for side in (-1, 1):
        picture[:, np.abs(x - side * LANE_M) < 0.06] = paint
    # A zebra crossing, once in a period.
    crossing = (z > 40.0) & (z < 43.4)
    bars = (np.abs(x) < LANE_M) & ((x % 1.0) < 0.52)
    picture[np.ix_(crossing, bars)] = paint
    stop = (z > 38.4) & (z < 38.8)
    picture[np.ix_(stop, (x > 0.1) & (x < LANE_M))] = paint
    worn = rng.random((length, width)) < 0.10
    bright = picture[..., 0] > 200
    picture[worn & bright] = (150, 150, 150)

    walk = (np.abs(x) >= ROAD_M) & (np.abs(x) < SIDEWALK_M)
    slabs = 1 + 0.03 * fine + 0.10 * blotches
    slab_grid = (round(GROUND_PERIOD_M / 0.8), round(2 * GROUND_REACH_M / 0.8))
    shades = 1 + 0.07 * (rng.random(slab_grid) - 0.5)
    slabs *= cv2.resize(shades.astype(np.float32), (width, length),
                        interpolation=cv2.INTER_NEAREST)
    paving = _tinted(slabs, (163, 157, 148))
    paving[(z % 0.8) < 0.035] = (120, 115, 108)
    paving[:, (x % 0.8) < 0.035] = (120, 115, 108)
    picture[:, walk] = paving[:, walk]
    kerb = (np.abs(x) >= ROAD_M) & (np.abs(x) < ROAD_M + 0.18)
    picture[:, kerb] = _tinted(1 + 0.04 * fine[:, kerb], (178, 176, 170))
    gutter = (np.abs(x) < ROAD_M) & (np.abs(x) > ROAD_M - 0.25)
    picture[:, gutter] = (picture[:, gutter] * 0.78).astype(np.uint8)
    return picture


_WALLS: Final = ((196, 178, 148), (174, 116, 92), (206, 200, 188), (160, 150, 140),
                 (214, 188, 140), (150, 92, 76), (182, 190, 186), (222, 214, 196),
                 (138, 128, 120), (200, 160, 130))


def facade(rng: Random, bays: int, floors: int, bay_m: float, floor_m: float) -> Picture:
    """Return the front of a house: uint8 [h, w, 3] RGB, ``FACADE_PER_M`` pixels a metre."""
    scale = FACADE_PER_M
    height, width = round(floors * floor_m * scale), round(bays * bay_m * scale)
    wall = np.array(_WALLS[rng.integers(len(_WALLS))]) * rng.uniform(0.88, 1.08)
    grain = 1 + 0.025 * rng.normal(0, 1, (height, width)).astype(np.float32)
    grain += 0.06 * noise(rng, (height, width), 4.0 * scale)
    # Rain has left the upper parts cleaner than the lower.
    grain *= np.linspace(1.03, 0.90, height, dtype=np.float32)[:, None]
    if rng.random() < 0.35:
        courses = (np.arange(height) % max(2, round(0.16 * scale))) == 0
        grain[courses] *= 0.86
    picture = _tinted(grain, (float(wall[0]), float(wall[1]), float(wall[2])))

    trim = tuple(float(v) for v in np.clip(wall * rng.uniform(1.08, 1.25), 0, 240))
    frame = tuple(float(v) for v in rng.choice([[232, 230, 224], [88, 70, 58], [200, 196, 188]]))
    shutters = rng.random() < 0.3
    balconies = rng.random() < 0.35
    shutter = tuple(float(v) for v in rng.choice([[84, 106, 90], [110, 70, 58], [92, 102, 120]]))
    wide, high = rng.uniform(0.34, 0.5), rng.uniform(0.48, 0.62)

    def box(x0: float, y0: float, x1: float, y1: float, colour: tuple[float, ...]) -> None:
        cv2.rectangle(picture, (round(x0 * scale), round(y0 * scale)),
                      (round(x1 * scale) - 1, round(y1 * scale) - 1), colour, cv2.FILLED)

    def glass(x0: float, y0: float, x1: float, y1: float) -> None:
        rows, columns = round((y1 - y0) * scale), round((x1 - x0) * scale)
        if rows < 2 or columns < 2:
            return
        mirror = np.linspace(1.35, 0.7, rows, dtype=np.float32)[:, None] + np.zeros(
            (1, columns), np.float32)
        tone = rng.uniform(0.7, 1.25)
        pane = _tinted(mirror * tone, (74, 86, 100))
        if rng.random() < 0.4:
            pane[:round(rows * rng.uniform(0.2, 0.8))] = (190, 184, 170)
        top, left = round(y0 * scale), round(x0 * scale)
        picture[top:top + rows, left:left + columns] = pane

    for floor in range(floors - 1):
        top = floor * floor_m + 0.10 * floor_m
        for bay in range(bays):
            left = (bay + 0.5 - wide / 2) * bay_m
            right = left + wide * bay_m
            y0, y1 = top + 0.14 * floor_m, top + (0.14 + high) * floor_m
            box(left - 0.14, y0 - 0.14, right + 0.14, y1 + 0.10, trim)
            box(left - 0.04, y0 - 0.04, right + 0.04, y1 + 0.04, frame)
            glass(left + 0.05, y0 + 0.05, right - 0.05, y1 - 0.05)
            middle = (left + right) / 2
            box(middle - 0.04, y0, middle + 0.04, y1, frame)
            box(left, y0 + 0.34 * (y1 - y0), right, y0 + 0.34 * (y1 - y0) + 0.06, frame)
            if shutters:
                box(left - 0.62, y0 - 0.05, left - 0.12, y1 + 0.05, shutter)
                box(right + 0.12, y0 - 0.05, right + 0.62, y1 + 0.05, shutter)
            box(left - 0.2, y1 + 0.10, right + 0.2, y1 + 0.22, trim)
            if balconies and floor < floors - 2 and bay % 2 == 0:
                for bar in np.arange(left - 0.3, right + 0.3, 0.16):
                    box(bar, y1 - 0.75, bar + 0.05, y1 + 0.1, (60, 60, 62))
                box(left - 0.35, y1 - 0.8, right + 0.35, y1 - 0.73, (60, 60, 62))
                box(left - 0.4, y1 + 0.08, right + 0.4, y1 + 0.26, (120, 116, 110))
    box(0, 0, bays * bay_m, 0.32, trim)
    box(0, 0.32, bays * bay_m, 0.42, tuple(v * 0.6 for v in trim))

    street = (floors - 1) * floor_m
    shop = rng.random() < 0.6
    box(0, street, bays * bay_m, street + 0.22, trim)
    if shop:
        front = tuple(float(v) for v in rng.choice(
            [[64, 60, 58], [116, 50, 46], [46, 70, 94], [70, 84, 66], [150, 140, 126]]))
        box(0, street + 0.22, bays * bay_m, floors * floor_m, front)
        sign = tuple(float(v) for v in rng.integers(60, 235, 3))
        box(0.4, street + 0.34, bays * bay_m - 0.4, street + 0.86, sign)
        letters = rng.uniform(1.0, bays * bay_m * 0.4)
        for _ in range(int(rng.integers(5, 10))):
            box(letters, street + 0.46, letters + 0.22, street + 0.74, (236, 232, 220))
            letters += 0.36
    door = int(rng.integers(bays))
    for bay in range(bays):
        left = bay * bay_m + 0.24
        right = (bay + 1) * bay_m - 0.24
        low = floors * floor_m
        if bay == door:
            middle = (left + right) / 2
            box(middle - 0.72, low - 2.5, middle + 0.72, low, trim)
            box(middle - 0.56, low - 2.36, middle + 0.56, low, (70, 52, 42))
            glass(middle - 0.36, low - 2.2, middle + 0.36, low - 1.2)
        elif shop:
            glass(left, street + 1.02, right, low - 0.5)
        else:
            box(left + 0.36, street + 0.7, right - 0.36, low - 0.9, frame)
            glass(left + 0.44, street + 0.78, right - 0.44, low - 0.98)
    box(0, floors * floor_m - 0.30, bays * bay_m, floors * floor_m,
        tuple(float(v) for v in wall * 0.62))
    return picture


def side_wall(rng: Random, front: Picture) -> Picture:
    """Return the blank side of a house, in the colour of its front: uint8 [h, w, 3] RGB."""
    colour = np.median(front.reshape(-1, 3), axis=0) * 0.96
    grain = 1 + 0.03 * rng.normal(0, 1, (300, 300)).astype(np.float32)
    grain += 0.12 * noise(rng, (300, 300), 120)
    return _tinted(grain, (float(colour[0]), float(colour[1]), float(colour[2])))


def tree(rng: Random, sun_from_right: float) -> Cutout:
    """
    Return a tree: crown above, trunk below, square.

    ``sun_from_right`` is -1 (the sun stands left) to 1.
    """
    size = 420
    colours = np.zeros((size, size, 3), np.uint8)
    mask = np.zeros((size, size), np.uint8)
    bark = (86, 70, 56)
    root = (size // 2, size)
    for _ in range(5):
        tip = (int(size * rng.uniform(0.3, 0.7)), int(size * rng.uniform(0.3, 0.5)))
        cv2.line(colours, (size // 2, int(size * 0.66)), tip, bark, 7)
        cv2.line(mask, (size // 2, int(size * 0.66)), tip, 255, 7)
    cv2.line(colours, root, (size // 2, int(size * 0.45)), bark, 17)
    cv2.line(mask, root, (size // 2, int(size * 0.45)), 255, 17)
    cv2.line(colours, (size // 2 + 5, size), (size // 2 + 5, int(size * 0.5)), (70, 56, 45), 5)
    hue = np.array([rng.uniform(72, 104), rng.uniform(104, 128), rng.uniform(44, 60)])
    clumps = rng.normal([0.5, 0.36], [0.17, 0.135], (150, 2))
    clumps = clumps[np.hypot((clumps[:, 0] - 0.5) / 0.42, (clumps[:, 1] - 0.36) / 0.33) < 1]
    # Lower and inner clumps first: the lit ones lie on top.
    clumps = clumps[np.argsort(-clumps[:, 1] + 0.3 * rng.random(len(clumps)))]
    for x, y in clumps:
        radius = rng.uniform(0.04, 0.075)
        lit = 0.74 - 0.75 * (y - 0.36) + 0.55 * sun_from_right * (x - 0.5)
        for _ in range(24):
            away = np.clip(rng.normal(0, radius * 0.6, 2), -radius, radius)
            centre = (int((x + away[0]) * size), int((y + away[1]) * size))
            tone = lit * rng.uniform(0.72, 1.2) - 1.2 * away[1]
            leaf = tuple(float(v) for v in np.clip(hue * tone, 0, 255))
            dot = int(size * rng.uniform(0.008, 0.02))
            cv2.circle(colours, centre, dot, leaf, cv2.FILLED)
            cv2.circle(mask, centre, dot, 255, cv2.FILLED)
    return Cutout(colours, mask)


def hedge(rng: Random) -> Picture:
    """Return leaves seen from near: uint8 [h, w, 3] RGB."""
    grain = 1 + 0.22 * noise(rng, (160, 480), 14, 4) + 0.10 * rng.normal(0, 1, (160, 480))
    grain *= np.linspace(1.12, 0.7, 160)[:, None]
    return _tinted(grain.astype(np.float32), (84, 110, 52))


def fence(rng: Random) -> Picture:
    """Return boards of a fence: uint8 [h, w, 3] RGB."""
    base = np.array([[150, 122, 92], [128, 132, 134], [176, 170, 160]][rng.integers(3)], float)
    picture = np.empty((96, 480, 3), np.uint8)
    for left in range(0, 480, 16):
        board = 1 + 0.04 * noise(rng, (96, 16), 30)
        colour = base * rng.uniform(0.9, 1.08)
        picture[:, left:left + 16] = _tinted(board, (colour[0], colour[1], colour[2]))
        picture[:, left:left + 2] = picture[:, left:left + 2] // 2
    picture[:5] = np.clip(base * 1.1, 0, 255).astype(np.uint8)
    picture[18:24] = np.clip(base * 0.8, 0, 255).astype(np.uint8)
    picture[74:80] = np.clip(base * 0.8, 0, 255).astype(np.uint8)
    return picture


def stone_wall(rng: Random) -> Picture:
    """Return a wall of stones: uint8 [h, w, 3] RGB."""
    picture = np.full((96, 480, 3), (120, 116, 110), np.uint8)
    for row in range(6):
        left = -int(rng.integers(0, 24))
        while left < 480:
            wide = int(rng.integers(22, 46))
            tone = rng.uniform(0.86, 1.12)
            cv2.rectangle(picture, (left + 1, row * 16 + 1), (left + wide - 2, row * 16 + 14),
                          (168 * tone, 160 * tone, 148 * tone), cv2.FILLED)
            left += wide
    return picture


def sign(kind: int) -> Cutout:
    """Return a traffic sign: 0 no entry, 1 give way, 2 speed limit, 3 parking, 4 priority."""
    size = 96
    colours = np.full((size, size, 3), 225, np.uint8)
    mask = np.zeros((size, size), np.uint8)
    red, white, blue, yellow = (196, 24, 30), (238, 238, 238), (28, 76, 168), (244, 200, 30)
    middle = (size // 2, size // 2)
    if kind == 0:
        cv2.circle(mask, middle, 47, 255, cv2.FILLED)
        colours[:] = red
        cv2.rectangle(colours, (16, 39), (80, 57), white, cv2.FILLED)
    elif kind == 1:
        outer = np.array([[1, 6], [95, 6], [48, 90]])
        cv2.fillConvexPoly(mask, outer, 255)
        colours[:] = red
        cv2.fillConvexPoly(colours, np.array([[20, 18], [76, 18], [48, 68]]), white)
    elif kind == 2:
        cv2.circle(mask, middle, 47, 255, cv2.FILLED)
        colours[:] = red
        cv2.circle(colours, middle, 36, white, cv2.FILLED)
        cv2.putText(colours, '30', (21, 63), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (20, 20, 20), 5)
    elif kind == 3:
        mask[2:94, 2:94] = 255
        colours[:] = blue
        cv2.rectangle(colours, (6, 6), (89, 89), white, 3)
        cv2.putText(colours, 'P', (27, 74), cv2.FONT_HERSHEY_SIMPLEX, 2.4, white, 8)
    else:
        cv2.fillConvexPoly(mask, np.array([[48, 1], [95, 48], [48, 95], [1, 48]]), 255)
        colours[:] = white
        cv2.fillConvexPoly(colours, np.array([[48, 18], [78, 48], [48, 78], [18, 48]]), yellow)
    return Cutout(colours, mask)


def sky(rng: Random, size: tuple[int, int], focal: float, sun: tuple[float, float],
        cloudiness: float) -> Picture:
    """
    Return the sky around the street's direction: uint8 [h, w, 3] RGB, lowest row the horizon.

    ``sun`` is (azimuth, elevation) in radians, ``cloudiness`` 0..1.
    """
    height, width = size
    up = (height - 0.5 - np.arange(height, dtype=np.float32))[:, None] / focal
    right = (np.arange(width, dtype=np.float32)[None] - (width - 1) / 2) / focal
    high = np.clip(up / 0.42, 0, 1) ** 0.7
    zenith, horizon = np.array([84, 136, 206], np.float32), np.array([206, 219, 232], np.float32)
    colours = horizon + (zenith - horizon) * high[..., None] + np.zeros((1, width, 1), np.float32)
    # Clouds lie on a plane overhead, and so draw together towards the horizon.
    plane = noise(rng, (512, 1024), 90, 5)
    distance = 0.55 / (up + 0.10)
    places_x = (512 + right * distance * 240) % 1023
    places_y = (distance * 110) % 511 + 0 * right
    lumps = cv2.remap(plane, places_x.astype(np.float32), places_y.astype(np.float32),
                      cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    cover = np.clip((lumps - 0.42 + 0.75 * cloudiness) * 2.2, 0, 1)[..., None]
    shade = np.clip(1.0 - 0.32 * np.clip(lumps, 0, 1), 0, 1)[..., None]
    colours = colours * (1 - cover) + np.array([246, 246, 247], np.float32) * shade * cover
    off = np.hypot(right - np.tan(sun[0]), up - np.tan(sun[1]) / np.cos(sun[0]))
    near = abs(sun[0]) < 1.3
    if near:
        glow = 0.75 * np.exp(-off / 0.16) + 0.9 * np.exp(-((off / 0.045) ** 2))
        colours += (np.array([255, 247, 226], np.float32) - colours) * np.clip(
            glow, 0, 1)[..., None]
        colours[off < 0.021] = (255, 253, 244)
    return np.clip(colours, 0, 255).astype(np.uint8)
