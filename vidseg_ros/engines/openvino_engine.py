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

import io
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache, key_of
from vidseg_ros.engines.compiled_models import SHARED
from vidseg_ros.engines.conversion import OTHER_SIZE, Converted, Form, converted, shapes_of
from vidseg_ros.engines.identity import package_version, processor
from vidseg_ros.engines.low_priority import at_low_priority
from vidseg_ros.engines.openvino_tails import shorten_tails
from vidseg_ros.engines.shaped import ShapedEngine, Shapes

_logger = logging.getLogger(__name__)

_TYPES = {'fp32': 'f32', 'bf16': 'bf16', 'fp16': 'f16'}
# By way of ONNX takes a third of the time, and its file serves all engines; but a size may become
# a constant on that way, and OpenVINO's own keeps more of them open.
_FORMS = ('onnx', 'openvino')
_BLOB = 'model.blob'


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

    model: Any
    request: Any
    bound: list[Any] = field(default_factory=list)
    outputs: dict[str, NDArray] = field(default_factory=dict)


_workers_lock = threading.Lock()
_workers_for: set[int] = set()


def _start_workers(core: ov.Core, threads: int) -> None:
    """
    Let OpenVINO start the threads that all its networks share, by running a tiny one.

    They have the priority of who first needs them, for ever: that must not be a thread that
    compiles at low priority.
    """
    with _workers_lock:
        if threads in _workers_for:
            return
        image = ov.opset13.parameter([1, 8, 64, 64], np.float32)
        weights = ov.opset13.constant(np.zeros((8, 8, 3, 3), np.float32))
        ones = [1, 1]
        convolved = ov.opset13.convolution(image, weights, ones, ones, ones, ones)
        config = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_NUM_THREADS': threads} if threads \
            else {'PERFORMANCE_HINT': 'LATENCY'}
        compiled = core.compile_model(ov.Model([convolved], [image], 'workers'), 'CPU', config)
        compiled.create_infer_request().infer([np.zeros((1, 8, 64, 64), np.float32)])
        _workers_for.add(threads)


