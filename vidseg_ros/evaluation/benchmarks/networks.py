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
"""Networks by every engine and precision that is here, timed in turns."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from openvino import opset13

from vidseg_ros.checkpoints.store import MEAN, STD
from vidseg_ros.engines.base import Engine, EngineError, EngineOptions
from vidseg_ros.engines.exported import ExportedModel
from vidseg_ros.engines.load import LoadMeter
from vidseg_ros.engines.registry import create_engine, engine_names
from vidseg_ros.evaluation.benchmarks import spread
from vidseg_ros.evaluation.benchmarks.layers import layer_costs
from vidseg_ros.evaluation.benchmarks.peers import Peer
from vidseg_ros.labels.registry import label_space
from vidseg_ros.networks.complexity import count_macs, count_parameters
from vidseg_ros.networks.deploy import DeployedNetwork, deploy
from vidseg_ros.networks.registry import network_spec

PRECISIONS = ('fp32', 'bf16', 'fp16', 'int8')
BASELINE = ('torch', 'fp32')
_READERS = {'openvino': ('openvino',), 'onnx': ('onnxruntime', 'tensorrt')}
"""Which engines run an exported model of a kind."""
DEFAULT_NETWORKS = (
    'fassvid/base_hires', 'fassvid/full_hires', 'fassvid/base', 'lernet/base', 'icnet/half',
    'erfnet/full', 'enet/full', 'espnet/q3', 'lednet/full', 'fast_scnn/full',
    'temporal_unet/resnet_small_deep_cgru',
)
# Above this share of a matrix product's rate, arithmetic is what a network waits for.
_ARITHMETIC = 0.5
_MINIMUM_ROUNDS = 3


@dataclass(frozen=True)
class NetworkOptions:
    """
    What to try and for how long.

    ``engines`` and ``precisions`` empty: all. ``exported`` are models in int8 for the networks
    they were made from. Rounds go on for ``seconds`` for each network and size, but there are at
    least three; in each, every engine runs for ``block_s`` or twice. ``batch`` frames go in
    together.
    """

    engines: Sequence[str] = ()
    precisions: Sequence[str] = ()
    device: str = 'auto'
    threads: int = 0
    seconds: float = 12.0
    block_s: float = 0.25
    exported: Sequence[ExportedModel] = ()
    batch: int = 1


@dataclass
class _Runner:
    """An engine that holds the network, and its times per round."""

    name: str
    device: str
    precision: str
    engine: Engine
    inputs: dict[str, NDArray]
    build_s: float
    size: tuple[int, int]
    exported: ExportedModel | None = None
    rounds_ms: list[float] = field(default_factory=list)
    labels_ms: list[float] = field(default_factory=list)

    def block(self, seconds: float) -> None:
        """Run for so long, to logits and where the device finds them to labels, too."""
        self.rounds_ms.append(_median_ms(lambda: self.engine.run(self.inputs), seconds))
        if self.engine.labels_on_device and 'logits' in self.engine.network.output_names:
            self.labels_ms.append(_median_ms(
                lambda: self.engine.run_labels(self.inputs, self.size), seconds))


def _median_ms(work: Callable[[], Any], seconds: float) -> float:
    """Repeat work for so long, twice at least; return the median time."""
    # What ran before it has filled the caches, and torch's threads may still spin.
    work()
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 2 or time.perf_counter() - begun < seconds:
        started = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - started))
    return float(np.median(times))


Candidate = tuple[str, str, str, ExportedModel | None]


def candidates(network: str, options: NetworkOptions) -> Iterator[Candidate]:
    """Yield (engine, device, precision, exported model): whatever may be possible here."""
    devices = ['cpu', 'cuda'] if torch.cuda.is_available() else ['cpu']
    if options.device != 'auto':
        devices = [options.device]
    for engine in (options.engines or [n for n in engine_names() if n != 'auto']):
        for device in devices:
            for precision in options.precisions or PRECISIONS:
                if precision != 'int8':
                    yield engine, device, precision, None
                    continue
                # Only what was calibrated can be in whole numbers.
                for model in options.exported:
                    if model.precision == 'int8' and engine in _READERS[model.kind] \
                            and model.checkpoint.get('network') == network:
                        yield engine, device, precision, model


def _random_inputs(network: Any, size: tuple[int, int], batch: int) -> dict[str, NDArray]:
    """Return inputs that no shortcut can be taken on."""
    rng = np.random.default_rng(0)
    found: dict[str, NDArray] = {}
    for name, array in network.example_inputs(size).items():
        shape = (batch * array.shape[0], *array.shape[1:])
        found[name] = rng.integers(0, 256, shape, np.uint8) if array.dtype == np.uint8 \
            else rng.normal(size=shape).astype(array.dtype)
    return found


@dataclass(frozen=True)
class Subject:
    """A network to time: its ``deployed`` form, what it counts, and whose it is."""

    name: str
    deployed: DeployedNetwork
    parameters: int
    gmacs: float
    size: tuple[int, int]
    ours: bool = True


def own_network(
    name: str, size: tuple[int, int], exported: Sequence[ExportedModel] = ()
) -> Subject:
    """
    Return a network of this package with seeded weights, for images of a size.

    It has as many classes as the one of ``exported`` that is of the same network, if any: what it
    remembers goes in again as an input, and is as wide as they are many.

    :raises UnknownNetworkError: if there is none of that name.
    """
    spec = network_spec(name)
    num_classes = next((label_space(model.checkpoint['label_space']).num_classes
                        for model in exported if model.checkpoint.get('network') == name),
                       spec.num_classes)
    with torch.device('meta'):
        hollow = spec.build(num_classes)
        inputs = [torch.empty(1, 3, *size)] if spec.example is None else \
            spec.example(hollow, size)
        gmacs = count_macs(hollow, inputs) / 1e9
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = spec.build(num_classes).eval()
    return Subject(name, deploy(module, MEAN, STD), count_parameters(module), gmacs, size)


def peer_network(peer: Peer, size: tuple[int, int]) -> Subject:
    """Return a network of another package with seeded weights, for images of a size."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = peer.build().eval()
    gmacs = count_macs(module, [torch.zeros(1, 3, *size)]) / 1e9
    return Subject(peer.name, deploy(module, MEAN, STD), count_parameters(module), gmacs, size,
                   ours=False)


