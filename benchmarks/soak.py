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
Change parameters under load for minutes, and look for errors, gaps and leaks.

    python benchmarks/soak.py --minutes 10 --json soak.json

Starts segmentation_node and a camera process of its own, changes a parameter (or some that
belong together) every second, and listens to labels, /rosout and /diagnostics. The exit status
is 1 if an error was seen, a camera had a gap through no change of its own, or memory grew.

A gap is longer than two frame periods:
- two images in a row, or more, have no labels (one is what `latest` drops where it must), or
- for longer than two frame periods, and the camera's usual jitter, no labels come, though none
  of two images in a row are missing: they are late. Where the images themselves were as far
  apart, their labels may be.
A camera's usual jitter is how far the 95th percentile of its latency, from stamp to labels
received, lies above the median; at most half a frame period. A frame period is that of the
images, or of the labels around the gap where the machine is slower than the images.

Where it is so for less than the seconds around, the labels of the other cameras tell: if none of
them had more than one turn between two labels of this camera, and never a frame period went by
without a label of any, nothing stalled and nobody was passed over. The cameras' frames took
together as long as that, and the time is one frame period of the labels: a method that has just
come and has to segment a frame of each camera in full, say. Such turns are counted,
``slow_rounds``. Where the device paused, or another camera was served twice, a gap of the same
length is a gap.
"""

import argparse
import bisect
import itertools
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.msg import Log
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from vidseg_ros.engines.registry import engine_names
from vidseg_ros.evaluation.benchmarks.frames import save_frames, video_frames
from vidseg_ros.evaluation.benchmarks.processes import Child, Servant, node_command, script

CAMERAS = ('camera_0', 'camera_1', 'camera_2', 'camera_3')
EXTRA = 'camera_extra'
# How the node says that a method built in the background took over.
TAKEN = 'is ready and in use'
# Around a gap, to see what the period of the labels was.
AROUND_S = 3.0
# A camera that comes back has to be found by its publisher first.
SETTLING_S = 3.0
# Shorter ones say nothing about memory: each method takes its own when it first comes.
MEMORY_TELLS_S = 120.0

Change = dict[str, Any]


def changes(there: Sequence[str], seed: int) -> 'Changes':
    """Return an endless choice of changes among the parameters that the node has."""
    engines: list[Change] = [{'engine': 'auto', 'precision': 'auto'}]
    engines += [{'engine': engine, 'precision': 'fp32'} for engine in engine_names()
                if engine in ('openvino', 'torch', 'onnxruntime')]
    table: dict[str, list[Change]] = {
        'method': [{'method': name}
                   for name in ('fassvid', 'per_frame', 'evs', 'dvsnet', 'lernet_tha')],
        'engine': engines,
        'input size': [{'input_height': h, 'input_width': 2 * h} for h in (0, 128, 192, 256)],
        'lernet_tha': [{'lernet_tha.key_interval': n} for n in (3, 5, 10)],
        'evs': [{'evs.operating_point': n} for n in (7, 10, 13)],
        'dvsnet': [{'dvsnet.flow_magnitude': v} for v in (2.0, 6.0, 12.0)],
        'fassvid': [{'fassvid.frame_distance': n} for n in (5, 10)],
        'budget': [{'latency_budget_ms': n} for n in (0.0, 20.0, 60.0)],
        'workers': [{'observe_workers': n} for n in (0, 1, 2)],
        'batch': [{'max_batch': n} for n in (0, 1, 4)],
        'age': [{'max_age_ms': n} for n in (0, 1000)],
        'stale': [{'stale_ms': n} for n in (2000, 3000)],
        'cameras': [{'cameras': list(c)} for c in (CAMERAS[:3], CAMERAS, (*CAMERAS, EXTRA))],
    }
    usable = {kind: [c for c in group if all(name in there for name in c)]
              for kind, group in table.items()}
    return Changes({kind: group for kind, group in usable.items() if group},
                   sorted(set(table) - {kind for kind, group in usable.items() if group}), seed)


class Changes:
    """Choose the next change: all kinds in turn, in shuffled order, never what is set already."""

    def __init__(self, table: dict[str, list[Change]], missing: list[str], seed: int) -> None:
        self.table, self.missing = table, missing
        self._random = random.Random(seed)
        self._set: dict[str, Change] = {}
        self._bag: list[str] = []

    def next(self) -> tuple[str, Change]:
        """Return (kind, parameters)."""
        if not self._bag:
            self._bag = self._random.sample(sorted(self.table), len(self.table))
        kind = self._bag.pop()
        others = [c for c in self.table[kind] if c != self._set.get(kind)]
        change = self._random.choice(others or self.table[kind])
        self._set[kind] = change
        return kind, change


class Label(NamedTuple):
    """When labels came, and when their image was sent; seconds of the system's clock."""

    came: float
    sent: float


