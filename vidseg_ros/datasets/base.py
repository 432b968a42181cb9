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
"""What every data set gives: images in temporal order, their stamps and their labels."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.labels.space import LabelSpace

Image = NDArray[np.uint8]

# More than this many periods between two frames, and the video is cut there.
_MAX_GAP_PERIODS = 1.5


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One frame of a data set.

    ``image`` and ``labels`` are its files (``labels`` None: this frame has none), ``sequence``
    the recording it belongs to, ``stamp_ns`` its time in nanoseconds, unique in the data set,
    and ``name`` what to call it in reports.
    """

    image: Path
    labels: Path | None
    sequence: str
    stamp_ns: int
    name: str


class SegmentationDataset(abc.ABC):
    """
    A split of a data set: samples in temporal order, recording after recording.

    ``rate_hz`` is the rate at which frames follow each other within a sequence.
    """

    name: ClassVar[str]
    licence: ClassVar[str] = 'unknown'
    """The terms of the frames, for whoever uses weights that were trained on them."""

    def __init__(self, split: str, label_space: LabelSpace, rate_hz: float,
                 samples: Sequence[Sample]) -> None:
        """Keep the samples, which must be in temporal order."""
        self.split = split
        self.label_space = label_space
        self.rate_hz = float(rate_hz)
        self.samples: list[Sample] = list(samples)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    def __repr__(self) -> str:
        """Return a line for logs."""
        return (f'<{self.name} {self.split}: {len(self)} frames at {self.rate_hz:g} Hz, '
                f'{self.label_space.name}>')

    @abc.abstractmethod
    def image(self, index: int) -> Image:
        """
        Read an image: uint8 [H, W, 3] RGB.

        :raises DatasetError: if it can't be read.
        """

    @abc.abstractmethod
    def labels(self, index: int) -> Image | None:
        """
        Read the labels of an image: uint8 [H, W] class ids, 255 = ignored; None if it has none.

        :raises DatasetError: if they can't be read or don't fit the image.
        """

    def camera_matrix(self, index: int) -> NDArray[np.float64] | None:
        """Return the intrinsics, float64 [3, 3] in pixels, of the camera that took an image."""
        del index
        return None

    def sequences(self) -> list[list[int]]:
        """
        Return the indices of each uninterrupted piece of video, in temporal order.

        A piece ends with its recording, and where the next frame is more than 1.5 periods away.
        """
        pieces: list[list[int]] = []
        max_gap_ns = _MAX_GAP_PERIODS * 1e9 / self.rate_hz
        previous: Sample | None = None
        for i, sample in enumerate(self.samples):
            if (previous is None or sample.sequence != previous.sequence
                    or sample.stamp_ns - previous.stamp_ns > max_gap_ns):
                pieces.append([])
            pieces[-1].append(i)
            previous = sample
        return pieces
