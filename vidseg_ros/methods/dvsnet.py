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

import time
from collections.abc import Mapping, Sequence
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
    DisMotion,
    DisMotionWithDecision,
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
from vidseg_ros.methods.upsampling import LabelUpsampler, confidence
from vidseg_ros.networks.decision import DecisionNetwork
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.deploy_dvsnet import DeployedFlow, DeployedFlowDecision
from vidseg_ros.networks.flownet import FlowNetS

FLOWS = ('dis', 'flownet2_s', 'flownet2_S')
LAYERS = ('conv6', 'conv5', 'conv4')
AUTO = 'auto'
_UNTRAINED = 'random:0'
_OLDEST = 255


@dataclass(frozen=True)
class DVSNetKnobs:
    """
    What can be set.

    ``policy`` 'auto' is 'confidence' if there is a trained decision network and
    'flow_magnitude' if not. ``threshold`` is the paper's t (0 to 1), ``period`` its l (frames),
    ``frame_difference`` its d (grey levels), ``flow_magnitude`` its f (pixels of the network's
    input), of which each policy has one.

    With ``whole_frames`` a frame is segmented in one piece where its regions that are due have at
    least as many pixels together: that costs less and knows more of the surroundings.
    """

    policy: str = AUTO
    threshold: float = 0.92
    period: int = 5
    frame_difference: float = 10.0
    flow_magnitude: float = 6.0
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
    """A region as it was when it was last due; ``count`` says in which frame of the stream."""

    image: RegionImage
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

    ``observe``'s are ``grid``, ``count`` and, if it decides, ``planned``. ``predict``'s are
    ``segmented_grid``, ``logits`` and, if it decides, ``keys``.
    """

    grid: RegionGrid | None = None
    count: int = 0
    planned: list[KeyRegion] = field(default_factory=list)
    segmented_grid: RegionGrid | None = None
    keys: list[KeyRegion] = field(default_factory=list)
    logits: list[KeyLogits] = field(default_factory=list)


@dataclass(slots=True)
class DVSNetObservation(Observation):
    """
    A frame in regions.

    ``image`` is the padded network input, ``images`` its regions at half their size, ``count``
    the frame's number in the stream. ``decisions`` is None where ``predict`` decides.
    """

    grid: RegionGrid | None = None
    image: Image | None = None
    images: list[RegionImage] = field(default_factory=list)
    count: int = 0
    decisions: list[Decision] | None = None


class DVSNet(VideoSegmenter):
    """DVSNet with any per-frame network as its segmentation network; see ``DVSNetKnobs``."""

    name: ClassVar[str] = 'dvsnet'
    DEFAULT_CHECKPOINT: ClassVar[str] = 'fassvid_base_camvid'
    DEFAULT_NETWORK: ClassVar[str] = 'fassvid/base_hires'

    def __init__(self, options: MethodOptions) -> None:
        self._knobs = DVSNetKnobs.parse(options.extra)
        self._policy = self._knobs.make_policy()
        self._options = options
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

    def _make_motion(self, options: MethodOptions) -> MotionEstimator:
        knobs = self._knobs
        regions = knobs.rows * knobs.columns
        scored = self._policy.needs_score
        if knobs.flow == 'dis':
            if not scored:
                return DisMotion()
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
            self._knobs, self._policy = knobs, knobs.make_policy()
            self._options = options
        return same

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
        return self._motion.on_cpu

    def prepare(self, size: tuple[int, int]) -> None:
        """Build what frames of ``size`` (height, width) need before the first comes."""
        grid = self._grid(size)
        if grid is None:  # such frames are refused one by one
            return
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
            state.planned = []
        grid = state.grid
        padded = grid.pad(image)
        images = region_images(padded, grid)
        observation = DVSNetObservation(
            frame, grid=grid, image=padded, images=images, count=state.count
        )
        if self._decides_early:
            decisions = self._decide(grid, images, state.planned, state.count)
            state.planned = _new_keys(decisions, state.planned, images, state.count)
            observation.decisions = decisions
        state.count += 1
        return observation

    def _decide(
        self,
        grid: RegionGrid,
        images: Sequence[RegionImage],
        keys: Sequence[KeyRegion],
        count: int,
    ) -> list[Decision]:
        """Say of each region whether it is due, and how the others have moved."""
        if not keys:
            return [Decision(True) for _ in images]
        policy = self._policy
        motions: list[Motion | None] = [None] * len(images)
        if policy.needs_flow:
            motions = list(self._motion.estimate(images, [key.image for key in keys]))
        decisions = []
        for image, key, motion in zip(images, keys, motions, strict=True):
            evidence = Evidence(
                count - key.count,
                frame_difference(key.image.grey, image.grey) if policy.needs_difference else 0.0,
                flow_magnitude(motion.flow) if motion is not None else 0.0,
                motion.score if motion is not None else 0.0,
            )
            decisions.append(
                Decision(policy.due(evidence), policy.measure(evidence), motion, key.count))
        if self._takes_whole(grid, [decision.due for decision in decisions]):
            for decision in decisions:
                decision.due = True
        still = [i for i, decision in enumerate(decisions) if not decision.due]
        if still and not policy.needs_flow:
            # An engine is built for all regions at once; DIS can do with fewer.
            chosen = still if self._motion.on_cpu else list(range(len(images)))
            found = self._motion.estimate(
                [images[i] for i in chosen], [keys[i].image for i in chosen])
            for i, motion in zip(chosen, found, strict=True):
                decisions[i].motion = motion
        return decisions

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
        grid, count = observation.grid, observation.count
        begun = time.perf_counter()
        if state.segmented_grid != grid:
            state.segmented_grid, state.keys, state.logits = grid, [], []
        decisions = observation.decisions
        if decisions is None:
            decisions = self._decide(grid, observation.images, state.keys, count)
        flowed = time.perf_counter()

        # A key frame that could not be segmented is not there to be warped: segment now.
        kept = dict(enumerate(state.logits))
        due = [
            decision.due or i not in kept or kept[i].count != decision.key
            for i, decision in enumerate(decisions)
        ]
        fresh = {
            i: KeyLogits(values, count)
            for i, values in self._fresh_logits(observation.image, grid, due).items()
        }
        inferred = time.perf_counter()
        state.logits = [fresh.get(i) or kept[i] for i in range(len(due))]
        if observation.decisions is None:
            for decision, now in zip(decisions, due, strict=True):
                decision.due = now
            state.keys = _new_keys(decisions, state.keys, observation.images, count)

        logits = [
            key.values if i in fresh else _warped(key, decision, grid)
            for i, (key, decision) in enumerate(zip(state.logits, decisions, strict=True))
        ]
        joined = join(grid, logits)
        warped = time.perf_counter()
        segmentation = self._output(observation, grid, joined, state.logits)
        segmented = [i for i, now in enumerate(due) if now]
        segmentation.provenance = {
            'kind': 'segmented' if all(due) else 'mixed' if segmented else 'propagated',
            'segmented_regions': segmented,
            'regions': len(due),
            'policy': self._policy.name,
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
        self, image: Image, grid: RegionGrid, due: Sequence[bool]
    ) -> dict[int, NDArray[np.float32]]:
        """Segment the regions that are due, one by one or with the whole frame."""
        if all(due) and self._takes_whole(grid, due):
            values = self._run(image)
            stride = grid.padded[0] // values.shape[0]
            return {
                i: region.of(values, stride).copy() for i, region in enumerate(grid.regions)
            }
        return {
            i: self._run(region.of(image))
            for i, region in enumerate(grid.regions)
            if due[i]
        }

    def _run(self, image: NDArray) -> NDArray[np.float32]:
        size = image.shape[0], image.shape[1]
        outputs = self._engine.run({'image': np.ascontiguousarray(image)[None]})
        return warpable(outputs['logits'][0], size)

    def _output(
        self,
        observation: DVSNetObservation,
        grid: RegionGrid,
        joined: Joined,
        keys: Sequence[KeyLogits],
    ) -> Segmentation:
        """Bring what was found for the padded frame to the frame's own size."""
        height, width = observation.frame.size
        # The padded frame in pixels of the frame, which may have been resized for the network.
        padded = (
            -(-grid.padded[0] * height // grid.size[0]),
            -(-grid.padded[1] * width // grid.size[1]),
        )

        def cropped(image: NDArray) -> Image:
            if padded == (height, width):
                return image
            return np.ascontiguousarray(image[:height, :width])

        segmentation = Segmentation(cropped(self._upsampler.labels(joined.logits, padded)))
        if observation.wanted.confidence:
            segmentation.confidence = cropped(confidence(joined.logits, padded))
        if observation.wanted.age:
            ages = np.array(
                [min(observation.count - key.count, _OLDEST) for key in keys], np.uint8)
            shape = padded[1], padded[0]
            segmentation.age = cropped(
                cv2.resize(ages[joined.owner], shape, interpolation=cv2.INTER_NEAREST))
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
    decisions: Sequence[Decision],
    keys: Sequence[KeyRegion],
    images: Sequence[RegionImage],
    count: int,
) -> list[KeyRegion]:
    """Return the key regions after a frame: those that were due are its own."""
    return [
        KeyRegion(images[i].copy(), count) if decision.due else keys[i]
        for i, decision in enumerate(decisions)
    ]


def _warped(key: KeyLogits, decision: Decision, grid: RegionGrid) -> NDArray[np.float32]:
    assert decision.motion is not None
    return warp(key.values, decision.motion, grid.region_size)
