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
Make clips from their plans on a device: data set and augmentation both live there.

The same pixels as clips.py makes, up to rounding, by torch operations that any device has; only
the plans, a few numbers each, come from the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vidseg_ros.labels.space import IGNORE
from vidseg_ros.networks.clip import Past
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.loader import Batch, ClipLoader
from vidseg_ros.training.plan import ClipPlan, Homography
from vidseg_ros.training.recipe import Recipe

# What OpenCV's conversion to grey weighs red, green and blue by.
_GREY = (0.299, 0.587, 0.114)


def positions(homographies: Sequence[Homography], size: tuple[int, int], device: Any) -> Tensor:
    """Return where each pixel of a view comes from: float32 [N, H, W, 2], (x, y) in pixels."""
    back = np.stack([np.linalg.inv(h) for h in homographies])
    matrices = torch.from_numpy(back / back[:, 2:, 2:]).to(device)
    height, width = size
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64, device=device),
        torch.arange(width, dtype=torch.float64, device=device), indexing='ij',
    )  # fmt: skip
    pixels = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3)
    points = pixels @ matrices.transpose(1, 2)
    return (points[..., :2] / points[..., 2:]).float().view(-1, height, width, 2)


def fetch(images: Tensor, at: Tensor) -> Tensor:
    """Fetch images uint8 [N, 3, h, w] bilinearly at positions; they go on mirrored outside."""
    height, width = images.shape[-2:]
    span = torch.tensor([width - 1, height - 1], dtype=at.dtype, device=at.device)
    found = F.grid_sample(
        images.float(), 2 * at / span - 1, mode='bilinear', padding_mode='reflection',
        align_corners=True,
    )  # fmt: skip
    return found.round().clamp(0, 255).byte()


def fetch_labels(labels: Tensor, at: Tensor, outside: int = IGNORE) -> Tensor:
    """Fetch labels uint8 [N, h, w] at the nearest pixel; ``outside`` beyond the image."""
    height, width = labels.shape[-2:]
    x, y = at.round().long().unbind(-1)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    index = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).flatten(1)
    found = labels.flatten(1).gather(1, index).view_as(x)
    return torch.where(inside, found, torch.full_like(found, outside))


class DeviceFrames:
    """A store's frames on a device: ``images`` uint8 [M, 3, H, W], ``labels`` uint8 [M, H, W]."""

    def __init__(self, store: FrameStore, device: torch.device) -> None:
        indices = sorted(store.windows.keys() | set(store.labelled))
        self._place = {index: place for place, index in enumerate(indices)}
        frames = [store[index] for index in indices]
        unknown = np.full(store.size, IGNORE, np.uint8)
        self.images = torch.stack([
            torch.from_numpy(image).permute(2, 0, 1) for image, _ in frames
        ]).to(device)
        self.labels = torch.stack([
            torch.from_numpy(unknown if labels is None else labels) for _, labels in frames
        ]).to(device)
        self.device = device

    def places(self, sources: Sequence[int]) -> Tensor:
        """Return where frames lie in ``images`` and ``labels``."""
        return torch.tensor([self._place[source] for source in sources], device=self.device)

    @staticmethod
    def bytes(store: FrameStore) -> int:
        """Return how much memory a store's frames would take."""
        count = len(store.windows.keys() | set(store.labelled))
        return count * store.size[0] * store.size[1] * 4


class DeviceClipLoader(ClipLoader):
    """A loader whose threads only plan; the pixels are made on ``device``."""

    def __init__(
        self, store: FrameStore, recipe: Recipe, past: Past, device: torch.device, **options: Any
    ) -> None:
        super().__init__(store, recipe, past, **options)
        self._frames = DeviceFrames(store, device)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from number ``first`` on, on the device."""
        for plans in self.ahead(epoch, first, self.plans):
            yield self.render(plans)

    def render(self, plans: Sequence[ClipPlan]) -> Batch:
        """Make a batch of its plans."""
        frames, count, size = self._frames, len(plans[0].sources), plans[0].size
        places = frames.places([source for plan in plans for source in plan.sources])
        at = positions([view for plan in plans for view in plan.views], size, frames.device)
        images = fetch(frames.images[places], at).unflatten(0, (-1, count))
        labels = fetch_labels(frames.labels[places], at).unflatten(0, (-1, count))
        owner = torch.zeros(len(plans), *size, dtype=torch.uint8, device=frames.device)
        for number, plan in enumerate(plans):
            self._occlude(plan, images[number], labels[number], owner[number])
            if plan.table is not None:
                table = torch.from_numpy(plan.table).to(frames.device)
                images[number] = _coloured(images[number], table)
            if plan.saturation != 1.0:
                images[number] = _saturated(images[number], plan.saturation)
            if plan.starts:
                images[number, :-1] = 0
                labels[number, :-1] = IGNORE
        flow = None
        if self._with_flow:
            flow = torch.stack([
                self._flow(plan, mine) for plan, mine in zip(plans, owner, strict=True)
            ])
        starts = torch.tensor([plan.starts for plan in plans], device=frames.device)
        return Batch(images, labels, starts, flow)

    def _occlude(self, plan: ClipPlan, images: Tensor, labels: Tensor, owner: Tensor) -> None:
        """Put a clip's objects before its frames, in place."""
        frames = self._frames
        for number, occluder in enumerate(plan.occluders, start=1):
            at = positions(occluder.views, plan.size, frames.device)
            place = frames.places([occluder.source])
            count = len(occluder.views)
            mask = torch.from_numpy(occluder.mask.view(np.uint8)).to(frames.device)
            where = fetch_labels(mask.expand(count, *mask.shape), at, 0).bool()
            theirs = fetch(frames.images[place].expand(count, -1, -1, -1), at)
            truth = fetch_labels(frames.labels[place].expand(count, -1, -1), at)
            images.copy_(torch.where(where[:, None], theirs, images))
            labels.copy_(torch.where(where, truth, labels))
            owner[where[-1]] = number

    def _flow(self, plan: ClipPlan, owner: Tensor) -> Tensor:
        """Return where each pixel of the last frame is in the first one, [2, H, W]."""
        every = [plan.views, *(occluder.views for occluder in plan.occluders)]
        # Back from the last frame, and on to the first: the inverse of the way there.
        motions = [views[-1] @ np.linalg.inv(views[0]) for views in every]
        moved = positions(motions, plan.size, owner.device)
        here = positions([np.eye(3)], plan.size, owner.device)
        chosen = owner.long()[None, ..., None].expand(1, *owner.shape, 2)
        return (moved.gather(0, chosen) - here)[0].permute(2, 0, 1)


def _coloured(images: Tensor, table: Tensor) -> Tensor:
    """Look up the colours of images uint8 [T, 3, H, W] in a table uint8 [256, 3]."""
    return torch.stack([table[:, c][images[:, c].long()] for c in range(3)], 1)


def _saturated(images: Tensor, saturation: float) -> Tensor:
    weights = torch.tensor(_GREY, device=images.device).view(1, 3, 1, 1)
    grey = (images.float() * weights).sum(1, keepdim=True).round()
    mixed = saturation * images.float() + (1 - saturation) * grey
    return mixed.round().clamp(0, 255).byte()
