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
From publish to labels received, across processes: this package's node beside a plain one.

A camera's process publishes, nodes segment, a listener's process writes down when labels come. All
nodes stand ready at the same time and are fed in turns, so that they meet the same machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidseg_ros.engines.exported import is_exported, read_exported
from vidseg_ros.engines.load import Load, LoadMeter
from vidseg_ros.evaluation.benchmarks import spread
from vidseg_ros.evaluation.benchmarks.processes import (
    BenchmarkError,
    Child,
    Servant,
    node_command,
    ros_command,
    script,
)
from vidseg_ros.networks.registry import network_spec

STATISTICS_PERIOD_S = 0.5
WARM_UP_FRAMES = 10
# Labels of the last frames may take this long; then they are lost.
DRAIN_S = 3.0
START_PATIENCE_S = 240.0
STAGES = ('transport', 'queue', 'convert', 'observe', 'predict', 'publish')
"""The stages of the node's account; what is left of the way is 'to the listener'."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class System:
    """
    A node that turns images into labels.

    ``command`` takes (namespace, cameras) and returns what starts it. ``plain``: it is what the
    others are compared with. ``statistics``: it publishes ~/statistics under that name.
    """

    name: str
    command: Callable[[str, Sequence[str]], list[str]]
    plain: bool = False
    statistics: str = ''


@dataclass(frozen=True)
class Plan:
    """How long to measure: ``rounds`` of ``frames`` images at ``rate_hz``, for each system."""

    frames: int = 150
    rounds: int = 3
    rate_hz: float = 30.0
    warm_up: int = WARM_UP_FRAMES


def our_node(parameters: Mapping[str, str], trace: Path | None = None) -> System:
    """
    Return this package's node with parameters, of which ``method`` names it.

    :raises EngineError: if ``checkpoint`` is an exported model that can't be read.
    """
    named = {'method': 'fassvid', **parameters}
    more = [_in_words(key, value) for key, value in named.items() if key != 'method']

    def command(namespace: str, cameras: Sequence[str]) -> list[str]:
        values = {**named, 'cameras': f'[{", ".join(cameras)}]',
                  'diagnostics_period': str(STATISTICS_PERIOD_S)}
        if trace is not None:
            values['trace_file'] = str(trace.resolve())
        arguments = ['--ros-args', '-r', f'__ns:={namespace}']
        for key, value in values.items():
            arguments += ['-p', f'{key}:={value}']
        return node_command(arguments)

    return System(', '.join([named['method'], *more]), command, statistics='segmentation_node')


def _in_words(name: str, value: str) -> str:
    """Return what a parameter adds to a node's name."""
    if name == 'checkpoint' and value.startswith('random:'):
        return 'seeded weights'
    if name == 'checkpoint' and is_exported(value):
        return read_exported(Path(value)).precision
    return value if name == 'network' else f'{name} {value}'


def exported_node(model: Path) -> System:
    """
    Return this package's node with an exported model, by the method of the model's network.

    :raises EngineError: if the model can't be read.
    :raises UnknownNetworkError: if its network is none of this package's.
    """
    spec = network_spec(str(read_exported(model).checkpoint.get('network', '')))
    return our_node({'method': spec.method, 'checkpoint': str(model.resolve())})


def plain_node(engine: str, checkpoint: str) -> System:
    """Return the plain node of ``benchmarks/naive_node.py``."""
    def command(namespace: str, cameras: Sequence[str]) -> list[str]:
        named = [word for camera in cameras for word in ('--camera', camera)]
        return [*ros_command(), str(script('naive_node.py')), '--engine', engine,
                '--checkpoint', checkpoint, *named, '--ros-args', '-r', f'__ns:={namespace}']

    return System(f'plain {engine}', command, plain=True)


