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
"""The account of an evaluation: frames go in one by one, the figures of a report come out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.evaluation.album import Album, Picture
from vidseg_ros.evaluation.confusion import ConfusionMatrix, mean_iou, per_class_iou
from vidseg_ros.evaluation.consistency import TemporalConsistency
from vidseg_ros.labels.space import LabelSpace

# Frames further apart are no consecutive ones: what was to be seen has moved too far for flow.
MOST_APART_NS = 500_000_000

# A frame's line takes some 200 bytes; this many are a day at 15 Hz... and 250 MB at most.
MOST_LINES = 1_300_000


@dataclass(frozen=True, slots=True)
class FrameLine:
    """
    What is known of one frame, NaN where something was not measured.

    ``miou`` is over the classes that occur in this frame, ``consistency`` the share of pixels
    that agree with the frame before, ``latency_ms`` its time from input to output.
    """

    camera: str
    stamp_ns: int
    name: str
    miou: float
    consistency: float
    latency_ms: float


class Account:
    """
    Score frames of one or more cameras, in the order of time within each camera.

    Accuracy is counted over all labelled frames together, per camera and in total; temporal
    consistency over all pairs of consecutive frames of a camera that are at most half a second
    apart.
    """

    def __init__(self, label_space: LabelSpace, *, consistency: bool = True,
                 pictures: int = 6) -> None:
        """Start with no frame; ``pictures`` is about how many evenly spaced ones to keep."""
        self.label_space = label_space
        self.frames = 0
        self.labelled = 0
        self.lines: list[FrameLine] = []
        self.album = Album(pictures) if pictures else None
        self._measure_consistency = consistency
        self._matrices: dict[str, ConfusionMatrix] = {}
        self._trackers: dict[str, TemporalConsistency] = {}
        self._last_stamp: dict[str, int] = {}
        self._pairs = 0
        self._agreement = 0.0
        self._agreement_miou: list[float] = []

    def add(self, camera: str, stamp_ns: int, image: NDArray[np.uint8] | None,
            labels: NDArray[Any], truth: NDArray[np.uint8] | None, *,
            latency_ms: float = math.nan, name: str = '') -> FrameLine:
        """
        Score one frame: ``image`` uint8 [H, W, 3] RGB, ``labels`` and ``truth`` uint8 [H, W].

        Without ``truth`` only consistency is measured, without ``image`` only accuracy.
        ValueError, with nothing counted, if sizes differ or the truth is not in the label space.
        """
        if image is not None and image.shape[:2] != labels.shape:
            raise ValueError(f'labels {list(labels.shape)} do not fit the image '
                             f'{list(image.shape)}')
        miou = math.nan
        if truth is not None:
            added = self._matrix(camera).update(labels, truth)
            miou = mean_iou(added)
            self.labelled += 1
        agreement = None
        if self._measure_consistency:
            apart = stamp_ns - self._last_stamp.get(camera, stamp_ns)
            if image is None or not 0 <= apart <= MOST_APART_NS:
                self.restart(camera)
            self._last_stamp[camera] = stamp_ns
            if image is not None:
                agreement = self._tracker(camera).update(image, labels)
        if agreement is not None:
            self._pairs += 1
            self._agreement += agreement.pixels
            if math.isfinite(agreement.miou):
                self._agreement_miou.append(agreement.miou)
        line = FrameLine(camera, stamp_ns, name, miou,
                         agreement.pixels if agreement else math.nan, latency_ms)
        if len(self.lines) < MOST_LINES:
            self.lines.append(line)
        if self.album is not None and image is not None:
            self.album.offer(Picture(camera, self.frames, stamp_ns, name, image, labels, truth,
                                     miou, line.consistency))
        self.frames += 1
        return line

    def restart(self, camera: str) -> None:
        """Say that the camera's next frame does not follow on its last one."""
        if camera in self._trackers:
            self._trackers[camera].reset()

    @property
    def matrix(self) -> ConfusionMatrix:
        """Return the confusion matrix over all cameras."""
        total = ConfusionMatrix(self.label_space.num_classes)
        for matrix in self._matrices.values():
            total.counts += matrix.counts
        return total

    def summary(self) -> dict[str, Any]:
        """Return the figures, by the keys of ``report.json``; NaN where nothing was measured."""
        matrix = self.matrix
        result: dict[str, Any] = {
            'miou': matrix.miou,
            'pixel_accuracy': matrix.pixel_accuracy,
            'mean_accuracy': matrix.mean_accuracy,
            'mean_accuracy_eq14': matrix.mean_accuracy_eq14,
            'miou_eq15': matrix.miou_eq15,
            'per_class_iou': self._named(matrix),
            'temporal_consistency': self._agreement / self._pairs if self._pairs else math.nan,
            'temporal_consistency_miou': (float(np.mean(self._agreement_miou))
                                          if self._agreement_miou else math.nan),
            'frames': self.frames,
            'frames_labelled': self.labelled,
            'label_space': self.label_space.name,
        }
        if len(self._matrices) > 1:
            result['cameras'] = {
                camera: {'miou': own.miou, 'pixel_accuracy': own.pixel_accuracy,
                         'mean_accuracy': own.mean_accuracy, 'per_class_iou': self._named(own)}
                for camera, own in self._matrices.items()}
        return result

    def _named(self, matrix: ConfusionMatrix) -> dict[str, float]:
        return dict(zip(self.label_space.classes, per_class_iou(matrix.counts).tolist(),
                        strict=True))

    def _matrix(self, camera: str) -> ConfusionMatrix:
        if camera not in self._matrices:
            self._matrices[camera] = ConfusionMatrix(self.label_space.num_classes)
        return self._matrices[camera]

    def _tracker(self, camera: str) -> TemporalConsistency:
        if camera not in self._trackers:
            self._trackers[camera] = TemporalConsistency(self.label_space.num_classes)
        return self._trackers[camera]
