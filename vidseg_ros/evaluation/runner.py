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
"""Running a method over a data set without ROS: sequence by sequence, in the order of time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.evaluation.account import Account
from vidseg_ros.evaluation.latency import StageTimes, percentiles
from vidseg_ros.labels.convert import conversion_table, convert_labels
from vidseg_ros.labels.space import LabelSpace
from vidseg_ros.methods.base import Frame, Segmentation, StreamState, VideoSegmenter, Wanted


class LabelSpacesDiffer(ValueError):
    """A method's classes have no counterpart in the data set's; the message is for people."""


@dataclass(slots=True)
class Outcome:
    """What a run gave: the account of its frames, its times by stage, and the figures."""

    account: Account
    times: StageTimes
    figures: dict[str, Any]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Conversion:
    """
    How labels of one label space are read in another; ``table`` uint8 [256], None if they agree.

    ``missing`` are the classes of the target that the source has no counterpart for.
    """

    table: NDArray[np.uint8] | None
    missing: tuple[str, ...] = ()

    def apply(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return labels, uint8 [H, W], in the target's class ids."""
        return labels if self.table is None else convert_labels(labels, self.table)


def conversion(source: LabelSpace, target: LabelSpace) -> Conversion:
    """Return how to read one space's labels in another; LabelSpacesDiffer if nothing is shared."""
    if source == target:
        return Conversion(None)
    table = conversion_table(source, target)
    reached = {int(i) for i in table[:source.num_classes]}
    missing = tuple(name for i, name in enumerate(target.classes) if i not in reached)
    if len(missing) == target.num_classes:
        raise LabelSpacesDiffer(
            f"labels of '{source.name}' can't be scored as '{target.name}': they share no class. "
            f'Choose a checkpoint for {target.name}, or another data set.')
    return Conversion(table, missing)


def run(segmenter: VideoSegmenter, dataset: SegmentationDataset, *,
        limit: int = 0, consistency: bool = True, pictures: int = 6,
        save_predictions: Path | None = None,
        progress: Callable[[int, int], None] | None = None) -> Outcome:
    """
    Segment every frame of a data set and score it; each sequence begins with a new state.

    ``limit`` ends the run after so many frames (0: all), ``save_predictions`` is a directory for
    label images (PNG, class ids of the data set's label space), and ``progress`` is called
    with (frames done, frames in all). The first frame is segmented twice beforehand, off the
    record, so that one-time work is not taken for latency.

    Raises LabelSpacesDiffer where the method's classes can't be scored on this data set.
    """
    convert = conversion(segmenter.label_space, dataset.label_space)
    sequences = _limited(dataset.sequences(), limit)
    total = sum(len(indices) for indices in sequences)
    account = Account(dataset.label_space, consistency=consistency, pictures=pictures)
    times = StageTimes()
    if total:
        _warm_up(segmenter, dataset, sequences[0][0])
    started = time.perf_counter()
    for indices in sequences:
        camera = dataset.samples[indices[0]].sequence
        state = segmenter.new_state(camera)
        account.restart(camera)
        for number, index in enumerate(indices):
            sample = dataset.samples[index]
            image = dataset.image(index)
            result, stages = _segment(segmenter, Frame(image, sample.stamp_ns, camera, number),
                                      state)
            times.add(stages)
            labels = convert.apply(result.labels)
            account.add(camera, sample.stamp_ns, image, labels, dataset.labels(index),
                        latency_ms=stages['total'], name=sample.name)
            if save_predictions is not None:
                _save(save_predictions, sample.sequence, sample.name, labels)
            if progress is not None:
                progress(account.frames, total)
    seconds = time.perf_counter() - started
    figures = _figures(account, times, segmenter, dataset)
    figures['seconds'] = seconds
    notes = []
    if convert.table is not None:
        figures['converted_from'] = segmenter.label_space.name
        notes.append(f'The method speaks {segmenter.label_space.name}; its labels were converted '
                     f'to {dataset.label_space.name}.')
        if convert.missing:
            figures['classes_without_counterpart'] = list(convert.missing)
            notes.append('It can not predict ' + ', '.join(convert.missing) +
                         ': there they count as wrong.')
    if not account.labelled:
        notes.append('No frame has ground truth: there is no accuracy to report.')
    return Outcome(account, times, figures, notes)


def _segment(segmenter: VideoSegmenter, frame: Frame,
             state: StreamState) -> tuple[Segmentation, dict[str, float]]:
    start = time.perf_counter()
    observation = segmenter.observe(frame, state)
    observed = time.perf_counter()
    (result,) = segmenter.predict([observation], [state])
    done = time.perf_counter()
    stages = {'observe': 1e3 * (observed - start), 'predict': 1e3 * (done - observed),
              'total': 1e3 * (done - start)}
    stages |= {f'predict/{name}': value for name, value in result.stages_ms.items()}
    return result, stages


def _warm_up(segmenter: VideoSegmenter, dataset: SegmentationDataset, index: int) -> None:
    state = segmenter.new_state('warm up')
    for number in range(2):
        frame = Frame(dataset.image(index), number, 'warm up', number)
        observation = segmenter.observe(frame, state)
        observation.wanted = Wanted()
        segmenter.predict([observation], [state])


def _figures(account: Account, times: StageTimes, segmenter: VideoSegmenter,
             dataset: SegmentationDataset) -> dict[str, Any]:
    total = times.of('total')
    spent = sum(total)
    return {
        **account.summary(),
        'fps': 1e3 * len(total) / spent if spent else float('nan'),
        'fps_meaning': 'frames by the time in observe and predict',
        'latency_ms': percentiles(total),
        'latency_ms_by_stage': times.summary(),
        'dataset': dataset.name,
        'split': dataset.split,
        'method': segmenter.name,
        'describe': segmenter.describe(),
    }


def _limited(sequences: list[list[int]], limit: int) -> list[list[int]]:
    if limit <= 0:
        return sequences
    kept, left = [], limit
    for indices in sequences:
        if left <= 0:
            break
        kept.append(indices[:left])
        left -= len(kept[-1])
    return kept


def _save(directory: Path, sequence: str, name: str, labels: NDArray[np.uint8]) -> None:
    # Names come from a data set's files; they must not lead out of the directory.
    parts = [re.sub(r'[^\w.-]+', '_', part).strip('.') or '_' for part in (sequence, name)]
    path = directory / parts[0] / f'{parts[1]}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), labels):
        raise OSError(f'could not write {path}')
