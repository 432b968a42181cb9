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

from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, EngineError
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import Form, converted

INSTALL = "pip install -r requirements/int8.txt (or pip install 'nncf>=3.0')"


def require_nncf() -> None:
    """
    Make sure that NNCF is there.

    :raises EngineError: naming the command that installs it.
    """
    if importlib.util.find_spec('nncf') is None:
        raise EngineError(f'int8 needs the Python package nncf: {INSTALL}')


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
    if ignore:
        settings['ignored_scope'] = nncf.IgnoredScope(patterns=list(ignore), validate=False)
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

            data = nncf.Dataset(list(examples), lambda one: {name: one[name] for name in names})
            onnx.save(nncf.quantize(onnx.load(source.path), data, **settings), path)
    except (RuntimeError, nncf.NNCFError) as error:
        raise EngineError(f'int8: NNCF cannot quantise this network: {error}') from error
