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
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.nn import Module

from vidseg_ros.engines.base import Engine
from vidseg_ros.flow.chain import (
    Flow,
    PixelMaps,
    compose,
    fetch,
    fetch_pixels,
    positions,
    resize_flow,
)
from vidseg_ros.flow.grid import GRID_SETTINGS, GridFlow
from vidseg_ros.flow.runs import RunWarper
from vidseg_ros.methods.base import (
    Frame,
    Image,
    Observation,
    Segmentation,
    StreamState,
    UnfitFrameError,
    VideoSegmenter,
)
from vidseg_ros.methods.buffers import BufferPool, BufferRing, Scratch
from vidseg_ros.methods.evs_operating_points import (
    OPERATING_POINTS,
    OperatingPoint,
    Stage,
    cheaper,
    chosen,
)
from vidseg_ros.methods.iam import attention, blend, inconsistent
from vidseg_ros.methods.loading import LoadedNetwork, MethodError, MethodOptions, load_module
from vidseg_ros.methods.resizing import batch_of_one
from vidseg_ros.methods.upsampling import LabelUpsampler, best_class, confidence
from vidseg_ros.networks.deploy import DeployedNetwork, deploy
from vidseg_ros.networks.fassvid_refiner import FASSVidRefiner
from vidseg_ros.networks.icnet import ICNet
from vidseg_ros.networks.refiner import (
    DeployedICNet,
    DeployedRefiner,
    GivesFeatures,
    Refiner,
)

# ICNet's deepest features are 1/32 of the image, DIS needs 16 pixels.
MINIMUM_SIDE = 32
NEVER = 255
DEFAULT_FLOW = 'swift'


@dataclass(slots=True)
class EVSState(StreamState):
    """
    What is remembered of a camera.

    observe's: frames since the key frame (-1 before the first), and by how many frames the next
    one comes early; the last frame in grey on the flow's grid, and the one before it, whose
    memory is used again; the chains of flows to the key frame (``back``) and from it
    (``forth``), None on the key frame; the sizes of the key frame and of the network's input
    there, and whether frames since then can be refined.

    predict's: the key frame's labels at the size of the frame, and these in runs of pixels
    (``packed``) once they are warped; its logits or, where the operating
    point refines, ``probabilities`` [C, h, w], its low-level features [h', w', K] and, once
    somebody wants it, its confidence at the size of the frame; and the memory of what is handed
    out.
    """

    since_key: int = -1
    early: int = 0
    gray: Image | None = None
    spare: Image | None = None
    back: Flow | None = None
    forth: Flow | None = None
    size: tuple[int, int] = (0, 0)
    scaled: tuple[int, int] = (0, 0)
    refinable: bool = False

    labels: Image | None = None
    packed: Image | None = None
    is_packed: bool = False
    prediction: NDArray[np.float32] | None = None
    probabilities: bool = False
    features: NDArray[np.float32] | None = None
    confidence: Image | None = None
    confident: bool = False
    rings: dict[str, BufferRing] = field(default_factory=dict)

    def take(self, name: str, size: tuple[int, int]) -> Image:
        """Return memory for an output, uint8 of ``size``, that no recent result lies in."""
        return self.rings.setdefault(name, BufferRing()).take(size)


@dataclass(slots=True)
class EVSObservation(Observation):
    """
    What is to be done with a frame, and the way to its key frame.

    ``network_input`` [1, h, w, 3] is there where a network runs, ``back`` (a flow on a grid, in
    its cells) where something is fetched from the key frame, and ``forth`` where predictions are
    refined.
    ``point`` is the operating point's name, ``refinement`` its R.
    """

    stage: Stage = Stage.SEGMENT
    age: int = 0
    point: str = ''
    refinement: bool = False
    network_input: Image | None = None
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


