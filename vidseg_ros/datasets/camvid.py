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
"""CamVid in the layout of the SegNet tutorial: driving video with hand-made labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from vidseg_ros.datasets.base import Sample
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.file_dataset import (
    FileDataset,
    LabelCoding,
    existing_root,
    existing_split,
    image_files,
)
from vidseg_ros.datasets.timeline import commonest_step, frame_stamps
from vidseg_ros.labels.registry import label_space as find_label_space
from vidseg_ros.labels.space import IGNORE, LabelSpace

CAMERA_HZ: Final = 30.0
"""The rate that the numbers in the file names count at."""

_UNLABELLED: Final = 11
_NAME: Final = re.compile(r'(?P<recording>.+)_f?(?P<number>\d+)')


def _coding() -> LabelCoding:
    space = find_label_space('camvid')
    table = np.full(256, IGNORE, np.uint8)
    table[:space.num_classes] = np.arange(space.num_classes)
    return LabelCoding.from_table(space, table, (_UNLABELLED, IGNORE))


class CamVidDataset(FileDataset):
    """
    Read CamVid: split S is the folders ``S`` (images) and ``Sannot`` (labels), whatever S is.

    Labels are PNG files named as their images, 0..10 classes and 11 unlabelled. Stamps come from
    the 30 Hz frame numbers in the names (``0016E5_07959.png``), the rate from their commonest
    step. Source: Brostow, Fauqueur, Cipolla, Pattern Recognition Letters 30(2), 2009.
    """

    name: ClassVar[str] = 'camvid'
    licence: ClassVar[str] = 'CamVid: for research (Brostow, Fauqueur, Cipolla, 2009)'

    def __init__(self, root: Path | str | None, split: str,
                 label_space: LabelSpace | str | None = None) -> None:
        """
        List a split.

        :raises DatasetError: if the root, a folder or a label file is missing.
        """
        base = existing_root(root, self.name)
        folder = existing_split(base / split, 'split')
        annotations = existing_split(base / f'{split}annot', 'folder of labels')
        files = image_files(folder)
        if not files:
            raise DatasetError(f'no images in {folder}')
        keyed = sorted((*self._key(path), path) for path in files)
        frames = [(recording, number) for recording, number, _ in keyed]
        try:
            stamps = frame_stamps(frames, CAMERA_HZ)
        except ValueError as error:
            raise DatasetError(f'{folder}: {error}') from error
        samples = [
            Sample(path, self._labels_of(path, annotations), recording, stamp, path.stem)
            for (recording, _, path), stamp in zip(keyed, stamps, strict=True)]
        super().__init__(split, CAMERA_HZ / (commonest_step(frames) or 1), samples, _coding(),
                         label_space)

    @staticmethod
    def _key(path: Path) -> tuple[str, int]:
        match = _NAME.fullmatch(path.stem)
        if match is None:
            # A still of its own: no frame number, no time.
            return path.stem, 0
        return match['recording'], int(match['number'])

    @staticmethod
    def _labels_of(path: Path, annotations: Path) -> Path:
        labels = annotations / f'{path.stem}.png'
        if not labels.is_file():
            raise DatasetError(f'no labels {labels} for the image {path}')
        return labels
