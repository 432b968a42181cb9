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
"""Export deployed networks, and compare what was exported with torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, EngineError
from vidseg_ros.engines.conversion import Form, write_onnx, write_openvino

# Single precision differs in the order of sums only.
TOLERANCE = 1e-3
# What 16 bits leave, as a part of the largest value.
HALF_TOLERANCE = 2e-2


def _random_inputs(network: DeployedNetwork, size: tuple[int, int]) -> list[NDArray]:
    rng = np.random.default_rng(0)
    return [
        rng.integers(0, 256, array.shape, np.uint8)
        if array.dtype == np.uint8
        else rng.normal(size=array.shape).astype(np.float32)
        for array in network.example_inputs(size).values()
    ]


def _largest_difference(
    network: DeployedNetwork,
    inputs: Sequence[NDArray],
    outputs: Sequence[NDArray],
    path: Path,
    relative: float | None = None,
) -> float:
    with torch.inference_mode():
        expected = network(*(torch.from_numpy(array) for array in inputs))
    if isinstance(expected, torch.Tensor):
        expected = (expected,)
    error = max(
        float(np.abs(a.numpy() - b).max()) for a, b in zip(expected, outputs, strict=True)
    )
    allowed = TOLERANCE
    if relative is not None:
        allowed = max(allowed, relative * max(float(a.abs().max()) for a in expected))
    if not error <= allowed:
        raise EngineError(f'{path}: differs from torch by {error:.3g}, more than {allowed:.3g}')
    return error


def export_onnx(
    network: DeployedNetwork,
    size: tuple[int, int],
    path: Path,
    *,
    sizes_open: bool = False,
    half: bool = False,
) -> float:
    """
    Write the network as ONNX, for images of ``size`` or, with ``sizes_open``, for any.

    ``half``: weights in fp16, inputs and outputs in fp32; that runs on GPUs, not on CPUs. Returns
    the largest difference of its outputs from torch's, in ONNX Runtime on random input.

    :raises EngineError: if ONNX Runtime is missing or the difference is too large.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError('exporting to ONNX needs the packages onnx and onnxruntime') from error
    inputs = _random_inputs(network, size)
    shapes = None if sizes_open else tuple(array.shape for array in inputs)
    write_onnx(network, Form('onnx', shapes, half), path)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    try:
        outputs = session.run(None, dict(zip(network.input_names, inputs, strict=True)))
    except Exception as error:  # its exceptions have no common base of their own
        reason = str(error).splitlines()[0]
        raise EngineError(f'{path}: does not run at another size: {reason}') from error
    return _largest_difference(network, inputs, outputs, path, HALF_TOLERANCE if half else None)


def export_openvino(
    network: DeployedNetwork,
    size: tuple[int, int],
    path: Path,
    *,
    sizes_open: bool = False,
    half: bool = False,
) -> float:
    """
    Write the network as OpenVINO IR (.xml and .bin), for images of ``size`` or for any.

    ``half``: weights in 16 bits. Returns the largest difference of its outputs from torch's, on
    random input.

    :raises EngineError: if OpenVINO is missing or the difference is too large.
    """
    try:
        import openvino as ov
    except ImportError as error:
        raise EngineError('exporting to OpenVINO needs the package openvino') from error

    inputs = _random_inputs(network, size)
    shapes = tuple(array.shape for array in inputs)
    write_openvino(network, Form('openvino', None if sizes_open else shapes, half), path)
    model = ov.Core().read_model(path)
    model.reshape({port: list(s) for port, s in zip(model.inputs, shapes, strict=True)})
    compiled = ov.Core().compile_model(model, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    result = compiled(inputs)
    outputs = [result[index] for index in range(len(network.output_names))]
    return _largest_difference(network, inputs, outputs, path, HALF_TOLERANCE if half else None)