class Watch(Node):
    """Listen to what the node gives and says."""

    def __init__(self, namespace: str, cameras: Sequence[str]) -> None:
        super().__init__('soak_watch', namespace=namespace)
        self.lock = threading.Lock()
        self.labels: dict[str, list[Label]] = {camera: [] for camera in cameras}
        self.taken = 0
        self.errors: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self._namespace = namespace
        for camera in cameras:
            self.create_subscription(
                Image, f'camera/{camera}/segmentation/labels',
                lambda message, camera=camera: self._heard(camera, message), QoSProfile(depth=50))
        self.create_subscription(Log, '/rosout', self._log, QoSProfile(depth=1000))
        self.create_subscription(DiagnosticArray, '/diagnostics', self._diagnostics,
                                 QoSProfile(depth=100))

    def _heard(self, camera: str, message: Image) -> None:
        came, stamp = time.time_ns(), message.header.stamp
        with self.lock:
            self.labels[camera].append(
                Label(came / 1e9, stamp.sec + stamp.nanosec / 1e9))

    def _log(self, message: Log) -> None:
        # The logger's name has dots for slashes.
        if self._namespace.strip('/').replace('/', '.') not in message.name:
            return
        level = message.level if isinstance(message.level, int) else ord(message.level)
        with self.lock:
            if level >= 40:
                self.errors[f'log: {message.msg}'[:300]] += 1
            elif level >= 30:
                self.warnings[message.msg[:300]] += 1
            elif message.msg.endswith(TAKEN):
                self.taken += 1

    def _diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if self._namespace.strip('/') not in status.name + status.hardware_id and \
                    'segmentation_node' not in status.name:
                continue
            with self.lock:
                if status.level == DiagnosticStatus.ERROR:
                    self.errors[f'diagnostics: {status.name}: {status.message}'[:300]] += 1
                for value in status.values:
                    bad = value.key in ('last failure', 'last problem') and value.value
                    bad = bad or (value.key == 'callback errors' and value.value != '0')
                    bad = bad or value.key.startswith('dropped: error')
                    if bad:
                        self.errors[f'diagnostics: {value.key}: {value.value}'[:300]] += 1


def gaps(
    labels: Sequence[Label], sent: Sequence[float], period_s: float,
    excused: Sequence[tuple[float, float]], begin: float, end: float,
    others: Sequence[Sequence[Label]] = (),
) -> list[dict[str, float]]:
    """
    Return the gaps as they are defined above: when, how long, what was allowed, images missing.

    ``sent`` are the times of the camera's images. ``excused`` are times, (from, to), in which
    the camera's own change explains a gap. ``others`` are the labels of each other camera; what
    these show to be a round of a slow machine is among the gaps, too, ``round`` true.
    """
    inside = [label for label in labels if begin <= label.came <= end]
    came = [label.came for label in inside]
    jitter_s = min(usual_jitter(inside), 0.5 * period_s)
    times = sorted(sent)
    found = []
    # What is before the first and after the last labels is time without labels, too.
    points = [Label(begin, begin), *inside, Label(end, end)]
    for number, (before, after) in enumerate(itertools.pairwise(points)):
        pause = after.came - before.came
        apart = after.sent - before.sent
        if max(pause, apart) <= 2.0 * period_s:
            continue
        absent = [(since, to) for since, to in excused
                  if before.came < to and after.came > since]
        period = max(period_s, _period(came, before.came - AROUND_S, before.came),
                     _period(came, after.came, after.came + AROUND_S))
        at_an_end = number in (0, len(points) - 2)
        missing = 0 if at_an_end else \
            bisect.bisect_left(times, after.sent - 1e-6) - \
            bisect.bisect_right(times, before.sent + 1e-6)
        allowed = 2.0 * period + jitter_s
        if missing < 2 and not at_an_end:
            allowed = max(allowed, apart + jitter_s)
        # A slow machine leaves out images all the time.
        lost = missing >= 2 and apart > 2.5 * period
        if absent:
            # Silence before the camera was taken away, or after it was back, is a gap.
            pause, lost = longest_outside(absent, before.came, after.came), False
        if lost or pause > allowed:
            turns = not absent and not at_an_end and one_round(
                [[label.came for label in other] for other in others],
                before.came, after.came, period_s)
            found.append({'at_s': before.came - begin, 'seconds': pause, 'allowed_s': allowed,
                          'missing': missing, 'round': turns})
    return found


