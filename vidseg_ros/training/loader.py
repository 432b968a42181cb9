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
"""Batches of clips, made in background threads, the same for the same seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.training.clips import Clip, make_clip
from vidseg_ros.training.recipe import Recipe


@dataclass(frozen=True)
class Batch:
    """Images uint8 [N, 3, H, W], labels uint8 [N, H, W], ``starts`` bool [N]."""

    image: Tensor
    labels: Tensor
    last: Tensor
    earlier: Tensor
    starts: Tensor


def _stack(clips: list[Clip]) -> Batch:
    def images(arrays: list[np.ndarray]) -> Tensor:
        # NHWC in memory is channels_last seen as NCHW: no copy, and what convolutions like.
        return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)

    return Batch(
        images([c.image for c in clips]),
        torch.from_numpy(np.stack([c.labels for c in clips])),
        images([c.last for c in clips]),
        images([c.earlier for c in clips]),
        torch.tensor([c.starts for c in clips]),
    )


class ClipLoader:
    """
    Shuffle a data set into batches of augmented clips.

    The frames are read once and kept in memory. Each clip's randomness comes from
    (seed, epoch, index), so that an epoch is the same however it is reached and however many
    threads there are.
    """

    def __init__(
        self, dataset: SegmentationDataset, recipe: Recipe, threads: int = 1, ahead: int = 3
    ) -> None:
        self._recipe = recipe
        self._frames = []
        for index in range(len(dataset)):
            labels = dataset.labels(index)
            if labels is not None:
                self._frames.append((dataset.image(index), labels))
        if not self._frames:
            raise ValueError(f'{dataset.name} {dataset.split}: no labelled frames to train on')
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix='clips')
        self._ahead = ahead

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return max(1, len(self._frames) // self._recipe.batch_size)

    def class_frequencies(self, num_classes: int) -> np.ndarray:
        """Return the share of each class among the labelled pixels, float64 [num_classes]."""
        counts = np.zeros(num_classes)
        for _, labels in self._frames:
            counts += np.bincount(labels.ravel(), minlength=256)[:num_classes]
        return counts / max(1.0, counts.sum())

    def _batch(self, epoch: int, indices: np.ndarray) -> Batch:
        clips = []
        for index in indices:
            rng = np.random.default_rng((self._recipe.seed, epoch, int(index)))
            image, labels = self._frames[index]
            clips.append(make_clip(image, labels, self._recipe, rng))
        return _stack(clips)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch in a shuffled order."""
        size = self._recipe.batch_size
        order = np.random.default_rng((self._recipe.seed, epoch)).permutation(len(self._frames))
        # A set smaller than a batch is repeated to fill one.
        order = np.resize(order, max(len(order) // size * size, size))
        groups = order.reshape(-1, size)
        waiting: list[Future[Batch]] = []
        for group in groups:
            waiting.append(self._pool.submit(self._batch, epoch, group))
            if len(waiting) > self._ahead:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
