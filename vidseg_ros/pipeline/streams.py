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
"""What the pipeline knows of each camera and of each frame on its way."""

from __future__ import annotations

from dataclasses import dataclass, field

from vidseg_ros.methods.base import Observation, StreamState, VideoSegmenter
from vidseg_ros.pipeline.accounts import CameraAccount
from vidseg_ros.pipeline.arrival import Arrival
from vidseg_ros.pipeline.mailbox import Mailbox
from vidseg_ros.pipeline.resets import ResetRules
from vidseg_ros.pipeline.turns import Turn


@dataclass(slots=True, eq=False)
class Tenure:
    """
    A segmenter and how many frames it still works on; closed once replaced and idle.

    ``batch`` is how many frames of different cameras go to it together.
    """

    segmenter: VideoSegmenter
    batch: int = 1
    in_flight: int = 0
    retired: bool = False


@dataclass(slots=True, eq=False)
class Waiting:
    """A frame in its mailbox."""

    arrival: Arrival
    submitted_ns: int


@dataclass(slots=True, eq=False)
class Stream:
    """All there is of one camera."""

    camera: str
    mailbox: Mailbox[Waiting]
    rules: ResetRules
    account: CameraAccount = field(default_factory=CameraAccount)
    turn: Turn = field(default_factory=Turn)
    state: StreamState | None = None
    tenure: Tenure | None = None
    sequence: int = 0
    pending_reset: str | None = None
    spoilt: StreamState | None = None  # a state that a failure of predict has left behind
    ahead: bool = False  # a frame is between the start of observe and the start of predict
    in_flight: int = 0  # frames taken from the mailbox and not yet delivered or lost
    removed: bool = False

    @property
    def contending(self) -> bool:
        """Tell whether a frame could be taken out of the mailbox."""
        return bool(self.mailbox) and not self.ahead


@dataclass(slots=True, eq=False)
class Job:
    """One observed frame on its way to the device, and after that to its delivery."""

    stream: Stream
    tenure: Tenure
    state: StreamState
    observation: Observation
    reset: str | None
    arrival: Arrival
    submitted_ns: int
    observed_ns: int
    latency_ms: dict[str, float]

    @property
    def spoilt(self) -> bool:
        """Tell whether predict failed with this state after the frame was observed."""
        return self.state is self.stream.spoilt
