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

Colour = tuple[float, float, float]

_HAZE_LENGTH_M = 320.0


class Light:
    """
    The light at one moment: a sun of changing strength and a sky that lights everything.

    ``azimuth`` is from the street's direction to the right, ``elevation`` above the horizon, in
    radians; ``strength`` is 0 (behind clouds) to 1. Colours are RGB, 0..255; all in plain
    floats, since thousands of small faces are lit one by one.
    """

    def __init__(self, azimuth: float, elevation: float, strength: float) -> None:
        """Set the sun."""
        self.to_sun = (math.sin(azimuth) * math.cos(elevation), math.sin(elevation),
                       math.cos(azimuth) * math.cos(elevation))
        warmth = max(0.0, 1.0 - elevation / 0.9)
        self.sun = (1.08 * strength, (1.01 - 0.10 * warmth) * strength,
                    (0.88 - 0.24 * warmth) * strength)
        cloud = 0.12 * (1.0 - strength)
        self.sky = (0.60 + cloud, 0.63 + cloud, 0.68 + cloud)
        hazy = 0.84 + 0.16 * strength
        self.haze_colour = (210.0 * hazy, 217.0 * hazy, 225.0 * hazy)
        self.strength = strength

    @property
    def shadow_offset(self) -> tuple[float, float]:
        """Return where, in (x, z) metres, the shadow of a point one metre high falls."""
        return (-self.to_sun[0] / self.to_sun[1], -self.to_sun[2] / self.to_sun[1])

    def gain(self, normal: tuple[float, float, float], shadow: float = 0.0) -> Colour:
        """
        Return the light that a surface with a unit normal gets, in red, green and blue.

        ``shadow`` is 0 (the sun reaches it) to 1.
        """
        sun = self.to_sun
        facing = (1.0 - shadow) * max(
            0.0, normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2])
        # Faces turned down see the dark street, not the sky.
        openness = 0.80 + 0.20 * normal[1]
        return (self.sky[0] * openness + self.sun[0] * facing,
                self.sky[1] * openness + self.sun[1] * facing,
                self.sky[2] * openness + self.sun[2] * facing)

    def haze(self, distance: float) -> float:
        """Return the share of haze, 0..1, before something at a distance in metres."""
        return 1.0 - math.exp(-max(0.0, distance) / _HAZE_LENGTH_M)

    def shade(self, albedo: Colour, gain: Colour, distance: float) -> tuple[int, int, int]:
        """Return the RGB colour that the camera sees of a surface."""
        haze = self.haze(distance)
        clear = 1.0 - haze
        return (min(255, int(albedo[0] * gain[0] * clear + self.haze_colour[0] * haze)),
                min(255, int(albedo[1] * gain[1] * clear + self.haze_colour[1] * haze)),
                min(255, int(albedo[2] * gain[2] * clear + self.haze_colour[2] * haze)))

    def table(self, gain: Colour, distance: float) -> NDArray[np.uint8]:
        """Return ``shade`` as a lookup table [1, 256, 4] whose fourth channel is left as it is."""
        haze = self.haze(distance)
        values = np.arange(256.0)[:, None]
        table = np.empty((1, 256, 4), np.uint8)
        table[0, :, :3] = np.clip(
            values * np.array(gain) * (1.0 - haze) + np.array(self.haze_colour) * haze, 0, 255)
        table[0, :, 3] = values[:, 0]
        return table
