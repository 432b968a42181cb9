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
The node that scores a running graph: labels against ground truth, matched by stamp.

It ends by itself when all expected frames are in, or when the player has gone and nothing more
comes, and leaves ``report.json`` and ``report.html`` behind. The measures are in
``vidseg_ros.evaluation``; here are only topics, parameters and the decision to stop.
"""

from __future__ import annotations

import json
import math
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image
from statistics_msgs.msg import MetricsMessage
from vision_msgs.msg import LabelInfo

from vidseg_ros.evaluation.live import Kind, LiveEvaluation, Part
from vidseg_ros.evaluation.report import Report, provenance, write_report
from vidseg_ros.labels.registry import LABEL_SPACES
from vidseg_ros.labels.space import IGNORE, LabelSpace
from vidseg_ros.nodes.diagnostics import PASSING
from vidseg_ros.nodes.image_conversion import compressed_to_rgb, stamp_ns, to_rgb
from vidseg_ros.nodes.statistics import PERCENTILES
from vidseg_ros.pipeline.arrival import BadFrame

# How long the publishers must have been gone for the bag to be over, in seconds.
_GONE = 0.5

# How long to wait, at the end, for figures that are published once a second.
_LAST_STATISTICS = 4.0

# What is published together arrives within this, in seconds.
_TOGETHER = 0.2

_DROPPED, _RECEIVED = 'dropped: ', 'frames received'
_LATENCY = '_latency'

_LONGEST_MS = 3.6e6


@dataclass(frozen=True)
class _Row:
    """One parameter: read once, at the start."""

    name: str
    default: Any
    description: str
    least: float | None = None
    most: float | None = None


PARAMETERS = (
    _Row('cameras', ['front'], 'Names of the cameras; each has its topics under camera/<name>/.'),
    _Row('transport', 'raw', 'Where the images come from: image_raw (raw) or '
         'image_raw/compressed (compressed).'),
    _Row('report', 'report', 'Directory for report.json and report.html.'),
    _Row('segmentation_node', 'segmentation_node',
         'Name of the node that is scored: whose statistics and diagnostics to read.'),
    _Row('expected_frames', 0, 'End when so many frames are evaluated or lost; 0: not known.',
         0, 2**31 - 1),
    _Row('drain_timeout', 5.0, 'Seconds without labels, after the player has gone, until frames '
         'that have none are given up.', 0.1, 3600.0),
    _Row('idle_timeout', 0.0, 'End after so many seconds without any message, once there was '
         'one; 0: never.', 0.0, 86400.0),
    _Row('consistency', True, 'Measure temporal consistency; it needs optical flow.'),
    _Row('pictures', 6, 'About how many evenly spaced frames to show.', 0, 100),
    _Row('memory_limit_mb', 1024, 'Megabytes that may wait to be scored; beyond it images are '
         'let go.', 1, 1_000_000),
    _Row('reliability', 'reliable', 'Reliability of the subscriptions to images, labels and '
         'ground truth: reliable or best_effort.'),
    _Row('depth', 1000, 'Depth of these subscriptions.', 1, 1_000_000),
    _Row('title', '', 'Title of the report.'),
    _Row('facts', '{}', 'What the report should say about the run: a JSON object.'),
)


class EvaluationNode(Node):
    """Subscribe, hand over, and know when it is over."""

    def __init__(self, **kwargs: Any) -> None:
        """Declare the parameters and subscribe; ValueError if one makes no sense."""
        super().__init__('evaluation_node', **kwargs)
        self._settings = {row.name: self._declared(row) for row in PARAMETERS}
        self._cameras: list[str] = [c for c in self._settings['cameras'] if c]
        if not self._cameras:
            raise ValueError('there is no camera to evaluate: parameter cameras')
        self._facts: dict[str, Any] = json.loads(self._settings['facts'] or '{}')
        if not isinstance(self._facts, dict):
            raise ValueError('parameter facts is no JSON object')
        self._evaluation = LiveEvaluation(
            consistency=self._settings['consistency'], pictures=self._settings['pictures'],
            memory_limit=self._settings['memory_limit_mb'] << 20,
            problem=lambda text: self.get_logger().warning(text, throttle_duration_sec=1.0))
        self._last_message = self._last_labels = 0.0
        self._last_statistics = self._last_diagnostics = 0.0
        self._source_seen = False
        self._gone_since = 0.0
        self._over_since = 0.0
        self.done = False
        self._sources = [name for camera in self._cameras for name in self._subscribe(camera)]
        segmenter = self._settings['segmentation_node'].rstrip('/')
        self._engine_status = (segmenter if segmenter.startswith('/') else
                               f'{self.get_namespace().rstrip("/")}/{segmenter}'
                               ).lstrip('/') + ': engine'
        # What ran, by its description; more than one where the method was changed on the way.
        self._described: dict[tuple[tuple[str, str], ...], None] = {}
        self.create_subscription(MetricsMessage, f'{segmenter}/statistics', self._on_statistics,
                                 100)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 100)
        self.create_timer(0.1, self._look)
        self.get_logger().info(f'evaluating {", ".join(self._cameras)}; report goes to '
                               f'{Path(self._settings["report"]).resolve()}')

    def _declared(self, row: _Row) -> Any:
        descriptor = ParameterDescriptor(description=row.description, read_only=True)
        if row.least is not None and row.most is not None:
            if isinstance(row.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=row.least, to_value=row.most)]
            else:
                descriptor.integer_range = [
                    IntegerRange(from_value=int(row.least), to_value=int(row.most), step=1)]
        return self.declare_parameter(row.name, row.default, descriptor).value

    def _subscribe(self, camera: str) -> list[str]:
        """Subscribe to a camera's topics; return the names of those that a player publishes."""
        base = f'camera/{camera}'
        stream = QoSProfile(
            history=HistoryPolicy.KEEP_LAST, depth=self._settings['depth'],
            reliability=(ReliabilityPolicy.BEST_EFFORT
                         if self._settings['reliability'] == 'best_effort'
                         else ReliabilityPolicy.RELIABLE))
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)

        def listen(kind: Any, topic: str, callback: Callable[[Any], None],
                   profile: QoSProfile) -> str:
            return self.create_subscription(
                kind, f'{base}/{topic}', callback, profile,
                qos_overriding_options=QoSOverridingOptions.with_default_policies()).topic_name

        compressed = self._settings['transport'] == 'compressed'
        images = listen(CompressedImage if compressed else Image,
                        'image_raw/compressed' if compressed else 'image_raw',
                        lambda m: self._on_part('image', camera, m,
                                                compressed_to_rgb if compressed else to_rgb),
                        stream)
        listen(Image, 'segmentation/labels',
               lambda m: self._on_part('labels', camera, m, class_ids), stream)
        truths = listen(Image, 'ground_truth/labels',
                        lambda m: self._on_part('truth', camera, m, class_ids), stream)
        listen(LabelInfo, 'segmentation/label_info',
               lambda m: self._evaluation.legend(camera, 'labels', space_of(m)), latched)
        listen(LabelInfo, 'ground_truth/label_info',
               lambda m: self._evaluation.legend(camera, 'truth', space_of(m)), latched)
        return [images, truths]

    def _on_part(self, kind: Kind, camera: str, message: Any,
                 decode: Callable[[Any], NDArray[np.uint8]]) -> None:
        arrived = time.monotonic_ns()
        try:
            stamp = stamp_ns(message.header.stamp)
        except BadFrame as error:
            self.get_logger().warning(f'{camera}: {kind}: {error}', throttle_duration_sec=1.0)
            return
        self._last_message = time.monotonic()
        if kind == 'labels':
            self._last_labels = self._last_message
        else:
            # A short bag may be over before the graph was looked at once.
            self._source_seen = True
        self._evaluation.submit(Part(kind, camera, stamp, arrived, len(message.data),
                                     lambda: _checked(decode, message)))

    def _on_statistics(self, message: MetricsMessage) -> None:
        self._last_statistics = time.monotonic()
        found = stage_of(message)
        if found is not None and found[0] in self._cameras:
            self._evaluation.stage(*found)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == self._engine_status:
                description = {entry.key: entry.value for entry in status.values
                               if entry.key not in PASSING}
                if 'method' in description:
                    self._described[tuple(description.items())] = None
        found = False
        for camera, values in camera_values(message, self._cameras):
            found = True
            for cause, number in drops_in(values):
                self._evaluation.drops(camera, cause, number)
            received = values.get(_RECEIVED, '')
            if received.isdigit():
                self._evaluation.received(camera, int(received))
        if found:
            self._last_diagnostics = time.monotonic()

    def _look(self) -> None:
        """Decide whether it is over."""
        now = time.monotonic()
        progress = self._evaluation.progress()
        settled = progress.evaluated + progress.lost
        expected = self._settings['expected_frames']
        if self._over_since:
            # Figures of the last frames are published within a second of them.
            complete = self._last_message < self._last_diagnostics and \
                self._last_message < self._last_statistics < now - _TOGETHER
            self.done = complete or now - self._over_since > _LAST_STATISTICS
            return
        if expected and settled >= expected:
            self._end(f'all {expected} frames are in')
        elif self._player_gone(now) and not progress.queued and (
                not progress.waiting or
                now - max(self._last_labels, self._last_message, self._gone_since)
                > self._settings['drain_timeout']):
            self._end('the player has gone' + (
                f', {progress.waiting} frames never got labels' if progress.waiting else ''))
        elif self._settings['idle_timeout'] and self._last_message and \
                now - self._last_message > self._settings['idle_timeout']:
            self._end(f'nothing came for {self._settings["idle_timeout"]:g} s')

    def _player_gone(self, now: float) -> bool:
        if any(self.count_publishers(topic) for topic in self._sources):
            self._source_seen, self._gone_since = True, 0.0
            return False
        if not self._source_seen:
            return False
        self._gone_since = self._gone_since or now
        return now - self._gone_since > _GONE

    def _end(self, why: str) -> None:
        self.get_logger().info(f'ending: {why}')
        self._over_since = time.monotonic()

    def write(self) -> int:
        """
        Score what is left and write the report; return 0, or 1 if nothing was evaluated.

        Where nothing came at all no report is written: it would only replace an earlier one.
        """
        if not self._last_message:
            self.get_logger().error('no message came: there is nothing to report')
            return 1
        findings = self._evaluation.finish(self._settings['expected_frames'])
        figures = {**findings.figures, **provenance(), **self._facts}
        descriptions = [dict(items) for items in self._described]
        notes = findings.notes
        if descriptions:
            figures['describe'] = descriptions[-1]
            figures |= {key: descriptions[-1][key] for key in ('method', 'engine', 'checkpoint')
                        if key in descriptions[-1]}
        if len(descriptions) > 1:
            notes = [*notes, 'What ran was changed on the way: ' + ', then '.join(
                f'{d["method"]} ({d.get("engine", "")})' for d in descriptions) + '.']
        title = self._settings['title'] or ', '.join(self._cameras)
        page = write_report(Path(self._settings['report']), Report(
            title=title, figures=figures, account=findings.account, lost=findings.lost,
            notes=notes))
        say = self.get_logger()
        latency = figures['latency_ms']
        say.info(f'{figures["frames_evaluated"]} of {figures["frames_expected"]} frames '
                 f'evaluated, {figures["frames_lost"]} lost; '
                 f'mIoU {figures["miou"]:.4f}, pixel accuracy {figures["pixel_accuracy"]:.4f}, '
                 f'temporal consistency {figures["temporal_consistency"]:.4f}, latency p50 '
                 f'{latency["p50"]:.1f} p95 {latency["p95"]:.1f} p99 {latency["p99"]:.1f} ms')
        for note in notes:
            say.warning(note)
        say.info(f'report: {page.resolve()}')
        if not figures['frames_evaluated']:
            say.error('nothing was evaluated')
            return 1
        return 0


