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
"""Scoring a running graph: images, labels and ground truth come apart and are put together."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.evaluation.account import Account
from vidseg_ros.evaluation.latency import StageTimes, percentiles
from vidseg_ros.evaluation.matching import Matched, StampMatcher
from vidseg_ros.evaluation.runner import LabelSpacesDiffer, conversion
from vidseg_ros.labels.space import IGNORE, LabelSpace

Kind = Literal['image', 'labels', 'truth']
KINDS: tuple[Kind, ...] = ('image', 'labels', 'truth')

END_TO_END = 'end to end'
NEVER_RECEIVED = 'overwritten before the node took it'

# Frames that may wait for a legend; beyond it they are scored with what legends there are.
_LEGEND_PATIENCE = 64

# The worker gives way to the nodes it measures.
_NICENESS = 10


@dataclass(frozen=True, slots=True)
class Part:
    """
    One message of a frame: ``decode`` makes the array of it, later and in another thread.

    ``decode`` gives uint8 [H, W, 3] RGB for an image, uint8 [H, W] for labels and truth, or
    raises ValueError; ``size`` is what the message holds of memory, in bytes, and ``arrived_ns``
    when it came, by a clock that only goes forward.
    """

    kind: Kind
    camera: str
    stamp_ns: int
    arrived_ns: int
    size: int
    decode: Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far an evaluation is.

    ``evaluated`` and ``lost`` frames are settled, ``waiting`` ones have no labels yet, and
    ``queued`` parts were not looked at yet; ``truths`` counts ground truth, ``images`` images.
    """

    evaluated: int
    lost: int
    waiting: int
    queued: int
    truths: int
    images: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What an evaluation found: figures by the keys of ``report.json``, and what else to show."""

    figures: dict[str, Any]
    account: Account
    lost: list[tuple[str, int]]
    notes: list[str]


class LiveEvaluation:
    """
    Match and score what a running graph publishes, in a thread of its own.

    ``submit`` returns at once. Memory is bounded: beyond ``memory_limit`` bytes in waiting,
    images are let go (they are needed for pictures and consistency only), and beyond twice that
    labels and truth as well; both are counted and said in the notes. A frame with ground truth
    and no labels is lost; where there is no ground truth at all, an image without labels is.
    """

    def __init__(self, *, consistency: bool = True, pictures: int = 6,
                 memory_limit: int = 1 << 30, most_waiting: int = 4000,
                 problem: Callable[[str], object] = lambda text: None) -> None:
        """Start the worker; ``problem`` is told, from any thread, of what goes wrong."""
        self._consistency, self._pictures = consistency, pictures
        self._memory_limit, self._most_waiting = memory_limit, most_waiting
        self._problem = problem
        self._lock = threading.Lock()
        self._held_bytes = 0
        self._matchers: dict[str, StampMatcher] = {}
        self._legends: dict[tuple[str, Kind], LabelSpace] = {}
        self._backlog: deque[tuple[str, Matched]] = deque()
        self._account: Account | None = None
        self._latency = StageTimes()
        self._stages: dict[str, dict[str, float]] = {}
        self._drops: dict[tuple[str, str], int] = {}
        self._received: dict[str, int] = {}
        self._images: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._lost: list[tuple[str, int]] = []
        self._unlabelled_lost: list[tuple[str, int]] = []
        self._counts: Counter[str] = Counter()
        self._waiting = 0
        self._first_labels_ns = self._last_labels_ns = 0
        self._queue: queue.SimpleQueue[Part | None] = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._work, name='evaluation', daemon=True)
        self._worker.start()

    def submit(self, part: Part) -> None:
        """Take a part of a frame; returns at once."""
        with self._lock:
            self._counts[part.kind] += 1
            if part.kind == 'image':
                self._images[part.camera] += 1
            limit = self._memory_limit * (1 if part.kind == 'image' else 2)
            if self._held_bytes + part.size > limit:
                self._counts[f'{part.kind} let go'] += 1
                if part.kind != 'image':
                    self._problems['too much waits to be evaluated: a message was let go'] += 1
                # Its stamp still counts: the frame was there.
                part = Part(part.kind, part.camera, part.stamp_ns, part.arrived_ns, 0, _let_go)
            self._held_bytes += part.size
            self._counts['queued'] += 1
        self._queue.put(part)

    def legend(self, camera: str, kind: Kind, space: LabelSpace) -> None:
        """Say what the ids of a camera's labels or truth mean."""
        with self._lock:
            self._legends[camera, kind] = space

    def stage(self, camera: str, stage: str, times_ms: Mapping[str, float]) -> None:
        """Take a stage's percentiles, {'p50', 'p95', 'p99'}, as the graph reports them."""
        with self._lock:
            self._stages[f'{camera}\n{stage}'] = dict(times_ms)

    def drops(self, camera: str, cause: str, number: int) -> None:
        """Take how many frames of a camera were dropped for a cause until now."""
        with self._lock:
            self._drops[camera, cause] = max(number, self._drops.get((camera, cause), 0))

    def received(self, camera: str, number: int) -> None:
        """Take how many frames of a camera have reached the graph until now."""
        with self._lock:
            self._received[camera] = max(number, self._received.get(camera, 0))

    def progress(self) -> Progress:
        """Return how far it is."""
        with self._lock:
            truths = self._counts['truth']
            return Progress(
                evaluated=self._counts['evaluated' if truths else 'segmented'],
                lost=len(self._lost if truths else self._unlabelled_lost),
                waiting=self._waiting, queued=self._counts['queued'], truths=truths,
                images=self._counts['image'])

    def finish(self, expected: int = 0) -> Findings:
        """
        Score what is still waiting, stop the worker, and return what was found.

        ``expected`` is how many frames should have come (0: as many as were seen).
        """
        self._queue.put(None)
        self._worker.join()
        for camera, matcher in self._matchers.items():
            self._settle(camera, matcher.flush())
        self._score_backlog(patience=0)
        account = self._account or Account(self._scoring_space() or _space_of_numbers(1),
                                           pictures=0)
        return Findings(self._figures(account, expected), account, self._lost_frames(),
                        self._notes(account))

    def _work(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            # On Linux a thread has a niceness of its own.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while (part := self._queue.get()) is not None:
            try:
                self._take(part)
                self._score_backlog(_LEGEND_PATIENCE)
            except Exception as error:  # one bad frame must not end an evaluation
                self._complain(f'{type(error).__name__}: {error}')
            finally:
                waiting = sum(matcher.lacking('labels') for matcher in self._matchers.values())
                with self._lock:
                    self._counts['queued'] -= 1
                    self._waiting = waiting

    def _take(self, part: Part) -> None:
        matcher = self._matchers.get(part.camera)
        if matcher is None:
            matcher = self._matchers[part.camera] = StampMatcher(KINDS, self._most_waiting)
        if part.kind == 'labels':
            self._first_labels_ns = self._first_labels_ns or part.arrived_ns
            self._last_labels_ns = max(self._last_labels_ns, part.arrived_ns)
        self._settle(part.camera, matcher.add(part.kind, part.stamp_ns, part, part.arrived_ns))

    def _settle(self, camera: str, frames: Sequence[Matched]) -> None:
        for frame in frames:
            if 'labels' in frame.parts:
                self._backlog.append((camera, frame))
                continue
            with self._lock:
                if 'truth' in frame.parts:
                    self._lost.append((camera, frame.stamp_ns))
                elif 'image' in frame.parts:
                    self._unlabelled_lost.append((camera, frame.stamp_ns))
            self._release(frame)

    def _score_backlog(self, patience: int) -> None:
        while self._backlog:
            camera, frame = self._backlog[0]
            if not self._legends_known(camera, frame) and len(self._backlog) < max(1, patience):
                return
            self._backlog.popleft()
            try:
                self._score(camera, frame)
            except (ValueError, LabelSpacesDiffer) as error:
                self._complain(str(error))
                with self._lock:
                    if 'truth' in frame.parts:
                        self._lost.append((camera, frame.stamp_ns))
            finally:
                self._release(frame)

    def _score(self, camera: str, frame: Matched) -> None:
        arrays = {kind: self._decoded(part) for kind, part in frame.parts.items()}
        labels, truth = arrays['labels'], arrays.get('truth')
        if labels is None or (truth is None and 'truth' in frame.parts):
            raise ValueError(f'{camera}: a frame lacks its labels or its ground truth')
        space = self._scoring_space() or _space_of_numbers(
            1 + max(int(a[a != IGNORE].max(initial=0)) for a in (labels, truth)
                    if a is not None))
        if self._account is None:
            self._account = Account(space, consistency=self._consistency,
                                    pictures=self._pictures)
        space = self._account.label_space
        labels = conversion(self._legend_of(camera, 'labels', space), space).apply(labels)
        if truth is not None:
            truth = conversion(self._legend_of(camera, 'truth', space), space).apply(truth)
        latency = math.nan
        if 'image' in frame.arrived_ns:
            latency = (frame.arrived_ns['labels'] - frame.arrived_ns['image']) / 1e6
        self._account.add(camera, frame.stamp_ns, arrays.get('image'), labels, truth,
                          latency_ms=latency)
        if math.isfinite(latency):
            self._latency.add({END_TO_END: latency})
        with self._lock:
            self._counts['segmented'] += 1
            self._counts['evaluated'] += truth is not None

    def _decoded(self, part: Part) -> NDArray[np.uint8] | None:
        if part.decode is _let_go:
            return None
        try:
            return part.decode()
        except ValueError as error:
            self._complain(f'{part.camera}: {part.kind}: {error}')
            return None

    def _release(self, frame: Matched) -> None:
        with self._lock:
            self._held_bytes -= sum(part.size for part in frame.parts.values())

    def _legends_known(self, camera: str, frame: Matched) -> bool:
        with self._lock:
            return all((camera, kind) in self._legends
                       for kind in ('labels', 'truth') if kind in frame.parts)

    def _legend_of(self, camera: str, kind: Kind, default: LabelSpace) -> LabelSpace:
        with self._lock:
            return self._legends.get((camera, kind), default)

    def _scoring_space(self) -> LabelSpace | None:
        """Return the classes to score in: the ground truth's, or the labels' own."""
        with self._lock:
            for wanted in ('truth', 'labels'):
                for (_, kind), space in sorted(self._legends.items(), key=lambda item: item[0]):
                    if kind == wanted:
                        return space
        return None

    def _complain(self, text: str) -> None:
        with self._lock:
            self._problems[text] += 1
        self._problem(text)

    def _lost_frames(self) -> list[tuple[str, int]]:
        return self._lost if self._counts['truth'] else self._unlabelled_lost

    def _figures(self, account: Account, expected: int) -> dict[str, Any]:
        lost = len(self._lost_frames())
        evaluated = self._counts['evaluated' if self._counts['truth'] else 'segmented']
        seconds = (self._last_labels_ns - self._first_labels_ns) / 1e9
        labels = self._counts['labels']
        stages = {END_TO_END: percentiles(self._latency.of(END_TO_END))}
        cameras = {name.partition('\n')[0] for name in self._stages}
        for name, times in self._stages.items():
            camera, _, stage = name.partition('\n')
            stages[stage if len(cameras) == 1 else f'{camera}: {stage}'] = times
        seen = evaluated + lost
        return {
            **account.summary(),
            'fps': (labels - 1) / seconds if seconds > 0 else math.nan,
            'fps_meaning': 'label images as they arrived',
            'latency_ms': stages[END_TO_END],
            'latency_ms_by_stage': stages,
            'drops': self._all_drops(),
            'frames_expected': max(expected, seen),
            'frames_evaluated': evaluated,
            'frames_lost': max(expected - seen, 0) + lost,
            'lost': [{'camera': camera, 'stamp_ns': stamp}
                     for camera, stamp in self._lost_frames()[:1000]],
        }

    def _all_drops(self) -> dict[str, int]:
        """Return the drops by cause, with those that the graph itself can't know of."""
        drops: Counter[str] = Counter()
        for (_, cause), number in self._drops.items():
            drops[cause] += number
        for camera, number in self._received.items():
            # A subscription that keeps the newest only overwrites what nobody has taken yet.
            drops[NEVER_RECEIVED] += max(0, self._images[camera] - number)
        return {cause: number for cause, number in drops.items() if number}

    def _notes(self, account: Account) -> list[str]:
        notes = []
        if not self._counts['labels']:
            notes.append('No labels came: nothing was evaluated.')
        if not self._counts['truth']:
            notes.append('No ground truth came: there is no accuracy to report.')
        foreign = {space.name for (_, kind), space in self._legends.items()
                   if kind == 'labels' and space != account.label_space}
        if foreign and self._counts['labels']:
            notes.append(f'Labels of {", ".join(sorted(foreign))} were converted to '
                         f'{account.label_space.name}.')
        if not self._legends:
            notes.append('No legend (label_info) came: classes are shown as numbers.')
        if self._counts['image let go']:
            notes.append(f'{self._counts["image let go"]} images were let go to bound memory: '
                         'those frames have no part in temporal consistency.')
        notes += [f'{text} ({number} times)' for text, number in self._problems.most_common(10)]
        return notes


def _let_go() -> NDArray[np.uint8]:
    raise ValueError('let go to bound memory')


def _space_of_numbers(classes: int) -> LabelSpace:
    palette = np.zeros((256, 3), np.uint8)
    # Any colours far apart will do: nobody has named these classes.
    palette[:IGNORE] = np.random.default_rng(1).integers(48, 256, (IGNORE, 3))
    return LabelSpace('unnamed', tuple(f'class {i}' for i in range(min(classes, IGNORE))), palette)
