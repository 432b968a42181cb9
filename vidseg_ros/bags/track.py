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
"""What one camera of a bag shows: which frames of a data set, and when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from vidseg_ros.bags.errors import BagError
from vidseg_ros.datasets.base import SegmentationDataset

# A ROS name token, as it stands in camera/<name>/...
_CAMERA_NAME: Final = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')

PAUSE_NS: Final = 2 * 10**9
"""Between the last frame of one sequence and the first of the next."""


@dataclass(frozen=True)
class CameraTrack:
    """
    One camera: frame ``indices[i]`` of the data set is shown at ``stamps_ns[i]``.

    :raises BagError: if the name is no ROS name, there is no frame, or stamps don't grow.
    """

    camera: str
    dataset: SegmentationDataset
    indices: Sequence[int]
    stamps_ns: Sequence[int]

    def __post_init__(self) -> None:
        if not _CAMERA_NAME.fullmatch(self.camera):
            raise BagError(f"'{self.camera}' can't be a camera's name: letters, digits and "
                           'underscores only, and no digit first')
        if not self.indices:
            raise BagError(f"camera '{self.camera}' has no frames")
        if len(self.indices) != len(self.stamps_ns):
            raise BagError(f"camera '{self.camera}' has {len(self.indices)} frames, "
                           f'but {len(self.stamps_ns)} stamps')
        if any(later <= earlier for earlier, later in pairwise(self.stamps_ns)):
            raise BagError(f"camera '{self.camera}': stamps must grow")

    @property
    def frame_id(self) -> str:
        """Return the name of the camera's optical frame."""
        return f'camera_{self.camera}_optical_frame'

    @property
    def labelled(self) -> bool:
        """Return whether any frame has labels."""
        return any(self.dataset.samples[i].labels is not None for i in self.indices)


def plan_track(camera: str, dataset: SegmentationDataset, *, recordings: Sequence[str] = (),
               rate_hz: float | None = None, limit: int | None = None,
               start_ns: int | None = None) -> CameraTrack:
    """
    Return the track that shows a data set's sequences one after the other.

    Frames keep the data set's distances in time, or follow each other at ``rate_hz``; between
    sequences there are two seconds. ``recordings`` are the recordings to show (none: all),
    ``limit`` the most frames, ``start_ns`` the stamp of the first (none: its own).

    :raises BagError: if a recording is not there, or a number makes no sense.
    """
    if rate_hz is not None and not 0 < rate_hz <= 1000:
        raise BagError(f'a rate of {rate_hz:g} Hz is not possible; above 0, up to 1000')
    if limit is not None and limit < 1:
        raise BagError(f'a limit of {limit} leaves no frame')
    there = sorted({sample.sequence for sample in dataset.samples})
    for recording in recordings:
        if recording not in there:
            shown = ', '.join(there[:10]) + (', ...' if len(there) > 10 else '')
            raise BagError(f"no sequence '{recording}' in {dataset.name} {dataset.split}; "
                           f'there are {shown}')
    samples = dataset.samples
    indices: list[int] = []
    stamps: list[int] = []
    for piece in dataset.sequences():
        if recordings and samples[piece[0]].sequence not in recordings:
            continue
        if stamps:
            first = stamps[-1] + PAUSE_NS
        else:
            first = samples[piece[0]].stamp_ns if start_ns is None else start_ns
        for n, i in enumerate(piece):
            if limit is not None and len(indices) == limit:
                return CameraTrack(camera, dataset, indices, stamps)
            offset = (samples[i].stamp_ns - samples[piece[0]].stamp_ns if rate_hz is None
                      else round(n * 1e9 / rate_hz))
            indices.append(i)
            stamps.append(first + offset)
    return CameraTrack(camera, dataset, indices, stamps)
