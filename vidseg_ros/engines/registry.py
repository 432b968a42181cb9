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
"""Engines by name."""

from __future__ import annotations

import importlib
import importlib.util

from vidseg_ros.engines.base import DeployedNetwork, Engine, EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache

# Engine to its module, its class, and the package it cannot do without.
_ENGINES = {
    'torch': ('torch_engine', 'TorchEngine', 'torch'),
    'openvino': ('openvino_engine', 'OpenVINOEngine', 'openvino'),
    'onnxruntime': ('onnxruntime_engine', 'ONNXRuntimeEngine', 'onnxruntime'),
    'tensorrt': ('tensorrt_engine', 'TensorRTEngine', 'tensorrt'),
}


def engine_names() -> list[str]:
    """Return the engines whose packages are installed, 'auto' first."""
    present = [n for n, (_, _, p) in _ENGINES.items() if importlib.util.find_spec(p)]
    return ['auto', *present]


def create_engine(
    name: str, network: DeployedNetwork, options: EngineOptions, cache: EngineCache | None = None
) -> Engine:
    """
    Make the engine ``name``; 'auto' is the one that proves fastest.

    :raises EngineError: if there is no such engine or it cannot run as asked.
    """
    cache = cache or EngineCache()
    if name == 'auto':
        # Here because it is made of the others.
        from vidseg_ros.engines.auto_engine import AutoEngine

        return AutoEngine(network, options, cache)
    if name not in _ENGINES:
        raise EngineError(f'{name!r} is not an engine; there are: {", ".join(engine_names())}')
    module, kind, package = _ENGINES[name]
    if importlib.util.find_spec(package) is None:
        raise EngineError(
            f'engine {name}: the Python package {package} is not installed (see docs/engines.md)'
        )
    engine = getattr(importlib.import_module(f'vidseg_ros.engines.{module}'), kind)
    return engine(network, options, cache)
