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

Source: Xu et al., "Dynamic Video Segmentation Network", CVPR 2018, section 3. A frame is divided
into overlapping regions (regions.py); the motion of each since its key frame is estimated
(region_motion.py); a policy (keyframe_policies.py) says which regions are due. Those go through
the segmentation network and become key regions; the logits of the others are warped from theirs.

Where neither motion nor policy needs the device, all this is decided in ``observe``, beside the
segmentation of the frame before; else in ``predict``. A region's key frame is remembered by the
one of the two that decides.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.engines.base import Engine
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
from vidseg_ros.methods.confidence import confidence
from vidseg_ros.methods.keyframe_policies import (
    Evidence,
    ExpectedConfidence,
    FixedPeriod,
    FlowMagnitude,
    FrameDifference,
    KeyFramePolicy,
    flow_magnitude,
    frame_difference,
)
from vidseg_ros.methods.loading import LoadedNetwork, MethodError, MethodOptions, load_module
from vidseg_ros.methods.region_motion import (
    ChainedMotion,
    DisMotionWithDecision,
    FlowChains,
    Motion,
    MotionEstimator,
    NetworkMotion,
    RegionImage,
    region_images,
    warp,
    warpable,
)
from vidseg_ros.methods.regions import Joined, RegionGrid, join
from vidseg_ros.methods.resizing import network_input
from vidseg_ros.methods.upsampling import LabelUpsampler
from vidseg_ros.networks.decision import DecisionNetwork
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.deploy_dvsnet import DeployedFlow, DeployedFlowDecision
from vidseg_ros.networks.flownet import FlowNetS

