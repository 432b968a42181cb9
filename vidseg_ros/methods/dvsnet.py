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
DVSNet: segment only the regions in which warping is not expected to do.

Source: Xu et al., "Dynamic Video Segmentation Network", CVPR 2018, section 3 and Fig. 3. A frame
is divided into overlapping regions (regions.py); the motion of each since its key frame is
estimated (region_motion.py); a policy (keyframe_policies.py) says which regions are due
(region_decisions.py). Those go through the segmentation network and become key regions; the
logits of the others are warped from theirs (region_paths.py).

Where neither motion nor policy needs the device, all this is decided in ``observe``, beside the
segmentation of the frame before; else in ``predict``. A region's key frame is remembered by the
one of the two that decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.base import (
    Frame,
    Observation,
    Segmentation,
    StreamState,
    UnfitFrameError,
)
from vidseg_ros.methods.buffers import BufferPool, Scratch
from vidseg_ros.methods.dvsnet_knobs import DVSNetKnobs
from vidseg_ros.methods.dvsnet_networks import DVSNetNetworks
from vidseg_ros.methods.dvsnet_outputs import DVSNetOutputs
from vidseg_ros.methods.dvsnet_stream import (
    Decision,
    DVSNetObservation,
    DVSNetState,
    KeyLogits,
)
from vidseg_ros.methods.loading import MethodOptions
from vidseg_ros.methods.point_menu import MovableMethod, PointMenu
from vidseg_ros.methods.region_decisions import decide, new_keys
from vidseg_ros.methods.region_motion import (
    ChainedMotion,
    FlowChains,
    Motion,
    MotionEstimator,
    region_images,
)
from vidseg_ros.methods.region_paths import segment_regions, segment_whole, warp_region
from vidseg_ros.methods.regions import join
from vidseg_ros.methods.resizing import network_input
from vidseg_ros.methods.stage_clock import StageClock


