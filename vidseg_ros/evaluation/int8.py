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
Networks in INT8: calibrated on what a method gives them, and scored for what that costs.

The network is calibrated on the inputs that it gets when its method runs over a data set, its own
last output among them; then method and data set's other split say how much mIoU is lost.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vidseg_ros.checkpoints.store import find_checkpoint, load_checkpoint
from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.engines.base import Engine, EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.exported import ExportedModel, describe_files, write_description
from vidseg_ros.engines.quantisation import quantise, require_nncf
from vidseg_ros.engines.recording_engine import RecordingEngine
from vidseg_ros.engines.registry import create_engine
from vidseg_ros.evaluation.runner import run
from vidseg_ros.methods.registry import MethodOptions, create_method, method_names
from vidseg_ros.networks.deploy import deploy

# The engine that runs an exported model, by its kind.
ENGINES = {'openvino': 'openvino', 'onnx': 'onnxruntime'}


@dataclass(frozen=True)
class Int8Order:
    """
    What to quantise and how.

    ``kind`` 'openvino' or 'onnx'; ``method`` '' for the network's own; ``frames`` examples to
    calibrate with; ``ignore`` regular expressions of layers that stay as they are; ``size``
    (height, width) at which it is timed. ``scored`` None: what is lost is not measured.
    """

    checkpoint: str
    kind: str
    path: Path
    calibration: SegmentationDataset
    scored: SegmentationDataset | None
    size: tuple[int, int]
    method: str = ''
    frames: int = 128
    ignore: tuple[str, ...] = ()


def method_of(network: str) -> str:
    """Return the method that a network 'name/variant' is used by, by default."""
    name = network.partition('/')[0]
    return name if name in method_names() else 'per_frame'


def _examples(order: Int8Order, method: str) -> list[dict[str, Any]]:
    """Return what the method gives the network on frames from all over the data set."""
    total = len(order.calibration.samples)
    if not total:
        raise EngineError(f'int8: {order.calibration.name} has no frames to calibrate with')
    recorders: list[RecordingEngine] = []

    def record(engine: Engine) -> Engine:
        recorders.append(RecordingEngine(engine, math.ceil(total / order.frames)))
        return recorders[-1]

    segmenter = create_method(
        method, MethodOptions(checkpoint=order.checkpoint, device='cpu', wrap_engine=record)
    )
    try:
        run(segmenter, order.calibration, consistency=False, pictures=0)
    finally:
        segmenter.close()
    if len(recorders) != 1:
        raise EngineError(
            f'int8: method {method} runs {len(recorders)} networks; only one can be calibrated'
        )
    return recorders[0].examples[: order.frames]


def _miou(method: str, options: MethodOptions, dataset: SegmentationDataset) -> float:
    segmenter = create_method(method, options)
    try:
        figures = run(segmenter, dataset, consistency=False, pictures=0).figures
    finally:
        segmenter.close()
    return float(figures['miou'])


def _speed(
    network: Any, exported: ExportedModel, size: tuple[int, int], rounds: int = 15
) -> dict[str, Any]:
    """
    Return the times of one run, by turns, in the precision that 'auto' takes and in INT8.

    Beside the shortest time on the clock stands that of all cores together, which says the same
    where others use the machine, too.
    """
    name = ENGINES[exported.kind]
    engines = {
        'before': create_engine(name, network, EngineOptions('cpu')),
        'int8': create_engine(name, network, EngineOptions('cpu', exported=exported)),
    }
    inputs = network.example_inputs(size)
    best, cpu = dict.fromkeys(engines, float('inf')), dict.fromkeys(engines, float('inf'))
    for number in range(rounds):
        for key, engine in engines.items():
            begun, used = time.perf_counter(), time.process_time()
            engine.warm_up(inputs)
            if number:
                best[key] = min(best[key], (time.perf_counter() - begun) * 1e3)
                cpu[key] = min(cpu[key], (time.process_time() - used) * 1e3)
    found = {
        'size': list(size),
        'machine': engines['int8'].describe()['device'],
        'before': engines['before'].describe()['precision'],
        'before_ms': round(best['before'], 3),
        'int8_ms': round(best['int8'], 3),
        'speedup': round(best['before'] / best['int8'], 3),
        'before_cpu_ms': round(cpu['before'], 3),
        'int8_cpu_ms': round(cpu['int8'], 3),
        'speedup_cpu': round(cpu['before'] / cpu['int8'], 3),
    }
    for engine in engines.values():
        engine.close()
    return found


def export_int8(order: Int8Order, say: Callable[[str], None] = print) -> ExportedModel:
    """
    Quantise a checkpoint, write it with its description and measure what was lost and gained.

    :raises EngineError: if NNCF is missing or the network can't be quantised.
    """
    require_nncf()
    module, metadata = load_checkpoint(find_checkpoint(order.checkpoint))
    network = deploy(module, metadata.mean, metadata.std)
    method = order.method or method_of(metadata.network)
    examples = _examples(order, method)
    data = f'{order.calibration.name} {order.calibration.split}'
    say(f'calibrating with {len(examples)} frames of {data} by method {method}')
    order.path.parent.mkdir(parents=True, exist_ok=True)
    quantise(network, order.kind, examples, order.path, EngineCache(), order.ignore)
    exported = ExportedModel(
        path=order.path, kind=order.kind, precision='int8',
        inputs=tuple(network.input_names), outputs=tuple(network.output_names), size=None,
        files=describe_files(order.path), checkpoint=asdict(metadata), source=order.checkpoint,
        calibration={
            'data': data, 'frames': len(examples), 'method': method, 'ignore': list(order.ignore),
        },
    )  # fmt: skip
    write_description(exported)
    exported = replace(exported, speed=_speed(network, exported, order.size))
    speed = exported.speed
    say(f'{order.size[1]}x{order.size[0]}: {speed["before"]} {speed["before_ms"]:.1f} ms, int8 '
        f'{speed["int8_ms"]:.1f} ms: {speed["speedup"]:.2f} times as fast '
        f'({speed["speedup_cpu"]:.2f} by time of all cores)')  # fmt: skip
    if order.scored is not None:
        engine = ENGINES[order.kind]
        base = MethodOptions(order.checkpoint, engine=engine, device='cpu', precision='fp32')
        before = _miou(method, base, order.scored)
        after = _miou(
            method, dataclasses.replace(base, checkpoint=str(order.path), precision='auto'),
            order.scored,
        )  # fmt: skip
        exported = replace(exported, accuracy={
            'data': f'{order.scored.name} {order.scored.split}',
            'frames': len(order.scored.samples), 'method': method,
            'miou_fp32': before, 'miou_int8': after, 'lost_points': (before - after) * 100,
        })  # fmt: skip
        say(f'mIoU on {exported.accuracy["data"]}: fp32 {before:.4f}, int8 {after:.4f}: '
            f'{(before - after) * 100:.2f} points lost')  # fmt: skip
    write_description(exported)
    return exported