@dataclass
class _Running:
    """A system's process and what was heard of it."""

    system: System
    namespace: str
    cameras: list[str]
    child: Child
    sent: int = 0
    latency_ms: list[float] = field(default_factory=list)
    by_camera: dict[str, int] = field(default_factory=dict)
    round_medians: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    seconds: float = 0.0
    memory: list[dict[str, float]] = field(default_factory=list)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)

    def topic(self, camera: str, name: str) -> str:
        return f'{self.namespace}/camera/{camera}/{name}'

    @property
    def images(self) -> list[str]:
        return [self.topic(camera, 'image_raw') for camera in self.cameras]

    @property
    def labels(self) -> list[str]:
        return [self.topic(camera, 'segmentation/labels') for camera in self.cameras]


class Bench:
    """A camera's process, a listener's process, and nodes between them that are fed in turns."""

    def __init__(self, say: Progress = lambda text: None) -> None:
        self._stack = ExitStack()
        self._say = say
        self._running: list[_Running] = []

    def __enter__(self) -> Bench:
        try:
            end = str(script('pipeline_ends.py'))
            self._camera = self._stack.enter_context(
                Servant('the camera', [*ros_command(), end, 'publish']))
            self._listener = self._stack.enter_context(
                Servant('the listener', [*ros_command(), end, 'listen']))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, system: System, cameras: Sequence[str]) -> _Running:
        """Start a system's process; ``wait_until_ready`` once all are started."""
        namespace = f'/benchmark_{os.getpid()}/system_{len(self._running)}'
        child = self._stack.enter_context(Child(system.name, system.command(namespace, cameras)))
        running = _Running(system, namespace, list(cameras), child)
        self._running.append(running)
        topics = [f'{namespace}/{system.statistics}/statistics'] if system.statistics else []
        self._listener.ask(topics=running.labels, statistics=topics)
        return running

    def wait_until_ready(self, running: _Running, frames: Path) -> None:
        """
        Feed a system slowly until labels come back from all of its cameras.

        :raises BenchmarkError: if it ends or none come for minutes.
        """
        self._say(f'{running.system.name}: waiting for its first labels')
        until = time.monotonic() + START_PATIENCE_S
        missing = set(running.labels)
        while missing:
            running.child.check()
            if time.monotonic() > until:
                tail = '\n'.join(running.child.output().splitlines()[-12:])
                raise BenchmarkError(f'{running.system.name} gives no labels:\n{tail}')
            self._camera.ask(topics=running.images, frames=str(frames), count=1, rate=5.0,
                             wait_s=2.0)
            time.sleep(0.3)
            missing -= set(self._listener.ask()['heard'])

    def feed(self, running: _Running, frames: Path, plan: Plan) -> None:
        """Feed a system for one round and write down what came of it."""
        running.child.check()
        self._say(running.system.name)
        self._drain([], 0.3)
        used, begun = running.child.cpu_s(), time.monotonic()
        sent = self._camera.ask(
            60.0 + (plan.frames + plan.warm_up) / plan.rate_hz, topics=running.images,
            frames=str(frames), count=plan.frames + plan.warm_up, rate=plan.rate_hz)
        if sent.get('nobody'):
            raise BenchmarkError(f'{running.system.name} does not subscribe to its images')
        heard = self._drain(running.labels, DRAIN_S, int(1e9 / plan.rate_hz))
        running.cpu_s += running.child.cpu_s() - used
        running.seconds += time.monotonic() - begun
        running.memory.append(running.child.memory_mb())
        latencies: list[float] = []
        for camera in running.cameras:
            stamps = sent['sent'][running.topic(camera, 'image_raw')][plan.warm_up:]
            counted = set(stamps)
            came = [(now - stamp) / 1e6 for stamp, now
                    in heard.get(running.topic(camera, 'segmentation/labels'), ())
                    if stamp in counted]
            running.sent += len(stamps)
            running.by_camera[camera] = running.by_camera.get(camera, 0) + len(came)
            latencies += came
        running.latency_ms += latencies
        running.round_medians.append(spread.latency(latencies)['median'])

    def _drain(self, topics: Sequence[str], patience_s: float,
               period_ns: int = 0) -> dict[str, list[tuple[int, int]]]:
        """Collect labels until none have come for a while."""
        heard: dict[str, list[tuple[int, int]]] = {}
        quiet_since = begun = time.monotonic()
        while time.monotonic() - begun < patience_s:
            found = self._listener.ask()
            new = {topic: pairs for topic, pairs in found['heard'].items() if topic in topics}
            for topic, pairs in new.items():
                heard.setdefault(topic, []).extend((int(a), int(b)) for a, b in pairs)
            if new:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > 1.0 + period_ns / 1e9:
                break
            for running in self._running:
                source = f'{running.namespace}/{running.system.statistics}/'
                for name, stages in found['statistics'].items():
                    if running.system.statistics and name.startswith(source):
                        # Of several cameras the last one read stands for all: they share stages.
                        running.stages.update(stages)
            time.sleep(0.1)
        return heard


