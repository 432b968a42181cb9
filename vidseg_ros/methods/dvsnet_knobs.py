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
"""What can be set of DVSNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vidseg_ros.methods.base import UnfitFrameError
from vidseg_ros.methods.keyframe_policies import (
    ExpectedConfidence,
    FixedPeriod,
    FlowMagnitude,
    FrameDifference,
    KeyFramePolicy,
)
from vidseg_ros.methods.loading import MethodError
from vidseg_ros.methods.regions import RegionGrid

FLOWS = ('dis', 'flownet2_s', 'flownet2_S')
LAYERS = ('conv6', 'conv5', 'conv4')
AUTO = 'auto'
# How much more is tolerated at each cheaper operating point.
_FACTORS = (1.5, 2.0, 3.0)


@dataclass(frozen=True)
class DVSNetKnobs:
    """
    What can be set.

    ``policy`` 'auto' is 'confidence' if there is a trained decision network and
    'flow_magnitude' if not. ``threshold`` is the paper's t (0 to 1), ``period`` its l (frames),
    ``frame_difference`` its d (grey levels), ``flow_magnitude`` its f (percent of the diagonal of
    the network's input), of which each policy has one.

    With ``whole_frames`` a frame is segmented in one piece where its regions that are due have at
    least as many pixels together: that costs less and knows more of the surroundings.
    """

    policy: str = AUTO
    threshold: float = 0.92
    period: int = 5
    frame_difference: float = 10.0
    flow_magnitude: float = 2.0
    rows: int = 2
    columns: int = 2
    overlap: int = 64
    whole_frames: bool = True
    flow: str = 'dis'
    flow_checkpoint: str = ''
    decision_layer: str = 'conv6'
    decision_checkpoint: str = ''

    @classmethod
    def parse(cls, extra: Mapping[str, Any]) -> DVSNetKnobs:
        """
        Take the knobs out of a method's options; others are ignored.

        :raises MethodError: if a value is impossible.
        """
        values: dict[str, Any] = {}
        for name, default in vars(cls()).items():
            if name in extra:
                try:
                    values[name] = type(default)(extra[name])
                except (TypeError, ValueError) as error:
                    raise MethodError(f'{name}: {error}') from error
        knobs = cls(**values)
        if min(knobs.rows, knobs.columns, knobs.period) < 1:
            raise MethodError('rows, columns and period are at least 1')
        if knobs.overlap < 0:
            raise MethodError(f'overlap: {knobs.overlap} is negative')
        for name, choices in (('flow', FLOWS), ('decision_layer', LAYERS)):
            if values.get(name, choices[0]) not in choices:
                raise MethodError(f'{name}: {values[name]!r} is not one of {", ".join(choices)}')
        knobs.make_policy()
        return knobs

    def make_policy(self) -> KeyFramePolicy:
        """
        Return the policy.

        :raises MethodError: if there is none of that name.
        """
        name = self.policy
        if name == AUTO:
            name = 'confidence' if self.decision_checkpoint else 'flow_magnitude'
        policies: list[KeyFramePolicy] = [
            ExpectedConfidence(self.threshold),
            FixedPeriod(self.period),
            FrameDifference(self.frame_difference),
            FlowMagnitude(self.flow_magnitude),
        ]
        for policy in policies:
            if policy.name == name:
                return policy
        raise MethodError(
            f'policy: {name!r} is not one of {", ".join([AUTO, *(p.name for p in policies)])}'
        )

    def points(self) -> dict[str, KeyFramePolicy]:
        """Return the operating points: the policy, and with more and more tolerated."""
        asked = self.make_policy()
        points = {asked.label: asked}
        for factor in _FACTORS:
            policy = asked.relaxed(factor)
            points.setdefault(policy.label, policy)
        return points

    def divide(self, size: tuple[int, int]) -> RegionGrid:
        """
        Return the regions of a network input of ``size`` (height, width).

        :raises UnfitFrameError: if it is too small for so many.
        """
        try:
            return RegionGrid.divide(size, self.rows, self.columns, self.overlap)
        except ValueError as error:
            raise UnfitFrameError(str(error)) from error

    def takes_whole(self, grid: RegionGrid, due: Sequence[bool]) -> bool:
        """Tell whether a frame is segmented in one piece, given which regions are due."""
        region = grid.region_size[0] * grid.region_size[1]
        frame = grid.padded[0] * grid.padded[1]
        return self.whole_frames and sum(due) * region >= frame

    @property
    def structure(self) -> DVSNetKnobs:
        """Return these knobs without what can be changed between two frames."""
        plain = DVSNetKnobs()
        return replace(
            self,
            policy='scored' if self.make_policy().needs_score else 'not scored',
            threshold=plain.threshold,
            period=plain.period,
            frame_difference=plain.frame_difference,
            flow_magnitude=plain.flow_magnitude,
        )
