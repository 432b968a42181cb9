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
"""Measure the rows of the results: accuracy, consistency, size, and speed beside the baseline."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from vidseg_ros.checkpoints.store import find_checkpoint, read_metadata
from vidseg_ros.datasets.base import Image, SegmentationDataset
from vidseg_ros.evaluation.machine import machine, versions
from vidseg_ros.evaluation.results.plan import ResultRow
from vidseg_ros.evaluation.results.sweeps import sweeps
from vidseg_ros.evaluation.runner import run
from vidseg_ros.labels.registry import label_space
from vidseg_ros.methods.base import Frame, VideoSegmenter
from vidseg_ros.methods.registry import MethodOptions, create_method
from vidseg_ros.networks.complexity import count_macs, count_parameters
from vidseg_ros.networks.registry import network_spec

FIGURES = ('miou', 'pixel_accuracy', 'mean_accuracy', 'per_class_iou', 'temporal_consistency',
           'mean_accuracy_eq14', 'miou_eq15')  # fmt: skip
ROUNDS = 5
FRAMES_A_ROUND = 30


def measure(rows: Sequence[ResultRow], dataset: SegmentationDataset, engine: str = 'auto',
            tell: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """
    Measure all rows on a data set; return what the page is made of, as plain values.

    A row whose weights do not ship is listed with ``missing``. ``tell`` is told what is done.
    """
    by_name = {row.name: row for row in rows}
    size = dataset.image(0).shape[:2]
    entries = []
    for row in rows:
        entry: dict[str, Any] = {'name': row.name, 'method': row.method,
                                 'checkpoint': row.checkpoint, 'baseline': row.baseline,
                                 'knobs': dict(row.knobs)}
        if row.missing:
            entry['missing'] = row.missing
        else:
            tell(row.name)
            segmenter = open_row(row, engine)
            figures = run(segmenter, dataset, pictures=0).figures
            entry |= {key: figures[key] for key in FIGURES}
            entry |= _size_of(row.checkpoint, size)
            entry['describe'] = segmenter.describe()
            baseline = by_name[row.baseline]
            if baseline is not row and not baseline.missing:
                other = open_row(baseline, engine)
                entry['speed'] = speed_ratio(segmenter, other, dataset)
                other.close()
            segmenter.close()
        entries.append(entry)
    tell('sweeps')
    return {
        'dataset': dataset.name, 'split': dataset.split, 'frames': len(dataset),
        'size': list(size), 'classes': list(dataset.label_space.classes),
        'machine': machine(), 'versions': versions(), 'rows': entries,
        'sweeps': sweeps(dataset, engine, tell),
    }


def open_row(row: ResultRow, engine: str) -> VideoSegmenter:
    """Return a row's method with its weights."""
    return create_method(row.method, MethodOptions(
        checkpoint=row.checkpoint, engine=engine, extra=dict(row.knobs)))


def _size_of(checkpoint: str, size: tuple[int, int]) -> dict[str, Any]:
    """Count a network at the data's image size; nothing is computed, only shapes."""
    metadata = read_metadata(find_checkpoint(checkpoint))
    spec = network_spec(metadata.network)
    with torch.device('meta'):
        network = spec.build(label_space(metadata.label_space).num_classes)
        inputs = [torch.empty(1, 3, *size)] if spec.example is None else spec.example(network,
                                                                                      size)
        macs = count_macs(network, inputs)
    return {'network': metadata.network, 'parameters': count_parameters(network),
            'gmacs': macs / 1e9, 'training': metadata.metrics.get('command', '')}


def speed_ratio(segmenter: VideoSegmenter, baseline: VideoSegmenter,
                dataset: SegmentationDataset) -> float:
    """
    Return how many times as many frames a second as the baseline's, one step after the other.

    The two take turns over the same frames, so that what else the machine does meets both; the
    ratio is that of the medians over the rounds.
    """
    piece = max(dataset.sequences(), key=len)[:FRAMES_A_ROUND]
    frames = [(dataset.image(i), dataset.samples[i].stamp_ns) for i in piece]
    seconds: dict[int, list[float]] = {0: [], 1: []}
    for number in range(ROUNDS + 1):
        for which, each in enumerate((baseline, segmenter)):
            spent = _spend(each, frames)
            if number:  # the first round warms up
                seconds[which].append(spent)
    return float(np.median(seconds[0]) / np.median(seconds[1])) if frames else math.nan


def _spend(segmenter: VideoSegmenter, frames: Sequence[tuple[Image, int]]) -> float:
    state = segmenter.new_state('speed')
    begun = time.perf_counter()
    for number, (image, stamp_ns) in enumerate(frames):
        observation = segmenter.observe(Frame(image, stamp_ns, 'speed', number), state)
        segmenter.predict([observation], [state])
    return time.perf_counter() - begun
