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
"""What the layers of a network cost, by the counters of OpenVINO on the CPU."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vidseg_ros.engines.base import DeployedNetwork, EngineError
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import Form, converted, shapes_of

_TYPES = {'fp32': 'f32', 'bf16': 'bf16', 'fp16': 'f16', 'int8': 'bf16'}
_RUNS = 10
# Operators whose products are counted; what they are called once compiled.
_MULTIPLYING = ('Convolution', 'GroupConvolution', 'FullyConnected')


def layer_costs(
    network: DeployedNetwork, inputs: Mapping[str, NDArray], precision: str, threads: int = 0,
    exported: Path | None = None, most: int = 3,
) -> dict[str, Any]:
    """
    Run a network a few times with counters; return where its time goes, as plain data.

    Keys: ``precision``, ``ms`` (all layers), ``kinds``: the share of the time by kind of layer,
    the dearest first, ``layers``: the ``most`` dearest with ``layer kind ms share
    gmacs_per_s`` (None where none are counted). Each layer's time is its shortest. ``exported``
    is the file that runs in the network's place.

    :raises EngineError: if OpenVINO is missing or cannot take the network.
    """
    try:
        import openvino as ov
    except ImportError as error:
        raise EngineError('counters of layers need the package openvino') from error
    core = ov.Core()
    try:
        model = _model(core, network, shapes_of(network, inputs), exported)
        config: dict[str, Any] = {
            'PERFORMANCE_HINT': 'LATENCY', 'PERF_COUNT': True,
            'INFERENCE_PRECISION_HINT': _TYPES[precision],
        }  # fmt: skip
        if threads:
            config['INFERENCE_NUM_THREADS'] = threads
        compiled = core.compile_model(model, 'CPU', config)
    except RuntimeError as error:
        raise EngineError(f'counters of layers: {str(error).splitlines()[0]}') from error
    request = compiled.create_infer_request()
    given = [inputs[name] for name in network.input_names]
    best: dict[str, tuple[float, str]] = {}
    for _ in range(_RUNS):
        request.infer(given, share_inputs=True, share_outputs=True)
        for counter in request.get_profiling_info():
            ms = counter.real_time.total_seconds() * 1e3
            if ms > 0.0:
                known = best.get(counter.node_name, (math.inf, ''))[0]
                best[counter.node_name] = min(ms, known), counter.node_type
    products = _products(compiled.get_runtime_model())
    return {'precision': precision, **_summary(best, products, most)}


def _model(
    core: Any, network: DeployedNetwork, shapes: tuple[tuple[int, ...], ...], exported: Path | None
) -> Any:
    """Return the model for inputs of those shapes."""
    if exported is not None:
        model = core.read_model(exported)
    else:
        # With open sizes it lies in the cache already, where the network can be written so.
        try:
            model = core.read_model(converted(network, Form('onnx'), EngineCache()).path)
        except (EngineError, RuntimeError):
            source = converted(network, Form('onnx', shapes), EngineCache())
            model = core.read_model(source.path)
    try:
        model.reshape({port: list(s) for port, s in zip(model.inputs, shapes, strict=True)})
    except RuntimeError:
        # A size has become a constant on the way.
        source = converted(network, Form('onnx', shapes), EngineCache())
        model = core.read_model(source.path)
    return model


def _products(model: Any) -> dict[str, float]:
    """Return the multiply-accumulates of the layers of a compiled model that have weights."""
    found: dict[str, float] = {}
    for layer in model.get_ops():
        about = layer.get_rt_info()
        kind = str(about['layerType'].astype(str)) if 'layerType' in about else ''
        if kind in _MULTIPLYING and layer.get_input_size() > 1:
            weight = list(layer.input(1).get_shape())
            # [.., O, I, k, k]: what one output takes. A product has [O, I].
            each = weight[1:] if kind == 'FullyConnected' else weight[-3:]
            found[layer.get_friendly_name()] = (
                math.prod(layer.output(0).get_shape()) * math.prod(each)
            )
    return found


def _summary(
    best: Mapping[str, tuple[float, str]], products: Mapping[str, float], most: int
) -> dict[str, Any]:
    """Return the sums by kind and the dearest layers."""
    total = sum(ms for ms, _ in best.values())
    kinds: Counter[str] = Counter()
    for ms, kind in best.values():
        kinds[kind] += ms  # type: ignore[assignment]
    dearest = sorted(best.items(), key=lambda item: -item[1][0])[:most]
    return {
        'ms': total,
        'kinds': {kind: ms / total for kind, ms in kinds.most_common()},
        'layers': [
            {
                'layer': readable(name), 'kind': kind, 'ms': ms, 'share': ms / total,
                'gmacs_per_s': products[name] / ms / 1e6 if name in products else None,
            }
            for name, (ms, kind) in dearest
        ],
    }  # fmt: skip


def readable(name: str) -> str:
    """
    Return a layer's name in the network from what exporters and OpenVINO made of it.

    '/network/blocks.0/layers.3/layers.3.0/Conv/WithoutBiases' is layer 'blocks.0.layers.3.0'.
    """
    parts = [part for part in name.split('/') if part not in ('', 'network', 'WithoutBiases')]
    # The last part is the operator; without it a layer of several has one name.
    path = parts[:-1] or parts
    kept: list[str] = []
    for part in path:
        if kept and part.startswith(f'{kept[-1]}.'):
            kept.pop()
        kept.append(part)
    return '.'.join(kept) or name