def measure(
    systems: Sequence[System], frames: Path, size: tuple[int, int], plan: Plan,
    say: Progress = lambda text: None, cameras: Sequence[str] = ('front',),
) -> dict[str, Any]:
    """
    Measure systems in turns on the frames of one size; return plain data.

    Keys: ``size``, ``systems`` (see ``_entry``), ``ratios`` of the plain ones' medians to the
    others', ``load``.

    :raises BenchmarkError: if a process fails.
    """
    with Bench(say) as bench:
        running = [bench.start(system, cameras) for system in systems]
        for one in running:
            bench.wait_until_ready(one, frames)
        meter = LoadMeter()
        for number in range(plan.rounds):
            turn = number % len(running)
            for one in (*running[turn:], *running[:turn]):
                bench.feed(one, frames, plan)
        load = meter.read()
        return {
            'size': list(size), 'cameras': len(cameras), 'rate_hz': plan.rate_hz,
            'frames': plan.frames, 'rounds': plan.rounds,
            'systems': [_entry(one, plan, load) for one in running],
            'ratios': _ratios(running),
            'load': load.entry(),
        }


def _entry(running: _Running, plan: Plan, load: Load) -> dict[str, Any]:
    """Return what came of a system, as plain data; latencies in ms."""
    latency = spread.latency(running.latency_ms)
    received = len(running.latency_ms)
    fed = plan.rounds * plan.frames / plan.rate_hz
    entry: dict[str, Any] = {
        'system': running.system.name,
        'plain': running.system.plain,
        'latency_ms': latency,
        'p99_over_median': latency['p99'] / latency['median'] if received else float('nan'),
        'sent': running.sent,
        'received': received,
        'lost': running.sent - received,
        'rate_hz': received / fed,
        'rate_by_camera_hz': {camera: count / fed
                              for camera, count in running.by_camera.items()},
        'round_medians_ms': running.round_medians,
        # Frames of the warm-up cost as much.
        'cpu_ms_per_frame': 1e3 * running.cpu_s * plan.frames / (plan.frames + plan.warm_up)
        / max(received, 1),
        'cores_used': running.cpu_s / max(running.seconds, 1e-9),
        'memory_mb': running.memory[-1] if running.memory else {},
        'memory_at_start_mb': running.memory[0] if running.memory else {},
        'stages_ms': running.stages,
    }
    entry.update(_shares(latency['median'], running.stages))
    entry['bottleneck'] = _bottleneck(entry, load)
    return entry


