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
"""The OpenVINO engine: the fastest on CPUs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, ClassVar

import openvino as ov
import torch
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, Engine, EngineError, EngineOptions

_TYPES = {'fp32': 'f32', 'bf16': 'bf16', 'fp16': 'f16'}
# Compiled shapes kept at a time: cameras of more different sizes than this are rare.
_SHAPES = 4


# Any size will do to trace a network whose sizes stay open; a small one is quick.
_TRACED_SIZE = (64, 64)


def convert(network: DeployedNetwork) -> ov.Model:
    """Return the network as an OpenVINO model of open sizes; its inputs are in their order."""
    example = tuple(
        torch.from_numpy(array) for array in network.example_inputs(_TRACED_SIZE).values()
    )
    with torch.no_grad():
        traced = torch.jit.trace(network, example, check_trace=False)
    return ov.convert_model(traced, example_input=example)


class OpenVINOEngine(Engine):
    """
    OpenVINO on the CPU, compiled for each image size when it first comes.

    The network is converted once (seconds) and compiled for each size (tenths of a second).
    Static shapes are worth it: with dynamic ones OpenVINO plans its memory for every frame.
    """

    name: ClassVar[str] = 'openvino'

    def __init__(self, network: DeployedNetwork, options: EngineOptions) -> None:
        super().__init__(network, options)
        if options.device not in ('auto', 'cpu'):
            raise EngineError(f'engine openvino: device {options.device} is not served, only cpu')
        self._core = ov.Core()
        capabilities = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        precision = options.precision
        if precision == 'auto':
            precision = 'bf16' if 'BF16' in capabilities else 'fp32'
        if precision != 'fp32' and precision.upper() not in capabilities:
            raise EngineError(
                f'engine openvino: this CPU has no {precision}; it has {", ".join(capabilities)}'
            )
        self._precision = precision
        self._model = convert(network)
        self._requests: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    def _compile(self, inputs: Mapping[str, NDArray]) -> Any:
        model = self._model.clone()
        arrays = [inputs[name] for name in self.network.input_names]
        model.reshape({p: list(a.shape) for p, a in zip(model.inputs, arrays, strict=True)})
        config: dict[str, Any] = {
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_PRECISION_HINT': _TYPES[self._precision],
        }
        if self.options.threads:
            config['INFERENCE_NUM_THREADS'] = self.options.threads
        return self._core.compile_model(model, 'CPU', config).create_infer_request()

    def _request(self, inputs: Mapping[str, NDArray]) -> Any:
        shape = tuple(side for n in self.network.input_names for side in inputs[n].shape)
        if shape in self._requests:
            self._requests.move_to_end(shape)
        else:
            self._requests[shape] = self._compile(inputs)
            if len(self._requests) > _SHAPES:
                self._requests.popitem(last=False)
        return self._requests[shape]

    def prepare(self, size: tuple[int, int]) -> None:
        """Compile for images of ``size``."""
        self.run(self.network.example_inputs(size))

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the network; the outputs are views of the engine's own memory."""
        request = self._request(inputs)
        # share_inputs: the arrays are read where they lie, no copy.
        request.infer([inputs[n] for n in self.network.input_names], share_inputs=True)
        return {
            name: request.get_output_tensor(index).data
            for index, name in enumerate(self.network.output_names)
        }

    def describe(self) -> dict[str, str]:
        """Return engine, device, precision and version."""
        return {
            'engine': self.name,
            'device': self._core.get_property('CPU', 'FULL_DEVICE_NAME'),
            'precision': self._precision,
            'version': ov.get_version().split('-')[0],
        }

    def close(self) -> None:
        """Drop the compiled networks."""
        self._requests.clear()
