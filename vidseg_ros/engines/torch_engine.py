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
"""The torch engine: CPU or CUDA, no compilation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, Engine, EngineError, EngineOptions

_DTYPES = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


class TorchEngine(Engine):
    """Eager torch with channels-last memory; mixed precision by autocast."""

    name: ClassVar[str] = 'torch'

    def __init__(self, network: DeployedNetwork, options: EngineOptions) -> None:
        super().__init__(network, options)
        device = options.device
        if device == 'auto':
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        if device == 'cuda' and not torch.cuda.is_available():
            raise EngineError('engine torch: device cuda is not available here')
        self._device = torch.device(device)
        precision = options.precision
        if precision == 'auto':
            precision = 'fp16' if device == 'cuda' else 'fp32'
        if precision == 'fp16' and device == 'cpu':
            raise EngineError('engine torch: fp16 needs cuda; on the CPU take fp32 or bf16')
        self._precision = precision
        self._module = network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if options.threads and device == 'cpu':
            torch.set_num_threads(options.threads)

    def prepare(self, size: tuple[int, int]) -> None:
        """Run once, so that the first frame finds everything loaded."""
        self.run(self.network.example_inputs(size))

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the network."""
        with (
            torch.inference_mode(),
            torch.autocast(
                self._device.type,
                _DTYPES[self._precision],
                enabled=self._precision != 'fp32',
            ),
        ):
            tensors = [
                torch.from_numpy(inputs[name]).to(self._device)
                for name in self.network.input_names
            ]
            outputs = self._module(*tensors)
        if isinstance(outputs, torch.Tensor):
            outputs = (outputs,)
        return {
            name: output.float().cpu().numpy()
            for name, output in zip(self.network.output_names, outputs, strict=True)
        }

    def describe(self) -> dict[str, str]:
        """Return engine, device, precision and version."""
        device = str(self._device)
        if self._device.type == 'cuda':
            device = torch.cuda.get_device_name(self._device)
        return {
            'engine': self.name,
            'device': device,
            'precision': self._precision,
            'version': torch.__version__,
        }