def class_ids(message: Image) -> NDArray[np.uint8]:
    """Return the class ids of a mono8 image, uint8 [H, W]; ValueError if it is none."""
    height, width, step = message.height, message.width, message.step
    if message.encoding not in ('mono8', '8UC1'):
        raise ValueError(f"labels are mono8, not '{message.encoding}'")
    if not height or not width or step < width or len(message.data) != step * height:
        raise ValueError(f'labels of {width}x{height}, step {step}, have '
                         f'{len(message.data)} bytes')
    return np.frombuffer(message.data, np.uint8).reshape(height, step)[:, :width]


def space_of(message: LabelInfo) -> LabelSpace:
    """Return the label space of a legend: a known one, or one made of its names."""
    names = {entry.class_id: entry.class_name for entry in message.class_map
             if entry.class_id < IGNORE}
    classes = tuple(names.get(i, f'class {i}') for i in range(max(names, default=-1) + 1))
    for known in LABEL_SPACES.values():
        if known.classes == classes:
            return known
    palette = np.zeros((256, 3), np.uint8)
    palette[:IGNORE] = np.random.default_rng(1).integers(48, 256, (IGNORE, 3))
    return LabelSpace('custom', classes or ('class 0',), palette)


def stage_of(message: MetricsMessage) -> tuple[str, str, dict[str, float]] | None:
    """
    Return (camera, stage, {'p50', 'p95', 'p99'} in ms) of a stage's metrics, None if it has none.

    Times that no frame can take are left out: a recording's stamps are not of today's clock, so
    that the time since then says nothing of transport.
    """
    if not message.metrics_source.endswith(_LATENCY) or message.unit != 'ms':
        return None
    points = {point.data_type: point.data for point in message.statistics}
    times = {name: points.get(number, math.nan) for number, name in PERCENTILES.items()}
    if not all(0.0 <= value < _LONGEST_MS for value in times.values()):
        return None
    camera = message.measurement_source_name.rpartition('/')[2]
    return camera, message.metrics_source.removesuffix(_LATENCY), times


