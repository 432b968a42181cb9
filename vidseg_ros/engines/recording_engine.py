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
"""An engine that keeps some of what another one is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray

from vidseg_ros.engines.base import Engine


class RecordingEngine(Engine):
    """
    Hand everything to another engine and keep every ``stride``-th set of inputs, as copies.

    So examples to calibrate with are what a method really gives its network, its own last output
    and its earlier frames included.
    """

    name: ClassVar[str] = 'recording'

    def __init__(self, engine: Engine, stride: int = 1) -> None:
        super().__init__(engine.network, engine.options)
        self._engine = engine
        self._stride = stride
        self._count = 0
        self.examples: list[dict[str, NDArray[Any]]] = []

    def prepare(self, size: tuple[int, int]) -> None:
        """Prepare the other engine."""
        self._engine.prepare(size)

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the other engine."""
        if self._count % self._stride == 0:
            # A batch is as many examples as it has frames.
            count = len(next(iter(inputs.values())))
            self.examples += [
                {n: inputs[n][i : i + 1].copy() for n in self.network.input_names}
                for i in range(count)
            ]
        self._count += 1
        return self._engine.run(inputs)

    def describe(self) -> dict[str, str]:
        """Return what the other engine says."""
        return self._engine.describe()

    def close(self) -> None:
        """Close the other engine."""
        super().close()
        self._engine.close()
