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
"""What can be set of EVS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vidseg_ros.flow.grid import GridFlow
from vidseg_ros.methods.evs_operating_points import OperatingPoint, chosen
from vidseg_ros.methods.loading import MethodError


@dataclass(frozen=True)
class EVSKnobs:
    """
    The operating ``point``, with its ``number`` (0: one of one's own), and what is beside it.

    ``flow`` is one of ``flow.grid.GRID_SETTINGS``, of which 'ultrafast' is the paper's (section
    4.3.1). ``stagger``: whether the first intervals of cameras differ, so that their key frames
    do not coincide. ``refiner_checkpoint`` names a Refiner with weights of its own, for another
    network than ICNet. ``label_space`` is that of a seeded start.
    """

    number: int
    point: OperatingPoint
    flow: str = 'swift'
    stagger: bool = False
    refiner_checkpoint: str = ''
    label_space: str = ''

    @classmethod
    def parse(cls, extra: Mapping[str, Any]) -> EVSKnobs:
        """
        Take the knobs out of a method's options; others are ignored.

        :raises MethodError: if one is impossible.
        """
        flow = str(extra.get('flow', cls.flow))
        try:
            number, point = chosen(extra)
            GridFlow(flow)
        except ValueError as error:
            raise MethodError(str(error)) from error
        return cls(
            number,
            point,
            flow,
            bool(extra.get('stagger', cls.stagger)),
            str(extra.get('refiner_checkpoint', cls.refiner_checkpoint)),
            str(extra.get('label_space', cls.label_space)),
        )

    @property
    def structure(self) -> tuple[float, str, str]:
        """Return what can't be changed between two frames."""
        return self.point.downscaling, self.refiner_checkpoint, self.label_space
