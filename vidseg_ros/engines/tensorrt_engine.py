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
TensorRT on NVIDIA GPUs, for versions 10 and 11.

The network goes there as ONNX, strongly typed: what is computed in fp16 or, between quantise and
dequantise steps, in INT8 is what the file says so of. An engine is built for each image size,
which takes minutes, and kept on disk, as is what TensorRT learned of the GPU's kernels meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorrt as trt
import torch
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import Form, converted
from vidseg_ros.engines.cuda_memory import CudaMemory, torch_dtype
from vidseg_ros.engines.identity import accelerator, package_version
from vidseg_ros.engines.recent import Recent
from vidseg_ros.engines.shaped import ShapedEngine, Shapes

_logger = logging.getLogger(__name__)

# What a kernel may use for intermediate results while engines are built, in bytes.
WORKSPACE = 4 << 30
# Frames that an engine takes together at most; the profile of shapes reaches from one to these.
MAX_BATCH = 8
# Sizes whose engines are kept on the GPU at a time.
_SIZES = 4


@dataclass(slots=True)
class _Bound:
    """An execution context with the buffers of one set of shapes, on both sides."""

    context: Any
    staging: dict[str, torch.Tensor]
    inputs: dict[str, torch.Tensor]
    outputs: dict[str, torch.Tensor] = field(default_factory=dict)
    results: dict[str, torch.Tensor] = field(default_factory=dict)


