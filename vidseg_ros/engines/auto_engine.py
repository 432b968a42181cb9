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
"""The engine that proves fastest: what ``auto`` means."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray

from vidseg_ros.engines.base import (
    DeployedNetwork,
    Engine,
    EngineError,
    EngineOptions,
    frames_would_wait,
)
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.identity import machine, package_version
from vidseg_ros.engines.load import LoadMeter
from vidseg_ros.engines.measurement import fastest_ms
from vidseg_ros.engines.registry import create_engine, engine_names

_logger = logging.getLogger(__name__)

# What measuring may add to the start of a node, in seconds; candidates that would take longer
# are left out then. `vidseg export --build-only` measures them all.
BUDGET_S = 1.5
# How much slower than the best so far a candidate is taken to be, to tell whether there is time.
_PESSIMISM = 6.0
_RUNS = 3
# How many starts may find no time to compare before that is left at.
_TRIES = 3
_HOPELESS = 3.0
# In less time the kernel's counters say nothing about who used the machine.
_TELLS_S = 0.3
# Another than the first candidate has to be faster by more than noise.
_GAIN = 0.9
Shapes = tuple[tuple[int, ...], ...]

_PACKAGES = ('torch', 'openvino', 'onnxruntime', 'tensorrt')


@dataclass(frozen=True)
class Candidate:
    """
    An engine and how it would run.

    ``slow`` ones take minutes to build the first time: they are built beside one that runs.
    """

    engine: str
    device: str
    precision: str
    slow: bool = False

    @property
    def converts(self) -> bool:
        """Return whether the network is written in a form of this engine's own first."""
        return self.engine == 'onnxruntime' or (
            self.engine == 'torch' and self.device == 'cpu' and self.precision in ('auto', 'fp32')
        )

    def __str__(self) -> str:
        """Return it as it is remembered and shown."""
        parts = [self.engine, self.device, self.precision]
        return ' '.join(part for part in parts if part != 'auto')


def candidates(options: EngineOptions) -> list[Candidate]:
    """Return what could run a network as the options ask, the likely fastest first."""
    present = engine_names()
    exported = options.exported
    served = set(present)
    if exported is not None:
        served &= {'openvino'} if exported.kind == 'openvino' else {'onnxruntime', 'tensorrt'}
    found = []
    if options.device != 'cpu' and torch.cuda.is_available():
        found += [
            Candidate('torch', 'cuda', options.precision),
            Candidate('tensorrt', 'cuda', options.precision, slow=True),
            Candidate('onnxruntime', 'cuda', options.precision),
        ]
    if options.device != 'cuda' and not found:
        found += [
            Candidate('openvino', 'cpu', options.precision),
            Candidate('torch', 'cpu', options.precision),
            Candidate('onnxruntime', 'cpu', options.precision),
        ]
        if options.precision == 'auto' and exported is None:
            found.append(Candidate('openvino', 'cpu', 'fp32'))
    return [c for c in found if c.engine in served]


