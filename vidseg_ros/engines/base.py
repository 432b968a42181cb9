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
"""What every engine offers."""

from __future__ import annotations

import abc
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from vidseg_ros.engines.errors import EngineError
from vidseg_ros.engines.exported import ExportedModel

__all__ = ['DeployedNetwork', 'Engine', 'EngineError', 'EngineOptions', 'frames_would_wait']


class DeployedNetwork(Protocol):
    """
    What an engine runs: a torch module with named inputs and outputs, of open sizes.

    ``networks.deploy.deploy`` makes one.
    """

    @property
    def input_names(self) -> Sequence[str]:
        """Return the names of the inputs, in the order of the module's arguments."""

    @property
    def output_names(self) -> Sequence[str]:
        """Return the names of the outputs."""

    def example_inputs(self, size: tuple[int, int]) -> dict[str, NDArray]:
        """Return inputs of the right shapes and types for images of ``size`` (height, width)."""

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Return the module on another device, as torch does."""

    def __call__(self, *inputs: Any) -> Any:
        """Run the module on tensors."""


@dataclass(frozen=True)
class EngineOptions:
    """
    How an engine runs.

    ``device`` 'auto', 'cpu' or 'cuda'; ``precision`` 'auto', 'fp32', 'bf16', 'fp16' or, for what
    was exported so, 'int8'; ``threads`` on the CPU, 0 for as many as there are cores.
    ``exported`` is what runs in place of the network's own weights, if there is such; ``digest``
    the network's, where that is known already.
    """

    device: str = 'auto'
    precision: str = 'auto'
    threads: int = 0
    exported: ExportedModel | None = None
    digest: str = ''


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()
# Nobody may go through the engines while another thread adds one.
_engines_lock = threading.Lock()


def frames_would_wait() -> bool:
    """
    Return whether long work here, now, would hold up frames: an engine of this process serves.

    In the main thread nothing is built beside something that runs.
    """
    if threading.current_thread() is threading.main_thread():
        return False
    with _engines_lock:
        engines = list(_engines)
    return any(engine.serving for engine in engines)


class Engine(abc.ABC):
    """
    Runs a deployed network's forward pass.

    ``run`` takes arrays by the network's ``input_names``, C-contiguous and [N, ...] with any N,
    and returns arrays by its ``output_names``. It is called from one thread at a time. The arrays
    it returns may be the engine's own, overwritten by its next ``run``.
    """

    name: ClassVar[str]
    # Whether frames depend on this engine; set by ``run``.
    serving: bool = False

    def __init__(self, network: DeployedNetwork, options: EngineOptions) -> None:
        self.network = network
        self.options = options
        self._digest = options.digest
        with _engines_lock:
            _engines.add(self)

    @property
    def digest(self) -> str:
        """Return the network's digest, found out once: it takes as long as reading a frame."""
        # Here because it is about what this module defines.
        from vidseg_ros.engines.identity import network_digest

        self._digest = self._digest or network_digest(self.network)
        return self._digest

    @abc.abstractmethod
    def prepare(self, size: tuple[int, int]) -> None:
        """Build whatever images of ``size`` (height, width) need, so that no frame waits."""

    @abc.abstractmethod
    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the network."""

    def warm_up(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the network for no frame: to build, to measure."""
        serving = self.serving
        try:
            return self.run(inputs)
        finally:
            self.serving = serving

    @property
    def labels_on_device(self) -> bool:
        """Return whether ``run_labels`` is there: labels found where the logits are."""
        return False

    def run_labels(
        self, inputs: Mapping[str, NDArray], size: tuple[int, int], also: Sequence[str] = ()
    ) -> dict[str, NDArray]:
        """
        Run the network; return ``labels``, uint8 [N, H, W] at ``size``, and the outputs ``also``.

        The labels are the best classes of the bilinearly enlarged output ``logits``.

        :raises EngineError: where ``labels_on_device`` is false.
        """
        raise EngineError(f'engine {self.name} leaves labels to the caller')

    def forget(self, inputs: Mapping[str, NDArray]) -> None:  # noqa: B027
        """Drop what was built for the shapes of ``inputs``."""

    @abc.abstractmethod
    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say: engine, device, precision, version and the like."""

    def preferred_batch(self, size: tuple[int, int]) -> int:
        """
        Return how many frames of ``size`` (height, width) together are cheapest, at least 1.

        It is known once ``prepare`` was called for that size; this never measures, never waits.
        """
        return 1

    def close(self) -> None:
        """Release the device."""
        self.serving = False
