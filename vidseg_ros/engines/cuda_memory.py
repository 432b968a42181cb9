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
"""Memory on a CUDA device, pinned memory beside it and the stream between them, by torch."""

from __future__ import annotations

import numpy as np
import torch

from vidseg_ros.engines.base import EngineError


class CudaMemory:
    """
    Buffers for an engine, and an order of work of its own on the device.

    Pinned host memory is what the device copies from and to by itself.
    """

    device = 'cuda'

    def __init__(self) -> None:
        if not torch.cuda.is_available():
            raise EngineError(
                'device cuda is not available: there is no GPU, or torch was built without CUDA '
                f'(torch {torch.__version__})'
            )
        self._stream = torch.cuda.Stream()
        # Waiting must not spin: other threads need the core.
        self._done = torch.cuda.Event(blocking=True)

    @property
    def stream(self) -> int:
        """Return the stream's handle."""
        return int(self._stream.cuda_stream)

    @property
    def torch_stream(self) -> torch.cuda.Stream:
        """Return the stream."""
        return self._stream

    def host(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Return pinned memory."""
        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def on_device(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Return memory on the device."""
        return torch.empty(shape, dtype=dtype, device=self.device)

    def copy(self, to: torch.Tensor, source: torch.Tensor) -> None:
        """Copy between host and device, in the stream's order; return at once."""
        with torch.cuda.stream(self._stream):
            to.copy_(source, non_blocking=True)

    def wait(self) -> None:
        """Wait until all that was asked of the stream is done."""
        self._done.record(self._stream)
        self._done.synchronize()


def torch_dtype(dtype: np.dtype) -> torch.dtype:
    """Return torch's name for a type of numpy."""
    return torch.from_numpy(np.zeros(1, dtype)).dtype