def softmax(
    logits: NDArray[np.float32], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the probabilities of logits [C, h, w], in ``out`` or a new array."""
    probabilities = np.subtract(logits, logits.max(axis=0), out=out)
    np.exp(probabilities, out=probabilities)
    probabilities /= probabilities.sum(axis=0)
    return probabilities


def _kept(
    memory: NDArray[Any] | None, shape: tuple[int, ...], dtype: type = np.float32
) -> NDArray[Any]:
    """Return the memory if it has that shape, else new memory."""
    if memory is not None and memory.shape == shape:
        return memory
    return np.empty(shape, dtype)


def _phase(index: int, interval: int) -> int:
    """
    Return by how many frames the first interval of the ``index``-th camera is shortened.

    The binary digits of the index, mirrored, spread any number of cameras over the interval.
    """
    mirrored, weight = 0.0, 0.5
    while index:
        mirrored += weight * (index & 1)
        index, weight = index >> 1, weight / 2
    return int(mirrored * interval)


class EVS(VideoSegmenter):
    """
    Efficient Video Segmentation with any per-frame network.

    The knobs are those of ``evs_operating_points.chosen``; ``flow``, one of
    ``flow.grid.GRID_SETTINGS``, of which 'ultrafast' is the paper's (section 4.3.1); and
    ``stagger``: whether the first intervals of cameras differ, so that their key frames do not
    coincide. With ICNet its upper part is the Refiner; another network refines by itself.
    """

    name: ClassVar[str] = 'evs'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'fassvid_base_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'icnet/half'

    def __init__(self, options: MethodOptions) -> None:
        self._options = options
        self._flow_setting = str(options.extra.get('flow', DEFAULT_FLOW))
        try:
            self._asked = chosen(options.extra)
            GridFlow(self._flow_setting)
        except ValueError as error:
            raise MethodError(str(error)) from error
        self._present = self._asked
        self._stagger = bool(options.extra.get('stagger', False))
        self._cameras: dict[str, int] = {}
        self._lock = threading.Lock()
        self._input_size = options.input_size
        self._per_thread = threading.local()
        # A Refiner with weights of its own, for any network that has features for it.
        self._refiner_checkpoint = str(options.extra.get('refiner_checkpoint', ''))
        loaded = load_module(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        self._loaded = loaded
        self.label_space = loaded.label_space
        self._upsampler = LabelUpsampler()
        self._pool, self._scratch = BufferPool(), Scratch()
        self._maps, self._runs = PixelMaps(), RunWarper()

        point = self._asked[1]
        expected = options.input_size
        if expected == (0, 0):
            expected = loaded.metadata.input_size
        scaled = dataclasses.replace(options, input_size=self._scaled(expected, point))
        deployed = self._deployed(loaded)
        self._built: set[tuple[tuple[int, int], bool]] = set()
        self._prepared = scaled.input_size
        self._engine = loaded.on_engine(deployed, scaled)
        self._refiner: Engine | None = None
        self._has_features = isinstance(deployed, DeployedICNet)
        if isinstance(deployed, DeployedICNet) and not point.refines_key_frames:
            refiner = DeployedRefiner(
                self._refiner_network(loaded), loaded.metadata.mean, loaded.metadata.std
            )
            self._refiner = loaded.on_engine(refiner.eval(), scaled)

    def _refiner_network(self, loaded: LoadedNetwork) -> Module:
        """Return the Refiner: the one with weights of its own, or ICNet's upper part."""
        if not self._refiner_checkpoint:
            assert isinstance(loaded.network, ICNet)
            return Refiner(of=loaded.network)
        found = load_module(MethodOptions(self._refiner_checkpoint), '', '')
        name, of = found.metadata.network, loaded.metadata.network
        fits = (
            isinstance(found.network, Refiner | FASSVidRefiner)
            and found.network.part_for(of) is not None
        )
        if not fits or found.label_space != loaded.label_space:
            raise MethodError(
                f'refiner_checkpoint: {self._refiner_checkpoint} holds {name} for the classes of '
                f'{found.label_space.name}; it is no Refiner of {of} for those of '
                f'{loaded.label_space.name}'
            )
        return found.network

    def _deployed(self, loaded: LoadedNetwork) -> DeployedNetwork:
        """Return the segmentation network, with features where the Refiner wants them."""
        mean, std = loaded.metadata.mean, loaded.metadata.std
        has_refiner = isinstance(loaded.network, ICNet) or (
            bool(self._refiner_checkpoint) and isinstance(loaded.network, GivesFeatures)
        )
        if self._asked[1].refinement and has_refiner:
            return DeployedICNet(loaded.network, mean, std).eval()
        deployed = deploy(loaded.network, mean, std)
        if tuple(deployed.input_names) != ('image',):
            raise MethodError(
                f'method evs needs a network without memory; {loaded.checkpoint} holds '
                f'{loaded.metadata.network}'
            )
        return deployed

    @staticmethod
    def _scaled(size: tuple[int, int], point: OperatingPoint) -> tuple[int, int]:
        """Return the network's input size for images of ``size``: D of it."""
        factor = point.downscaling
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    # ---- where it operates

    def operating_points(self) -> tuple[str, ...]:
        """Return the point asked for, and the rows of Table 2 that cost less."""
        number, point = self._asked
        rows = cheaper(point, refinable=self._can_refine(point, between=True))
        return tuple(_point_name(each) for each in (number, *rows))

    @property
    def operating_point(self) -> str:
        """Return the present one: a number of Table 2, or 'custom'."""
        return _point_name(self._present[0])

    def operate_at(self, name: str) -> None:
        """
        Move to another point from the next frame on.

        Another D begins with a key frame, because the flow changes its grid.
        """
        self._present = self._point_named(name)

    def _point_named(self, name: str) -> tuple[int, OperatingPoint]:
        asked = self._asked
        if name == _point_name(asked[0]):
            return asked
        if name not in self.operating_points():
            raise ValueError(f'EVS has no operating point {name!r} below {asked[0]:02d}')
        return int(name), OPERATING_POINTS[int(name)]

    def _can_refine(self, point: OperatingPoint, *, between: bool) -> bool:
        """Tell whether what R needs has been built, for frames ``between`` key frames or them."""
        if not isinstance(self._loaded.network, ICNet) and not self._refiner_checkpoint:
            return True  # the network itself does it
        return self._refiner is not None if between else self._has_features

    def adjust(self, options: Any) -> bool:
        """Take over another flow or operating point, as long as D stays and R needs no engine."""
        try:
            asked = chosen(options.extra)
            flow = str(options.extra.get('flow', DEFAULT_FLOW))
            GridFlow(flow)
        except ValueError as error:
            raise MethodError(str(error)) from error
        point = asked[1]
        fits = (
            dataclasses.replace(options, extra={}) == dataclasses.replace(self._options, extra={})
            and options.extra.get('label_space') == self._options.extra.get('label_space')
            and str(options.extra.get('refiner_checkpoint', '')) == self._refiner_checkpoint
            and point.downscaling == self._asked[1].downscaling
            and (
                not point.refinement
                or self._can_refine(point, between=not point.refines_key_frames)
            )
        )
        if fits:
            self._options, self._flow_setting = options, flow
            self._stagger = bool(options.extra.get('stagger', False))
            self._asked = self._present = asked
        return fits

    @property
    def preferred_batch(self) -> int:
        """Return how many key frames the engine takes best at a time."""
        return self._engine.preferred_batch(self._prepared)

    def prepare(self, size: tuple[int, int], operating_point: str | None = None) -> None:
        """Build what frames of ``size`` (height, width) need before the first comes."""
        _, point = (
            self._present if operating_point is None else self._point_named(operating_point)
        )
        given = self._scaled(size if self._input_size == (0, 0) else self._input_size, point)
        if (given, point.refinement) in self._built:
            return  # an engine may be running what it has
        self._engine.prepare(given)
        if self._refiner is not None and point.refinement:
            self._refiner.prepare(given)
        self._built.add((given, point.refinement))
        self._prepared = given

    def new_state(self, camera: str) -> EVSState:
        """Return the state of a stream's start."""
        with self._lock:
            index = self._cameras.setdefault(camera, len(self._cameras))
        interval = self._present[1].segment_every
        return EVSState(camera, early=_phase(index, interval) if self._stagger else 0)

    # ---- the CPU

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Decide what is done with the frame; compute the flow back to the key frame."""
        assert isinstance(state, EVSState)
        number, point = self._present
        given = frame.size if self._input_size == (0, 0) else self._input_size
        scaled = self._scaled(given, point)
        if min(scaled) < MINIMUM_SIDE:
            raise UnfitFrameError(
                f'an image of {scaled[1]}x{scaled[0]} is too small for EVS, which needs at least '
                f'{MINIMUM_SIDE} pixels a side'
            )
        gray = None
        if point.warping and (point.segment_every > 1 or point.refinement):
            flow = self._flow()
            grid = flow.setting.grid(scaled)
            spare = state.spare if state.spare is not None and state.spare.shape == grid else None
            gray = flow.shrink(frame.image, grid, out=spare)
        # A stream starts with a key frame, and anew where a size changes.
        follows = (
            state.since_key >= 0
            and (state.size, state.scaled) == (frame.size, scaled)
            and (gray is None or (state.gray is not None and state.gray.shape == gray.shape))
        )
        stage = point.stage(state.since_key + 1 + state.early) if follows else Stage.SEGMENT
        if stage is Stage.REFINE and not state.refinable:
            stage = Stage.PROPAGATE  # the key frame was there before R was
        found = EVSObservation(
            frame, stage=stage, point=_point_name(number), refinement=point.refinement
        )
        blends = stage is Stage.REFINE or (
            follows and state.refinable and stage is Stage.SEGMENT and point.refines_key_frames
        )
        if gray is not None and (stage is not Stage.SEGMENT or blends):
            self._follow(state, gray, point)
        state.gray, state.spare = gray, state.gray
        if blends:
            found.back, found.forth = state.back, state.forth
        elif stage is Stage.PROPAGATE:
            found.back = state.back
        if stage is Stage.SEGMENT:
            if state.since_key >= 0:
                state.early = 0
            state.since_key, state.size, state.scaled = 0, frame.size, scaled
            state.back = state.forth = None
            state.refinable = point.refinement
        else:
            state.since_key += 1
        found.age = 1 if blends and stage is Stage.SEGMENT else state.since_key
        if stage in (Stage.SEGMENT, Stage.REFINE):
            found.network_input = batch_of_one(frame.image, scaled, self._pool)
        return found

    def _follow(self, state: EVSState, gray: Image, point: OperatingPoint) -> None:
        """Lengthen the chains of flows by the step from the last frame to this one."""
        assert state.gray is not None
        flow = self._flow()
        step = flow.calc(gray, state.gray)
        state.back = step if state.back is None else compose(step, state.back)
        # IAM wants the way there and back; without it one flow is enough.
        state.refinable &= point.refinement
        if state.refinable:
            step = flow.calc(state.gray, gray)
            state.forth = step if state.forth is None else compose(state.forth, step)

    def _flow(self) -> GridFlow:
        """Return this thread's DIS, which has buffers of its own."""
        setting = self._flow_setting
        flow = getattr(self._per_thread, 'flow', None)
        if flow is None or flow.setting != GRID_SETTINGS[setting]:
            flow = self._per_thread.flow = GridFlow(setting)
        return flow

    # ---- the device

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Segment, propagate or refine, each frame as its operating point has it."""
        found: dict[int, Segmentation] = {}
        keys: list[tuple[int, EVSObservation, EVSState]] = []
        for i, (observation, state) in enumerate(zip(observations, states, strict=True)):
            assert isinstance(observation, EVSObservation)
            assert isinstance(state, EVSState)
            if observation.stage is Stage.SEGMENT:
                keys.append((i, observation, state))
            elif observation.stage is Stage.REFINE:
                found[i] = self._refine(observation, state)
            else:
                found[i] = self._propagate(observation, state)
        while keys:
            alike = [_same_input(each[1], keys[0][1]) for each in keys]
            chosen_now = [n for n, fits in enumerate(alike) if fits][: self.preferred_batch]
            found.update(self._segment([keys[n] for n in chosen_now]))
            keys = [each for n, each in enumerate(keys) if n not in chosen_now]
        return [
            self._labelled(found[i], observation) for i, observation in enumerate(observations)
        ]

    @staticmethod
    def _labelled(segmentation: Segmentation, observation: Observation) -> Segmentation:
        assert isinstance(observation, EVSObservation)
        segmentation.provenance['operating_point'] = observation.point
        return segmentation

    def _segment(
        self, batch: Sequence[tuple[int, EVSObservation, EVSState]]
    ) -> dict[int, Segmentation]:
        """Run the segmentation network (section 3.2) on key frames of one size."""
        clock = _Clock()
        images = batch[0][1].network_input
        assert images is not None
        if len(batch) > 1:
            inputs = [observation.network_input for _, observation, _ in batch]
            images = self._scratch.take('images', (len(batch), *images.shape[1:]))
            np.concatenate(inputs, out=images)  # type: ignore[arg-type]
        outputs = self._engine.run({'image': images})
        for _, observation, _ in batch:
            self._done_with_input(observation)
        clock.lap('network')
        found = {}
        for number, (i, observation, state) in enumerate(batch):
            own = {name: values[number] for name, values in outputs.items()}
            found[i] = self._key_frame(observation, state, own, clock)
            clock = _Clock()
        return found

    def _done_with_input(self, observation: EVSObservation) -> None:
        """Give back the memory of the network's input, if it is not the frame's own."""
        image, observation.network_input = observation.network_input, None
        if image is not None and not np.may_share_memory(image, observation.frame.image):
            self._pool.give_back(image)

    def _key_frame(
        self,
        observation: EVSObservation,
        state: EVSState,
        outputs: dict[str, NDArray[np.float32]],
        clock: _Clock,
    ) -> Segmentation:
        """Remember what the network found out about a key frame, and give it labels."""
        # The engine overwrites its outputs with the next frame's, perhaps another camera's.
        logits, size = outputs['logits'], observation.frame.size
        earlier = None
        if observation.back is not None:
            # S = 1: the last prediction, warped, steadies this one.
            assert state.prediction is not None
            earlier = self._scratch.take('earlier', state.prediction.shape, np.float32)
            np.copyto(earlier, state.prediction)
        state.prediction = _kept(state.prediction, logits.shape)
        state.probabilities = observation.refinement
        if observation.refinement:
            softmax(logits, out=state.prediction)
            if 'features' in outputs:
                state.features = _kept(state.features, outputs['features'].shape)
                np.copyto(state.features, outputs['features'])
        else:
            np.copyto(state.prediction, logits)
        state.confident = state.is_packed = False
        state.labels = _kept(state.labels, size, np.uint8)
        if earlier is not None:
            segmentation = self._blended(observation, state, state.prediction, earlier, clock)
            np.copyto(state.labels, segmentation.labels)
            return segmentation
        self._upsampler.labels(state.prediction, size, out=state.labels)
        labels = state.take('labels', size)
        np.copyto(labels, state.labels)
        segmentation = Segmentation(labels, provenance={'kind': 'key frame'})
        if observation.wanted.confidence:
            segmentation.confidence = self._confidence(
                state.prediction, state.probabilities, state.take('confidence', size)
            )
        if observation.wanted.age:
            segmentation.age = state.take('age', size)
            segmentation.age.fill(0)
        clock.lap('upsampling')
        segmentation.stages_ms = clock.laps
        return segmentation

    def _propagate(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Fetch the key frame's labels along the flow (section 3.3, Eq. 1 and 2)."""
        clock = _Clock()
        size, wanted = observation.frame.size, observation.wanted
        segmentation = Segmentation(
            self._moved_labels(state, observation.back, size),
            provenance={'kind': observation.stage.value, 'age': observation.age},
        )
        at = None
        if observation.back is not None and (wanted.confidence or wanted.age):
            at = self._maps(observation.back, size)

        def moved(image: Image, name: str, **how: Any) -> Image:
            out = state.take(name, size)
            if at is None:
                np.copyto(out, image)
            else:
                fetch_pixels(image, at, out, **how)
            return out

        if wanted.confidence:
            if not state.confident:
                assert state.prediction is not None
                state.confidence = _kept(state.confidence, size, np.uint8)
                self._confidence(state.prediction, state.probabilities, state.confidence)
                state.confident = True
            assert state.confidence is not None
            segmentation.confidence = moved(
                state.confidence, 'confidence', nearest=False, outside=0
            )
        if wanted.age:
            same = self._scratch.take('age', size)
            same.fill(min(observation.age, NEVER))
            segmentation.age = moved(same, 'age', outside=NEVER)
        clock.lap('warping')
        segmentation.stages_ms = clock.laps
        return segmentation

    def _moved_labels(self, state: EVSState, back: Flow | None, size: tuple[int, int]) -> Image:
        """Return the key frame's labels, along the flow if there is one."""
        assert state.labels is not None
        out = state.take('labels', size)
        if back is None:
            np.copyto(out, state.labels)
        elif not self._runs.fits(size):
            fetch_pixels(state.labels, self._maps(back, size), out)
        else:
            if not state.is_packed:
                shape = self._runs.packed_shape(size)
                state.packed = self._runs.pack(
                    state.labels, _kept(state.packed, shape, np.uint8)
                )
                state.is_packed = True
            assert state.packed is not None
            self._runs.warp(state.packed, back, out)
        return out

    def _refine(self, observation: EVSObservation, state: EVSState) -> Segmentation:
        """Segment with the Refiner from the key frame's low-level features (section 3.5)."""
        clock = _Clock()
        assert observation.network_input is not None and observation.back is not None
        assert state.prediction is not None
        inputs = {'image': observation.network_input}
        if self._refiner is None:
            logits = self._engine.run(inputs)['logits'][0]
        else:
            assert state.features is not None
            way = positions(resize_flow(observation.back, state.features.shape[:2]))
            inputs['features'] = fetch(state.features, way, nearest=False)[None]
            clock.lap('warping')
            logits = self._refiner.run(inputs)['logits'][0]
        self._done_with_input(observation)
        clock.lap('refiner')
        fresh = softmax(logits, out=self._scratch.take('fresh', logits.shape, np.float32))
        return self._blended(observation, state, fresh, state.prediction, clock)

    def _blended(
        self,
        observation: EVSObservation,
        state: EVSState,
        fresh: NDArray[np.float32],
        earlier: NDArray[np.float32],
        clock: _Clock,
    ) -> Segmentation:
        """Blend a fresh prediction with the warped earlier one by IAM (section 3.4)."""
        assert observation.back is not None and observation.forth is not None
        classes, height, width = fresh.shape
        back = resize_flow(observation.back, (height, width))
        forth = resize_flow(observation.forth, (height, width))
        planes = self._scratch.take('planes', (height, width, classes), np.float32)
        np.copyto(planes, earlier.transpose(1, 2, 0))
        warped = fetch(planes, positions(back), nearest=False).transpose(2, 0, 1)
        clock.lap('warping')
        weight = attention(inconsistent(best_class(earlier), back, forth))
        refined = self._scratch.take('refined', fresh.shape, np.float32)
        blend(fresh, warped, weight, out=refined)
        clock.lap('iam')
        size = observation.frame.size
        segmentation = Segmentation(
            self._upsampler.labels(refined, size, out=state.take('labels', size)),
            provenance={
                'kind': 'refined' if observation.stage is Stage.REFINE else 'key frame, refined',
                'age': observation.age,
                'refined_fraction': float(np.mean(weight >= 0.5)),
            },
        )
        if observation.wanted.confidence:
            segmentation.confidence = self._confidence(
                refined, True, state.take('confidence', size)
            )
        if observation.wanted.age:
            # What the fresh prediction has the greater say in is as old as that: 0.
            age = np.where(weight < 0.5, min(observation.age, NEVER), 0).astype(np.uint8)
            segmentation.age = state.take('age', size)
            cv2.resize(age, (size[1], size[0]), dst=segmentation.age,
                       interpolation=cv2.INTER_NEAREST)
        clock.lap('upsampling')
        segmentation.stages_ms = clock.laps
        return segmentation

    def _confidence(
        self, prediction: NDArray[np.float32], probabilities: bool, out: Image
    ) -> Image:
        """Return the probability of the best class of logits or ``probabilities``."""
        size = out.shape[0], out.shape[1]
        if probabilities:
            # Softmax of the logarithm of probabilities is those probabilities.
            logits = self._scratch.take('logarithms', prediction.shape, np.float32)
            np.maximum(prediction, np.float32(1e-30), out=logits)
            prediction = np.log(logits, out=logits)
        return confidence(prediction, size, out, self._scratch)

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        number, point = self._present
        refinement = 'off'
        if point.refinement:
            refinement = 'ICNet' if isinstance(self._loaded.network, ICNet) else 'full network'
            if self._refiner_checkpoint and not point.refines_key_frames:
                refinement = self._refiner_checkpoint
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            'network': self._loaded.metadata.network,
            'checkpoint': self._loaded.checkpoint,
            'operating_point': _point_name(number),
            'downscaling': str(point.downscaling),
            'segment_every': str(point.segment_every),
            'warping': f'DIS {self._flow_setting}' if point.warping else 'off',
            'refinement': refinement,
            **self._engine.describe(),
        }

    def close(self) -> None:
        """Release the engines."""
        self._engine.close()
        if self._refiner is not None:
            self._refiner.close()


def _point_name(number: int) -> str:
    return f'{number:02d}' if number else 'custom'


def _same_input(one: EVSObservation, other: EVSObservation) -> bool:
    assert one.network_input is not None and other.network_input is not None
    return one.network_input.shape == other.network_input.shape
