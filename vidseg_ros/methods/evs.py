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
millisecond and needs the predictions. docs/methods/evs.md says how what the paper leaves open
was settled.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.engines.base import Engine
from vidseg_ros.flow.chain import Flow, Positions, compose, fetch, positions, resize_flow, within
from vidseg_ros.flow.dis import DisFlow, to_gray
from vidseg_ros.methods.base import (
    Frame,
    Image,
    Observation,
    Segmentation,
    StreamState,
    UnfitFrameError,
    VideoSegmenter,
)
from vidseg_ros.methods.evs_operating_points import Stage, chosen
from vidseg_ros.methods.iam import attention, blend, inconsistent
from vidseg_ros.methods.loading import LoadedNetwork, MethodError, MethodOptions, load_module
from vidseg_ros.methods.per_frame import network_input
from vidseg_ros.methods.upsampling import LabelUpsampler, best_class, confidence
from vidseg_ros.networks.deploy import DeployedNetwork, deploy
from vidseg_ros.networks.icnet import ICNet
from vidseg_ros.networks.refiner import DeployedICNet, DeployedRefiner, Refiner

# ICNet's deepest features are 1/32 of the image, DIS needs 16 pixels.
MINIMUM_SIDE = 32
NEVER = 255


@dataclass(slots=True)
class EVSState(StreamState):
    """
    What is remembered of a camera.

    observe's: frames since the key frame (-1 before the first), the last frame in grey, its
    chains of flows to the key frame (``back``) and from it (``forth``), None on the key frame,
    and the size of the key frame. predict's: the key frame's labels at the size of the frame,
    its logits or, where the operating point refines, probabilities [C, h, w], its low-level
    features [h', w', K] and, once somebody wants it, its confidence [h, w].
    """

    since_key: int = -1
    gray: Image | None = None
    back: Flow | None = None
    forth: Flow | None = None
    size: tuple[int, int] = (0, 0)

    labels: Image | None = None
    prediction: NDArray[np.float32] | None = None
    features: NDArray[np.float32] | None = None
    confidence: Image | None = None


@dataclass(slots=True)
class EVSObservation(Observation):
    """
    What is to be done with a frame, and the way to its key frame.

    ``network_input`` is there where a network runs, ``at`` (positions in the key frame, at the
    size of the frame) where labels are fetched, ``back`` and ``forth`` (flows at the network's
    input size) where predictions are refined.
    """

    stage: Stage = Stage.SEGMENT
    age: int = 0
    network_input: Image | None = None
    at: Positions | None = None
    back: Flow | None = None
    forth: Flow | None = None


