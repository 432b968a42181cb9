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
"""What methods share whose every frame goes through a network at a chosen input size."""

from __future__ import annotations

import abc
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.engines.base import Engine
from vidseg_ros.engines.recent import Recent
from vidseg_ros.methods.base import (
    Frame,
    Observation,
    Segmentation,
    StreamState,
    UnfitFrameError,
)
from vidseg_ros.methods.batching import batches, stacked
from vidseg_ros.methods.buffers import BufferPool, OutputRings, Scratch
from vidseg_ros.methods.finishing import Finisher
from vidseg_ros.methods.loading import LoadedNetwork, MethodOptions
from vidseg_ros.methods.point_menu import MovableMethod, PointMenu
from vidseg_ros.methods.resizing import batch_of_one

# The operating points: which part of its sides a network is given.
INPUT_PARTS: Mapping[str, float] = {'input 1': 1.0, 'input 3/4': 0.75, 'input 1/2': 0.5}
# Of how many sizes engines surely keep what they built, for one frame and for several together.
_SIZES = 6
# The strides of all networks divide it.
_MULTIPLE = 32


def part_of(size: tuple[int, int], part: float, minimum: int = 1) -> tuple[int, int]:
    """
    Return about ``part`` of the sides (height, width), for a network to be given.

    Each is a multiple of 32, and no less than ``minimum`` unless the side is; where ``part`` is
    1, the sides are as they are.
    """

    def side(length: int) -> int:
        multiple = _MULTIPLE * max(1, round(length * part / _MULTIPLE))
        return min(length, max(multiple, minimum))

    return size if part == 1.0 else (side(size[0]), side(size[1]))


@dataclass(slots=True)
class NetworkState(StreamState):
    """What is remembered of a camera; ``outputs``, predict's, is where its results lie."""

    outputs: OutputRings = field(default_factory=OutputRings)


@dataclass(slots=True)
class NetworkObservation(Observation):
    """
    What the network is given of a frame, by the names of its inputs, each [1, ...].

    ``borrowed`` are arrays that nobody needs once the network has run.
    """

    inputs: dict[str, NDArray] = field(default_factory=dict)
    borrowed: list[NDArray] = field(default_factory=list)
    operating_point: str = ''


