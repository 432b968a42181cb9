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
"""ONNX Runtime, on the CPU or where its CUDA provider is installed on a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import Converted, Form, converted
from vidseg_ros.engines.identity import accelerator, processor
from vidseg_ros.engines.shaped import ShapedEngine, Shapes

_PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}


@dataclass(slots=True)
class _Bound:
    """A session with the arrays that it reads and writes for one set of shapes."""

    session: Any
    binding: Any
    outputs: dict[str, NDArray]


class ONNXRuntimeEngine(ShapedEngine[_Bound]):
    """
    ONNX Runtime on one session of open sizes.

    A network that can only be written for fixed sizes has a session for each. Inputs are read
    where they lie; outputs are written to arrays of the engine's own.
    """

    name: ClassVar[str] = 'onnxruntime'

    def __init__(
        self, network: DeployedNetwork, options: EngineOptions, cache: EngineCache | None = None
    ) -> None:
        there = onnxruntime.get_available_providers()
        device = options.device
        if device == 'auto':
            device = 'cuda' if _PROVIDERS['cuda'] in there else 'cpu'
        if _PROVIDERS[device] not in there:
            raise EngineError(
                f'engine onnxruntime: device {device} needs {_PROVIDERS[device]}, which comes '
                f'with the package onnxruntime-gpu; here are {", ".join(there)}'
            )
        self._device = device
        exported = options.exported
        if exported is not None and exported.kind != 'onnx':
            raise EngineError(f'engine onnxruntime: {exported.path} is not ONNX')
        made_in = exported.precision if exported is not None else ''
        precision = options.precision
        if precision == 'auto':
            precision = made_in or ('fp16' if device == 'cuda' else 'fp32')
        served = {'fp32'} | ({'fp16'} if device == 'cuda' else set())
        if made_in and precision != made_in:
            raise EngineError(f'engine onnxruntime: {options.exported} is in {made_in}')
        if not made_in and precision == 'int8':
            raise EngineError(
                'engine onnxruntime: int8 needs a calibrated model; make one by `vidseg export '
                'CHECKPOINT --format onnx --precision int8 --calibrate DATASET --root DIR '
                '--out MODEL.onnx` and name MODEL.onnx as the checkpoint'
            )
        if not made_in and precision not in served:
            raise EngineError(
                f'engine onnxruntime: has no {precision} on {device}; it has '
                f'{", ".join(sorted(served))}'
            )
        self._precision = precision
        super().__init__(network, options, cache or EngineCache(), {
            'precision': precision, 'device': device, 'threads': str(options.threads),
            'onnxruntime': onnxruntime.__version__,
        })  # fmt: skip
        self._seconds = 0.0
        self._open: Any = None
        self._open_error = ''
        try:
            self._open = self._session(self._converted(None))
        except EngineError as error:
            if exported is not None:
                raise
            self._open_error = str(error)

    @property
    def seconds_converting(self) -> float:
        """Return how long the conversion took, 0 if there was none to do."""
        return self._seconds

    def _converted(self, shapes: Shapes | None) -> Converted:
        if self.options.exported is not None:
            return Converted(self.options.exported.path)
        form = Form('onnx', shapes, half=self._precision == 'fp16')
        found = converted(self.network, form, self._cache, self.digest)
        self._seconds += found.seconds
        return found

    def _session(self, model: Converted) -> Any:
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        settings.intra_op_num_threads = self.options.threads
        # Threads that wait must not spin: optical flow and conversion need the cores.
        settings.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            return onnxruntime.InferenceSession(
                str(model.path), settings, providers=[_PROVIDERS[self._device]]
            )
        except Exception as error:  # its exceptions have no common base of its own
            raise EngineError(f'engine onnxruntime: {model.path}: {error}') from error

    def _bind(self, session: Any, inputs: Mapping[str, NDArray]) -> _Bound:
        # Whoever runs once finds out the outputs' shapes, whatever the network does with sizes.
        names = list(self.network.output_names)
        first = session.run(names, dict(inputs))
        made = _Bound(session, session.io_binding(), {})
        for name, array in zip(names, first, strict=True):
            made.outputs[name] = np.ascontiguousarray(array)
            made.binding.bind_output(
                name, 'cpu', 0, array.dtype, array.shape, made.outputs[name].ctypes.data
            )
        return made

    def _build(self, shapes: Shapes, inputs: Mapping[str, NDArray]) -> _Bound:
        given = self._contiguous(inputs)
        if self._open is not None:
            try:
                return self._bind(self._open, given)
            except Exception as error:  # a size that was not left open after all
                if self.options.exported is not None:
                    raise EngineError(f'engine onnxruntime: {error}') from error
                self._open_error = str(error)
        return self._bind(self._session(self._converted(shapes)), given)

    def _build_beforehand(self, shapes: Shapes, inputs: Mapping[str, NDArray]) -> _Bound:
        # It runs once while it is bound.
        return self._build(shapes, inputs)

    def _contiguous(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        return {n: np.ascontiguousarray(inputs[n]) for n in self.network.input_names}

    def _execute(self, built: _Bound, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        given = self._contiguous(inputs)
        for name, array in given.items():
            built.binding.bind_input(
                name, 'cpu', 0, array.dtype, array.shape, array.__array_interface__['data'][0]
            )
        built.session.run_with_iobinding(built.binding)
        return dict(built.outputs)

    def describe(self) -> dict[str, str]:
        """Return engine, device, precision and version."""
        return {
            'engine': self.name,
            'device': accelerator() or 'cuda' if self._device == 'cuda' else processor(),
            'precision': self._precision,
            'version': onnxruntime.__version__,
        }

    def close(self) -> None:
        """Drop the sessions."""
        super().close()
        self._open = None