class AutoEngine(Engine):
    """
    The fastest of the engines that are there, for each image size.

    The likely fastest is built first. ``prepare`` then measures the others as far as a short time
    allows, and remembers what came of it for this network, size and machine; from then on nothing
    but the chosen one is built. A size that was not prepared runs on the likely fastest.
    """

    name: ClassVar[str] = 'auto'

    def __init__(
        self, network: DeployedNetwork, options: EngineOptions, cache: EngineCache | None = None
    ) -> None:
        super().__init__(network, options)
        self._cache = cache or EngineCache()
        # Infinite: measure all, whatever is remembered.
        self.budget_s = BUDGET_S
        self._candidates = candidates(options)
        # Over the four that follow, which a thread that builds changes while frames run.
        self._lock = threading.Lock()
        self._engines: dict[Candidate, Engine] = {}
        self._choice: dict[Shapes, Candidate] = {}
        # What ran before the present choice: a frame may have been prepared for that.
        self._before: dict[Shapes, Candidate] = {}
        # The size, and how many of the first input make up one frame: of regions several.
        self._frame: dict[Shapes, tuple[tuple[int, int], int]] = {}
        self._reason: dict[Candidate, str] = {}
        self._refused: dict[Candidate, str] = {}
        self._background: threading.Thread | None = None
        self._building: Candidate | None = None
        self._comparisons = 0
        self._closed = False
        self._first = self._first_that_can()
        self._current = self._first

    # ---- building

    def _first_that_can(self) -> Candidate:
        """Return the likely fastest that can be built, built; slow ones only if nothing else."""
        for candidate in sorted(self._candidates, key=lambda c: c.slow):
            if self._built(candidate) is not None:
                return candidate
        reasons = '; '.join(self._refused.values()) or (
            f'none is installed that serves device {self.options.device}'
            + (f' and {self.options.exported.path}' if self.options.exported else '')
        )
        raise EngineError(f'engine auto: {reasons}')

    def _built(self, candidate: Candidate) -> Engine | None:
        if candidate not in self._engines and candidate not in self._refused:
            options = dataclasses.replace(
                self.options, device=candidate.device, precision=candidate.precision,
                digest=self.digest,
            )  # fmt: skip
            try:
                engine = create_engine(candidate.engine, self.network, options, self._cache)
                with self._lock:
                    self._engines[candidate] = engine
            except (EngineError, OSError) as error:
                self._refused[candidate] = f'{candidate}: {error}' if isinstance(error, OSError) \
                    else str(error)
        return self._engines.get(candidate)

    def _drop_others(self) -> None:
        """Close what no size uses and none will be compared with."""
        with self._lock:
            if self._comparisons:
                return  # who compares does it then
            kept = {*self._in_use(), self._first, self._building}
            dropped = [self._engines.pop(c) for c in list(self._engines) if c not in kept]
        for engine in dropped:
            engine.close()

    def _in_use(self) -> set[Candidate]:
        """Return what frames may run on; with the lock held."""
        return {self._current, *self._choice.values(), *self._before.values()}

    # ---- choosing

    def _identity(self, size: tuple[int, int]) -> dict[str, str]:
        options = self.options
        return {
            'what': 'choice of engine, 3',
            'network': self.digest,
            'exported': options.exported.digest if options.exported else '',
            'size': f'{size[0]}x{size[1]}',
            'asked': f'{options.device} {options.precision} {options.threads}',
            'candidates': ', '.join(str(c) for c in self._candidates),
            **{name: package_version(name) for name in _PACKAGES},
            **machine(),
        }

    def prepare(self, size: tuple[int, int]) -> None:
        """
        Choose for images of ``size``, by what is remembered or by a short measurement.

        Beside frames nothing is measured: they would be late, and the times wrong.
        """
        budget_s = self.budget_s
        inputs = self.network.example_inputs(size)
        shapes = self._shapes(inputs)
        if shapes in self._choice and budget_s < float('inf'):
            # It may have dropped what it built, for other sizes.
            self._engines_for(shapes)[0].prepare(size)
            return
        identity = self._identity(size)
        value = self._cache.recall(identity) if budget_s < float('inf') else None
        by_name = {str(c): c for c in self._candidates}
        known = value if isinstance(value, dict) else {}
        recalled = by_name.get(str(known.get('chosen')))
        times = {name: float(ms) for name, ms in known.get('ms', {}).items() if name in by_name}
        tries = int(known.get('tries', 0))
        # A start on a busy machine may have had no time to compare, or compared the load of
        # others: the next ones try again.
        settled = len(times) > 1 and not known.get('disturbed', False)
        settled = settled or len(self._candidates) == 1 or tries >= _TRIES
        beside = frames_would_wait() and budget_s < float('inf') \
            and not any(c.slow for c in self._candidates)
        remembered, disturbed = False, bool(known.get('disturbed', False))
        with self._comparing():
            if recalled is not None and (settled or beside) and self._built(recalled) is not None:
                chosen, remembered = recalled, True
            elif beside:
                chosen, times = self._first, {}
            else:
                meter = LoadMeter()
                measured = self._measure(size, budget_s)
                load = meter.read()
                # What is as it was measured before may be disturbed as it was.
                disturbed = disturbed and not measured.keys() >= times.keys()
                disturbed = disturbed or (load.disturbed and load.seconds > _TELLS_S)
                times = self._shortest(times, measured)
                chosen, tries = self._best(times), tries + 1
                self._remember(identity, chosen, times, tries, disturbed)
            self._engines[chosen].prepare(size)
            self._frame[shapes] = size, len(inputs[self.network.input_names[0]])
            self._choose(shapes, chosen, times, remembered, disturbed)
        self._drop_others()
        slow = [c for c in self._candidates if c.slow and str(c) not in times]
        if slow and budget_s < float('inf'):
            remember = functools.partial(
                self._remember, identity, tries=tries, disturbed=disturbed
            )
            self._build_in_background(slow, size, shapes, times, remember)

    @contextlib.contextmanager
    def _comparing(self) -> Iterator[None]:
        """Let nothing be closed within the block: it may just be measured, or be chosen."""
        with self._lock:
            self._comparisons += 1
        try:
            yield
        finally:
            with self._lock:
                self._comparisons -= 1

    def _remember(
        self, identity: Mapping[str, str], chosen: Candidate, times: Mapping[str, float],
        tries: int, disturbed: bool,
    ) -> None:  # fmt: skip
        self._cache.remember(identity, {
            'chosen': str(chosen), 'ms': dict(times), 'tries': tries, 'disturbed': disturbed,
        })  # fmt: skip

    def _choose(
        self,
        shapes: Shapes,
        chosen: Candidate,
        times: Mapping[str, float],
        remembered: bool,
        disturbed: bool = False,
    ) -> None:
        self._reason[chosen] = self._why(chosen, times, remembered) + (
            ', while others used the machine' if disturbed else '')
        with self._lock:
            if (before := self._choice.get(shapes, chosen)) is not chosen:
                self._before[shapes] = before
            self._choice[shapes] = self._current = chosen
        self._drop_others()

    def _why(self, chosen: Candidate, times: Mapping[str, float], remembered: bool) -> str:
        if len(self._candidates) == 1:
            return f'{chosen}: no other engine serves this'
        if len(times) <= 1:
            rest = ', '.join(str(c) for c in self._candidates if c is not chosen)
            return f'{chosen}: the likely fastest (no time to try {rest})'
        listed = ', '.join(
            f'{name} {ms:.1f} ms' for name, ms in sorted(times.items(), key=lambda t: t[1])
        )
        return f'{chosen}: {"remembered" if remembered else "measured"}: {listed}'

    def _time(
        self, candidate: Candidate, size: tuple[int, int], left_s: float, to_beat: float
    ) -> float:
        """
        Return the milliseconds of one run, infinite if the candidate cannot run it.

        One that is far from ``to_beat``, or used up ``left_s`` by its first run, runs no more.
        """
        engine = self._built(candidate)
        if engine is None:
            return float('inf')
        inputs = self.network.example_inputs(size)
        try:
            first = fastest_ms(lambda: engine.warm_up(inputs), 0.0, 1)
            if first / 1e3 > left_s:
                return first
            again = fastest_ms(lambda: engine.warm_up(inputs), 0.0, 1)
            if again > _HOPELESS * to_beat:
                return again
            return fastest_ms(lambda: engine.warm_up(inputs), 0.15, _RUNS)
        except Exception as error:  # whatever a library may say; the others are still there
            self._refused[candidate] = f'{candidate}: {error}'
            _logger.info('%s cannot run this network: %s', candidate, error)
            return float('inf')

    def _measure(
        self, size: tuple[int, int], budget_s: float
    ) -> dict[str, float]:
        """
        Measure the candidates, the first always, others as far as there is time.

        Returns the milliseconds of those that could be measured.
        """
        quick = [c for c in self._candidates if not c.slow or budget_s == float('inf')]
        quick.sort(key=lambda c: c is not self._first)
        times: dict[str, float] = {}
        begun = time.perf_counter()
        of_best = float('inf')
        building = float(getattr(self._engines.get(self._first), 'seconds_converting', 0.0))
        for candidate in quick:
            left = budget_s - (time.perf_counter() - begun)
            if times:
                cost = (_RUNS + 1) * _PESSIMISM * of_best / 1e3
                if candidate.converts and budget_s < float('inf'):
                    # It is converted to another form, which takes about as long as the first.
                    cost += max(building, 0.5)
                if cost > left:
                    continue
            found = self._time(candidate, size, max(left, 0.0), of_best)
            if found < float('inf'):
                times[str(candidate)] = round(found, 3)
                of_best = min(of_best, found)
        return times

    def _shortest(
        self, earlier: Mapping[str, float], times: Mapping[str, float]
    ) -> dict[str, float]:
        """Return the shorter of two times of each that can run: others on the machine only add."""
        refused = {str(candidate) for candidate in self._refused}
        return {
            name: min(earlier.get(name, float('inf')), times.get(name, float('inf')))
            for name in {**earlier, **times} if name not in refused
        }  # fmt: skip

    def _best(self, times: Mapping[str, float]) -> Candidate:
        """Return the fastest by ``times`` that can be built, the first if none gains enough."""
        limit = _GAIN * times.get(str(self._first), float('inf'))
        by_name = {str(c): c for c in self._candidates}
        for name in sorted(times, key=lambda name: times[name]):
            if times[name] < limit and self._built(by_name[name]) is not None:
                return by_name[name]
        return self._first

    def _build_in_background(
        self,
        slow: Sequence[Candidate],
        size: tuple[int, int],
        shapes: Shapes,
        times: dict[str, float],
        remember: Callable[[Candidate, Mapping[str, float]], None],
    ) -> None:
        """Build what takes minutes beside the engine that runs, and go over to it if it wins."""

        def build() -> None:
            try:
                build_each()
            except Exception:  # what runs goes on
                _logger.exception('building %s in the background failed', self._building)
            finally:
                self._building = None

        def build_each() -> None:
            for candidate in slow:
                self._building = candidate
                found = self._time(candidate, size, float('inf'), float('inf'))
                if self._closed:
                    with self._lock:
                        engine = self._engines.pop(candidate, None)
                    if engine is not None:
                        engine.close()
                    return
                if found == float('inf'):
                    continue
                times[str(candidate)] = round(found, 3)
                chosen = self._choice[shapes]
                if found < _GAIN * times.get(str(chosen), float('inf')):
                    self._engines[candidate].prepare(size)
                    self._choose(shapes, candidate, times, False)
                remember(self._choice[shapes], times)

        if self._background is None or not self._background.is_alive():
            self._background = threading.Thread(target=build, name='engine_builder', daemon=True)
            self._background.start()

    # ---- running

    def _shapes(self, inputs: Mapping[str, NDArray]) -> Shapes:
        return tuple(inputs[name].shape[1:] for name in self.network.input_names)

    def _engines_for(self, shapes: Shapes) -> tuple[Engine, Engine | None]:
        """Return the engine chosen for a frame's shapes, and the one that ran them before."""
        with self._lock:
            chosen = self._engines[self._choice.get(shapes, self._current)]
            before = self._before.get(shapes)
            return chosen, None if before is None else self._engines[before]

    def _engine_for(self, inputs: Mapping[str, NDArray]) -> Engine:
        """
        Return the engine to run these inputs on.

        Frames may have been put together for the engine that ran until just now: as many as are
        ready there, but not in the chosen one, where they would wait for it to build that.
        """
        shapes = self._shapes(inputs)
        chosen, before = self._engines_for(shapes)
        if before is None or shapes not in self._frame:
            return chosen
        size, one = self._frame[shapes]
        frames = len(inputs[self.network.input_names[0]]) // one
        unready = frames not in (1, chosen.preferred_batch(size))
        return before if unready and before.preferred_batch(size) == frames else chosen

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the network on the engine chosen for the shapes of the inputs."""
        return self._engine_for(inputs).run(inputs)

    def warm_up(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run without being taken for an engine that frames depend on."""
        return self._engine_for(inputs).warm_up(inputs)

    def preferred_batch(self, size: tuple[int, int]) -> int:
        """Return how many frames of ``size`` together are cheapest."""
        shapes = self._shapes(self.network.example_inputs(size))
        return self._engines_for(shapes)[0].preferred_batch(size)

    @property
    def labels_on_device(self) -> bool:
        """Return whether ``run_labels`` is there in all engines that frames may run on."""
        with self._lock:
            chosen = {self._current, *self._choice.values()}
            return all(self._engines[c].labels_on_device for c in chosen)

    def run_labels(
        self, inputs: Mapping[str, NDArray], size: tuple[int, int], also: Sequence[str] = ()
    ) -> dict[str, NDArray]:
        """Run the network and return labels, where ``labels_on_device`` says so."""
        engine = self._engine_for(inputs)
        if not engine.labels_on_device:
            # It was chosen after the caller asked.
            before = self._engines_for(self._shapes(inputs))[1]
            engine = before if before is not None and before.labels_on_device else engine
        return engine.run_labels(inputs, size, also)

    def describe(self) -> dict[str, str]:
        """Return what the chosen engine says of itself, and why it was chosen."""
        with self._lock:
            current, building = self._current, self._building
            engine = self._engines[current]
        described: dict[str, Any] = engine.describe()
        described['chosen_by_auto'] = self._reason.get(current, f'{current}: the likely fastest')
        if building:
            described['building'] = f'{building}, in the background'
        return described

    def close(self) -> None:
        """Release all engines."""
        super().close()
        self._closed = True
        with self._lock:
            engines = list(self._engines.values())
        for engine in engines:
            engine.close()