class DVSNet(MovableMethod):
    """
    DVSNet with any per-frame network as its segmentation network; see ``DVSNetKnobs``.

    Its operating points are the policy as asked for, and with more tolerated, for example
    'flow_magnitude 2' and 'flow_magnitude 3'.
    """

    name: ClassVar[str] = 'dvsnet'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'lernet_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'lernet/base'

    def __init__(self, options: MethodOptions) -> None:
        knobs = DVSNetKnobs.parse(options.extra)
        self._options, self._knobs = options, knobs
        self.networks = DVSNetNetworks(
            options, knobs, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK
        )
        self.label_space = self.networks.loaded.label_space
        self._points = PointMenu(self.name, knobs.points())
        self._outputs = DVSNetOutputs()
        self._pool, self._scratch = BufferPool(), Scratch()

    def adjust(self, options: Any) -> bool:
        """Take over another threshold, period, limit or policy that needs no other network."""
        knobs = DVSNetKnobs.parse(options.extra)
        fits = (
            replace(options, extra={}) == replace(self._options, extra={})
            and knobs.structure == self._knobs.structure
        )
        if fits:
            self._options, self._knobs = options, knobs
            self._points.replace(knobs.points())
        return fits

    def prepare(self, size: tuple[int, int], operating_point: str | None = None) -> None:
        """Build what frames of ``size`` (height, width) need, alike at all operating points."""
        given = self._options.input_size
        with suppress(UnfitFrameError):  # such frames are refused one by one
            self.networks.prepare(self._knobs.divide(size if given == (0, 0) else given))

    def new_state(self, camera: str) -> DVSNetState:
        """Return the state of a stream's start: every region is due."""
        return DVSNetState(camera)

    # ---- step 1 (3.1): divide the frame; and step 2, where the CPU decides

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Divide the frame and, if the device is not needed for it, decide."""
        assert isinstance(state, DVSNetState)
        image = network_input(frame.image, self._options.input_size)
        size = image.shape[0], image.shape[1]
        if state.grid is None or state.grid.size != size:
            state.grid = self._knobs.divide(size)
            state.planned, state.chains = [], FlowChains()
        grid, motion, (_, policy) = state.grid, self.networks.motion, self._points.present
        padded = grid.pad(image, self._pool)
        found = DVSNetObservation(
            frame, grid=grid, image=padded, count=state.count, policy=policy
        )
        if policy.needs_difference or not isinstance(motion, ChainedMotion):
            found.images = region_images(padded, grid)
        if isinstance(motion, ChainedMotion):
            keys = [key.count for key in state.planned]
            motion.follow(state.chains, padded, set(keys))
            found.decisions = decide(
                found,
                state.planned,
                lambda: motion.motions(state.chains, grid, keys),
                self._knobs,
            )
            state.planned = new_keys(found.decisions, state.planned, found)
        state.count += 1
        return found

    # ---- step 2, where the device decides; and step 3: the two paths

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Segment the regions that are due and warp the others."""
        return [self._segment(o, s) for o, s in zip(observations, states, strict=True)]

    def _segment(self, observation: Observation, state: StreamState) -> Segmentation:
        assert isinstance(observation, DVSNetObservation)
        assert isinstance(state, DVSNetState)
        grid, policy = observation.grid, observation.policy
        assert grid is not None and policy is not None
        clock = StageClock()
        if state.segmented_grid != grid:
            state.segmented_grid, state.keys, state.logits = grid, [], []
        decisions = observation.decisions
        if decisions is None:
            decisions = decide(
                observation, state.keys, lambda: self._motions(observation, state), self._knobs
            )
        clock.lap('flow')
        # A key frame that could not be segmented is not there to be warped: segment now.
        due = [
            decision.due or i >= len(state.logits) or state.logits[i].count != decision.key
            for i, decision in enumerate(decisions)
        ]
        self._segmentation_path(observation, state, due)
        clock.lap('network')
        if observation.decisions is None:
            for decision, now in zip(decisions, due, strict=True):
                decision.due = now
            state.keys = new_keys(decisions, state.keys, observation)
        joined = join(grid, self._warping_path(observation, state, decisions, due), self._scratch)
        clock.lap('warping')
        found = self._outputs.segmentation(observation, state, joined)
        segmented = [i for i, now in enumerate(due) if now]
        found.provenance = {
            'kind': 'segmented' if all(due) else 'mixed' if segmented else 'propagated',
            'segmented_regions': segmented,
            'regions': len(due),
            'policy': policy.name,
            'operating_point': policy.label,
            'measures': [round(decision.measure, 3) for decision in decisions],
        }
        clock.lap('upsampling')
        found.stages_ms = clock.stages_ms
        return found

    def _motions(self, observation: DVSNetObservation, state: DVSNetState) -> list[Motion]:
        """Let the device estimate how regions have moved since their key regions."""
        assert isinstance(self.networks.motion, MotionEstimator)
        before = [key.image for key in state.keys if key.image is not None]
        return self.networks.motion.estimate(observation.images, before)

    def _segmentation_path(
        self, observation: DVSNetObservation, state: DVSNetState, due: Sequence[bool]
    ) -> None:
        """Segment the regions that are due, and keep their logits: they are key regions now."""
        grid, image = observation.grid, observation.image
        assert grid is not None and image is not None
        engine, kept = self.networks.segmentation, dict(enumerate(state.logits))
        if all(due) and self._knobs.takes_whole(grid, due):
            fresh = segment_whole(engine, image, grid, kept, self._scratch)
        else:
            chosen = [i for i, now in enumerate(due) if now]
            fresh = segment_regions(engine, image, grid, chosen, kept, self._scratch)
        if not np.may_share_memory(image, observation.frame.image):
            self._pool.give_back(image)
        observation.image = None
        state.logits = [
            KeyLogits(fresh[i], observation.count) if i in fresh else kept[i]
            for i in range(len(due))
        ]

    def _warping_path(
        self,
        observation: DVSNetObservation,
        state: DVSNetState,
        decisions: Sequence[Decision],
        due: Sequence[bool],
    ) -> list[NDArray[np.float32]]:
        """Return the logits of all regions, warped where they are not due (W(*) of 3.1)."""
        grid = observation.grid
        assert grid is not None
        return [
            key.values if due[i] else warp_region(i, key, decision, grid, self._scratch)
            for i, (key, decision) in enumerate(zip(state.logits, decisions, strict=True))
        ]

    # ---- diagnostics, and the end

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        knobs = self._knobs
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            **self.networks.loaded.describe(),
            'policy': str(self._points.present[1]),
            'regions': f'{knobs.rows}x{knobs.columns}, overlapping by {knobs.overlap}',
            **self.networks.describe_motion(),
            **self.networks.segmentation.describe(),
        }

    def close(self) -> None:
        """Release the engines."""
        self.networks.close()