def one_round(
    others: Sequence[Sequence[float]], before: float, after: float, period_s: float
) -> bool:
    """
    Tell whether, between two labels of a camera, no other had two turns and nothing stalled.

    ``others`` are the times of the other cameras' labels, in order. What takes no longer than a
    frame period is no round of a slow machine.
    """
    turns = [times[bisect.bisect_right(times, before):bisect.bisect_left(times, after)]
             for times in others]
    if after - before <= period_s or any(len(times) > 1 for times in turns):
        return False
    steps = itertools.pairwise([before, *sorted(itertools.chain(*turns)), after])
    return max(b - a for a, b in steps) <= period_s


def longest_pause(
    labels: Sequence[Label], excused: Sequence[tuple[float, float]], begin: float, end: float
) -> float:
    """Return for how long, at most, no labels came, be it a gap or not; in seconds."""
    points = [begin, *(label.came for label in labels if begin <= label.came <= end), end]
    return max(
        longest_outside([(since, to) for since, to in excused if a < to and b > since], a, b)
        for a, b in itertools.pairwise(points))


def longest_outside(
    intervals: Sequence[tuple[float, float]], begin: float, end: float
) -> float:
    """Return the longest time from ``begin`` to ``end`` that is in none of the intervals."""
    longest, at = 0.0, begin
    for since, to in sorted(intervals):
        longest, at = max(longest, since - at), max(at, to)
    return max(longest, end - at)


def usual_jitter(labels: Sequence[Label]) -> float:
    """Return how far the 95th percentile of the latency lies above its median, in seconds."""
    latencies = sorted(label.came - label.sent for label in labels)
    if not latencies:
        return 0.0
    return latencies[int(0.95 * (len(latencies) - 1))] - statistics.median(latencies)


def journal(path: Path, cameras: Sequence[str]) -> dict[str, list[float]]:
    """Return when the images of each camera were sent."""
    found: dict[str, list[float]] = {camera: [] for camera in cameras}
    for line in path.read_text().splitlines()[:-1]:  # the last one is being written
        camera, stamp = line.split()
        found[cameras[int(camera)]].append(int(stamp) / 1e9)
    return found


def _period(times: Sequence[float], since: float, until: float) -> float:
    near = [t for t in times if since <= t <= until]
    steps = [b - a for a, b in itertools.pairwise(near)]
    return statistics.median(steps) if steps else 0.0


def absences(history: Sequence[tuple[float, Sequence[str]]], camera: str,
             end: float) -> list[tuple[float, float]]:
    """Return when a camera was not among the cameras, and a while after."""
    found, since = [], None
    for when, cameras in history:
        if camera not in cameras and since is None:
            since = when
        elif camera in cameras and since is not None:
            found.append((since, when + SETTLING_S))
            since = None
    return [*found, (since, end)] if since is not None else found


def quarter_peaks(samples: Sequence[float]) -> list[float]:
    """Return the peak of each quarter; none for too few."""
    quarter = len(samples) // 4
    if quarter < 5:
        return []
    starts = (0, quarter, 2 * quarter, len(samples) - quarter)
    return [max(samples[start:start + quarter]) for start in starts]


def memory_growth(samples: Sequence[float]) -> float | None:
    """Return the peak of the last quarter by that of the second; None for too few."""
    peaks = quarter_peaks(samples)
    return peaks[3] / peaks[1] if peaks else None


