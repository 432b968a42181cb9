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

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from operator import itemgetter
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from vidseg_ros.networks.clip import Past
from vidseg_ros.training.clips import Clip, make_clip
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.plan import ClipPlan, ClipPlanner
from vidseg_ros.training.recipe import Recipe

Made = TypeVar('Made')


class Batch(NamedTuple):
    """
    Clips of T frames, oldest first.

    ``images`` uint8 [N, T, 3, H, W], ``labels`` uint8 [N, T, H, W], ``starts`` bool [N], and
    ``flow`` float32 [N, 2, H, W] from the last frame to the first, if it was asked for.
    """

    images: Tensor
    labels: Tensor
    starts: Tensor
    flow: Tensor | None = None

    def map(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """Return the batch with ``function`` applied to each tensor, e.g. to move it."""
        flow = None if self.flow is None else function(self.flow)
        return Batch(function(self.images), function(self.labels), function(self.starts), flow)

    def parts(self, number: int) -> list[Batch]:
        """Divide the batch into equal parts."""
        size = len(self.images) // number
        return [self.map(itemgetter(slice(i * size, (i + 1) * size))) for i in range(number)]


def _stack(clips: Sequence[Clip]) -> Batch:
    # Channels last in memory seen as channels first: no copy, and what convolutions like.
    images = torch.from_numpy(np.stack([clip.images for clip in clips])).permute(0, 1, 4, 2, 3)
    flows = [clip.flow for clip in clips if clip.flow is not None]
    return Batch(
        images,
        torch.from_numpy(np.stack([clip.labels for clip in clips])),
        torch.tensor([clip.starts for clip in clips]),
        torch.from_numpy(np.stack(flows)).permute(0, 3, 1, 2) if flows else None,
    )


class ClipLoader:
    """
    Shuffle a store's labelled frames into batches of augmented clips.

    Each clip's randomness comes from (seed, epoch, index), so that an epoch is the same however
    it is reached and however many threads there are. Of ``world`` processes that of number
    ``rank`` gets its part of every batch.
    """

    def __init__(
        self,
        store: FrameStore,
        recipe: Recipe,
        past: Past = Past.NONE,
        *,
        with_flow: bool = False,
        threads: int = 1,
        ahead: int = 3,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if recipe.batch_size % (world * recipe.accumulate):
            raise ValueError(
                f'batch_size: {recipe.batch_size} cannot be shared by {world} devices in '
                f'{recipe.accumulate} parts each'
            )
        self.store = store
        self._recipe = recipe
        self._planner = ClipPlanner(store, recipe, past)
        self._with_flow = with_flow
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix='clips')
        self._ahead = ahead
        self._rank, self._world = rank, world

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        frames = len(self.store.labelled) * self._recipe.passes
        return max(1, frames // self._recipe.batch_size)

    def groups(self, epoch: int) -> np.ndarray:
        """Return the frames of each batch of an epoch, in a shuffled order: [batches, N]."""
        size = self._recipe.batch_size
        labelled = np.array(self.store.labelled)
        rng = np.random.default_rng((self._recipe.seed, epoch))
        order = np.concatenate([
            rng.permutation(len(labelled)) for _ in range(self._recipe.passes)
        ])
        # A set smaller than a batch is repeated to fill one.
        order = np.resize(order, max(len(order) // size * size, size))
        groups = labelled[order].reshape(-1, size)
        return groups[:, self._rank :: self._world]

    def plans(self, epoch: int, indices: np.ndarray) -> list[ClipPlan]:
        """Return the plans of a batch."""
        epoch = 0 if self._recipe.fixed_clips else epoch
        return [
            self._planner.plan(
                int(index), np.random.default_rng((self._recipe.seed, epoch, int(index)))
            )
            for index in indices
        ]

    def _batch(self, epoch: int, indices: np.ndarray) -> Batch:
        return self.render(self.plans(epoch, indices))

    def render(self, plans: Sequence[ClipPlan]) -> Batch:
        """Make a batch of its plans."""
        return _stack([make_clip(plan, self.store, with_flow=self._with_flow) for plan in plans])

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from number ``first`` on."""
        yield from self.ahead(epoch, first, self._batch)

    def ahead(
        self, epoch: int, first: int, make: Callable[[int, np.ndarray], Made]
    ) -> Iterator[Made]:
        """Yield what ``make`` makes of each batch's frames, some batches ahead in threads."""
        waiting: deque[Future[Made]] = deque()
        for group in self.groups(epoch)[first:]:
            waiting.append(self._pool.submit(make, epoch, group))
            if len(waiting) > self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
