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
What networks take of the past, and how they are run over the frames of a clip.

A network that remembers something says so itself: it has ``past`` and ``unroll``. Everything else
is run on the last frame of a clip alone.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


class Past(Enum):
    """
    The frames of a clip, oldest first; the last is I_t.

    NONE: I_t. CHANGE: I_t-k, I_t-1 and I_t. KEY_FRAME: a key frame some frames back, and I_t.
    SEQUENCE: consecutive frames up to I_t.
    """

    NONE = 'none'
    CHANGE = 'change'
    KEY_FRAME = 'key_frame'
    SEQUENCE = 'sequence'


@runtime_checkable
class RunsOverClips(Protocol):
    """A network that takes something of the past."""

    @property
    def past(self) -> Past:
        """Return the frames that ``unroll`` wants."""

    def unroll(self, frames: Tensor, starts: Tensor) -> dict[int, Tensor]:
        """
        Run over a clip as over a stream; return the logits of frames by their index.

        ``frames`` [N, T, 3, H, W] are normalised and ``starts`` bool [N] tells which clips begin
        a stream, so that I_t has no past.
        """


@runtime_checkable
class TakesWeightsOf(Protocol):
    """A network parts of which are another network, so that it can start from that one's."""

    def part_for(self, network: str) -> nn.Module | None:
        """Return the part that takes the weights of ``network`` ('network/variant'), if any."""

    def started(self) -> None:
        """Do what is to be done after that part was given weights."""


@runtime_checkable
class SegmentsAlone(Protocol):
    """A network that can also segment a frame in full, without what it remembers."""

    def alone(self, image: Tensor) -> Tensor:
        """Return the logits of a normalised image [N, 3, H, W], of the size that others have."""


def past_of(network: nn.Module) -> Past:
    """Return the frames of a clip that ``network`` wants."""
    return network.past if isinstance(network, RunsOverClips) else Past.NONE


def unroll(network: nn.Module, frames: Tensor, starts: Tensor) -> dict[int, Tensor]:
    """Run ``network`` over clips; see ``RunsOverClips.unroll``."""
    if isinstance(network, RunsOverClips):
        return network.unroll(frames, starts)
    last = frames.shape[1] - 1
    return {last: network(frames[:, last])}