class Soak:
    """The run itself."""

    def __init__(self, options: argparse.Namespace, namespace: str) -> None:
        self.options, self.namespace = options, namespace
        self.made: Counter[str] = Counter()
        self.refused: list[str] = []
        self.log: list[tuple[float, Change]] = []
        self.history: list[tuple[float, Sequence[str]]] = []
        self.memory: list[float] = []

    def run(self, watch: Watch, node: Child, camera: Servant, frames: Path) -> dict[str, Any]:
        """Do it; return the summary."""
        options, client = self.options, AsyncParameterClient(
            watch, f'{self.namespace}/segmentation_node')
        if not client.wait_for_services(timeout_sec=120.0):
            node.check()
            raise SystemExit('soak: the node has no parameter services')
        listed = self._answer(client.list_parameters([], 10))
        chosen = changes(listed.result.names, options.seed)
        topics = [f'{self.namespace}/camera/{name}/image_raw' for name in (*CAMERAS, EXTRA)]
        seconds = options.seconds or 60.0 * options.minutes
        # It answers when all are published, which is after we have stopped it.
        camera.tell(topics=topics, **{'await': topics[:-1]}, frames=str(frames),
                    rate=options.rate, count=int((seconds + 600.0) * options.rate), wait_s=240.0,
                    journal=str(frames.with_name('sent')))
        self._wait_for_labels(watch, node)
        begin = time.time()
        self.history.append((begin, CAMERAS))
        taken = watch.taken
        while (now := time.time()) < begin + seconds:
            node.check()
            camera.check()
            self._change(client, *chosen.next())
            self.memory.append(node.resident_mb())
            said = int(now - begin) // 30
            if said != int(now - begin - options.every) // 30 and not options.quiet:
                print(f'{now - begin:5.0f} s: {sum(self.made.values())} changes, '
                      f'{self.memory[-1]:.0f} MB', flush=True)
            time.sleep(max(0.0, options.every - (time.time() - now)))
        node.check()
        return {**self._summary(watch, node, chosen, begin, time.time(),
                                journal(frames.with_name('sent'), (*CAMERAS, EXTRA))),
                'taken': watch.taken - taken}

    def _wait_for_labels(self, watch: Watch, node: Child) -> None:
        until = time.monotonic() + 240.0
        while any(len(watch.labels[name]) < 5 for name in CAMERAS):
            node.check()
            if time.monotonic() > until:
                raise SystemExit(f'soak: no labels\n{node.output()[-3000:]}')
            time.sleep(0.2)

    def _answer(self, future: Any) -> Any:
        until = time.monotonic() + 30.0
        while not future.done():
            if time.monotonic() > until:
                raise SystemExit('soak: a parameter service has not answered for 30 s')
            time.sleep(0.005)
        return future.result()

    def _change(self, client: AsyncParameterClient, kind: str, change: Change) -> None:
        if kind == 'cameras':
            # What is taken away may pause from before the node says that it has accepted.
            self.history.append((time.time(), change['cameras']))
        self.log.append((time.time(), change))
        answer = self._answer(client.set_parameters_atomically(
            [Parameter(name, value=value) for name, value in change.items()]))
        result = answer.result
        if result.successful:
            self.made[kind] += 1
        else:
            self.refused.append(f'{change}: {result.reason}')

    def _before(self, when: float) -> str:
        """Return what was changed last before a time."""
        earlier = [(at, change) for at, change in self.log if at <= when]
        if not earlier:
            return 'before the first change'
        return f'{when - earlier[-1][0]:.2f} s after {earlier[-1][1]}'

    def _summary(self, watch: Watch, node: Child, chosen: Changes, begin: float, end: float,
                 sent: dict[str, list[float]]) -> dict[str, Any]:
        period_s = 1.0 / self.options.rate
        with watch.lock:
            labels = {name: list(times) for name, times in watch.labels.items()}
            errors, warnings = dict(watch.errors), dict(watch.warnings)
        if 'Traceback' in node.output():
            errors['output: a traceback'] = node.output().count('Traceback')
        cameras: dict[str, dict[str, Any]] = {}
        for name in CAMERAS:
            excused = absences(self.history, name, end)
            inside = [label for label in labels[name] if begin <= label.came <= end]
            found = gaps(labels[name], sent[name], period_s, excused, begin, end,
                         [labels[other] for other in labels if other != name])
            cameras[name] = {
                'labels': len(inside), 'rate_hz': len(inside) / (end - begin),
                'images': sum(begin <= t <= end for t in sent[name]),
                'jitter_s': usual_jitter(inside),
                'longest_s': longest_pause(inside, excused, begin, end),
                'gaps': [gap for gap in found if not gap['round']],
                'slow_rounds': [gap for gap in found if gap['round']]}
        growth = memory_growth(self.memory)
        seconds = end - begin
        tells = growth is not None and seconds >= MEMORY_TELLS_S
        broken = [f'{count}x {text}' for text, count in errors.items()]
        broken += [f'refused: {text}' for text in self.refused]
        broken += [f'{name}: silent for {gap["seconds"]:.2f} s after {gap["at_s"]:.0f} s '
                   f'(allowed: {gap["allowed_s"]:.2f} s; images without labels: '
                   f'{gap["missing"]}), {self._before(begin + gap["at_s"])}'
                   for name, found in cameras.items() for gap in found['gaps']]
        if tells and growth is not None and growth > self.options.memory_growth:
            broken.append(f'memory grew by x{growth:.2f}')
        return {
            'seconds': seconds, 'every_s': self.options.every, 'rate_hz': self.options.rate,
            'size': list(self.options.shape), 'changes': dict(self.made),
            'not_present': chosen.missing, 'refused': self.refused, 'cameras': cameras,
            'errors': errors, 'warnings': warnings,
            'memory_mb': {'start': self.memory[0], 'end': self.memory[-1],
                          'peak': max(self.memory),
                          'quarters': quarter_peaks(self.memory)},
            'memory_growth': growth, 'memory_tells': tells, 'broken': broken,
        }


