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
"""Any folder of images, with or without labels: what `vidseg pseudo-label` writes, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

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
from vidseg_ros.datasets.timeline import frame_stamps
from vidseg_ros.labels.registry import label_space as find_label_space
from vidseg_ros.labels.space import IGNORE, LabelSpace

DEFAULT_HZ: Final = 30.0


def description_file(root: Path, split: str) -> Path:
    """Return the file beside a split that says what its labels are: JSON, may be absent."""
    return root / f'{split}.json'


def _description(root: Path, split: str) -> Mapping[str, Any]:
    path = description_file(root, split)
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DatasetError(f"can't read {path}: {error}") from error
    if not isinstance(values, dict):
        raise DatasetError(f'{path} holds no JSON object')
    return values


def _coding(name: str) -> LabelCoding:
    try:
        space = find_label_space(name)
    except KeyError as error:
        raise DatasetError(error.args[0]) from None
    table = np.full(256, IGNORE, np.uint8)
    table[:space.num_classes] = np.arange(space.num_classes)
    return LabelCoding.from_table(space, table, (IGNORE,))


class FolderDataset(FileDataset):
    """
    Read split S from the folders ``S`` (images) and, if it is there, ``Sannot`` (labels).

    Each folder in ``S`` is a recording; images that lie in ``S`` itself are one, too. Frames come
    in the order of their names, at ``rate_hz``. A label file is a PNG of class ids (255:
    ignored) under the same name; ``coded`` names the label space of these ids. ``S.json``, which
    ``vidseg pseudo-label`` writes, supplies both where they are not given.
    """

    name: ClassVar[str] = 'folder'

    def __init__(self, root: Path | str | None, split: str,
                 label_space: LabelSpace | str | None = None, coded: str = '',
                 rate_hz: float = 0.0) -> None:
        """
        List a split.

        :raises DatasetError: if a folder is missing or empty, or a label space isn't known.
        """
        base = existing_root(root, self.name)
        folder = existing_split(base / split, 'split')
        described = _description(base, split)
        rate = rate_hz or float(described.get('rate_hz', DEFAULT_HZ))
        if not 0 < rate <= 1000:
            raise DatasetError(f'{rate} Hz is no rate of frames')
        recordings = sorted(path for path in folder.iterdir() if path.is_dir())
        found = [(split, path) for path in image_files(folder)]
        found += [(place.name, path) for place in recordings for path in image_files(place)]
        if not found:
            raise DatasetError(f'no images in {folder} or the folders in it')
        found.sort(key=lambda entry: (entry[0], entry[1].name))
        numbers: dict[str, int] = {}
        frames = []
        for recording, _ in found:
            numbers[recording] = numbers.get(recording, -1) + 1
            frames.append((recording, numbers[recording]))
        samples = [
            Sample(path, self._labels_of(path, folder, base / f'{split}annot'), recording, stamp,
                   path.stem)
            for (recording, path), stamp in zip(found, frame_stamps(frames, rate), strict=True)]
        space = coded or str(described.get('label_space', 'cityscapes'))
        super().__init__(split, rate, samples, _coding(space), label_space)

    @staticmethod
    def _labels_of(path: Path, images: Path, annotations: Path) -> Path | None:
        labels = annotations / path.relative_to(images).with_suffix('.png')
        return labels if labels.is_file() else None
