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
"""What every method takes and gives: frames, stream states, observations, segmentations."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.labels.space import LabelSpace

Image = NDArray[np.uint8]


class UnfitFrameError(ValueError):
    """A frame cannot be segmented by this method: too small, say. The next one may well be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """
    One image of one camera.

    ``image`` is uint8 [H, W, 3] RGB, ``stamp_ns`` the acquisition time in nanoseconds,
    ``sequence`` counts the camera's frames from 0 since its last reset.
    """

    image: Image
    stamp_ns: int
    camera: str
    sequence: int

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width) in pixels."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(slots=True)
class StreamState:
    """
    What a method remembers of one camera.

    Plain data, one per camera, so that cameras can share a network and a state can be reset,
    copied and inspected. Methods subclass it. Fields that ``observe`` touches and fields that
    ``predict`` touches must be disjoint, because ``observe`` of the next frame may run while
    ``predict`` of this one does.
    """

    camera: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which outputs besides the labels somebody will look at; the others are not computed."""

    confidence: bool = False
    age: bool = False


@dataclass(slots=True)
class Observation:
    """What ``observe`` found out about a frame on the CPU; methods subclass it."""

    frame: Frame
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(slots=True)
class Segmentation:
    """
    The result for one frame, at the input's size.

    ``labels`` uint8 [H, W] class ids; ``confidence`` uint8 [H, W], 255 = certain, and ``age``
    uint8 [H, W], frames since a pixel was segmented rather than propagated: both None unless
    wanted. ``provenance`` says how the result came about ('key frame', 'propagated', ...).
    ``stages_ms`` holds the times of the parts of ``predict``, in milliseconds.

    The arrays may be the method's own buffers: they stay as they are until two more results of
    the same camera are there. Who needs them for longer copies them.
    """

    labels: Image
    confidence: Image | None = None
    age: Image | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)


class VideoSegmenter(abc.ABC):
    """
    A method: two steps, so that CPU work can overlap device work.

    One object serves all cameras; everything it remembers of a camera is in that camera's
    ``StreamState``. ``observe`` may run in one thread while ``predict`` runs in another.
    """

    name: ClassVar[str]
    label_space: LabelSpace

    def prepare(  # noqa: B027
        self, size: tuple[int, int], operating_point: str | None = None
    ) -> None:
        """
        Build what frames of ``size`` (height, width) need, so that the first needn't wait.

        ``operating_point`` is where the method will run them, the present point if None. May be
        called from any thread, also while frames are segmented.
        """

    def operating_points(self) -> tuple[str, ...]:
        """
        Return the names of the settings that this method can move between while it runs.

        They go from the most costly, which is what the options ask for, to the cheapest. None
        at all if the method cannot move.
        """
        return ()

    @property
    def operating_point(self) -> str:
        """Return the name of the present operating point, '' if there are none."""
        return ''

    def operate_at(self, name: str) -> None:
        """
        Move to an operating point, from the next frame on; cheap, from any thread.

        What that point needs should have been built before, by ``prepare``; otherwise the first
        frame there waits for it.

        :raises ValueError: if there is no such point.
        """
        raise ValueError(f'method {self.name} has no operating point {name!r}')

    @property
    def preferred_batch(self) -> int:
        """Return of how many cameras ``predict`` is best given frames at a time, at least 1."""
        return 1

    @abc.abstractmethod
    def new_state(self, camera: str) -> StreamState:
        """Return the state of a camera of which nothing has been seen yet."""

    @abc.abstractmethod
    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Do the CPU's part for a frame: resize, optical flow, measures of change."""

    @abc.abstractmethod
    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Do the device's part, batched over cameras: one observation and state of each."""

    def adjust(self, options: Any) -> bool:
        """
        Take over other ``MethodOptions`` from the next frame on, if nothing has to be built.

        Returns whether that was possible; if not, nothing has changed and a new object is
        needed. May be called from any thread.
        """
        return False

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say about this method, as key to value."""
        return {'method': self.name, 'label_space': self.label_space.name}

    def close(self) -> None:  # noqa: B027
        """Release the device."""
