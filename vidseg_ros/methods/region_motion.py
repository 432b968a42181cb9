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
How the regions of a frame have moved since their key frames, and warping by it.

The flow comes from DVSNet's flow network on an engine or from DIS on the CPU; in both cases from
images of half the size, as in the authors' implementation.
"""

from __future__ import annotations

import abc
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.engines.base import Engine
from vidseg_ros.flow.chain import Flow, resize_flow
from vidseg_ros.flow.dis import DisFlow, to_gray
from vidseg_ros.methods.buffers import fitting
from vidseg_ros.methods.frame_flow import GreyFrames, ThreadFlow, back_along
from vidseg_ros.methods.regions import RegionGrid

# Flow is estimated at half of the size, and the flow network's output has an eighth of it.
HALF = 2
FLOW_STRIDE = 8
# Chained flows are interpolated to a quarter of the size: the grid of most networks' logits.
CHAIN_STRIDE = 4
# The coarsest grid to warp on: key logits that are coarser are interpolated to it.
COARSEST_STRIDE = 8


@dataclass(slots=True)
class RegionImage:
    """A region at half its size: ``colour`` uint8 [H/2, W/2, 3], ``grey`` uint8 [H/2, W/2]."""

    colour: NDArray[np.uint8]
    grey: NDArray[np.uint8]

    def copy(self) -> RegionImage:
        """Return an image that does not keep the whole frame in memory."""
        return RegionImage(self.colour.copy(), self.grey.copy())


def region_images(image: NDArray[np.uint8], grid: RegionGrid) -> list[RegionImage]:
    """Return the regions of a padded frame, uint8 [H, W, 3], as views of its half."""
    shape = image.shape[1] // HALF, image.shape[0] // HALF
    half = np.asarray(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), np.uint8)
    grey = to_gray(half)
    return [RegionImage(region.of(half, HALF), region.of(grey, HALF)) for region in grid.regions]


@dataclass(slots=True)
class Motion:
    """
    Where a region's pixels are in its key frame.

    ``flow`` float32 [h, w, 2] (x, y) in pixels of the region, on a grid of any density;
    ``scale`` float32 [h, w, C] for the warped logits, None: one; ``score``: the expected
    confidence, 0 to 1, if a decision network looked.
    """

    flow: NDArray[np.float32]
    scale: NDArray[np.float32] | None = None
    score: float = 0.0


class MotionEstimator(abc.ABC):
    """Estimate the motion of regions from their images."""

    @abc.abstractmethod
    def estimate(
        self, currents: Sequence[RegionImage], keys: Sequence[RegionImage]
    ) -> list[Motion]:
        """Return the motion of each region against its key."""


@dataclass(slots=True)
class FlowChains:
    """
    What ``ChainedMotion`` remembers of a camera.

    The last frame in ``grey`` on the flow's grid, and the ``flows`` from it to each key frame
    that some region still goes by, by its number, in cells.
    """

    grey: GreyFrames = field(default_factory=GreyFrames)
    flows: dict[int, Flow] = field(default_factory=dict)


class ChainedMotion:
    """
    Dense inverse search on the CPU, once for each frame, for all of its regions.

    The flow from frame to frame is chained back to each region's key frame. That is one flow for
    a frame in place of one for each region and their overlaps, and it is more accurate where the
    key frame is several frames back. For any number of threads.
    """

    def __init__(self) -> None:
        self._flow = ThreadFlow()

    def follow(self, chains: FlowChains, image: NDArray[np.uint8], keys: set[int]) -> None:
        """
        Go on to the next frame, uint8 [H, W, 3] of the same size, of the camera.

        ``keys`` are the numbers of the frames that may be asked for; one that is not known yet is
        the last frame.
        """
        flow = self._flow.here()
        grey = chains.grey.shrink(flow, image, (image.shape[0], image.shape[1]))
        flows = {}
        if keys:
            assert chains.grey.last is not None
            step = flow.calc(grey, chains.grey.last)
            flows = {key: back_along(step, chains.flows.get(key)) for key in keys}
        chains.flows = flows
        chains.grey.advance(grey)

    def motions(
        self, chains: FlowChains, grid: RegionGrid, keys: Sequence[int]
    ) -> list[Motion]:
        """Return the motion of each region since the key frame of that number."""
        size = grid.padded[0] // CHAIN_STRIDE, grid.padded[1] // CHAIN_STRIDE
        fields = {
            key: resize_flow(chains.flows[key], size) * np.float32(CHAIN_STRIDE)
            for key in set(keys)
        }
        return [
            Motion(region.of(fields[key], CHAIN_STRIDE))
            for region, key in zip(grid.regions, keys, strict=True)
        ]


class DisMotion(MotionEstimator):
    """Dense inverse search on the CPU, between each region and its key region."""

    def __init__(self, preset: str = 'fast') -> None:
        self._preset = preset
        self._local = threading.local()  # OpenCV's buffers belong to one thread

    def estimate(
        self, currents: Sequence[RegionImage], keys: Sequence[RegionImage]
    ) -> list[Motion]:
        """Return the motion of each region against its key."""
        if not hasattr(self._local, 'dis'):
            self._local.dis = DisFlow(self._preset)
        motions = []
        for current, key in zip(currents, keys, strict=True):
            flow = self._local.dis.calc(
                np.ascontiguousarray(current.grey), np.ascontiguousarray(key.grey)
            )
            flow *= HALF
            motions.append(Motion(flow))
        return motions


class DisMotionWithDecision(MotionEstimator):
    """DIS on the CPU and, on an engine, a decision network that looks at key frame and flow."""

    def __init__(self, engine: Engine) -> None:
        self._dis = DisMotion()
        self._engine = engine

    def estimate(
        self, currents: Sequence[RegionImage], keys: Sequence[RegionImage]
    ) -> list[Motion]:
        """Return the motion of each region against its key, with its score."""
        motions = self._dis.estimate(currents, keys)
        outputs = self._engine.run({
            'key': np.stack([key.colour for key in keys]),
            'flow': np.stack([motion.flow for motion in motions]),
        })
        for motion, score in zip(motions, outputs['score'], strict=True):
            motion.score = float(score)
        return motions


class NetworkMotion(MotionEstimator):
    """The flow network, with its decision network if there is one, over all regions at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def estimate(
        self, currents: Sequence[RegionImage], keys: Sequence[RegionImage]
    ) -> list[Motion]:
        """Return the motion of each region against its key."""
        outputs = self._engine.run({
            'current': np.stack([current.colour for current in currents]),
            'key': np.stack([key.colour for key in keys]),
        })
        scores = outputs.get('score', np.zeros(len(keys), np.float32))
        return [
            Motion(_last(flow) * np.float32(FLOW_STRIDE), _last(scale), float(score))
            for flow, scale, score in zip(
                outputs['flow'], outputs['scale'], scores, strict=True)
        ]