def measure(
    subject: Subject, options: NetworkOptions, peak: dict[str, float],
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """
    Time a network by all engines in turns; return plain data.

    Keys: ``network size batch parameters gmacs ours engines layers not_measured load``;
    ``layers`` says where the time goes in OpenVINO's fastest precision on the CPU (see
    layers.py), None where it is not among the engines; an engine's
    entry has ``engine device precision ms labels_ms fps ratio gmacs_per_s share_of_peak
    bottleneck build_s version``, of which ``ms`` (from images to logits, both in the CPU's
    memory), ``labels_ms`` (to labels at the images' size, where the device finds them, else None)
    and ``ratio`` (to engine torch in fp32 on the same device) are summaries.
    """
    runners: list[_Runner] = []
    missing: list[dict[str, str]] = []
    inputs = _random_inputs(subject.deployed, subject.size, options.batch)
    try:
        for engine, device, precision, exported in candidates(subject.name, options):
            say(f'{subject.name} {subject.size[0]}x{subject.size[1]}: building {engine} '
                f'{precision}')
            try:
                runners.append(_runner(
                    subject, engine, inputs,
                    EngineOptions(device, precision, options.threads, exported)))
            except Exception as error:
                # Each backend has its own exceptions; a missing one must not end the others.
                missing.append({'engine': engine, 'device': device, 'precision': precision,
                                'why': f'{error}'.strip().splitlines()[0][:200] or repr(error)})
        meter = LoadMeter()
        if runners:
            _rounds(runners, options, lambda: say(
                f'{subject.name} {subject.size[0]}x{subject.size[1]}: measuring'))
        load = meter.read()
        return {
            'network': subject.name, 'size': list(subject.size), 'batch': options.batch,
            'ours': subject.ours,
            'parameters': subject.parameters, 'gmacs': subject.gmacs,
            'engines': [_entry(subject, runner, runners, peak, options.batch)
                        for runner in runners],
            'layers': _layers(subject, runners, options.threads, missing),
            'not_measured': missing, 'load': load.entry(),
        }
    finally:
        for runner in runners:
            runner.engine.close()


def _runner(subject: Subject, engine: str, inputs: dict[str, NDArray],
            options: EngineOptions) -> _Runner:
    begun = time.perf_counter()
    # Engines may move or change the module they are given.
    made = create_engine(engine, copy.deepcopy(subject.deployed), options)
    try:
        made.prepare(subject.size)
        made.run(inputs)
        got = made.describe().get('precision', options.precision)
        # 'int8 and bf16' is int8 with what was left out of the quantisation in bf16.
        if got.split(' and ')[0] != options.precision:
            raise EngineError(f'gives {got} for {options.precision}')
    except BaseException:
        made.close()
        raise
    return _Runner(engine, options.device, options.precision, made, inputs,
                   time.perf_counter() - begun, subject.size, options.exported)


def _layers(subject: Subject, runners: Sequence[_Runner], threads: int,
            missing: list[dict[str, str]]) -> dict[str, Any] | None:
    """Return where the time goes by OpenVINO's counters; add to ``missing`` why it can't."""
    counted = [r for r in runners if r.name == 'openvino' and r.rounds_ms]
    if not counted:
        return None
    fastest = min(counted, key=lambda runner: float(np.median(runner.rounds_ms)))
    try:
        return layer_costs(
            subject.deployed, fastest.inputs, fastest.precision, threads,
            fastest.exported.path if fastest.exported else None)
    except EngineError as error:
        missing.append({'engine': 'openvino', 'device': fastest.device,
                        'precision': f'{fastest.precision}, layers', 'why': f'{error}'[:200]})
        return None


def _rounds(runners: Sequence[_Runner], options: NetworkOptions,
            say: Callable[[], None]) -> None:
    say()
    begun, number = time.perf_counter(), 0
    while number < _MINIMUM_ROUNDS or time.perf_counter() - begun < options.seconds:
        turn = number % len(runners)
        for runner in (*runners[turn:], *runners[:turn]):
            runner.block(options.block_s)
        number += 1


def _entry(subject: Subject, runner: _Runner, runners: Sequence[_Runner],
           peak: dict[str, float], batch: int) -> dict[str, Any]:
    base = next((r for r in runners if (r.name, r.precision) == BASELINE
                 and r.device == runner.device), None)
    times = spread.summary(runner.rounds_ms)
    rate = batch * subject.gmacs / times['median'] * 1e3
    described = runner.engine.describe()
    best = peak.get(f'{runner.device} {runner.precision}')
    entry: dict[str, Any] = {
        'engine': runner.name, 'device': described.get('device', runner.device),
        'precision': runner.precision, 'version': described.get('version', ''),
        'ms': times, 'build_s': round(runner.build_s, 2),
        'ratio': spread.ratios(base.rounds_ms, runner.rounds_ms) if base else None,
        'labels_ms': spread.summary(runner.labels_ms) if runner.labels_ms else None,
        'fps': 1e3 * batch / times['median'],
        'gmacs_per_s': rate, 'share_of_peak': rate / best if best else None,
    }
    entry['bottleneck'] = _bottleneck(entry['share_of_peak'])
    return entry


def _bottleneck(share: float | None) -> str:
    if share is None:
        return 'not known'
    return 'arithmetic' if share >= _ARITHMETIC else 'memory traffic, small layers'


def set_torch_threads(threads: int) -> None:
    """Let torch use so many threads on the CPU, for its matrix products as for its networks."""
    torch.set_num_threads(threads)


def peak_rates(size: int = 1024, repeats: int = 12) -> dict[str, float]:
    """
    Return what large matrix products reach here, GMAC/s by 'device precision'.

    The best of torch and OpenVINO: what no network can exceed by much, the yardstick for their
    own rates. 'copy' is the memory's rate for a copy of 64 MB in GB/s, reading and writing
    counted.
    """
    found: dict[str, float] = {}
    kinds = {'fp32': torch.float32, 'bf16': torch.bfloat16}
    for device in ['cpu', *(['cuda'] if torch.cuda.is_available() else [])]:
        more = {'fp16': torch.float16} if device == 'cuda' else {}
        # A GPU needs more work at a time to be busy.
        side = size if device == 'cpu' else 4 * size
        for precision, dtype in {**kinds, **more}.items():
            a, b = torch.rand(2, side, side, device=device).to(dtype)
            best = min(_seconds(lambda a=a, b=b: torch.mm(a, b), device)  # type: ignore[misc]
                       for _ in range(repeats))
            found[f'{device} {precision}'] = side**3 / best / 1e9
    for precision in kinds:
        best = _openvino_product(size, precision, repeats)
        found[f'cpu {precision}'] = max(found[f'cpu {precision}'], size**3 / best / 1e9)
    source = np.zeros(1 << 26, np.uint8)
    target = np.ones_like(source)
    best = min(_seconds(lambda: np.copyto(target, source), 'cpu') for _ in range(repeats))
    found['copy'] = 2 * source.nbytes / best / 1e9
    return found


def _openvino_product(size: int, precision: str, repeats: int) -> float:
    """Return the seconds that OpenVINO takes for a product of square matrices on the CPU."""
    rng = np.random.default_rng(0)
    given = opset13.parameter([size, size], np.float32)
    weights = opset13.constant(rng.random((size, size), np.float32))
    model = openvino.Model([opset13.matmul(given, weights, False, False)], [given])
    request = openvino.Core().compile_model(model, 'CPU', {
        'INFERENCE_PRECISION_HINT': {'fp32': 'f32'}.get(precision, precision),
        'INFERENCE_NUM_THREADS': torch.get_num_threads()}).create_infer_request()
    values = openvino.Tensor(rng.random((size, size), np.float32))
    return min(_seconds(lambda: request.infer([values]), 'cpu') for _ in range(repeats))


def _seconds(work: Callable[[], Any], device: str) -> float:
    begun = time.perf_counter()
    work()
    if device == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - begun