class OpenVINOEngine(ShapedEngine[_Compiled]):
    """
    OpenVINO on the CPU, compiled for each image size when it first comes.

    The network is converted once (seconds) and compiled for each size (tenths of a second); both
    are kept on disk, and what is compiled is shared by the engines of a process. Beside frames it
    is compiled in a thread that gives way. Static shapes are worth it: with dynamic ones OpenVINO
    plans its memory for every frame. Inputs are read where they lie, and outputs are written to
    arrays of the engine's own.
    """

    name: ClassVar[str] = 'openvino'

    def __init__(
        self, network: DeployedNetwork, options: EngineOptions, cache: EngineCache | None = None
    ) -> None:
        if options.device not in ('auto', 'cpu'):
            raise EngineError(f'engine openvino: device {options.device} is not served, only cpu')
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
        super().__init__(network, options, cache or EngineCache(), {
            'precision': self.precision, 'openvino': ov.get_version(),
            'threads': str(options.threads),
        })  # fmt: skip
        self._config: dict[str, Any] = {
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_PRECISION_HINT': _TYPES[precision],
            # Other parts of a frame's way need the cores, too: a thread bound to one would wait
            # for them while another is free.
            'ENABLE_CPU_PINNING': False,
        }
        if options.threads:
            self._config['INFERENCE_NUM_THREADS'] = options.threads
        self._source: Converted | None = None
        self._model: ov.Model | None = None
        self._seconds = 0.0
        _start_workers(self._core, options.threads)
        # What was read before need not be read to know that it can be.
        if self._readable_form() is None:
            self._read()

    # ---- reading

    def _identity(self) -> dict[str, str]:
        """Return what the results of reading and compiling depend on."""
        exported = self.options.exported
        return {
            'network': '' if exported is not None else self.digest,
            'exported': exported.digest if exported is not None else '',
            'openvino': ov.get_version(),
            **{name: package_version(name) for name in ('torch', 'onnx')},
        }

    def _readable_form(self) -> str | None:
        """Return the form that is known to be readable, None if none is."""
        found = self._cache.recall({'what': 'form for openvino', **self._identity()})
        return found if found in (*_FORMS, 'exported') else None

    def _read(self) -> ov.Model:
        """Return the model: the exported one, or the network by way of ONNX or else of a trace."""
        if self._model is not None:
            return self._model
        exported, known = self.options.exported, self._readable_form()
        if exported is not None:
            self._source, form = Converted(exported.path), 'exported'
            try:
                model = self._core.read_model(exported.path)
            except RuntimeError as error:
                raise EngineError(f'engine openvino: {exported.path}: {error}') from error
        elif known is not None:
            form, model = known, self._convert(known)
        else:
            form = _FORMS[0]
            try:
                model = self._convert(form)
                other = shapes_of(self.network, self.network.example_inputs(OTHER_SIZE))
                self._reshaped(model, other)
            except (EngineError, RuntimeError, ValueError):
                form = _FORMS[1]
                model = self._convert(form)
        if known is None:
            self._cache.remember({'what': 'form for openvino', **self._identity()}, form)
        self._model = model
        return model

    def _convert(self, form: str) -> ov.Model:
        self._source = converted(self.network, Form(form), self._cache, self.digest)
        self._seconds += self._source.seconds
        return self._core.read_model(self._source.path)

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
        return self._seconds

    # ---- compiling

    def _compiled_identity(self, shapes: Shapes) -> dict[str, str]:
        return {
            'what': 'network compiled by openvino, 2', **self._identity(), 'shapes': repr(shapes),
            'config': repr(sorted(self._config.items())), 'processor': processor(),
        }  # fmt: skip

    def _build(self, shapes: Shapes, inputs: Mapping[str, NDArray]) -> _Compiled:
        identity = self._compiled_identity(shapes)
        key = key_of(identity)
        model = SHARED.get(key)
        if model is None:
            model = SHARED.add(
                key, self._load(identity) or self._compile(self._fixed(shapes)))
        return self._request(model)

    def _build_beforehand(self, shapes: Shapes, inputs: Mapping[str, NDArray]) -> _Compiled:
        identity = self._compiled_identity(shapes)
        key = key_of(identity)
        model = SHARED.get(key)
        if model is not None:
            # It has run; and where it runs for others, they needn't wait for this one.
            return self._request(model)

        model = at_low_priority(lambda: self._load(identity))
        if model is None:
            fixed = self._fixed(shapes)
            model = at_low_priority(lambda: self._compile(fixed))
            self._cache.store(identity, lambda part: _write(part / _BLOB, model))
        made = self._request(model)
        at_low_priority(lambda: self._execute(made, inputs))
        SHARED.add(key, model)
        return made

    def _load(self, identity: Mapping[str, str]) -> Any:
        """Return what an earlier process compiled, which is three times as quick, or None."""
        folder = self._cache.load(identity)
        if folder is None:
            return None
        try:
            return self._core.import_model((folder / _BLOB).read_bytes(), 'CPU', self._config)
        except (OSError, RuntimeError) as error:
            _logger.warning('OpenVINO does not take %s, it is made anew: %s', folder, error)
            self._cache.discard(identity)
            return None

    def _fixed(self, shapes: Shapes) -> ov.Model:
        try:
            fixed = self._reshaped(self._read(), shapes)
        except RuntimeError as error:
            raise EngineError(f'engine openvino: cannot take inputs of {shapes}') from error
        if self._precision != 'fp32':
            shorten_tails(fixed)
        return fixed

    def _compile(self, fixed: ov.Model) -> Any:
        return self._core.compile_model(fixed, 'CPU', self._config)

    def _request(self, model: Any) -> _Compiled:
        request = model.create_infer_request()
        made = _Compiled(model, request, [None] * len(self.network.input_names))
        for index, name in enumerate(self.network.output_names):
            tensor = request.get_output_tensor(index)
            made.outputs[name] = np.zeros(list(tensor.shape), tensor.data.dtype)
            request.set_output_tensor(index, ov.Tensor(made.outputs[name], shared_memory=True))
        return made

    # ---- running

    def _execute(self, built: _Compiled, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        for index, name in enumerate(self.network.input_names):
            array = np.ascontiguousarray(inputs[name])
            if built.bound[index] is not array:
                built.request.set_input_tensor(index, _tensor(array))
                built.bound[index] = array
        # In this thread: handing over to another costs more. Sharing: no output is copied.
        built.request.infer(share_outputs=True)
        return dict(built.outputs)

    def describe(self) -> dict[str, str]:
        """Return engine, device, precision and version."""
        return {
            'engine': self.name,
            'device': self._core.get_property('CPU', 'FULL_DEVICE_NAME'),
            'precision': self.precision,
            'version': ov.get_version().split('-')[0],
        }


class _ToFile(io.BytesIO):
    """
    A file, in place of the memory that OpenVINO wants to write to.

    Memory that grows does so with the interpreter's lock held, which frames need. OpenVINO
    takes no notice of what goes wrong with it: that is the ``failure``.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.failure: OSError | None = None

    def _do(self, step: Callable[..., int], *given: Any) -> int:
        try:
            return step(*given)
        except OSError as error:
            self.failure = self.failure or error
            raise

    def write(self, content: Any, /) -> int:
        return self._do(self._file.write, content)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._do(self._file.seek, offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _write(path: Path, model: Any) -> None:
    """Write a compiled network; raises OSError where there is no room for all of it."""
    with path.open('wb') as file:
        stream = _ToFile(file)
        model.export_model(stream)
        if stream.failure is not None:
            raise stream.failure