def _shares(end_to_end_ms: float, stages: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """
    Return where the time goes, by medians: a few cold frames would bend the medians.

    ``parts_ms``: the stages and what is left; ``neither_share``: what is neither observe nor
    predict, of the way from publish to labels received; ``neither_share_in_node``: the same, of
    the time in the node.
    """
    medians = {name: stages[name]['p50'] for name in STAGES if name in stages}
    if 'predict' not in medians or not end_to_end_ms > 0:
        return {}
    parts = {**medians, 'to the listener': max(0.0, end_to_end_ms - sum(medians.values()))}
    method = medians.get('observe', 0.0) + medians['predict']
    total = stages.get('total', {}).get('p50', 0.0)
    return {
        'parts_ms': parts,
        'neither_share': max(0.0, 1.0 - method / end_to_end_ms),
        'neither_share_in_node': max(0.0, 1.0 - method / total) if total else float('nan'),
    }


def _bottleneck(entry: Mapping[str, Any], load: Load) -> str:
    """Return in words what takes most of the time."""
    parts = dict(entry.get('parts_ms', {}))
    whole = entry['latency_ms']['median']
    cores = f'{entry["cores_used"]:.1f} of {load.cores} cores'
    if not parts:
        return f'not told by the node; it used {cores}'
    # A queue is no work: somebody else's work is what is waited for.
    name = max(parts, key=lambda part: parts[part])
    text = f'{name}: {parts[name]:.1f} of {whole:.1f} ms'
    inner = {key: values['p50'] for key, values in entry['stages_ms'].items()
             if key.startswith(f'{name}/')}
    if inner:
        part = max(inner, key=lambda key: inner[key])
        text += f' ({part.partition("/")[2]} {inner[part]:.1f} ms)'
    if name == 'queue':
        work = max((p for p in parts if p != 'queue'), key=lambda part: parts[part])
        text += f', for {work}'
    return f'{text}; {cores}'


def _ratios(running: Sequence[_Running]) -> list[dict[str, Any]]:
    """Return each plain system's median by each other's, round by round."""
    return [
        {'system': ours.system.name, 'against': plain.system.name,
         **spread.ratios(plain.round_medians, ours.round_medians)}
        for ours in running if not ours.system.plain
        for plain in running if plain.system.plain
    ]


def overload(
    systems: Sequence[System], frames: Path, size: tuple[int, int], plan: Plan, cameras: int,
    say: Progress = lambda text: None,
) -> dict[str, Any]:
    """
    Feed several cameras at once; return plain data as ``measure`` does, with more for each system.

    ``work_ms`` is the work for one frame (convert, observe, predict and publish, medians of
    the account). ``age_in_frames_of_work`` are the latencies by it, and
    ``published_age_in_frames_of_work`` those up to the publishing, by the node's own account
    (sums of the stages' percentiles). ``rates_apart`` is how far the slowest camera's rate is
    below the fastest's, ``memory_ratio`` the node's memory by that of the same node with one
    camera, ``memory_growth`` by its own after the first round.

    :raises BenchmarkError: if a process fails.
    """
    names = [f'camera_{number}' for number in range(cameras)]
    alone: dict[str, dict[str, float]] = {}
    for system in systems:
        with Bench(say) as bench:
            one = bench.start(system, names[:1])
            bench.wait_until_ready(one, frames)
            bench.feed(one, frames, plan)
            alone[system.name] = one.memory[-1]
    found = measure(systems, frames, size, plan, say, names)
    for entry in found['systems']:
        kind = 'pss' if 'pss' in entry['memory_mb'] else 'rss'
        entry['memory_of_one_camera_mb'] = alone[entry['system']]
        entry['memory_ratio'] = entry['memory_mb'][kind] / alone[entry['system']][kind]
        entry['memory_growth'] = entry['memory_mb'][kind] / entry['memory_at_start_mb'][kind]
        rates = list(entry['rate_by_camera_hz'].values())
        entry['rates_apart'] = 1.0 - min(rates) / max(rates) if max(rates) else float('nan')
        parts = entry.get('parts_ms', {})
        work = sum(parts.get(name, 0.0) for name in ('convert', 'observe', 'predict', 'publish'))
        # Without an account: as if the node did nothing else and one after the other.
        work = work or 1e3 / max(sum(rates), 1e-9)
        entry['work_ms'] = work
        entry['age_in_frames_of_work'] = {
            key: value / work for key, value in entry['latency_ms'].items()}
        stages = entry['stages_ms']
        if 'transport' in stages and 'total' in stages:
            # Before the listener's process gets its turn on a machine that is full.
            entry['published_age_in_frames_of_work'] = {
                name: (stages['transport'][key] + stages['total'][key]) / work
                for name, key in (('median', 'p50'), ('p95', 'p95'))}
    return found


def frames_file(frames: Sequence[Any], directory: Path | None = None) -> Path:
    """Write frames where other processes can map them; returns the path."""
    from vidseg_ros.evaluation.benchmarks.frames import save_frames

    handle, path = tempfile.mkstemp('.npy', 'vidseg_benchmark_', directory)
    os.close(handle)
    return save_frames(Path(path), frames)
