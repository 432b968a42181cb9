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
"""Cityscapes, as its archives unpack: stills, 30-frame sequences and the Stuttgart videos."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.base import Sample
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.file_dataset import (
    FileDataset,
    LabelCoding,
    existing_root,
    existing_split,
)
from vidseg_ros.datasets.timeline import frame_stamps
from vidseg_ros.labels.convert import cityscapes_ids_to_train_ids
from vidseg_ros.labels.registry import label_space as find_label_space
from vidseg_ros.labels.space import IGNORE, LabelSpace

CAMERA_HZ: Final = 17.0
"""Rate of the recordings (Cordts et al., CVPR 2016, section 2.1)."""

LabelFiles = Literal['labelIds', 'labelTrainIds']

_LICENCE: Final = 'Cityscapes: non-commercial research and teaching (its own terms of use)'
_IMAGE_END: Final = '_leftImg8bit.png'
_NAME: Final = re.compile(r'(?P<city>.+)_(?P<sequence>\d+)_(?P<frame>\d+)_leftImg8bit\.png')
_LAST_LABEL_ID: Final = 33


@dataclass(frozen=True, slots=True)
class _Found:
    recording: str
    number: int
    city: str
    path: Path


def _find_images(folder: Path) -> list[_Found]:
    """List the images below the cities' folders of a split, in temporal order."""
    found = []
    for city in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in city.iterdir():
            match = _NAME.fullmatch(path.name)
            if match is not None:
                recording = f'{match["city"]}_{match["sequence"]}'
                found.append(_Found(recording, int(match['frame']), city.name, path))
    if not found:
        raise DatasetError(f'no images named <city>_<sequence>_<frame>{_IMAGE_END} in the '
                           f'folders below {folder}')
    found.sort(key=lambda entry: (entry.recording, entry.number))
    return found


def _samples(found: list[_Found], annotations: Path | None, ending: str) -> list[Sample]:
    try:
        stamps = frame_stamps([(entry.recording, entry.number) for entry in found], CAMERA_HZ)
    except ValueError as error:
        raise DatasetError(f'{found[0].path.parent.parent}: {error}') from error
    there: set[Path] = set()
    if annotations is not None and annotations.is_dir():
        # One listing a city is much faster than asking for each of 150000 files.
        for city in {entry.city for entry in found}:
            if (annotations / city).is_dir():
                there.update((annotations / city).iterdir())
    samples = []
    for entry, stamp in zip(found, stamps, strict=True):
        name = entry.path.name.removesuffix(_IMAGE_END)
        labels = None
        if annotations is not None:
            candidate = annotations / entry.city / f'{name}{ending}'
            labels = candidate if candidate in there else None
        samples.append(Sample(entry.path, labels, entry.recording, stamp, name))
    return samples


def _coding(files: LabelFiles) -> LabelCoding:
    space = find_label_space('cityscapes')
    if files == 'labelIds':
        table = cityscapes_ids_to_train_ids()
        unlabelled: Iterable[int] = (*range(_LAST_LABEL_ID + 1), IGNORE)
    else:
        table = np.full(256, IGNORE, np.uint8)
        table[:space.num_classes] = np.arange(space.num_classes)
        unlabelled = (IGNORE,)
    return LabelCoding.from_table(space, table, unlabelled)


def _check_label_files(files: str) -> LabelFiles:
    if files == 'labelIds':
        return 'labelIds'
    if files == 'labelTrainIds':
        return 'labelTrainIds'
    raise DatasetError(f"label_files can't be '{files}'; it is labelIds or labelTrainIds")


