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
INT8 by post-training quantisation with NNCF: from a network and examples of its inputs.

NNCF measures the range of every activation over the examples and puts quantise and dequantise
steps around what runs in 8 bits.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, EngineError
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import Form, converted

INSTALL = "pip install -r requirements/int8.txt (or pip install 'nncf>=3.0')"


# The first layers of deployed networks, by the name that the ONNX exporter gives them.
_NORMALISATION = '.*/normalisation/.*'


def require_nncf() -> None:
    """
    Make sure that NNCF is there.

    :raises EngineError: naming the command that installs it.
    """
    if importlib.util.find_spec('nncf') is None:
        raise EngineError(f'int8 needs the Python package nncf: {INSTALL}')


def make_signed(model: Any) -> None:
    """
    Let an ONNX model with symmetric quantisation use signed bytes alone, as TensorRT wants it.

    What comes after ReLU goes from 0..255 to 0..127 with the scale to match.

    :raises EngineError: if a zero point is not zero.
    """
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    done: set[str] = set()
    for node in model.graph.node:
        if node.op_type not in ('QuantizeLinear', 'DequantizeLinear') or len(node.input) < 3:
            continue
        _, scale, point = node.input
        zero = numpy_helper.to_array(tensors[point])
        if zero.any():
            raise EngineError(f'int8: {node.name} is not symmetric')
        if zero.dtype == np.uint8 and scale not in done:
            done.add(scale)
            scales = numpy_helper.to_array(tensors[scale])
            wider = (scales * (255.0 / 127.0)).astype(scales.dtype)
            tensors[scale].CopyFrom(numpy_helper.from_array(wider, scale))
    bytes_out = set()
    for node in model.graph.node:
        if node.op_type in ('QuantizeLinear', 'DequantizeLinear') and len(node.input) == 3:
            bytes_out |= set(node.output) if node.op_type == 'QuantizeLinear' else set()
            point = node.input[2]
            zero = numpy_helper.to_array(tensors[point])
            tensors[point].CopyFrom(numpy_helper.from_array(zero.astype(np.int8), point))
    for value in [v for v in model.graph.value_info if v.name in bytes_out]:
        model.graph.value_info.remove(value)


def quantise(
    network: DeployedNetwork,
    kind: str,
    examples: Sequence[Mapping[str, NDArray]],
    path: Path,
    cache: EngineCache,
    ignore: Sequence[str] = (),
) -> None:
    """
    Write the network with open sizes in INT8 to ``path``: ``kind`` 'openvino' or 'onnx'.

    ``examples`` are inputs as the network gets them when it is used. Layers whose names match one
    of the regular expressions ``ignore`` stay as they are.

    :raises EngineError: if NNCF is missing or can't quantise the network.
    """
    require_nncf()
    if not examples:
        raise EngineError('int8: there are no examples to calibrate with')
    import nncf

    logging.getLogger('nncf').setLevel(logging.ERROR)
    names = list(network.input_names)
    settings: dict[str, Any] = {
        # Activations may be asymmetric: most come after ReLU, some do not.
        'preset': nncf.QuantizationPreset.MIXED,
        'subset_size': len(examples),
    }
    # Before normalisation an image has 8 bits of its own, of which signed bytes would hold 7.
    kept = [*ignore, *([_NORMALISATION] if kind == 'onnx' else [])]
    if kept:
        settings['ignored_scope'] = nncf.IgnoredScope(patterns=kept, validate=False)
    source = converted(network, Form('onnx'), cache)
    try:
        if kind == 'openvino':
            import openvino as ov

            data = nncf.Dataset(list(examples), lambda one: [one[name] for name in names])
            model = nncf.quantize(
                ov.Core().read_model(source.path), data,
                target_device=nncf.TargetDevice.CPU, **settings,
            )  # fmt: skip
            ov.save_model(model, path, compress_to_fp16=False)
        else:
            import onnx

            settings['preset'] = nncf.QuantizationPreset.PERFORMANCE
            data = nncf.Dataset(list(examples), lambda one: {name: one[name] for name in names})
            model = nncf.quantize(onnx.load(source.path), data, **settings)
            make_signed(model)
            onnx.save(model, path)
    except Exception as error:  # NNCF's errors have no common base
        raise EngineError(f'int8: NNCF cannot quantise this network: {error}') from error
