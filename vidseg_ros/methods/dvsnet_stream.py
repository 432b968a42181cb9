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
"""What DVSNet remembers of a camera, and what it finds out about a frame before the device."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import Image, Observation, StreamState
from vidseg_ros.methods.buffers import OutputRings
from vidseg_ros.methods.keyframe_policies import KeyFramePolicy
from vidseg_ros.methods.region_motion import FlowChains, Motion, RegionImage
from vidseg_ros.methods.regions import RegionGrid


@dataclass(slots=True)
class KeyRegion:
    """
    A region as it was when it was last due; ``count`` says in which frame of the stream.

    ``image`` is there where the policy or the device looks at it.
    """

    image: RegionImage | None
    count: int


@dataclass(slots=True)
class KeyLogits:
    """The segmentation network's logits for a key region, float32 [h, w, C]."""

    values: NDArray[np.float32]
    count: int


@dataclass(slots=True)
class Decision:
    """Whether a region is due; else its ``motion`` since the key region of frame ``key``."""

    due: bool
    measure: float = 0.0
    motion: Motion | None = None
    key: int = -1


@dataclass(slots=True)
class DVSNetState(StreamState):
    """
    What is remembered of a camera.

    ``observe``'s are ``grid``, ``count`` and, if it decides, ``planned`` and ``chains``.
    ``predict``'s are ``segmented_grid``, ``logits`` and, if it decides, ``keys``; and ``outputs``,
    the memory of what is handed out.
    """

    grid: RegionGrid | None = None
    count: int = 0
    planned: list[KeyRegion] = field(default_factory=list)
    chains: FlowChains = field(default_factory=FlowChains)
    segmented_grid: RegionGrid | None = None
    keys: list[KeyRegion] = field(default_factory=list)
    logits: list[KeyLogits] = field(default_factory=list)
    outputs: OutputRings = field(default_factory=OutputRings)


@dataclass(slots=True)
class DVSNetObservation(Observation):
    """
    A frame in regions.

    ``image`` is the padded network input, ``images`` its regions at half their size where anything
    looks at them, ``count`` the frame's number in the stream. ``decisions`` is None where
    ``predict`` decides. ``policy`` is the one that decides.
    """

    grid: RegionGrid | None = None
    image: Image | None = None
    images: list[RegionImage] = field(default_factory=list)
    count: int = 0
    decisions: list[Decision] | None = None
    policy: KeyFramePolicy | None = None
