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
"""Sun, sky and haze."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float64]

_HAZE_LENGTH_M = 320.0


class Light:
    """
    The light at one moment: a sun of changing strength and a sky that lights everything.

    ``azimuth`` is from the street's direction to the right, ``elevation`` above the horizon, in
    radians; ``strength`` is 0 (behind clouds) to 1. Colours are RGB, 0..255.
    """

    def __init__(self, azimuth: float, elevation: float, strength: float) -> None:
        """Set the sun."""
        self.to_sun = np.array([math.sin(azimuth) * math.cos(elevation), math.sin(elevation),
                                math.cos(azimuth) * math.cos(elevation)])
        warmth = max(0.0, 1.0 - elevation / 0.9)
        self.sun = strength * np.array([0.86, 0.80 - 0.08 * warmth, 0.70 - 0.20 * warmth])
        self.sky = np.array([0.43, 0.46, 0.51]) + 0.10 * (1.0 - strength)
        self.haze_colour = np.array([206.0, 213.0, 221.0]) * (0.80 + 0.20 * strength)
        self.strength = strength

    @property
    def shadow_offset(self) -> tuple[float, float]:
        """Return where, in (x, z) metres, the shadow of a point one metre high falls."""
        return (-self.to_sun[0] / self.to_sun[1], -self.to_sun[2] / self.to_sun[1])

    def gain(self, normal: tuple[float, float, float], shadow: float = 0.0) -> Colour:
        """
        Return the light [3] that a surface with a unit normal gets.

        ``shadow`` is 0 (the sun reaches it) to 1.
        """
        facing = max(0.0, float(np.dot(normal, self.to_sun)))
        # Faces turned down see the dark street, not the sky.
        openness = 0.80 + 0.20 * normal[1]
        return self.sky * openness + self.sun * facing * (1.0 - shadow)

    def haze(self, distance: float) -> float:
        """Return the share of haze, 0..1, before something at a distance in metres."""
        return 1.0 - math.exp(-max(0.0, distance) / _HAZE_LENGTH_M)

    def shade(self, albedo: Colour | tuple[float, ...], gain: Colour,
              distance: float) -> tuple[int, int, int]:
        """Return the RGB colour that the camera sees of a surface."""
        haze = self.haze(distance)
        seen = np.asarray(albedo) * gain * (1.0 - haze) + self.haze_colour * haze
        red, green, blue = np.clip(seen, 0, 255).astype(int).tolist()
        return red, green, blue

    def table(self, gain: Colour, distance: float) -> NDArray[np.uint8]:
        """Return ``shade`` as a lookup table [1, 256, 4] whose fourth channel is left as it is."""
        haze = self.haze(distance)
        values = np.arange(256.0)[:, None]
        table = np.empty((1, 256, 4), np.uint8)
        table[0, :, :3] = np.clip(values * gain * (1.0 - haze) + self.haze_colour * haze, 0, 255)
        table[0, :, 3] = values[:, 0]
        return table
