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
"""
When to segment a frame region anew: the policies that DVSNet compares (its Fig. 9).

Source: Xu et al., "Dynamic Video Segmentation Network", CVPR 2018, sections 3.2 and 4.3. Each
policy looks at one measure of a region against its key frame and says whether the region is due:
to be segmented, and to become the new key frame.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray


def confidence_score(propagated: NDArray[np.uint8], segmented: NDArray[np.uint8]) -> float:
    """
    Return the share of pixels on which both paths agree (Eq. 1).

    Takes the labels O and S, uint8 [H, W]. It is what the decision network is trained to expect.
    """
    return float(np.mean(propagated == segmented))


def frame_difference(key: NDArray[np.uint8], current: NDArray[np.uint8]) -> float:
    """
    Return the mean absolute difference of two grey images, uint8 [H, W] (Eq. 2).

    As printed, the equation adds up signed differences, in which what moves cancels out.
    """
    return float(cv2.norm(key, current, cv2.NORM_L1)) / key.size


def flow_magnitude(flow: NDArray[np.float32]) -> float:
    """Return the mean length of a flow, float32 [H, W, 2], in its own unit (Eq. 3)."""
    return float(cv2.mean(cv2.magnitude(flow[..., 0], flow[..., 1]))[0])


@dataclass(frozen=True)
class Evidence:
    """
    What is known of a region: ``age`` in frames since its key frame, and the measures asked for.

    ``difference`` by Eq. 2 (0 to 255), ``magnitude`` by Eq. 3 (percent of the frame's diagonal, so
    that a limit means the same at every size), ``score``: the expected confidence (0 to 1).
    """

    age: int
    difference: float = 0.0
    magnitude: float = 0.0
    score: float = 0.0


class KeyFramePolicy(abc.ABC):
    """Say when a region is due; ``needs_...`` tell which measures it looks at."""

    name: ClassVar[str]
    needs_difference: ClassVar[bool] = False
    needs_flow: ClassVar[bool] = False
    needs_score: ClassVar[bool] = False

    @abc.abstractmethod
    def measure(self, evidence: Evidence) -> float:
        """Return the measure that this policy goes by."""

    @abc.abstractmethod
    def due(self, evidence: Evidence) -> bool:
        """Tell whether the region has to be segmented."""

    @abc.abstractmethod
    def relaxed(self, factor: float) -> KeyFramePolicy:
        """Return this policy with ``factor`` times as much tolerated."""

    @property
    @abc.abstractmethod
    def label(self) -> str:
        """Return the policy's name and its limit."""


@dataclass(frozen=True)
class FixedPeriod(KeyFramePolicy):
    """Every ``period`` frames, as in deep feature flow (l in Fig. 9); 1 = every frame."""

    period: int
    name: ClassVar[str] = 'fixed'

    def measure(self, evidence: Evidence) -> float:
        """Return the frames since the key frame."""
        return float(evidence.age)

    def due(self, evidence: Evidence) -> bool:
        """Tell whether the period is over."""
        return evidence.age >= self.period

    def relaxed(self, factor: float) -> FixedPeriod:
        """Return a longer period."""
        return FixedPeriod(round(self.period * factor))

    @property
    def label(self) -> str:
        """Return the policy's name and its limit."""
        return f'{self.name} {self.period}'


@dataclass(frozen=True)
class FrameDifference(KeyFramePolicy):
    """Where the image has changed by more than ``limit`` (d in Fig. 9)."""

    limit: float
    name: ClassVar[str] = 'frame_difference'
    needs_difference: ClassVar[bool] = True

    def measure(self, evidence: Evidence) -> float:
        """Return the frame difference."""
        return evidence.difference

    def due(self, evidence: Evidence) -> bool:
        """Tell whether the difference exceeds the limit."""
        return evidence.difference > self.limit

    def relaxed(self, factor: float) -> FrameDifference:
        """Return a greater limit."""
        return FrameDifference(self.limit * factor)

    @property
    def label(self) -> str:
        """Return the policy's name and its limit."""
        return f'{self.name} {self.limit:g}'


@dataclass(frozen=True)
class FlowMagnitude(KeyFramePolicy):
    """Where things have moved by more than ``limit`` % of the diagonal on average (Fig. 9's f)."""

    limit: float
    name: ClassVar[str] = 'flow_magnitude'
    needs_flow: ClassVar[bool] = True

    def measure(self, evidence: Evidence) -> float:
        """Return the flow magnitude."""
        return evidence.magnitude

    def due(self, evidence: Evidence) -> bool:
        """Tell whether the magnitude exceeds the limit."""
        return evidence.magnitude > self.limit

    def relaxed(self, factor: float) -> FlowMagnitude:
        """Return a greater limit."""
        return FlowMagnitude(self.limit * factor)

    @property
    def label(self) -> str:
        """Return the policy's name and its limit."""
        return f'{self.name} {self.limit:g}'


@dataclass(frozen=True)
class ExpectedConfidence(KeyFramePolicy):
    """
    Where the expected confidence score is below the target ``threshold`` (t in Fig. 9).

    Scores are within 0 and 1, so that at a threshold of 0 nothing is ever due again, and above
    1 everything always is.
    """

    threshold: float
    name: ClassVar[str] = 'confidence'
    needs_flow: ClassVar[bool] = True
    needs_score: ClassVar[bool] = True

    def measure(self, evidence: Evidence) -> float:
        """Return the expected confidence score."""
        return evidence.score

    def due(self, evidence: Evidence) -> bool:
        """Tell whether warping is expected to be too bad."""
        return evidence.score < self.threshold

    def relaxed(self, factor: float) -> ExpectedConfidence:
        """Return a threshold that leaves room for more wrong labels; above 1 it stays."""
        return ExpectedConfidence(
            self.threshold
            if self.threshold > 1.0
            else max(0.0, 1.0 - factor * (1.0 - self.threshold))
        )

    @property
    def label(self) -> str:
        """Return the policy's name and its limit."""
        return f'{self.name} {round(self.threshold, 4):g}'