def _last(values: NDArray, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Return [C, h, w] as an array [h, w, C], ``out`` if that fits."""
    out = fitting(out, (*values.shape[1:], values.shape[0]))
    np.copyto(out, values.transpose(1, 2, 0))
    return out


def warpable(
    logits: NDArray[np.float32],
    region_size: tuple[int, int],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """
    Return a region's logits [C, h, w] as an array [h', w', C] on a grid to warp on.

    That is their own grid, if it is regular and no coarser than an eighth of ``region_size``
    (height, width), and else an eighth, interpolated bilinearly. It is ``out`` if that fits, and
    else a new array.
    """
    values = _last(logits, out)
    stride = max(1, region_size[0] // values.shape[0])
    regular = values.shape[:2] == (region_size[0] // stride, region_size[1] // stride)
    if regular and COARSEST_STRIDE % stride == 0:
        return values
    shape = region_size[1] // COARSEST_STRIDE, region_size[0] // COARSEST_STRIDE
    resized = cv2.resize(values, shape, interpolation=cv2.INTER_LINEAR)
    return resized.reshape(shape[1], shape[0], -1).astype(np.float32, copy=False)


def warp(
    key: NDArray[np.float32],
    motion: Motion,
    region_size: tuple[int, int],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """
    Fetch a key frame's logits along the flow: W(*) of deep feature flow, bilinearly.

    ``key`` float32 [h, w, C] on a regular grid over a region of ``region_size`` (height,
    width). Beyond the region's border the logits at the border are taken. The result is ``out``,
    of the shape of ``key``, or a new array.
    """
    height, width = key.shape[:2]
    flow = _resized(motion.flow, (height, width)) * np.float32(height / region_size[0])
    x = flow[..., 0] + np.arange(width, dtype=np.float32)[None, :]
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    if out is None:
        out = np.empty(key.shape, np.float32)
    cv2.remap(key, x, y, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)
    if motion.scale is not None:
        out *= _resized(motion.scale, (height, width))
    return out


def _resized(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    if values.shape[:2] == size:
        return values
    smaller = size[0] < values.shape[0]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized = cv2.resize(values, (size[1], size[0]), interpolation=method)
    return resized.reshape(*size, -1).astype(np.float32, copy=False)
