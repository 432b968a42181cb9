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
"""What comes out of the pipeline: one segmented frame and how long each stage took."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vidseg_ros.methods.base import Frame, Segmentation, VideoSegmenter


@dataclass(slots=True)
class Result:
    """
    One segmented frame.

    ``reset`` is the reason why the camera's state began anew with this frame, None if it did
    not. ``segmenter`` made this result (after a swap it may differ from the previous result's).
    ``latency_ms`` maps stages (see ``accounts.STAGES``) to milliseconds; ``publish`` and
    ``total`` are only known, and only filled in, once the result was delivered.
    """

    frame: Frame
    segmentation: Segmentation
    segmenter: VideoSegmenter
    reset: str | None
    context: Any
    latency_ms: dict[str, float] = field(default_factory=dict)

    @property
    def camera(self) -> str:
        """Return the name of the camera."""
        return self.frame.camera

    @property
    def stamp_ns(self) -> int:
        """Return the acquisition time of the frame in nanoseconds."""
        return self.frame.stamp_ns
