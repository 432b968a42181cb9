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
"""Data sets that are folders of image files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.base import Image, Sample, SegmentationDataset
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.image_files import read_labels, read_rgb, read_size
from vidseg_ros.labels.convert import conversion_table, convert_labels
from vidseg_ros.labels.registry import label_space as find_label_space
from vidseg_ros.labels.space import IGNORE, LabelSpace

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg')


@dataclass(frozen=True)
class LabelCoding:
    """
    What the bytes of a label file mean.

    ``table`` is uint8 [256], from stored values to class ids of ``space``; ``valid`` bool [256],
    the values that may occur.
    """

    space: LabelSpace
    table: NDArray[np.uint8]
    valid: NDArray[np.bool_]

    @classmethod
    def from_table(cls, space: LabelSpace, table: NDArray[np.uint8],
                   unlabelled: Iterable[int]) -> LabelCoding:
        """Return a coding in which what the table knows and ``unlabelled`` values may occur."""
        valid = table != IGNORE
        valid[list(unlabelled)] = True
        return cls(space, table, valid)

    def to_space(self, target: LabelSpace) -> LabelCoding:
        """Return the coding whose class ids are those of another label space."""
        table = conversion_table(self.space, target)[self.table]
        return LabelCoding(target, table, self.valid)


class FileDataset(SegmentationDataset):
    """
    Read images and labels from the files that the samples name.

    ``label_space`` may ask for another one than the files': the labels are then converted.
    """

    def __init__(self, split: str, rate_hz: float, samples: Sequence[Sample],
                 coding: LabelCoding, label_space: LabelSpace | str | None = None) -> None:
        """
        Keep the samples and how to read their labels.

        :raises DatasetError: if there is no sample, or no such label space.
        """
        if isinstance(label_space, str):
            try:
                label_space = find_label_space(label_space)
            except KeyError as error:
                raise DatasetError(error.args[0]) from None
        if label_space is not None and label_space != coding.space:
            coding = coding.to_space(label_space)
        super().__init__(split, coding.space, rate_hz, samples)
        self._coding = coding

    def image(self, index: int) -> Image:
        """Read an image: uint8 [H, W, 3] RGB."""
        return read_rgb(self.samples[index].image)

    def labels(self, index: int) -> Image | None:
        """Read the labels of an image: uint8 [H, W] class ids, or None if it has none."""
        sample = self.samples[index]
        if sample.labels is None:
            return None
        stored = read_labels(sample.labels)
        size = read_size(sample.image)
        if stored.shape != size:
            raise DatasetError(
                f'{sample.labels} is {stored.shape[1]}x{stored.shape[0]}, '
                f'its image {sample.image} is {size[1]}x{size[0]}')
        counts = cv2.calcHist([stored], [0], None, [256], [0, 256])[:, 0]
        strange = np.flatnonzero((counts > 0) & ~self._coding.valid)
        if strange.size:
            raise DatasetError(f'{sample.labels} holds the values {strange[:8].tolist()}, '
                               f'which are no labels of {self.name}')
        return convert_labels(stored, self._coding.table, stored)


def existing_root(root: Path | str | None, data_set: str) -> Path:
    """
    Return the data set's folder.

    :raises DatasetError: if none is given or it doesn't exist.
    """
    if root is None or not str(root):
        raise DatasetError(f'{data_set} needs a root: the folder that holds it')
    path = Path(root).expanduser()
    if not path.is_dir():
        raise DatasetError(f'the root of {data_set} is no folder: {path}')
    return path


def existing_split(folder: Path, what: str) -> Path:
    """
    Return a split's folder.

    :raises DatasetError: if it doesn't exist, with the folders that do.
    """
    if folder.is_dir():
        return folder
    others: list[str] = []
    if folder.parent.is_dir():
        others = sorted(path.name for path in folder.parent.iterdir() if path.is_dir())
    raise DatasetError(f'no {what} {folder}'
                       + (f'; there are {", ".join(others)}' if others else ''))


def image_files(folder: Path) -> list[Path]:
    """Return a folder's image files, sorted by name, hidden files left out."""
    return sorted(path for path in folder.iterdir()
                  if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.'))