FLOWS = ('dis', 'flownet2_s', 'flownet2_S')
LAYERS = ('conv6', 'conv5', 'conv4')
AUTO = 'auto'
_UNTRAINED = 'random:0'
_OLDEST = 255
# How much more is tolerated at each operating point.
_FACTORS = (1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class DVSNetKnobs:
    """
    What can be set.

    ``policy`` 'auto' is 'confidence' if there is a trained decision network and
    'flow_magnitude' if not. ``threshold`` is the paper's t (0 to 1), ``period`` its l (frames),
    ``frame_difference`` its d (grey levels), ``flow_magnitude`` its f (percent of the diagonal of
    the network's input), of which each policy has one.

    With ``whole_frames`` a frame is segmented in one piece where its regions that are due have at
    least as many pixels together: that costs less and knows more of the surroundings.
    """

    policy: str = AUTO
    threshold: float = 0.92
    period: int = 5
    frame_difference: float = 10.0
    flow_magnitude: float = 2.0
    rows: int = 2
    columns: int = 2
    overlap: int = 64
    whole_frames: bool = True
    flow: str = 'dis'
    flow_checkpoint: str = ''
    decision_layer: str = 'conv6'
    decision_checkpoint: str = ''

    @classmethod
    def parse(cls, extra: Mapping[str, Any]) -> DVSNetKnobs:
        """
        Take the knobs out of a method's options; others are ignored.

        :raises MethodError: if a value is impossible.
        """
        values: dict[str, Any] = {}
        for name, default in vars(cls()).items():
            if name in extra:
                try:
                    values[name] = type(default)(extra[name])
                except (TypeError, ValueError) as error:
                    raise MethodError(f'{name}: {error}') from error
        knobs = cls(**values)
        if min(knobs.rows, knobs.columns, knobs.period) < 1:
            raise MethodError('rows, columns and period are at least 1')
        if knobs.overlap < 0:
            raise MethodError(f'overlap: {knobs.overlap} is negative')
        for name, choices in (('flow', FLOWS), ('decision_layer', LAYERS)):
            if values.get(name, choices[0]) not in choices:
                raise MethodError(f'{name}: {values[name]!r} is not one of {", ".join(choices)}')
        knobs.make_policy()
        return knobs

    def make_policy(self) -> KeyFramePolicy:
        """
        Return the policy.

        :raises MethodError: if there is none of that name.
        """
        name = self.policy
        if name == AUTO:
            name = 'confidence' if self.decision_checkpoint else 'flow_magnitude'
        policies: list[KeyFramePolicy] = [
            ExpectedConfidence(self.threshold),
            FixedPeriod(self.period),
            FrameDifference(self.frame_difference),
            FlowMagnitude(self.flow_magnitude),
        ]
        for policy in policies:
            if policy.name == name:
                return policy
        raise MethodError(
            f'policy: {name!r} is not one of {", ".join([AUTO, *(p.name for p in policies)])}'
        )

    @property
    def structure(self) -> DVSNetKnobs:
        """Return these knobs without what can be changed between two frames."""
        plain = DVSNetKnobs()
        return replace(
            self,
            policy='scored' if self.make_policy().needs_score else 'not scored',
            threshold=plain.threshold,
            period=plain.period,
            frame_difference=plain.frame_difference,
            flow_magnitude=plain.flow_magnitude,
        )


@dataclass(slots=True)
class KeyRegion:
    """
    A region as it was when it was last due; ``count`` says in which frame of the stream.

    ``image`` is there where the policy or the device looks at it.
    """

    image: RegionImage | None
    count: int


@dataclass(slots=True)
class KeyLogits:
    """The segmentation network's logits for a key region, float32 [h, w, C]."""

    values: NDArray[np.float32]
    count: int


@dataclass(slots=True)
class Decision:
    """Whether a region is due; else its ``motion`` since the key region of frame ``key``."""

    due: bool
    measure: float = 0.0
    motion: Motion | None = None
    key: int = -1


@dataclass(slots=True)
class DVSNetState(StreamState):
    """
    What is remembered of a camera.

    ``observe``'s are ``grid``, ``count`` and, if it decides, ``planned`` and ``chains``.
    ``predict``'s are ``segmented_grid``, ``logits`` and, if it decides, ``keys``; and ``rings``,
    the memory of what is handed out.
    """

    grid: RegionGrid | None = None
    count: int = 0
    planned: list[KeyRegion] = field(default_factory=list)
    chains: FlowChains = field(default_factory=FlowChains)
    segmented_grid: RegionGrid | None = None
    keys: list[KeyRegion] = field(default_factory=list)
    logits: list[KeyLogits] = field(default_factory=list)
    rings: dict[str, BufferRing] = field(default_factory=dict)

    def take(self, name: str, size: tuple[int, int]) -> Image:
        """Return memory for an output, uint8 of ``size``, that no recent result lies in."""
        return self.rings.setdefault(name, BufferRing()).take(size)


@dataclass(slots=True)
class DVSNetObservation(Observation):
    """
    A frame in regions.

    ``image`` is the padded network input, ``images`` its regions at half their size where anything
    looks at them, ``count`` the frame's number in the stream. ``decisions`` is None where
    ``predict`` decides. ``policy`` is the one that decides.
    """

    grid: RegionGrid | None = None
    image: Image | None = None
    images: list[RegionImage] = field(default_factory=list)
    count: int = 0
    decisions: list[Decision] | None = None
    policy: KeyFramePolicy | None = None


class DVSNet(VideoSegmenter):
    """DVSNet with any per-frame network as its segmentation network; see ``DVSNetKnobs``."""

    name: ClassVar[str] = 'dvsnet'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'fassvid_base_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'fassvid/base_hires'

    def __init__(self, options: MethodOptions) -> None:
        self._knobs = DVSNetKnobs.parse(options.extra)
        self._asked = self._policy = self._knobs.make_policy()
        self._options = options
        self._pool, self._scratch = BufferPool(), Scratch()
        self._built: set[tuple[int, int]] = set()
        loaded = load_module(options, self.DEFAULT_CHECKPOINT, self.DEFAULT_NETWORK)
        loaded.require_segmentation()
        deployed = deploy(loaded.network, loaded.metadata.mean, loaded.metadata.std)
        if tuple(deployed.input_names) != ('image',) or 'logits' not in deployed.output_names:
            raise MethodError(
                f'method dvsnet needs a network that segments single frames; {loaded.checkpoint} '
                f'holds {loaded.metadata.network}'
            )
        self._loaded = loaded
        self.label_space = loaded.label_space
        self._motion_engine: Engine | None = None
        self._decision_source = ''
        # The flow's engine comes first: if it can't be had, nothing has been built in vain.
        grid = self._grid(loaded.metadata.input_size)
        sized = options if grid is None else replace(options, input_size=grid.region_size)
        self._motion = self._make_motion(sized)
        self._engine = loaded.on_engine(deployed, sized)
        self._upsampler = LabelUpsampler()

    # ---- what it is made of

    def _make_motion(self, options: MethodOptions) -> MotionEstimator | ChainedMotion:
        knobs = self._knobs
        regions = knobs.rows * knobs.columns
        scored = self._policy.needs_score
        if knobs.flow == 'dis':
            if not scored:
                return ChainedMotion()
            decision, loaded = self._load_decision('flow')
            deployed = DeployedFlowDecision(decision, regions)
            self._motion_engine = loaded.on_engine(deployed, options)
            return DisMotionWithDecision(self._motion_engine)
        width = knobs.flow.removeprefix('flownet2_')
        source = knobs.flow_checkpoint or _UNTRAINED
        loaded = self._load(source, f'flownet2/{width}')
        if loaded.label_space != self.label_space:
            raise MethodError(
                f'flow_checkpoint: {source} scales the classes of {loaded.label_space.name}, '
                f'the segmentation network has those of {self.label_space.name}'
            )
        assert isinstance(loaded.network, FlowNetS)
        network = None
        if scored:
            network, _ = self._load_decision(f'{width}_{knobs.decision_layer}')
        flow = DeployedFlow(loaded.network, network, knobs.decision_layer, regions).eval()
        self._motion_engine = loaded.on_engine(flow, options)
        return NetworkMotion(self._motion_engine)

    def _load_decision(self, variant: str) -> tuple[DecisionNetwork, LoadedNetwork]:
        self._decision_source = self._knobs.decision_checkpoint or _UNTRAINED
        loaded = self._load(self._decision_source, f'decision/{variant}')
        assert isinstance(loaded.network, DecisionNetwork)
        return loaded.network, loaded

    def _load(self, checkpoint: str, network: str) -> LoadedNetwork:
        extra = {'label_space': self.label_space.name}
        return load_module(MethodOptions(checkpoint, network, extra=extra), '', '')

    def adjust(self, options: Any) -> bool:
        """Take over another threshold, period, limit or policy that needs no other network."""
        knobs = DVSNetKnobs.parse(options.extra)
        same = knobs.structure == self._knobs.structure and replace(
            options, extra={}) == replace(self._options, extra={})
        if same:
            self._knobs, self._options = knobs, options
            self._asked = self._policy = knobs.make_policy()
        return same

    def operating_points(self) -> tuple[str, ...]:
        """Return the policy as asked for, and with 1.5, 2 and 3 times as much tolerated."""
        return tuple(self._points())

    def _points(self) -> dict[str, KeyFramePolicy]:
        points: dict[str, KeyFramePolicy] = {}
        for factor in _FACTORS:
            policy = self._asked.relaxed(factor)
            points.setdefault(policy.label, policy)
        return points

    @property
    def operating_point(self) -> str:
        """Return the present policy and its limit."""
        return self._policy.label

    def operate_at(self, name: str) -> None:
        """Go by another limit from the next frame on."""
        points = self._points()
        if name not in points:
            raise ValueError(
                f'DVSNet has no operating point {name!r}; there are: {", ".join(points)}'
            )
        self._policy = points[name]

    def _grid(self, size: tuple[int, int]) -> RegionGrid | None:
        """Return the regions of frames of ``size`` (height, width), None if it is too small."""
        chosen = size if self._options.input_size == (0, 0) else self._options.input_size
        with suppress(UnfitFrameError):
            return self._divide(chosen)
        return None

    def _divide(self, size: tuple[int, int]) -> RegionGrid:
        knobs = self._knobs
        try:
            return RegionGrid.divide(size, knobs.rows, knobs.columns, knobs.overlap)
        except ValueError as error:
            raise UnfitFrameError(str(error)) from error

    @property
    def _decides_early(self) -> bool:
        return isinstance(self._motion, ChainedMotion)

    def prepare(self, size: tuple[int, int], operating_point: str | None = None) -> None:
        """Build what frames of ``size`` (height, width) need, alike at all operating points."""
        grid = self._grid(size)
        if grid is None:  # such frames are refused one by one
            return
        if grid.padded in self._built:
            return  # an engine may be running what it has
        self._built.add(grid.padded)
        self._engine.prepare(grid.region_size)
        if self._takes_whole(grid, [True] * len(grid.regions)):
            self._engine.prepare(grid.padded)
        if self._motion_engine is not None:
            self._motion_engine.prepare(grid.region_size)

    def new_state(self, camera: str) -> DVSNetState:
        """Return the state of a stream's start: every region is due."""
        return DVSNetState(camera)

    # ---- observe

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Divide the frame and, if the device is not needed for it, decide."""
        assert isinstance(state, DVSNetState)
        image = network_input(frame.image, self._options.input_size)
        size = image.shape[0], image.shape[1]
        if state.grid is None or state.grid.size != size:
            state.grid = self._divide(size)
            state.planned, state.chains = [], FlowChains()
        grid, motion, policy = state.grid, self._motion, self._policy
        padded = grid.pad(image, self._pool)
        observation = DVSNetObservation(
            frame, grid=grid, image=padded, count=state.count, policy=policy
        )
        if policy.needs_difference or not isinstance(motion, ChainedMotion):
            observation.images = region_images(padded, grid)
        if isinstance(motion, ChainedMotion):
            keys = [key.count for key in state.planned]
            motion.follow(state.chains, padded, set(keys))
            decisions = self._decide(
                observation, state.planned, lambda: motion.motions(state.chains, grid, keys)
            )
            state.planned = _new_keys(decisions, state.planned, observation)
            observation.decisions = decisions
        state.count += 1
        return observation

    def _decide(
        self,
        observation: DVSNetObservation,
        keys: Sequence[KeyRegion],
        estimate: Callable[[], list[Motion]],
    ) -> list[Decision]:
        """
        Say of each region whether it is due, and how the others have moved.

        ``estimate`` returns the motions of all regions since their key frames.
        """
        grid, policy, count = observation.grid, observation.policy, observation.count
        assert grid is not None and policy is not None
        if not keys:
            return [Decision(True) for _ in grid.regions]
        motions: list[Motion] | None = estimate() if policy.needs_flow else None
        percent = 100.0 / math.hypot(*grid.size)
        decisions = []
        for i, key in enumerate(keys):
            difference, magnitude, score = 0.0, 0.0, 0.0
            if policy.needs_difference:
                # A key region that was there before this policy has no image to compare with.
                difference = math.inf if key.image is None else frame_difference(
                    key.image.grey, observation.images[i].grey)
            if motions is not None:
                magnitude, score = flow_magnitude(motions[i].flow) * percent, motions[i].score
            evidence = Evidence(count - key.count, difference, magnitude, score)
            motion = None if motions is None else motions[i]
            decisions.append(
                Decision(policy.due(evidence), policy.measure(evidence), motion, key.count))
        if self._takes_whole(grid, [decision.due for decision in decisions]):
            for decision in decisions:
                decision.due = True
        if motions is None and not all(decision.due for decision in decisions):
            for decision, found in zip(decisions, estimate(), strict=True):
                decision.motion = found
        return decisions

    def _motions_of(
        self, images: Sequence[RegionImage], keys: Sequence[KeyRegion]
    ) -> list[Motion]:
        """Let the device estimate how regions have moved since their key regions."""
        assert isinstance(self._motion, MotionEstimator)
        before = [key.image for key in keys if key.image is not None]
        return self._motion.estimate(images, before)

    def _takes_whole(self, grid: RegionGrid, due: Sequence[bool]) -> bool:
        """Tell whether the frame is segmented in one piece."""
        region = grid.region_size[0] * grid.region_size[1]
        frame = grid.padded[0] * grid.padded[1]
        return self._knobs.whole_frames and sum(due) * region >= frame

    # ---- predict

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Segment the regions that are due and warp the others."""
        return [self._segment(o, s) for o, s in zip(observations, states, strict=True)]

    def _segment(self, observation: Observation, state: StreamState) -> Segmentation:
        assert isinstance(observation, DVSNetObservation)
        assert isinstance(state, DVSNetState)
        assert observation.grid is not None and observation.image is not None
        grid, count, policy = observation.grid, observation.count, observation.policy
        assert policy is not None
        begun = time.perf_counter()
        if state.segmented_grid != grid:
            state.segmented_grid, state.keys, state.logits = grid, [], []
        decisions = observation.decisions
        if decisions is None:
            decisions = self._decide(
                observation, state.keys,
                lambda: self._motions_of(observation.images, state.keys),
            )  # fmt: skip
        flowed = time.perf_counter()

        # A key frame that could not be segmented is not there to be warped: segment now.
        kept = dict(enumerate(state.logits))
        due = [
            decision.due or i not in kept or kept[i].count != decision.key
            for i, decision in enumerate(decisions)
        ]
        fresh = {
            i: KeyLogits(values, count)
            for i, values in self._fresh_logits(observation.image, grid, due, kept).items()
        }
        if not np.may_share_memory(observation.image, observation.frame.image):
            self._pool.give_back(observation.image)
        observation.image = None
        inferred = time.perf_counter()
        state.logits = [fresh.get(i) or kept[i] for i in range(len(due))]
        if observation.decisions is None:
            for decision, now in zip(decisions, due, strict=True):
                decision.due = now
            state.keys = _new_keys(decisions, state.keys, observation)

        logits = [
            key.values if i in fresh else self._warped(i, key, decision, grid)
            for i, (key, decision) in enumerate(zip(state.logits, decisions, strict=True))
        ]
        joined = join(grid, logits, self._scratch)
        warped = time.perf_counter()
        segmentation = self._output(observation, grid, joined, state)
        segmented = [i for i, now in enumerate(due) if now]
        segmentation.provenance = {
            'kind': 'segmented' if all(due) else 'mixed' if segmented else 'propagated',
            'segmented_regions': segmented,
            'regions': len(due),
            'policy': policy.name,
            'operating_point': policy.label,
            'measures': [round(decision.measure, 3) for decision in decisions],
        }
        segmentation.stages_ms = {
            'flow': (flowed - begun) * 1e3,
            'network': (inferred - flowed) * 1e3,
            'warping': (warped - inferred) * 1e3,
            'upsampling': (time.perf_counter() - warped) * 1e3,
        }
        return segmentation

    def _fresh_logits(
        self,
        image: Image,
        grid: RegionGrid,
        due: Sequence[bool],
        kept: Mapping[int, KeyLogits],
    ) -> dict[int, NDArray[np.float32]]:
        """
        Segment the regions that are due, by themselves or with the whole frame.

        They go together as far as the engine likes that. The memory of what they replace is used
        again.
        """
        found: dict[int, NDArray[np.float32]] = {}
        if all(due) and self._takes_whole(grid, due):
            logits = self._engine.run({'image': np.ascontiguousarray(image)[None]})['logits'][0]
            whole = self._scratch.take(
                'whole', (*logits.shape[1:], logits.shape[0]), np.float32)
            values = warpable(logits, grid.padded, whole)
            stride = grid.padded[0] // values.shape[0]
            for i, region in enumerate(grid.regions):
                part = region.of(values, stride)
                found[i] = _memory_of(kept.get(i), part.shape)
                np.copyto(found[i], part)
            return found
        chosen = [i for i, now in enumerate(due) if now]
        size = grid.region_size
        together = max(1, self._engine.preferred_batch(size))
        for start in range(0, len(chosen), together):
            batch = chosen[start : start + together]
            images = self._scratch.take('images', (len(batch), *size, 3))
            for i, region_image in zip(batch, images, strict=True):
                np.copyto(region_image, grid.regions[i].of(image))
            outputs = self._engine.run({'image': images})['logits']
            for i, logits in zip(batch, outputs, strict=True):
                memory = kept[i].values if i in kept else None
                found[i] = warpable(logits, size, memory)
        return found

    def _warped(
        self, index: int, key: KeyLogits, decision: Decision, grid: RegionGrid
    ) -> NDArray[np.float32]:
        assert decision.motion is not None
        memory = self._scratch.take(f'warped {index}', key.values.shape, np.float32)
        return warp(key.values, decision.motion, grid.region_size, memory)

    def _output(
        self,
        observation: DVSNetObservation,
        grid: RegionGrid,
        joined: Joined,
        state: DVSNetState,
    ) -> Segmentation:
        """Bring what was found for the padded frame to the frame's own size."""
        height, width = observation.frame.size
        # The padded frame in pixels of the frame, which may have been resized for the network.
        padded = (
            -(-grid.padded[0] * height // grid.size[0]),
            -(-grid.padded[1] * width // grid.size[1]),
        )

        def made(name: str, make: Callable[[Image], Any]) -> Image:
            """Return an output that ``make`` enters into memory of the padded size."""
            out = state.take(name, (height, width))
            if padded == (height, width):
                make(out)
            else:
                whole = self._scratch.take('padded', padded)
                make(whole)
                np.copyto(out, whole[:height, :width])
            return out

        logits = joined.logits
        segmentation = Segmentation(
            made('labels', lambda out: self._upsampler.labels(logits, padded, out)))
        if observation.wanted.confidence:
            segmentation.confidence = made(
                'confidence', lambda out: confidence(logits, padded, out, self._scratch))
        if observation.wanted.age:
            ages = np.array(
                [min(observation.count - key.count, _OLDEST) for key in state.logits], np.uint8)
            coarse, shape = ages[joined.owner], (padded[1], padded[0])
            segmentation.age = made('age', lambda out: cv2.resize(
                coarse, shape, dst=out, interpolation=cv2.INTER_NEAREST))
        return segmentation

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        knobs = self._knobs
        described = {
            'method': self.name,
            'label_space': self.label_space.name,
            'network': self._loaded.metadata.network,
            'checkpoint': self._loaded.checkpoint,
            'policy': str(self._policy),
            'regions': f'{knobs.rows}x{knobs.columns}, overlapping by {knobs.overlap}',
            'flow': knobs.flow,
        }
        if knobs.flow != 'dis':
            described['flow_checkpoint'] = knobs.flow_checkpoint or f'{_UNTRAINED} (untrained)'
        if self._decision_source:
            described['decision_checkpoint'] = (
                knobs.decision_checkpoint or f'{_UNTRAINED} (untrained)')
        return {**described, **self._engine.describe()}

    def close(self) -> None:
        """Release the engines."""
        self._engine.close()
        if self._motion_engine is not None:
            self._motion_engine.close()


def _new_keys(
    decisions: Sequence[Decision], keys: Sequence[KeyRegion], observation: DVSNetObservation
) -> list[KeyRegion]:
    """Return the key regions after a frame: those that were due are its own."""
    images = observation.images
    return [
        KeyRegion(images[i].copy() if images else None, observation.count)
        if decision.due
        else keys[i]
        for i, decision in enumerate(decisions)
    ]


def _memory_of(key: KeyLogits | None, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the memory of logits that are not needed any more, if it has that shape, or new."""
    if key is not None and key.values.shape == shape:
        return key.values
    return np.empty(shape, np.float32)
