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
"""OpenVINO on the CPU."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, Engine, EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import OTHER_SIZE, Converted, Form, converted, shapes_of
from vidseg_ros.engines.exported import ExportedModel
from vidseg_ros.engines.measurement import BatchMemory, batch_of

_TYPES = {'fp32': 'f32', 'bf16': 'bf16', 'fp16': 'f16'}
# Compiled shapes kept at a time: a few sizes, each for one frame and for several together.
_SHAPES = 12


class _Writable:
    """The same memory as a read-only array, for an interface that asks for more than it uses."""

    def __init__(self, array: NDArray) -> None:
        interface = dict(array.__array_interface__)
        interface['data'] = (interface['data'][0], False)
        self.__array_interface__ = interface


def _tensor(array: NDArray) -> ov.Tensor:
    """Return a tensor over the memory of a contiguous array, which must outlive it."""
    if not array.flags.writeable:
        # Messages' buffers are read-only. An input is only read.
        array = np.asarray(_Writable(array))
    return ov.Tensor(array, shared_memory=True)


@dataclass(slots=True)
class _Compiled:
    """A network for one set of shapes: its request, the arrays bound to it, its output arrays."""

    request: Any
    bound: list[Any] = field(default_factory=list)
    outputs: dict[str, NDArray] = field(default_factory=dict)


class OpenVINOEngine(Engine):
    """
    OpenVINO on the CPU, compiled for each image size when it first comes.

    The network is converted once (seconds, kept on disk) and compiled for each size (tenths of a
    second). Static shapes are worth it: with dynamic ones OpenVINO plans its memory for every
    frame. Inputs are read where they lie, and outputs are written to arrays of the engine's own.
    """

    name: ClassVar[str] = 'openvino'

    def __init__(
        self, network: DeployedNetwork, options: EngineOptions, cache: EngineCache | None = None
    ) -> None:
        super().__init__(network, options)
        if options.device not in ('auto', 'cpu'):
            raise EngineError(f'engine openvino: device {options.device} is not served, only cpu')
        cache = cache or EngineCache()
        self._core = ov.Core()
        capabilities = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        exported = options.exported
        precision = options.precision
        if precision == 'int8' and (exported is None or exported.precision != 'int8'):
            raise EngineError(
                'engine openvino: int8 needs a calibrated model; make one by `vidseg export '
                'CHECKPOINT --format openvino --precision int8 --calibrate DATASET --root DIR '
                '--out MODEL.xml` and name MODEL.xml as the checkpoint'
            )
        if precision == 'auto' and exported is not None and exported.precision == 'fp32':
            precision = 'fp32'
        if precision in ('auto', 'int8'):
            precision = 'bf16' if 'BF16' in capabilities else 'fp32'
        if precision != 'fp32' and precision.upper() not in capabilities:
            raise EngineError(
                f'engine openvino: this CPU has no {precision}; it has {", ".join(capabilities)}'
            )
        self._precision = precision
        self._quantised = exported is not None and exported.precision == 'int8'
        self._source, self._model = self._read(exported, cache)
        self._compiled: OrderedDict[tuple[tuple[int, ...], ...], _Compiled] = OrderedDict()
        self._batches = BatchMemory(self, cache, {
            'precision': self.precision, 'openvino': ov.get_version(),
            'threads': str(options.threads),
        })  # fmt: skip

    def _read(
        self, exported: ExportedModel | None, cache: EngineCache
    ) -> tuple[Converted, ov.Model]:
        """Return the model: the exported one, or the network by way of ONNX or else of a trace."""
        if exported is not None:
            try:
                return Converted(exported.path), self._core.read_model(exported.path)
            except RuntimeError as error:
                raise EngineError(f'engine openvino: {exported.path}: {error}') from error
        try:
            # This way takes a third of the time of the other, and the file serves all engines.
            source = converted(self.network, Form('onnx'), cache)
            model = self._core.read_model(source.path)
            other = shapes_of(self.network, self.network.example_inputs(OTHER_SIZE))
            self._reshaped(model, other)
        except (EngineError, RuntimeError, ValueError):
            # A size has become a constant on that way; OpenVINO keeps more of them open.
            source = converted(self.network, Form('openvino'), cache)
            model = self._core.read_model(source.path)
        return source, model

    @staticmethod
    def _reshaped(model: ov.Model, shapes: Sequence[Sequence[int]]) -> ov.Model:
        """Return the model for fixed shapes."""
        fixed = model.clone()
        fixed.reshape({p: list(s) for p, s in zip(fixed.inputs, shapes, strict=True)})
        return fixed

    @property
    def precision(self) -> str:
        """Return what it computes in; what int8 leaves is in bf16 where the CPU has it."""
        return f'int8 and {self._precision}' if self._quantised else self._precision

    @property
    def seconds_converting(self) -> float:
        """Return how long the conversion took, 0 if there was none to do."""
        return self._source.seconds

    def _compile(self, inputs: Mapping[str, NDArray]) -> _Compiled:
        shapes = shapes_of(self.network, inputs)
        try:
            model = self._reshaped(self._model, shapes)
        except RuntimeError as error:
            raise EngineError(f'engine openvino: cannot take inputs of {shapes}') from error
        config: dict[str, Any] = {
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_PRECISION_HINT': _TYPES[self._precision],
        }
        if self.options.threads:
            config['INFERENCE_NUM_THREADS'] = self.options.threads
        request = self._core.compile_model(model, 'CPU', config).create_infer_request()
        made = _Compiled(request, [None] * len(shapes))
        for index, name in enumerate(self.network.output_names):
            tensor = request.get_output_tensor(index)
            made.outputs[name] = np.zeros(list(tensor.shape), tensor.data.dtype)
            request.set_output_tensor(index, ov.Tensor(made.outputs[name], shared_memory=True))
        return made

    def _of(self, inputs: Mapping[str, NDArray]) -> _Compiled:
        shape = shapes_of(self.network, inputs)
        made = self._compiled.get(shape)
        if made is None:
            return self._keep(shape, self._compile(inputs))
        # Another thread may be preparing another size, and dropping this one for it.
        with contextlib.suppress(KeyError):
            self._compiled.move_to_end(shape)
        return made

    def _keep(self, shape: tuple[tuple[int, ...], ...], made: _Compiled) -> _Compiled:
        self._compiled[shape] = made
        if len(self._compiled) > _SHAPES:
            self._compiled.popitem(last=False)
        return made

    def prepare(self, size: tuple[int, int]) -> None:
        """Compile for images of ``size``; find out, once, how many together are cheapest."""
        example = self.network.example_inputs(size)
        self._make_ready(example)
        self._batches.prepare(size)
        if (count := self._batches.preferred(size)) > 1:
            self._make_ready(batch_of(example, count))

    def _make_ready(self, example: Mapping[str, NDArray]) -> None:
        shapes = shapes_of(self.network, example)
        if shapes not in self._compiled:
            # Frames may be running: they see what is compiled once it is warm.
            made = self._compile(example)
            self._execute(made, example)
            self._keep(shapes, made)

    def preferred_batch(self, size: tuple[int, int]) -> int:
        """Return how many frames of ``size`` together are cheapest."""
        return self._batches.preferred(size)

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the network; the outputs are the engine's own arrays."""
        self.serving = True
        return self._infer(inputs)

    def _infer(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        return self._execute(self._of(inputs), inputs)

    def _execute(self, made: _Compiled, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        for index, name in enumerate(self.network.input_names):
            array = np.ascontiguousarray(inputs[name])
            if made.bound[index] is not array:
                made.request.set_input_tensor(index, _tensor(array))
                made.bound[index] = array
        # In this thread: handing over to another costs more. Sharing: no output is copied.
        made.request.infer(share_outputs=True)
        return dict(made.outputs)

    def warm_up(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run without being taken for an engine that frames depend on."""
        return self._infer(inputs)

    def forget(self, inputs: Mapping[str, NDArray]) -> None:
        """Drop what was compiled for the shapes of ``inputs``."""
        shape = shapes_of(self.network, inputs)
        self._compiled.pop(shape, None)

    def describe(self) -> dict[str, str]:
        """Return engine, device, precision and version."""
        return {
            'engine': self.name,
            'device': self._core.get_property('CPU', 'FULL_DEVICE_NAME'),
            'precision': self.precision,
            'version': ov.get_version().split('-')[0],
        }

    def close(self) -> None:
        """Drop the compiled networks."""
        super().close()
        self._compiled.clear()
