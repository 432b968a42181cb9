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

# Single precision differs in the order of sums only.
TOLERANCE = 1e-3


def _random_inputs(network: DeployedNetwork, size: tuple[int, int]) -> list[NDArray]:
    rng = np.random.default_rng(0)
    return [
        rng.integers(0, 256, array.shape, np.uint8)
        if array.dtype == np.uint8
        else rng.normal(size=array.shape).astype(np.float32)
        for array in network.example_inputs(size).values()
    ]


def _largest_difference(
    network: DeployedNetwork, inputs: Sequence[NDArray], outputs: Sequence[NDArray], path: Path
) -> float:
    with torch.inference_mode():
        expected = network(*(torch.from_numpy(array) for array in inputs))
    if isinstance(expected, torch.Tensor):
        expected = (expected,)
    error = max(
        float(np.abs(a.numpy() - b).max()) for a, b in zip(expected, outputs, strict=True)
    )
    if not error <= TOLERANCE:
        raise EngineError(f'{path}: differs from torch by {error:.3g}, more than {TOLERANCE}')
    return error


def export_onnx(network: DeployedNetwork, size: tuple[int, int], path: Path) -> float:
    """
    Write the network for images of ``size`` as ONNX.

    Returns the largest difference of its outputs from torch's, in ONNX Runtime on random input.

    :raises EngineError: if ONNX Runtime is missing or the difference is too large.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError('exporting to ONNX needs the packages onnx and onnxruntime') from error
    inputs = _random_inputs(network, size)
    torch.onnx.export(
        network,  # type: ignore[arg-type]
        tuple(torch.from_numpy(array) for array in inputs),
        path,
        input_names=list(network.input_names),
        output_names=list(network.output_names),
        opset_version=17,
        dynamo=False,
    )
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    outputs = session.run(None, dict(zip(network.input_names, inputs, strict=True)))
    return _largest_difference(network, inputs, outputs, path)


def export_openvino(network: DeployedNetwork, size: tuple[int, int], path: Path) -> float:
    """
    Write the network for images of ``size`` as OpenVINO IR (.xml and .bin).

    Returns the largest difference of its outputs from torch's, on random input.

    :raises EngineError: if OpenVINO is missing or the difference is too large.
    """
    try:
        import openvino as ov
    except ImportError as error:
        raise EngineError('exporting to OpenVINO needs the package openvino') from error
    from vidseg_ros.engines.conversion import Form, write_openvino

    inputs = _random_inputs(network, size)
    write_openvino(network, Form('openvino', tuple(array.shape for array in inputs)), path)
    compiled = ov.Core().compile_model(path, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    result = compiled(inputs)
    outputs = [result[index] for index in range(len(network.output_names))]
    return _largest_difference(network, inputs, outputs, path)
