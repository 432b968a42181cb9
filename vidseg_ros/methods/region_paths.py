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
The two paths of DVSNet's framework: segmentation and spatial warping.

Source: Xu et al., "Dynamic Video Segmentation Network", CVPR 2018, section 3.1, Fig. 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.engines.base import Engine
from vidseg_ros.methods.base import Image
from vidseg_ros.methods.batching import batches
from vidseg_ros.methods.buffers import Scratch, fitting
from vidseg_ros.methods.dvsnet_stream import Decision, KeyLogits
from vidseg_ros.methods.region_motion import warp, warpable
from vidseg_ros.methods.regions import RegionGrid

Logits = NDArray[np.float32]


def segment_regions(
    engine: Engine,
    image: Image,
    grid: RegionGrid,
    chosen: Sequence[int],
    kept: Mapping[int, KeyLogits],
    scratch: Scratch,
) -> dict[int, Logits]:
    """
    Segment the ``chosen`` regions of a padded frame by themselves.

    They go together where there are as many as the engine likes; the others go one by one.
    Returns their logits by region, float32 [h, w, C], in the memory of what was ``kept`` of them
    where that fits.
    """
    found: dict[int, Logits] = {}
    size = grid.region_size
    for part in batches([size] * len(chosen), engine.preferred_batch):
        batch = [chosen[index] for index in part]
        images = scratch.take('images', (len(batch), *size, 3))
        for i, region_image in zip(batch, images, strict=True):
            np.copyto(region_image, grid.regions[i].of(image))
        outputs = engine.run({'image': images})['logits']
        for i, logits in zip(batch, outputs, strict=True):
            found[i] = warpable(logits, size, kept[i].values if i in kept else None)
    return found


def segment_whole(
    engine: Engine,
    image: Image,
    grid: RegionGrid,
    kept: Mapping[int, KeyLogits],
    scratch: Scratch,
) -> dict[int, Logits]:
    """Segment all regions with the padded frame in one piece; otherwise as above."""
    logits = engine.run({'image': np.ascontiguousarray(image)[None]})['logits'][0]
    shape = *logits.shape[1:], logits.shape[0]
    values = warpable(logits, grid.padded, scratch.take('whole', shape, np.float32))
    stride = grid.padded[0] // values.shape[0]
    found: dict[int, Logits] = {}
    for i, region in enumerate(grid.regions):
        part = region.of(values, stride)
        found[i] = fitting(kept[i].values if i in kept else None, part.shape)
        np.copyto(found[i], part)
    return found


def warp_region(
    index: int, key: KeyLogits, decision: Decision, grid: RegionGrid, scratch: Scratch
) -> Logits:
    """Warp the logits of a region's key region to the frame, float32 [h, w, C]."""
    assert decision.motion is not None
    memory = scratch.take(f'warped {index}', key.values.shape, np.float32)
    return warp(key.values, decision.motion, grid.region_size, memory)
