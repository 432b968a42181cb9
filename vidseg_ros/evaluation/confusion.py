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
"""Accuracy of label images: the confusion matrix and what is read off it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.labels.space import IGNORE


class ConfusionMatrix:
    """
    Count which class was predicted where which class is true.

    ``counts`` is int64 [C, C + 1], rows the truth, columns the prediction; the last column holds
    predictions that are no class at all (255, or out of range), which are wrong wherever the
    truth is labelled. Pixels whose truth is 255 are not counted. The measures are those of
    Cityscapes' evalPixelLevelSemanticLabeling: IoU = TP / (TP + FP + FN) over all images
    together, false positives only where the truth is labelled, and a class that is neither true
    nor predicted anywhere has no IoU (NaN) and no part in the mean.
    """

    def __init__(self, num_classes: int) -> None:
        """Start with nothing counted; ValueError unless there are 1 to 255 classes."""
        if not 1 <= num_classes <= IGNORE:
            raise ValueError(f'there can be 1 to {IGNORE} classes, not {num_classes}')
        self.num_classes = num_classes
        self.counts = np.zeros((num_classes, num_classes + 1), np.int64)

    def update(self, prediction: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.int64]:
        """
        Add an image: two integer arrays [H, W]. Return what it added, int64 [C, C + 1].

        ValueError, with nothing added, if the sizes differ or the truth holds an id that is
        neither a class nor 255.
        """
        added = count(prediction, truth, self.num_classes)
        self.counts += added
        return added

    @property
    def pixels(self) -> int:
        """Return how many labelled pixels were counted."""
        return int(self.counts.sum())

    @property
    def per_class_iou(self) -> NDArray[np.float64]:
        """Return the IoU of each class, float64 [C], NaN where it never occurs."""
        return per_class_iou(self.counts)

    @property
    def miou(self) -> float:
        """Return the mean IoU over the classes that occur, NaN if nothing was counted."""
        return mean_iou(self.counts)

    @property
    def pixel_accuracy(self) -> float:
        """Return the share of labelled pixels that are right, NaN if there are none."""
        return float(np.trace(self.counts) / self.pixels) if self.pixels else float('nan')

    @property
    def mean_accuracy(self) -> float:
        """Return the mean over the true classes of the share that is right, NaN if none."""
        true = self.counts.sum(axis=1)
        occurs = true > 0
        if not occurs.any():
            return float('nan')
        return float((np.diagonal(self.counts)[occurs] / true[occurs]).mean())


    @property
    def mean_accuracy_eq14(self) -> float:
        """
        Return the "Mean Accuracy" of the recurrent U-Nets' paper (Eq. 13 and 14), NaN if nothing.

        A class's accuracy there is (TP + TN) / all pixels, so that true negatives count: with
        many classes it is high whatever is predicted. The mean is over all classes of the space.
        """
        if not self.pixels:
            return float('nan')
        hits = np.diagonal(self.counts)
        wrong = self.counts.sum(axis=1) + self.counts[:, :-1].sum(axis=0) - 2 * hits
        return float((1 - wrong / self.pixels).mean())

    @property
    def miou_eq15(self) -> float:
        """
        Return the "Mean IoU" of the recurrent U-Nets' paper (Eq. 15), NaN if nothing was counted.

        The sum of the classes' IoU is divided by the number of classes, so that a class that
        never occurs counts as 0 rather than not at all.
        """
        if not self.pixels:
            return float('nan')
        return float(np.nansum(self.per_class_iou) / self.num_classes)


def count(prediction: NDArray[Any], truth: NDArray[Any], num_classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix of one image, int64 [C, C + 1]; see ``ConfusionMatrix``."""
    if prediction.shape != truth.shape:
        raise ValueError(f'prediction {list(prediction.shape)} and truth {list(truth.shape)} '
                         'differ in size')
    # One histogram over (truth, prediction) as 16 bits: no masks, no copies beyond the index.
    pairs = _as_bytes(truth).astype(np.uint16)
    pairs <<= 8
    pairs |= _as_bytes(prediction)
    histogram = np.bincount(pairs.ravel(), minlength=1 << 16).reshape(256, 256)
    strangers = np.flatnonzero(histogram[num_classes:IGNORE].any(axis=1))
    if strangers.size:
        ids = ', '.join(str(num_classes + int(i)) for i in strangers[:8])
        raise ValueError(f'the truth holds ids that are no class: {ids} '
                         f'(classes are 0..{num_classes - 1}, unlabelled is {IGNORE})')
    counts = np.empty((num_classes, num_classes + 1), np.int64)
    counts[:, :num_classes] = histogram[:num_classes, :num_classes]
    counts[:, num_classes] = histogram[:num_classes, num_classes:].sum(axis=1)
    return counts


def per_class_iou(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the IoU of each class, float64 [C], of a confusion matrix, int64 [C, C + 1]."""
    hits = np.diagonal(counts).astype(np.float64)
    union = counts.sum(axis=1) + counts[:, :-1].sum(axis=0) - np.diagonal(counts)
    return np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)


def mean_iou(counts: NDArray[np.int64]) -> float:
    """Return the mean IoU over the classes that occur in a confusion matrix, NaN if none."""
    ious = per_class_iou(counts)
    return float(np.nanmean(ious)) if np.isfinite(ious).any() else float('nan')


def _as_bytes(ids: NDArray[Any]) -> NDArray[np.uint8]:
    if ids.dtype == np.uint8:
        return ids
    if not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f'class ids must be integers, not {ids.dtype}')
    return np.where((ids < 0) | (ids > IGNORE), IGNORE, ids).astype(np.uint8)