def show(found: dict[str, Any]) -> None:
    """Print the summary."""
    made = ', '.join(f'{count} {kind}' for kind, count in sorted(found['changes'].items()))
    print(f'{found["seconds"]:.0f} s, {len(found["cameras"])} cameras at '
          f'{found["rate_hz"]:g} Hz, {found["size"][0]}x{found["size"][1]}; '
          f'{sum(found["changes"].values())} changes: {made}')
    print(f'{found["taken"]} times a method built in the background took over')
    if found['not_present']:
        print(f'not present in this node: {", ".join(found["not_present"])}')
    for name, camera in found['cameras'].items():
        print(f'{name}: {camera["labels"]} labels of {camera["images"]} images, '
              f'{camera["rate_hz"]:.1f} Hz, usual jitter {1e3 * camera["jitter_s"]:.0f} ms, '
              f'{len(camera["gaps"])} gaps, {len(camera["slow_rounds"])} slow rounds, '
              f'at most {1e3 * camera["longest_s"]:.0f} ms without labels')
    memory, growth = found['memory_mb'], found['memory_growth']
    told = 'too short to tell' if not found['memory_tells'] else f'x{growth:.2f}'
    print(f'memory: {memory["start"]:.0f} MB at the start, {memory["end"]:.0f} at the end, peak '
          f'{memory["peak"]:.0f}; peaks of the quarters '
          f'{", ".join(f"{peak:.0f}" for peak in memory["quarters"])}; the last by the second: '
          f'{told}')
    for line in found['broken'][:20]:
        print(f'BROKEN: {line}')
    print('broken' if found['broken'] else 'sound')


def main() -> int:
    """Run as the command line says; return 1 if something is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])  # type: ignore[union-attr]
    parser.add_argument('--minutes', type=float, default=10.0)
    parser.add_argument('--seconds', type=float, default=0.0, help='in place of minutes')
    parser.add_argument('--every', type=float, default=1.0, help='seconds between two changes')
    parser.add_argument('--rate', type=float, default=8.0, help='images a second, per camera')
    parser.add_argument('--size', default='256x512', metavar='HxW')
    parser.add_argument('--seed', type=int, default=0, help='of the order of changes')
    parser.add_argument('--memory-growth', type=float, default=1.15, metavar='RATIO',
                        help='from which on memory is not flat')
    parser.add_argument('--set', action='append', default=[], metavar='NAME=VALUE',
                        help='a parameter of the node at the start')
    parser.add_argument('--quiet', action='store_true', help='only the summary')
    parser.add_argument('--json', type=Path, metavar='FILE')
    options = parser.parse_args()
    height, width = (int(side) for side in options.size.split('x'))
    options.shape = height, width
    rclpy.init()
    namespace = f'/soak_{random.SystemRandom().randrange(1 << 30)}'
    watch = Watch(namespace, (*CAMERAS, EXTRA))
    executor = SingleThreadedExecutor()
    executor.add_node(watch)

    def spin() -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            pass

    spinner = threading.Thread(target=spin, daemon=True)
    spinner.start()
    values = {'method': 'fassvid', 'cameras': f'[{", ".join(CAMERAS)}]'}
    values.update(text.split('=', 1) for text in options.set)
    arguments = ['--ros-args', '-r', f'__ns:={namespace}']
    for name, value in values.items():
        arguments += ['-p', f'{name}:={value}']
    soak = Soak(options, namespace)
    try:
        with tempfile.TemporaryDirectory(prefix='vidseg_soak_') as directory:
            frames = save_frames(Path(directory) / 'frames.npy',
                                 video_frames(12, options.shape)[0])
            with Child('segmentation_node', node_command(arguments)) as node, \
                    Servant('the cameras', [sys.executable, str(script('pipeline_ends.py')),
                                            'publish']) as camera:
                found = soak.run(watch, node, camera, frames)
                status = node.stop()
                if status:
                    found['broken'].append(f'the node ended with {status}')
    finally:
        rclpy.try_shutdown()
        spinner.join(5.0)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + '\n')
    return 1 if found['broken'] else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (KeyboardInterrupt, ExternalShutdownException):
        sys.exit(130)
