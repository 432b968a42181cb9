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
"""The frames that live benchmarks show: a piece of a data set's video, scaled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vidseg_ros.datasets.registry import open_dataset
from vidseg_ros.methods.base import Image


def video_frames(
    count: int, size: tuple[int, int] | None, dataset: str = 'synthetic',
    root: Path | None = None, split: str = 'val',
) -> tuple[list[Image], float]:
    """
    Return at most ``count`` frames of the longest video, uint8 [H, W, 3], and its rate in Hz.

    ``size`` (height, width) is what they are scaled to; None: as they are, and 512x1024 for the
    synthetic street.

    :raises ValueError: if there are none.
    """
    options: dict[str, Any] = {}
    if dataset == 'synthetic' and root is None:
        options = {'frames': count, 'size': size or (512, 1024)}
    source = open_dataset(dataset, root, split, **options)
    pieces = source.sequences()
    if not pieces:
        raise ValueError(f'{dataset} {split} has no frames')
    longest = max(pieces, key=len)[:count]
    return [_scaled(source.image(index), size) for index in longest], source.rate_hz


def _scaled(image: Image, size: tuple[int, int] | None) -> Image:
    if size is None or image.shape[:2] == size:
        return image
    smaller = size[0] * size[1] < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=how), np.uint8)


def save_frames(path: Path, frames: Sequence[Image]) -> Path:
    """Write frames as one array, uint8 [N, H, W, 3], for other processes to map."""
    np.save(path, np.stack(frames))
    return path
