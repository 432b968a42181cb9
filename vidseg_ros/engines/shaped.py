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
"""What engines have in common that build something for each set of input shapes."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, Engine, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import shapes_of
from vidseg_ros.engines.measurement import BatchMemory, batch_of
from vidseg_ros.engines.recent import Recent

Shapes = tuple[tuple[int, ...], ...]
T = TypeVar('T')


class ShapedEngine(Engine, Generic[T]):
    """
    An engine that builds something for each set of shapes (``_build``), and runs it.

    What was used last is kept, ``SHAPES`` of them: a few sizes, each for one frame and for several
    together. Another thread may prepare shapes while frames of others run: they see what is built
    once it has run. ``settings`` is what speed depends on besides network, size and machine.
    """

    SHAPES: ClassVar[int] = 12

    def __init__(
        self, network: DeployedNetwork, options: EngineOptions, cache: EngineCache,
        settings: Mapping[str, str],
    ) -> None:  # fmt: skip
        super().__init__(network, options)
        self._cache = cache
        self._built: Recent[Shapes, T] = Recent(self.SHAPES)
        self._batches = BatchMemory(self, cache, settings)

    @abc.abstractmethod
    def _build(self, shapes: Shapes, inputs: Mapping[str, NDArray]) -> T:
        """Return what runs inputs of these shapes; ``inputs`` are such."""

    @abc.abstractmethod
    def _execute(self, built: T, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run what was built for the shapes of the inputs."""

    def _build_beforehand(self, shapes: Shapes, inputs: Mapping[str, NDArray]) -> T:
        """Build what no frame waits for yet, and run it once."""
        built = self._build(shapes, inputs)
        self._execute(built, inputs)
        return built

    def _make_ready(self, inputs: Mapping[str, NDArray]) -> T:
        shapes = shapes_of(self.network, inputs)
        built = self._built.get(shapes)
        if built is None:
            built = self._built.keep(shapes, self._build_beforehand(shapes, inputs))
        return built

    def prepare(self, size: tuple[int, int]) -> None:
        """Build for images of ``size``; find out, once, how many together are cheapest."""
        example = self.network.example_inputs(size)
        self._make_ready(example)
        self._batches.prepare(size)
        if (count := self._batches.preferred(size)) > 1:
            self._make_ready(batch_of(example, count))

    def preferred_batch(self, size: tuple[int, int]) -> int:
        """Return how many frames of ``size`` together are cheapest."""
        return self._batches.preferred(size)

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the network; the outputs are the engine's own memory."""
        self.serving = True
        shapes = shapes_of(self.network, inputs)
        built = self._built.get(shapes)
        if built is None:
            built = self._built.keep(shapes, self._build(shapes, inputs))
        return self._execute(built, inputs)

    def warm_up(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run without being taken for an engine that frames depend on."""
        return self._execute(self._make_ready(inputs), inputs)

    def forget(self, inputs: Mapping[str, NDArray]) -> None:
        """Drop what was built for the shapes of ``inputs``."""
        self._built.forget(shapes_of(self.network, inputs))

    def close(self) -> None:
        """Drop what was built."""
        super().close()
        self._built.clear()