class TensorRTEngine(ShapedEngine[_Bound]):
    """
    TensorRT with an engine for each image size, for 1 to 8 frames together.

    ``memory`` is where buffers come from: CUDA's by torch, which must have been built with CUDA.
    """

    name: ClassVar[str] = 'tensorrt'
    SHAPES: ClassVar[int] = 2 * _SIZES

    def __init__(
        self,
        network: DeployedNetwork,
        options: EngineOptions,
        cache: EngineCache | None = None,
        memory: CudaMemory | None = None,
    ) -> None:
        if options.device == 'cpu':
            raise EngineError('engine tensorrt: device cpu is not served, only cuda')
        exported = options.exported
        if exported is not None and exported.kind != 'onnx':
            raise EngineError(f'engine tensorrt: {exported.path} is not ONNX')
        precision = options.precision
        made_in = exported.precision if exported is not None else ''
        if precision == 'auto':
            precision = made_in or 'fp16'
        if made_in and precision != made_in:
            raise EngineError(f'engine tensorrt: {exported and exported.path} is in {made_in}')
        if precision == 'int8' and not made_in:
            raise EngineError(
                'engine tensorrt: int8 needs a calibrated model; make one by `vidseg export '
                'CHECKPOINT --format onnx --precision int8 --calibrate DATASET --root DIR '
                '--out MODEL.onnx` and name MODEL.onnx as the checkpoint'
            )
        if precision not in ('fp32', 'fp16', 'int8'):
            raise EngineError(f'engine tensorrt: has no {precision}; it has fp32, fp16, int8')
        self._precision = precision
        try:
            self._memory = memory or CudaMemory()
        except EngineError as error:
            raise EngineError(f'engine tensorrt: {error}') from error
        super().__init__(network, options, cache or EngineCache(), {
            'precision': precision, 'tensorrt': trt.__version__,
        })  # fmt: skip
        self._known_by = exported.digest if exported is not None else self.digest
        self._logger = trt.Logger(trt.Logger.WARNING)
        self._runtime = trt.Runtime(self._logger)
        self._engines: Recent[Shapes, Any] = Recent(_SIZES)

    # ---- building

    def _machine(self) -> dict[str, str]:
        return {'tensorrt': trt.__version__, 'gpu': accelerator()}

    def identity(self, single: Shapes) -> dict[str, str]:
        """Return what the cache knows the engine for the shapes of one frame by."""
        return {
            'what': 'tensorrt engine',
            'network': self._known_by,
            'precision': self._precision,
            'shapes': repr(single),
            'max_batch': str(MAX_BATCH),
            'torch': package_version('torch'),
            **self._machine(),
        }

    def _timing_identity(self) -> dict[str, str]:
        return {'what': 'tensorrt timing cache', **self._machine()}

    def _onnx(self, single: Shapes) -> bytes:
        """Return the network as ONNX, with open sizes or, where that can't be, for this one."""
        if self.options.exported is not None:
            return self.options.exported.path.read_bytes()
        half = self._precision == 'fp16'
        try:
            return converted(self.network, Form('onnx', None, half), self._cache).path.read_bytes()
        except EngineError:
            form = Form('onnx', single, half)
            return converted(self.network, form, self._cache).path.read_bytes()

    def _plan(self, single: Shapes) -> bytes:
        """Build the engine for the shapes of one frame and return it as TensorRT writes it."""
        builder = trt.Builder(self._logger)
        flag = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        network = builder.create_network(flag)
        parser = trt.OnnxParser(network, self._logger)
        if not parser.parse(self._onnx(single)):
            errors = '; '.join(parser.get_error(i).desc() for i in range(parser.num_errors))
            raise EngineError(f'engine tensorrt: cannot read this network: {errors}')
        config = builder.create_builder_config()
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE)
        profile = builder.create_optimization_profile()
        fixed = all(-1 not in network.get_input(i).shape for i in range(network.num_inputs))
        if not fixed:
            for name, shape in zip(self.network.input_names, single, strict=True):
                most = (shape[0] * MAX_BATCH, *shape[1:])
                profile.set_shape(name, shape, shape, most)
            config.add_optimization_profile(profile)
        known = self._cache.load(self._timing_identity())
        timing = config.create_timing_cache(
            (known / 'timing').read_bytes() if known is not None else b''
        )
        config.set_timing_cache(timing, False)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise EngineError('engine tensorrt: the engine could not be built (see the log)')
        learned = config.get_timing_cache()
        if learned is not None:
            self._cache.discard(self._timing_identity())
            self._cache.store(
                self._timing_identity(),
                lambda part: _write(part / 'timing', bytes(learned.serialize())),
            )
        return bytes(plan)

    def _engine(self, single: Shapes) -> Any:
        """Return the engine for the shapes of one frame: at hand, from disk, or built now."""
        known = self._engines.get(single)
        if known is not None:
            return known
        identity = self.identity(single)
        folder = self._cache.load(identity)
        engine = None
        if folder is not None:
            engine = self._runtime.deserialize_cuda_engine((folder / 'engine').read_bytes())
            if engine is None:
                _logger.warning('TensorRT does not take %s; it is built anew', folder)
                self._cache.discard(identity)
        if engine is None:
            plan = self._plan(single)
            self._cache.store(identity, lambda part: _write(part / 'engine', plan))
            engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise EngineError('engine tensorrt: TensorRT does not take the engine it has built')
        return self._engines.keep(single, engine)

    def _single(self, shapes: Shapes) -> Shapes:
        """Return the shapes of one frame, for those of several together."""
        # Of regions of a frame the example has several; they are one frame's.
        example = self.network.example_inputs((64, 64))
        least = [example[name].shape[0] for name in self.network.input_names]
        return tuple((n, *shape[1:]) for n, shape in zip(least, shapes, strict=True))

    def _build(self, shapes: Shapes, inputs: Mapping[str, NDArray]) -> _Bound:
        context = self._engine(self._single(shapes)).create_execution_context()
        if context is None:
            raise EngineError('engine tensorrt: not enough memory on the GPU')
        memory = self._memory
        made = _Bound(context, {}, {})
        for name in self.network.input_names:
            array = inputs[name]
            dtype = torch_dtype(array.dtype)
            made.staging[name] = memory.host(array.shape, dtype)
            made.inputs[name] = memory.on_device(array.shape, dtype)
            if not context.set_input_shape(name, array.shape):
                raise EngineError(
                    f'engine tensorrt: {name} of {list(array.shape)} is outside of what the '
                    f'engine was built for (at most {MAX_BATCH} frames together)'
                )
            context.set_tensor_address(name, made.inputs[name].data_ptr())
        for name in self.network.output_names:
            shape = tuple(context.get_tensor_shape(name))
            dtype = torch_dtype(np.dtype(trt.nptype(context.engine.get_tensor_dtype(name))))
            made.outputs[name] = memory.on_device(shape, dtype)
            made.results[name] = memory.host(shape, dtype)
            context.set_tensor_address(name, made.outputs[name].data_ptr())
        return made

    # ---- running

    def _execute(self, built: _Bound, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run it; the outputs lie in pinned memory of the engine's own."""
        for name, staging in built.staging.items():
            np.copyto(staging.numpy(), inputs[name])
            self._memory.copy(built.inputs[name], staging)
        if not built.context.execute_async_v3(self._memory.stream):
            raise EngineError('engine tensorrt: the GPU refused to run the network (see the log)')
        for name, result in built.results.items():
            self._memory.copy(result, built.outputs[name])
        self._memory.wait()
        return {name: result.numpy() for name, result in built.results.items()}

    def describe(self) -> dict[str, str]:
        """Return engine, device, precision and version."""
        return {
            'engine': self.name,
            'device': accelerator(),
            'precision': self._precision,
            'version': trt.__version__,
        }

    def close(self) -> None:
        """Drop contexts before the engines they belong to."""
        super().close()
        self._engines.clear()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