class NetworkMethod(MovableMethod):
    """
    A method that gives each frame to one of its networks.

    It resizes frames, groups those of several cameras into batches, finishes what the networks
    say, and moves between operating points, which are parts of the input's size unless a method
    has its own. A method says how a group is segmented, ``_segment``, and which frames can be in
    one, ``_kind``.
    """

    # The knobs that can change while frames are segmented.
    KNOBS: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        options: MethodOptions,
        loaded: LoadedNetwork,
        engines: Sequence[Engine],
        minimum_side: int = 1,
    ) -> None:
        self.label_space = loaded.label_space
        self._options = options
        self._network_name = loaded.metadata.network
        self._checkpoint = loaded.checkpoint
        self._engines = tuple(engines)
        self._minimum_side = minimum_side
        exported = loaded.exported
        self._fixed_size = exported is not None and exported.size is not None
        self._points = PointMenu(self.name, self._menu(options.extra))
        self._built: Recent[tuple[int, int], bool] = Recent(_SIZES)
        self._last_size: tuple[int, int] | None = None
        self._pool = BufferPool()
        self._batch = Scratch()
        self._finisher = Finisher()

    # ---- settings

    def _menu(self, knobs: Mapping[str, Any]) -> dict[str, str]:
        return {name: name for name in self._points_for(knobs)}

    def _points_for(self, knobs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the operating points' names, the most costly first."""
        if self._fixed_size:
            return (next(iter(INPUT_PARTS)),)
        return tuple(INPUT_PARTS)

    def _take_knobs(self, knobs: Mapping[str, Any]) -> None:
        """
        Take over those of the knobs that are in ``KNOBS``.

        :raises MethodError: if one is not as it should be; nothing has changed then.
        """

    def adjust(self, options: Any) -> bool:
        """Take over other knobs from the next frame on, if nothing else is another."""

        def fixed(of: MethodOptions) -> MethodOptions:
            extra = {name: value for name, value in of.extra.items() if name not in self.KNOBS}
            return replace(of, extra=extra)

        if fixed(options) != fixed(self._options):
            return False
        self._take_knobs(options.extra)
        self._options = options
        self._points.replace(self._menu(options.extra))
        return True

    def input_size(self, size: tuple[int, int], operating_point: str) -> tuple[int, int]:
        """Return what frames of ``size`` (height, width) are resized to for the network."""
        given = size if self._options.input_size == (0, 0) else self._options.input_size
        return part_of(given, INPUT_PARTS.get(operating_point, 1.0), self._minimum_side)

    def prepare(self, size: tuple[int, int], operating_point: str | None = None) -> None:
        """
        Build what frames of ``size`` (height, width) need at an operating point.

        What was used a while ago may be gone since; what is surely there is left alone: an
        engine may be running it.
        """
        if operating_point is None:
            operating_point = self.operating_point
        chosen = self.input_size(size, operating_point)
        if self._built.get(chosen) or min(chosen) < self._minimum_side:
            return  # frames that are too small are refused one by one
        for engine in self._engines:
            engine.prepare(chosen)
        self._built.keep(chosen, True)
        if self._last_size is None:
            self._last_size = chosen

    @property
    def preferred_batch(self) -> int:
        """Return how many frames of the last size together are cheaper than one by one."""
        if self._last_size is None:
            return 1
        return max(1, self._engines[0].preferred_batch(self._last_size))

    # ---- the CPU

    def _begin(self, frame: Frame) -> NetworkObservation:
        """Return the observation of a frame with the network's ``image``."""
        point = self.operating_point
        size = self.input_size(frame.size, point)
        if min(size) < self._minimum_side:
            raise UnfitFrameError(
                f'an image of {size[1]}x{size[0]} is too small for {self._network_name}, which '
                f'needs at least {self._minimum_side} pixels a side'
            )
        image = batch_of_one(frame.image, size, self._pool)
        found = NetworkObservation(frame, inputs={'image': image}, operating_point=point)
        if not np.may_share_memory(image, frame.image):
            found.borrowed.append(image)
        return found

    def observe(self, frame: Frame, state: StreamState) -> Observation:
        """Resize the frame."""
        return self._begin(frame)

    # ---- the device

    def _kind(self, observation: NetworkObservation, state: StreamState) -> Hashable:
        """Return what frames must have in common to be segmented together, besides the size."""
        return None

    @abc.abstractmethod
    def _segment(
        self, observations: list[NetworkObservation], states: list[Any]
    ) -> list[Segmentation]:
        """Segment frames of one kind and one size in one go."""

    def predict(
        self, observations: Sequence[Observation], states: Sequence[StreamState]
    ) -> list[Segmentation]:
        """Segment the frames; those of a kind and size together where that is cheaper."""
        given, kinds = [], []
        for observation, state in zip(observations, states, strict=True):
            assert isinstance(observation, NetworkObservation)
            given.append(observation)
            height, width = observation.inputs['image'].shape[1:3]
            kinds.append(((height, width), self._kind(observation, state)))
            self._last_size = height, width
            self._built.keep((height, width), True)
        found: dict[int, Segmentation] = {}
        for part in batches(kinds, lambda kind: self._engines[0].preferred_batch(kind[0])):
            segmented = self._segment([given[i] for i in part], [states[i] for i in part])
            found.update(zip(part, segmented, strict=True))
        for observation in given:
            while observation.borrowed:
                self._pool.give_back(observation.borrowed.pop())
        return [found[index] for index in range(len(given))]

    def _run(
        self, engine: Engine, observations: list[NetworkObservation], also: Sequence[str] = ()
    ) -> tuple[dict[str, NDArray], float]:
        """
        Run a network on one batch; return its outputs and how long it took, in milliseconds.

        The outputs [N, ...] are the engine's own until it runs again. Where labels of the
        frames' size are found on the device, they are ``labels`` [N, H, W], and besides them
        there are only those of ``also``.
        """
        begun = time.perf_counter()
        inputs = {
            name: stacked(name, [o.inputs[name] for o in observations], self._batch)
            for name in observations[0].inputs
        }
        size = self._labels_size(engine, observations)
        outputs = engine.run(inputs) if size is None else engine.run_labels(inputs, size, also)
        return outputs, (time.perf_counter() - begun) * 1e3

    @staticmethod
    def _labels_size(
        engine: Engine, observations: list[NetworkObservation]
    ) -> tuple[int, int] | None:
        """Return the size of labels if the device is to find them, and logits are not needed."""
        sizes = {observation.frame.size for observation in observations}
        confident = any(observation.wanted.confidence for observation in observations)
        return None if confident or len(sizes) > 1 or not engine.labels_on_device else sizes.pop()

    def _finish(
        self, outputs: Mapping[str, NDArray], index: int, observation: NetworkObservation,
        state: NetworkState, *, took_ms: float, kind: str, stage: str = 'network', age: int = 0,
        **provenance: Any,
    ) -> Segmentation:  # fmt: skip
        """Return the segmentation of the frame that is ``index``-th in a batch's outputs."""
        return self._finisher.finish(
            outputs['labels'][index] if 'labels' in outputs else outputs['logits'][index],
            observation, state.outputs, stages_ms={stage: took_ms}, age=age,
            provenance={
                'kind': kind, 'operating_point': observation.operating_point, **provenance,
            },
        )  # fmt: skip

    def _described(self) -> dict[str, str]:
        """Return what diagnostics should say of this method's knobs."""
        return {}

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say."""
        return {
            'method': self.name,
            'label_space': self.label_space.name,
            'network': self._network_name,
            'checkpoint': self._checkpoint,
            'operating_point': self.operating_point,
            **self._described(),
            **self._engines[0].describe(),
        }

    def close(self) -> None:
        """Release the engines."""
        for engine in self._engines:
            engine.close()
