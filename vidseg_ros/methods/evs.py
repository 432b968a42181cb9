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
EVS: key frames are segmented, the frames between them get labels along the optical flow.

Source: Paul et al., "Efficient Video Semantic Segmentation with Labels Propagation and
Refinement", section 3 and Fig. 2. ``observe`` is the paper's CPU: the optical flow, chained back
to the last key frame. ``predict`` is its GPU: the segmentation network on key frames, the Refiner
with IAM where the operating point asks for it; and it warps, which takes a fraction of a
millisecond and needs the predictions. Nothing in ``observe`` waits for ``predict``, so that the
flows of several frames can be computed while a key frame is being segmented.
docs/methods/evs.md says how what the paper leaves open was settled.

The parts, by the paper's sections: segmentation network and Refiner in evs_networks.py (3.2 and
3.5), flow in frame_flow.py and propagation in evs_propagation.py (3.3), IAM in iam.py (3.4), key
intervals in evs_interval.py and operating points in evs_operating_points.py (4.4.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods import evs_interval as interval
from vidseg_ros.methods.base import (
    Frame,
    Observation,
    Segmentation,
    StreamState,
    UnfitFrameError,
)
from vidseg_ros.methods.batching import batches, stacked
from vidseg_ros.methods.buffers import BufferPool, Scratch
from vidseg_ros.methods.confidence import softmax
from vidseg_ros.methods.evs_knobs import EVSKnobs
from vidseg_ros.methods.evs_networks import EVSNetworks
from vidseg_ros.methods.evs_operating_points import OperatingPoint, Stage, menu
from vidseg_ros.methods.evs_outputs import EVSOutputs
from vidseg_ros.methods.evs_stream import EVSObservation, EVSState
from vidseg_ros.methods.frame_flow import ThreadFlow
from vidseg_ros.methods.iam import InconsistenciesAttentionModule
from vidseg_ros.methods.loading import MethodOptions
from vidseg_ros.methods.point_menu import MovableMethod, PointMenu
from vidseg_ros.methods.resizing import batch_of_one
from vidseg_ros.methods.stage_clock import StageClock
from vidseg_ros.methods.stagger import Stagger

# ICNet's deepest features are 1/32 of the image, DIS needs 16 pixels.
MINIMUM_SIDE = 32


class EVS(MovableMethod):
    """
    Efficient Video Segmentation with any per-frame network; its knobs are ``EVSKnobs``.

    Its operating points are the one asked for and the rows of Table 2 that cost less, '07' for
    example. To move to another D begins with a key frame, because the flow changes its grid.
    """

    name: ClassVar[str] = 'evs'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'lernet_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'icnet/half'

    def __init__(self, options: MethodOptions) -> None:
        knobs = EVSKnobs.parse(options.extra)
        self._options, self._knobs = options, knobs
        self.networks = EVSNetworks(
            options, knobs, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK
        )
        self.label_space = self.networks.loaded.label_space
        self._points = PointMenu(self.name, self._menu(knobs))
        self._stagger = Stagger(on=knobs.stagger)
        self._flow = ThreadFlow(knobs.flow)
        self._iam = InconsistenciesAttentionModule()
        self._outputs = EVSOutputs()
        self._pool, self._scratch = BufferPool(), Scratch()

    # ---- operating points (4.4.2)

    def _menu(self, knobs: EVSKnobs) -> dict[str, OperatingPoint]:
        refinable = self.networks.can_refine_between
        return menu(knobs.number, knobs.point, refinable=refinable)

    def adjust(self, options: Any) -> bool:
        """Take over another flow or operating point, as long as D stays and R needs no engine."""
        knobs = EVSKnobs.parse(options.extra)
        fits = (
            replace(options, extra={}) == replace(self._options, extra={})
            and knobs.structure == self._knobs.structure
            and (not knobs.point.refinement or self.networks.can_refine(knobs.point))
        )
        if fits:
            self._options, self._knobs = options, knobs
            self._flow.change(knobs.flow)
            self._stagger.on = knobs.stagger
            self._points.replace(self._menu(knobs))
        return fits

    def _network_size(self, size: tuple[int, int], point: OperatingPoint) -> tuple[int, int]:
        """Return the network's input size for frames of ``size`` (height, width)."""
        given = self._options.input_size
        return point.network_size(size if given == (0, 0) else given)

    def prepare(self, size: tuple[int, int], operating_point: str | None = None) -> None:
        """Build what frames of ``size`` (height, width) need before the first comes."""
        point = self._points.find(operating_point)
        self.networks.prepare(self._network_size(size, point), refinement=point.refinement)

    @property
    def preferred_batch(self) -> int:
        """Return how many key frames the engine takes best at a time."""
        return self.networks.preferred_batch

    # ---- the CPU: key frames, and the optical flow back to them (3.3)

    def new_state(self, camera: str) -> EVSState:
        """Return the state of a stream's start."""
        segment_every = self._points.present[1].segment_every
        return EVSState(camera, early=self._stagger.early(camera, segment_every))

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Decide what is done with the frame; compute the flow back to the key frame."""
        assert isinstance(state, EVSState)
        name, point = self._points.present
        sizes = frame.size, self._network_size(frame.size, point)
        if min(sizes[1]) < MINIMUM_SIDE:
            raise UnfitFrameError(
                f'an image of {sizes[1][1]}x{sizes[1][0]} is too small for EVS, which needs at '
                f'least {MINIMUM_SIDE} pixels a side'
            )
        flow = self._flow.here()
        grey = state.grey.shrink(flow, frame.image, sizes[1]) if point.needs_flow else None

        # A stream starts with a key frame, and anew where a size changes.
        follows = interval.follows(state, *sizes, grey)
        stage = interval.stage_of_next(state, point) if follows else Stage.SEGMENT
        # R: the key frame's prediction, warped, is blended with a fresh one.
        blends = stage is Stage.REFINE or (
            follows and state.refinable and stage is Stage.SEGMENT and point.refines_key_frames
        )
        found = EVSObservation(
            frame, stage=stage, number=state.count, key=state.key_number,
            point=name, refinement=point.refinement, network_size=sizes[1],
        )  # fmt: skip
        if blends or stage is not Stage.SEGMENT:
            found.age = found.number - found.key
            if grey is not None:
                interval.lengthen_chains(state, flow, grey, point)
        if blends or stage is Stage.PROPAGATE:
            found.back = state.back
        if blends:
            found.forth = state.forth
        if stage is Stage.SEGMENT:
            interval.begin(state, *sizes, point)
        state.grey.advance(grey)
        state.count += 1
        if stage in (Stage.SEGMENT, Stage.REFINE):
            found.network_input = batch_of_one(frame.image, sizes[1], self._pool)
        return found

    # ---- the device: segmentation network (3.2), propagation (3.3), Refiner (3.5) with IAM (3.4)

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Segment, propagate or refine, each frame as its operating point has it."""
        frames: list[tuple[EVSObservation, EVSState]] = []
        found: dict[int, Segmentation] = {}
        for i, (observation, state) in enumerate(zip(observations, states, strict=True)):
            assert isinstance(observation, EVSObservation)
            assert isinstance(state, EVSState)
            frames.append((observation, state))
            if observation.key != state.key.number:
                self._do_without_key_frame(observation)
            if observation.stage is Stage.REFINE:
                found[i] = self._refine(observation, state)
            elif observation.stage is not Stage.SEGMENT:
                found[i] = self._propagate(observation, state)
        keys = [i for i in range(len(frames)) if i not in found]
        for batch in self._batches(keys, frames):
            segmented = self._segment([frames[i] for i in batch])
            found.update(zip(batch, segmented, strict=True))
        for i, (observation, _) in enumerate(frames):
            found[i].provenance['operating_point'] = observation.point
        return [found[i] for i in range(len(frames))]

    def _do_without_key_frame(self, observation: EVSObservation) -> None:
        """Have a frame segmented whose key frame was observed but never predicted."""
        observation.stage, observation.back, observation.forth = Stage.SEGMENT, None, None
        if observation.network_input is None:
            observation.network_input = batch_of_one(
                observation.frame.image, observation.network_size, self._pool
            )

    def _batches(
        self, keys: list[int], frames: Sequence[tuple[EVSObservation, EVSState]]
    ) -> Iterator[list[int]]:
        """Yield the key frames that go through the segmentation network together."""
        sizes = [frames[i][0].network_size for i in keys]
        for batch in batches(sizes, self.networks.segmentation.preferred_batch):
            yield [keys[n] for n in batch]

    def _segment(
        self, frames: Sequence[tuple[EVSObservation, EVSState]]
    ) -> list[Segmentation]:
        """Run the segmentation network (section 3.2) on key frames of one size."""
        clock = StageClock()
        images = [o.network_input for o, _ in frames if o.network_input is not None]
        outputs = self.networks.segment(stacked('images', images, self._scratch))
        for observation, _ in frames:
            self._done_with_input(observation)
        clock.lap('network')
        found = []
        for index, (observation, state) in enumerate(frames):
            own = {name: values[index] for name, values in outputs.items()}
            found.append(self._key_frame(observation, state, own, clock))
            clock = StageClock()
        return found

    def _key_frame(
        self,
        observation: EVSObservation,
        state: EVSState,
        outputs: dict[str, NDArray[np.float32]],
        clock: StageClock,
    ) -> Segmentation:
        """Remember what the network found out about a key frame, and give it labels."""
        key, blends = state.key, observation.back is not None
        if blends:
            # S = 1: the last prediction, warped, steadies this one.
            assert key.prediction is not None
            earlier = self._scratch.take('earlier', key.prediction.shape, np.float32)
            np.copyto(earlier, key.prediction)
        fresh = key.enter(outputs, observation)
        if blends:
            found = self._blend(observation, state, fresh, earlier, clock)
            assert key.labels is not None
            np.copyto(key.labels, found.labels)
            return found
        found = self._outputs.segmented(observation, state)
        clock.lap('upsampling')
        found.stages_ms = clock.stages_ms
        return found

    def _propagate(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Fetch the key frame's labels along the flow (section 3.3, Eq. 1 and 2)."""
        clock = StageClock()
        found = self._outputs.propagated(observation, state)
        clock.lap('warping')
        found.stages_ms = clock.stages_ms
        return found

    def _refine(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Segment with the Refiner from the key frame's low-level features (section 3.5)."""
        clock, key = StageClock(), state.key
        assert observation.network_input is not None and observation.back is not None
        assert key.prediction is not None
        logits = self.networks.refine(
            observation.network_input, key.features, observation.back, clock
        )
        self._done_with_input(observation)
        clock.lap('refiner')
        fresh = softmax(logits, out=self._scratch.take('fresh', logits.shape, np.float32))
        return self._blend(observation, state, fresh, key.prediction, clock)

    def _blend(
        self,
        observation: EVSObservation,
        state: EVSState,
        fresh: NDArray[np.float32],
        earlier: NDArray[np.float32],
        clock: StageClock,
    ) -> Segmentation:
        """Blend a fresh prediction with the warped earlier one by IAM (section 3.4)."""
        assert observation.back is not None and observation.forth is not None
        refined, weight = self._iam(fresh, earlier, observation.back, observation.forth, clock)
        found = self._outputs.refined(observation, state, refined, weight)
        clock.lap('upsampling')
        found.stages_ms = clock.stages_ms
        return found

    def _done_with_input(self, observation: EVSObservation) -> None:
        """Give back the memory of the network's input, if it is not the frame's own."""
        image, observation.network_input = observation.network_input, None
        if image is not None and not np.may_share_memory(image, observation.frame.image):
            self._pool.give_back(image)

    # ---- diagnostics, and the end

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        name, point = self._points.present
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            **self.networks.loaded.describe(),
            'operating_point': name,
            'downscaling': str(point.downscaling),
            'segment_every': str(point.segment_every),
            'warping': f'DIS {self._flow.setting}' if point.warping else 'off',
            'refinement': self.networks.describe_refinement(point),
            **self.networks.segmentation.describe(),
        }

    def close(self) -> None:
        """Release the engines."""
        self.networks.close()