def camera_values(message: DiagnosticArray,
                  cameras: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Return what a diagnostics message says of cameras: (camera, values by key)."""
    found = []
    for status in message.status:
        values = {entry.key: entry.value for entry in status.values}
        parts = values.get('topic', '').split('/')
        if 'camera' in parts[:-1] and (name := parts[parts.index('camera') + 1]) in cameras:
            found.append((name, values))
    return found


def drops_in(values: Mapping[str, str]) -> list[tuple[str, int]]:
    """Return the frames dropped, (cause, number), that a camera's diagnostics tell of."""
    return [(key.removeprefix(_DROPPED), int(value)) for key, value in values.items()
            if key.startswith(_DROPPED) and value.isdigit()]


def _checked(decode: Callable[[Any], NDArray[np.uint8]], message: Any) -> NDArray[np.uint8]:
    try:
        return decode(message)
    except BadFrame as error:
        raise ValueError(str(error)) from error


def main(args: Sequence[str] | None = None) -> int:
    """Evaluate until it is over or interrupted, then write the report; return the exit code."""
    rclpy.init(args=args)
    node: EvaluationNode | None = None
    try:
        node = EvaluationNode()
        while rclpy.ok() and not node.done:
            rclpy.spin_once(node, timeout_sec=0.2)
    except ValueError as error:
        print(f'evaluation_node: {error}', file=sys.stderr)
        rclpy.try_shutdown()
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        # The report is what an interrupted evaluation is for: it is written all the same.
        pass
    # Another ctrl-C must not leave half a report.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return 1 if node is None else node.write()
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
