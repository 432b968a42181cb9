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
"""The frames that a training draws from, in memory where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidseg_ros.datasets.base import Image, SegmentationDataset

# Frames are kept if they take no more than this share of what memory is free.
_SHARE = 0.5
# Slower than this, and frames that follow each other are no video.
DENSE_HZ = 5.0


def free_memory() -> int:
    """Return how many bytes are free, as the kernel estimates it; 0 if it does not say."""
    try:
        lines = Path('/proc/meminfo').read_text().splitlines()
    except OSError:
        return 0
    for line in lines:
        if line.startswith('MemAvailable:'):
            return int(line.split()[1]) * 1024
    return 0


class FrameStore:
    """
    A data set's frames, read once if they fit in memory and else each time.

    ``labelled`` are the indices of the frames that have labels; ``windows`` gives, for each frame
    of a dense video, the piece of video that it is in.

    :raises ValueError: if no frame has labels.
    """

    def __init__(
        self,
        dataset: SegmentationDataset,
        only: Sequence[int] | None = None,
        memory: int | None = None,
    ) -> None:
        """
        Keep the frames ``only`` (None: all).

        ``memory`` is how many bytes they may take; None: half of what is free.
        """
        self._dataset = dataset
        self._only = set(range(len(dataset)) if only is None else only)
        samples = getattr(dataset, 'samples', None)
        if samples is not None:
            self.labelled = [i for i in sorted(self._only) if samples[i].labels is not None]
        else:
            self.labelled = [i for i in sorted(self._only) if dataset.labels(i) is not None]
        if not self.labelled:
            raise ValueError(f'{dataset.name} {dataset.split}: no labelled frames to train on')
        self.windows = self._windows()
        needed = self.windows.keys() | set(self.labelled)
        self.size = self._dataset.image(self.labelled[0]).shape[:2]
        budget = int(free_memory() * _SHARE) if memory is None else memory
        self.in_memory = len(needed) * self.size[0] * self.size[1] * 4 <= budget
        self._kept: dict[int, tuple[Image, Image | None]] = {}
        if self.in_memory:
            self._kept = {index: self._read(index) for index in sorted(needed)}

    def _windows(self) -> dict[int, list[int]]:
        if getattr(self._dataset, 'rate_hz', 0.0) < DENSE_HZ:
            return {}
        pieces: list[list[int]] = []
        for whole in self._dataset.sequences():
            pieces.append([])
            for index in whole:
                if index in self._only:
                    pieces[-1].append(index)
                else:
                    pieces.append([])
        return {index: piece for piece in pieces if len(piece) > 1 for index in piece}

    def _read(self, index: int) -> tuple[Image, Image | None]:
        return self._dataset.image(index), self._dataset.labels(index)

    def __getitem__(self, index: int) -> tuple[Image, Image | None]:
        """Return a frame's image, uint8 [H, W, 3], and labels, uint8 [H, W], if it has any."""
        kept = self._kept.get(index)
        return self._read(index) if kept is None else kept

    def labels(self, index: int) -> Image:
        """Return the labels of a labelled frame."""
        labels = self[index][1]
        assert labels is not None
        return labels

    def class_frequencies(self, num_classes: int, most: int = 500) -> np.ndarray:
        """
        Return the share of each class among the labelled pixels, float64 [num_classes].

        Counted on every labelled frame in memory, and else on ``most`` of them, evenly spread.
        """
        chosen = self.labelled
        if not self.in_memory and len(chosen) > most:
            chosen = [chosen[i * len(chosen) // most] for i in range(most)]
        counts = np.zeros(num_classes)
        for index in chosen:
            counts += np.bincount(self.labels(index).ravel(), minlength=256)[:num_classes]
        return counts / max(1.0, counts.sum())