class CityscapesBase(FileDataset):
    """What the kinds of Cityscapes share: names, stamps, label files and cameras."""

    images_folder: ClassVar[str]
    # Whether every image must have labels, or some, or none.
    needs_labels: ClassVar[Literal['all', 'some', 'none']]

    def __init__(self, root: Path | str | None, split: str,
                 label_space: LabelSpace | str | None = None,
                 label_files: str = 'labelIds') -> None:
        """
        List a split.

        ``label_files`` says which files of gtFine to read: ``labelIds``, which the archives
        hold, or ``labelTrainIds``, which cityscapesscripts makes.

        :raises DatasetError: if the root, the split or labels are missing.
        """
        base = existing_root(root, self.name)
        existing_split(base / self.images_folder, 'folder')
        files = _check_label_files(label_files)
        found = self._find(base, split)
        ending = f'_gtFine_{files}.png'
        samples = _samples(found, self._annotations(base, split), ending)
        missing = [sample for sample in samples if sample.labels is None]
        annotations = self._annotations(base, split)
        if self.needs_labels == 'all' and missing:
            raise DatasetError(f'{len(missing)} of {len(samples)} images have no labels '
                               f'{annotations}/<city>/*{ending}, {missing[0].image} for one')
        if self.needs_labels == 'some' and len(missing) == len(samples):
            raise DatasetError(f'no image of {split} has labels {annotations}/<city>/*{ending}')
        super().__init__(split, CAMERA_HZ, samples, _coding(files), label_space)
        self._root = base

    def _find(self, base: Path, split: str) -> list[_Found]:
        return _find_images(existing_split(base / self.images_folder / split, 'split'))

    def _annotations(self, base: Path, split: str) -> Path:
        return base / 'gtFine' / split

    def camera_matrix(self, index: int) -> NDArray[np.float64] | None:
        """Return the intrinsics from the `camera` archive, None if it isn't there."""
        sample = self.samples[index]
        city = sample.image.parent
        path = (self._root / 'camera' / city.parent.name / city.name
                / f'{sample.name}_camera.json')
        if not path.is_file():
            return None
        try:
            values = json.loads(path.read_text(encoding='utf-8'))['intrinsic']
            fx, fy, u0, v0 = (float(values[key]) for key in ('fx', 'fy', 'u0', 'v0'))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"can't read the camera {path}: {error!r}") from error
        return np.array([[fx, 0.0, u0], [0.0, fy, v0], [0.0, 0.0, 1.0]])


class CityscapesDataset(CityscapesBase):
    """
    Read the finely annotated stills: ``leftImg8bit`` and ``gtFine``; each is its own sequence.

    Source: Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, 2016.
    """

    name: ClassVar[str] = 'cityscapes'
    licence: ClassVar[str] = _LICENCE
    images_folder: ClassVar[str] = 'leftImg8bit'
    needs_labels: ClassVar[Literal['all', 'some', 'none']] = 'all'


class CityscapesSequenceDataset(CityscapesBase):
    """
    Read the video snippets: ``leftImg8bit_sequence`` at 17 Hz, with ``gtFine`` where there is.

    Of the 30 frames of a snippet Cityscapes annotates the 20th; the others have no labels.
    """

    name: ClassVar[str] = 'cityscapes_sequence'
    licence: ClassVar[str] = _LICENCE
    images_folder: ClassVar[str] = 'leftImg8bit_sequence'
    needs_labels: ClassVar[Literal['all', 'some', 'none']] = 'some'


class StuttgartDataset(CityscapesBase):
    """
    Read the demo videos ``leftImg8bit/demoVideo/stuttgart_0X``, at 17 Hz.

    The split is a video's folder (``stuttgart_00``) or ``all``. The archives have no labels for
    them; labels that somebody made are read from ``gtFine/demoVideo/stuttgart_0X``.
    """

    name: ClassVar[str] = 'stuttgart'
    licence: ClassVar[str] = _LICENCE
    images_folder: ClassVar[str] = 'leftImg8bit/demoVideo'
    needs_labels: ClassVar[Literal['all', 'some', 'none']] = 'none'

    def _find(self, base: Path, split: str) -> list[_Found]:
        folder = base / self.images_folder
        if split != 'all':
            existing_split(folder / split, 'video')
        found = _find_images(folder)
        return found if split == 'all' else [entry for entry in found if entry.city == split]

    def _annotations(self, base: Path, split: str) -> Path:
        del split
        return base / 'gtFine' / 'demoVideo'