class _Clock:
    """Time the parts of ``predict``; one that runs twice is added up."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Enter what ended just now."""
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + (now - self._last) * 1e3
        self._last = now


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probabilities of logits [C, h, w]."""
    probabilities = np.exp(logits - logits.max(axis=0))
    probabilities /= probabilities.sum(axis=0)
    return probabilities


class EVS(VideoSegmenter):
    """
    Efficient Video Segmentation with any per-frame network.

    The knobs are those of ``evs_operating_points.chosen`` and ``flow``, the preset of DIS;
    'ultrafast' is the paper's setting (section 4.3.1). With ICNet its upper part is the Refiner;
    another network refines by itself.
    """

    name: ClassVar[str] = 'evs'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'fassvid_base_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'icnet/half'

    def __init__(self, options: MethodOptions) -> None:
        self._flow_preset = str(options.extra.get('flow', 'ultrafast'))
        try:
            self._number, self._point = chosen(options.extra)
            DisFlow(self._flow_preset)
        except ValueError as error:
            raise MethodError(str(error)) from error
        self._input_size = options.input_size
        self._per_thread = threading.local()
        loaded = load_module(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        self._loaded = loaded
        self.label_space = loaded.label_space
        self._upsampler = LabelUpsampler()

        expected = options.input_size
        if expected == (0, 0):
            expected = loaded.metadata.input_size
        scaled = dataclasses.replace(options, input_size=self._scaled(expected))
        deployed = self._deployed(loaded)
        self._engine = loaded.on_engine(deployed, scaled)
        self._refiner: Engine | None = None
        if isinstance(deployed, DeployedICNet) and not self._point.refines_key_frames:
            refiner = DeployedRefiner(
                Refiner(of=deployed.network), loaded.metadata.mean, loaded.metadata.std
            )
            self._refiner = loaded.on_engine(refiner.eval(), scaled)

    def _deployed(self, loaded: LoadedNetwork) -> DeployedNetwork:
        """Return the segmentation network, with features where the Refiner wants them."""
        mean, std = loaded.metadata.mean, loaded.metadata.std
        if self._point.refinement and isinstance(loaded.network, ICNet):
            return DeployedICNet(loaded.network, mean, std).eval()
        deployed = deploy(loaded.network, mean, std)
        if tuple(deployed.input_names) != ('image',):
            raise MethodError(
                f'method evs needs a network without memory; {loaded.checkpoint} holds '
                f'{loaded.metadata.network}'
            )
        return deployed

    def _scaled(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the network's input size for images of ``size``: D of it."""
        factor = self._point.downscaling
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    def prepare(self, size: tuple[int, int]) -> None:
        """Build what frames of ``size`` (height, width) need before the first comes."""
        given = self._scaled(size if self._input_size == (0, 0) else self._input_size)
        self._engine.prepare(given)
        if self._refiner is not None:
            self._refiner.prepare(given)

    def new_state(self, camera: str) -> EVSState:
        """Return the state of a stream's start."""
        return EVSState(camera)

    # ---- the CPU

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Decide what is done with the frame; compute the flow back to the key frame."""
        assert isinstance(state, EVSState)
        point = self._point
        given = frame.size if self._input_size == (0, 0) else self._input_size
        scaled = self._scaled(given)
        if min(scaled) < MINIMUM_SIDE:
            raise UnfitFrameError(
                f'an image of {scaled[1]}x{scaled[0]} is too small for EVS, which needs at least '
                f'{MINIMUM_SIDE} pixels a side'
            )
        image = network_input(frame.image, scaled)
        # A stream starts with a key frame, and anew where the size changes.
        follows = state.since_key >= 0 and state.size == frame.size
        stage = point.stage(state.since_key + 1) if follows else Stage.SEGMENT
        found = EVSObservation(frame, stage=stage)
        blends = stage is Stage.REFINE or (
            follows and stage is Stage.SEGMENT and point.refines_key_frames
        )
        if point.warping and (point.segment_every > 1 or point.refinement):
            gray = to_gray(image)
            if stage is not Stage.SEGMENT or blends:
                self._follow(state, gray)
            state.gray = gray
        if blends:
            found.back, found.forth = state.back, state.forth
        elif stage is Stage.PROPAGATE:
            assert state.back is not None
            found.at = positions(resize_flow(state.back, frame.size))
        if stage is Stage.SEGMENT:
            state.since_key, state.size = 0, frame.size
            state.back = state.forth = None
        else:
            state.since_key += 1
        found.age = 1 if blends and stage is Stage.SEGMENT else state.since_key
        if stage in (Stage.SEGMENT, Stage.REFINE):
            found.network_input = image
        return found

    def _follow(self, state: EVSState, gray: Image) -> None:
        """Lengthen the chains of flows by the step from the last frame to this one."""
        assert state.gray is not None
        step = self._flow().calc(gray, state.gray)
        state.back = step if state.back is None else compose(step, state.back)
        if self._point.refinement:
            # IAM wants the way there and back; without it one flow is enough.
            step = self._flow().calc(state.gray, gray)
            state.forth = step if state.forth is None else compose(state.forth, step)

    def _flow(self) -> DisFlow:
        """Return this thread's DIS, which has buffers of its own."""
        if not hasattr(self._per_thread, 'flow'):
            self._per_thread.flow = DisFlow(self._flow_preset)
        return self._per_thread.flow

    # ---- the device

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Segment, propagate or refine, each frame as its operating point has it."""
        found = []
        for observation, state in zip(observations, states, strict=True):
            assert isinstance(observation, EVSObservation)
            assert isinstance(state, EVSState)
            if observation.stage is Stage.SEGMENT:
                found.append(self._segment(observation, state))
            elif observation.stage is Stage.REFINE:
                found.append(self._refine(observation, state))
            else:
                found.append(self._propagate(observation, state))
        return found

    def _segment(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Run the segmentation network (section 3.2)."""
        clock = _Clock()
        assert observation.network_input is not None
        outputs = self._engine.run({'image': observation.network_input[None]})
        clock.lap('network')
        earlier = state.prediction
        # The engine overwrites its outputs with the next frame's, perhaps another camera's.
        logits = outputs['logits'][0]
        if self._point.refinement:
            state.prediction = softmax(logits)
            if 'features' in outputs:
                state.features = outputs['features'][0].copy()
        else:
            state.prediction = logits.copy()
        state.confidence = None
        size = observation.frame.size
        if observation.back is not None:
            # S = 1: the last prediction, warped, steadies this one.
            assert earlier is not None
            return self._blended(observation, state.prediction, earlier, clock)
        state.labels = self._upsampler.labels(state.prediction, size)
        segmentation = Segmentation(state.labels.copy(), provenance={'kind': 'key frame'})
        if observation.wanted.confidence:
            segmentation.confidence = self._confidence(state.prediction, size)
        if observation.wanted.age:
            segmentation.age = np.zeros(size, np.uint8)
        clock.lap('upsampling')
        segmentation.stages_ms = clock.laps
        return segmentation

    def _propagate(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Fetch the key frame's labels along the flow (section 3.3, Eq. 1 and 2)."""
        clock = _Clock()
        assert state.labels is not None
        at, size = observation.at, observation.frame.size
        labels = state.labels.copy() if at is None else fetch(state.labels, at)
        segmentation = Segmentation(
            labels, provenance={'kind': observation.stage.value, 'age': observation.age}
        )
        if observation.wanted.confidence:
            assert state.prediction is not None
            if state.confidence is None:
                state.confidence = self._confidence(state.prediction, size)
            segmentation.confidence = (
                state.confidence.copy()
                if at is None
                else fetch(state.confidence, at, nearest=False, outside=0)
            )
        if observation.wanted.age:
            age = np.full(size, min(observation.age, NEVER), np.uint8)
            if at is not None:
                age[~within(at, size)] = NEVER
            segmentation.age = age
        clock.lap('warping')
        segmentation.stages_ms = clock.laps
        return segmentation

    def _refine(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Segment with the Refiner from the key frame's low-level features (section 3.5)."""
        clock = _Clock()
        assert observation.network_input is not None and observation.back is not None
        assert state.prediction is not None
        inputs = {'image': observation.network_input[None]}
        if self._refiner is None:
            logits = self._engine.run(inputs)['logits'][0]
        else:
            assert state.features is not None
            way = positions(resize_flow(observation.back, state.features.shape[:2]))
            inputs['features'] = fetch(state.features, way, nearest=False)[None]
            clock.lap('warping')
            logits = self._refiner.run(inputs)['logits'][0]
        clock.lap('refiner')
        return self._blended(observation, softmax(logits), state.prediction, clock)

    def _blended(
        self,
        observation: EVSObservation,
        fresh: NDArray[np.float32],
        earlier: NDArray[np.float32],
        clock: _Clock,
    ) -> Segmentation:
        """Blend a fresh prediction with the warped earlier one by IAM (section 3.4)."""
        assert observation.back is not None and observation.forth is not None
        height, width = fresh.shape[1:]
        back = resize_flow(observation.back, (height, width))
        forth = resize_flow(observation.forth, (height, width))
        planes = np.ascontiguousarray(earlier.transpose(1, 2, 0))
        warped = fetch(planes, positions(back), nearest=False).transpose(2, 0, 1)
        clock.lap('warping')
        weight = attention(inconsistent(best_class(earlier), back, forth))
        refined = np.ascontiguousarray(blend(fresh, warped, weight))
        clock.lap('iam')
        size = observation.frame.size
        segmentation = Segmentation(
            self._upsampler.labels(refined, size),
            provenance={
                'kind': 'refined' if observation.stage is Stage.REFINE else 'key frame, refined',
                'age': observation.age,
                'refined_fraction': float(np.mean(weight >= 0.5)),
            },
        )
        if observation.wanted.confidence:
            segmentation.confidence = self._confidence(refined, size)
        if observation.wanted.age:
            # What the fresh prediction has the greater say in is as old as that: 0.
            age = np.where(weight < 0.5, min(observation.age, NEVER), 0).astype(np.uint8)
            segmentation.age = np.asarray(
                cv2.resize(age, (size[1], size[0]), interpolation=cv2.INTER_NEAREST), np.uint8
            )
        clock.lap('upsampling')
        segmentation.stages_ms = clock.laps
        return segmentation

    def _confidence(self, prediction: NDArray[np.float32], size: tuple[int, int]) -> Image:
        """Return the probability of the best class; predictions are logits or probabilities."""
        if not self._point.refinement:
            return confidence(prediction, size)
        # Softmax of the logarithm of probabilities is those probabilities.
        return confidence(np.log(np.maximum(prediction, np.float32(1e-30))), size)

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        point = self._point
        refinement = 'off'
        if point.refinement:
            refinement = 'ICNet' if isinstance(self._loaded.network, ICNet) else 'full network'
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            'network': self._loaded.metadata.network,
            'checkpoint': self._loaded.checkpoint,
            'operating_point': f'{self._number:02d}' if self._number else 'custom',
            'downscaling': str(point.downscaling),
            'segment_every': str(point.segment_every),
            'warping': f'DIS {self._flow_preset}' if point.warping else 'off',
            'refinement': refinement,
            **self._engine.describe(),
        }

    def close(self) -> None:
        """Release the engines."""
        self._engine.close()
        if self._refiner is not None:
            self._refiner.close()
