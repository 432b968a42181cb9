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
"""Torch: on the CPU as it is; on a GPU in half precision and by CUDA graphs."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, Engine, EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import Form, as_tuple, converted
from vidseg_ros.engines.cuda_memory import CudaMemory, torch_dtype
from vidseg_ros.engines.low_priority import at_low_priority
from vidseg_ros.engines.measurement import BatchMemory
from vidseg_ros.engines.recent import Recent

_logger = logging.getLogger(__name__)

_DTYPES = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}
# Graphs kept at a time; each holds the memory of its intermediate results.
_SHAPES = 8
# A graph is captured once libraries have chosen their kernels.
_WARM_UP = 3


def labels_of(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return the best class of each pixel, uint8 [N, H, W], for logits [N, C, h, w]."""
    full = torch.nn.functional.interpolate(logits.float(), size, mode='bilinear')
    return full.argmax(1).to(torch.uint8)


class _OnDevice:
    """
    A function of tensors for one set of input shapes on a CUDA device.

    Inputs go through pinned memory, outputs come back through it, and what lies between is one
    CUDA graph: a frame costs a few calls, however many kernels the network has. What can't be
    captured, such as a network that looks at values on its way, runs call by call.
    """

    def __init__(self, compute: Callable[[Sequence[torch.Tensor]], dict[str, torch.Tensor]],
                 inputs: Mapping[str, NDArray]) -> None:  # fmt: skip
        self._compute = compute
        self._memory = memory = CudaMemory()
        self._staging = {
            name: memory.host(a.shape, torch_dtype(a.dtype)) for name, a in inputs.items()
        }
        self._inputs = {
            name: memory.on_device(a.shape, torch_dtype(a.dtype)) for name, a in inputs.items()
        }
        self._graph: torch.cuda.CUDAGraph | None = None
        self._outputs: dict[str, torch.Tensor] = {}
        self._upload(inputs)
        self._capture()
        self._results = {
            name: memory.host(tuple(t.shape), t.dtype) for name, t in self._outputs.items()
        }

    @property
    def captured(self) -> bool:
        """Return whether it runs as a graph."""
        return self._graph is not None

    def _upload(self, inputs: Mapping[str, NDArray]) -> None:
        for name, staging in self._staging.items():
            np.copyto(staging.numpy(), inputs[name])
            self._memory.copy(self._inputs[name], staging)

    def _eager(self) -> None:
        with torch.no_grad(), torch.cuda.stream(self._memory.torch_stream):
            self._outputs = self._compute(list(self._inputs.values()))

    def _capture(self) -> None:
        for _ in range(_WARM_UP):
            self._eager()
        self._memory.wait()
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may use the device meanwhile: frames of another size, say.
            with torch.no_grad(), torch.cuda.graph(
                graph, stream=self._memory.torch_stream, capture_error_mode='thread_local'
            ):
                outputs = self._compute(list(self._inputs.values()))
        except RuntimeError as error:
            _logger.info('no CUDA graph of this network: %s', str(error).splitlines()[0])
            self._eager()
            return
        self._graph, self._outputs = graph, outputs

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run; the outputs lie in pinned memory, overwritten by the next run."""
        self._upload(inputs)
        if self._graph is None:
            self._eager()
        else:
            with torch.cuda.stream(self._memory.torch_stream):
                self._graph.replay()
        for name, result in self._results.items():
            self._memory.copy(result, self._outputs[name])
        self._memory.wait()
        return {name: result.numpy() for name, result in self._results.items()}


class TorchEngine(Engine):
    """
    Torch with channels-last memory.

    On the CPU the module runs as TorchScript: a frame is one call, for which the interpreter's
    lock is let go, so that what other threads do in Python does not hold it up, and the layers
    follow each other faster. What can't be written so, and mixed precision (by autocast), runs
    layer by layer. On CUDA a copy of it in fp16 or bf16 runs as a CUDA graph for each shape;
    there labels at the image's size can be computed on the device, so that logits need not be
    fetched (``run_labels``).
    """

    name: ClassVar[str] = 'torch'

    def __init__(
        self, network: DeployedNetwork, options: EngineOptions, cache: EngineCache | None = None
    ) -> None:
        super().__init__(network, options)
        if options.exported is not None:
            raise EngineError(
                f'engine torch: does not run exported models; {options.exported.path} does with '
                'engine openvino, onnxruntime or tensorrt'
            )
        device = options.device
        if device == 'auto':
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        if device == 'cuda' and not torch.cuda.is_available():
            raise EngineError(
                'engine torch: device cuda is not available here: there is no GPU, or torch was '
                f'built without CUDA (torch {torch.__version__})'
            )
        self._device = torch.device(device)
        precision = options.precision
        if precision == 'auto':
            precision = 'fp16' if device == 'cuda' else 'fp32'
        if precision not in _DTYPES:
            raise EngineError(
                f'engine torch: has no {precision}; it has {", ".join(_DTYPES)}'
            )
        if precision == 'fp16' and device == 'cpu':
            raise EngineError('engine torch: fp16 needs cuda; on the CPU take fp32 or bf16')
        self._precision = precision
        self._scripted = False
        cache = cache or EngineCache()
        if device == 'cpu':
            self._module: Any = network.to(memory_format=torch.channels_last)
            if options.threads:
                torch.set_num_threads(options.threads)
            if precision == 'fp32':
                self._script(cache)
        else:
            # A copy: others convert the module that was given, which therefore stays as it is.
            self._module = copy.deepcopy(network).to(
                self._device, _DTYPES[precision], memory_format=torch.channels_last
            )
        self._slots: Recent[Any, _OnDevice] = Recent(_SHAPES)
        self._batches = BatchMemory(self, cache, {
            'precision': precision, 'torch': torch.__version__, 'threads': str(options.threads),
        })  # fmt: skip

    def _script(self, cache: EngineCache) -> None:
        """Run the network as TorchScript from now on, where it can be written so."""
        try:
            written = converted(self.network, Form('torchscript'), cache, self.digest)
            self._module = torch.jit.load(str(written.path))
        except (EngineError, RuntimeError, OSError, ValueError) as error:
            # ValueError: the file is gone again, because another process tidied the cache.
            _logger.info('layer by layer: %s', str(error).strip().partition('\n')[0])
        else:
            self._scripted = True

    @property
    def labels_on_device(self) -> bool:
        """Return whether ``run_labels`` saves work: on CUDA."""
        return self._device.type == 'cuda'

    def prepare(self, size: tuple[int, int]) -> None:
        """Run once, so that the first frame finds everything loaded."""
        example = self.network.example_inputs(size)
        key = (tuple(example[name].shape for name in self.network.input_names), None, ())
        if self._scripted:
            at_low_priority(lambda: self._infer(example))
        elif key not in self._slots:
            # Frames of this size may be running already otherwise.
            self._infer(example)
        if self.labels_on_device:
            self._batches.prepare(size)

    def preferred_batch(self, size: tuple[int, int]) -> int:
        """Return how many frames of ``size`` together are cheapest; on the CPU one."""
        return self._batches.preferred(size)

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the network."""
        self.serving = True
        return self._infer(inputs)

    def run_labels(
        self, inputs: Mapping[str, NDArray], size: tuple[int, int], also: Sequence[str] = ()
    ) -> dict[str, NDArray]:
        """
        Run the network; return ``labels``, uint8 [N, H, W] at ``size``, and the outputs ``also``.

        The labels are the best classes of the bilinearly enlarged ``logits``, found on the device.
        """
        self.serving = True
        return self._infer(inputs, size, tuple(also))

    def _compute(
        self, tensors: Sequence[torch.Tensor], size: tuple[int, int] | None, also: Sequence[str]
    ) -> dict[str, torch.Tensor]:
        """Run the module on tensors of its device; outputs are fp32, and labels uint8."""
        dtype = _DTYPES[self._precision]
        if self._device.type == 'cuda':
            tensors = [t.to(dtype) if t.is_floating_point() else t for t in tensors]
        with torch.autocast(
            'cpu', dtype, enabled=self._device.type == 'cpu' and self._precision != 'fp32'
        ):
            outputs = as_tuple(self._module(*tensors))
        named = dict(zip(self.network.output_names, outputs, strict=True))
        wanted = named if size is None else {name: named[name] for name in also}
        found = {name: t.float().contiguous() for name, t in wanted.items()}
        if size is not None:
            found['labels'] = labels_of(named['logits'], size)
        return found

    def _infer(
        self,
        inputs: Mapping[str, NDArray],
        size: tuple[int, int] | None = None,
        also: tuple[str, ...] = (),
    ) -> dict[str, NDArray]:
        given = {name: inputs[name] for name in self.network.input_names}
        if self._device.type == 'cpu':
            # Optimising would have the first frames of a size wait; freezing has done it.
            with torch.inference_mode(), torch.jit.optimized_execution(False):
                tensors = [torch.from_numpy(array) for array in given.values()]
                outputs = self._compute(tensors, size, also)
            return {name: t.numpy() for name, t in outputs.items()}
        key = (tuple(array.shape for array in given.values()), size, also)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots.keep(key, _OnDevice(lambda t: self._compute(t, size, also), given))
        return slot.run(given)

    def warm_up(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run without being taken for an engine that frames depend on."""
        return self._infer(inputs)

    def forget(self, inputs: Mapping[str, NDArray]) -> None:
        """Drop what was captured for the shapes of ``inputs``."""
        self._slots.forget((tuple(inputs[n].shape for n in self.network.input_names), None, ()))

    def describe(self) -> dict[str, str]:
        """Return engine, device, precision and version."""
        described = {
            'engine': self.name,
            'device': str(self._device),
            'precision': self._precision,
            'version': torch.__version__,
        }
        if self._device.type == 'cuda':
            described['device'] = torch.cuda.get_device_name(self._device)
            captured = [slot.captured for slot in self._slots.values()]
            if captured:
                described['cuda_graphs'] = f'{sum(captured)} of {len(captured)} shapes'
        return described

    def close(self) -> None:
        """Drop the graphs and their memory."""
        super().close()
        self._slots.clear()
