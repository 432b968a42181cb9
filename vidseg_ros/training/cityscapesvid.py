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
"""Make CityscapesVid of the Stuttgart videos: FASSVid (Entropy 2022), section 3.2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from vidseg_ros.datasets.base import Sample
from vidseg_ros.datasets.cityscapes import StuttgartDataset
from vidseg_ros.datasets.cityscapesvid import DESCRIPTION, IMAGES, LABELS, VIDEOS
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.image_files import read_labels
from vidseg_ros.labels.convert import train_ids_to_cityscapes_ids
from vidseg_ros.labels.space import IGNORE
from vidseg_ros.training.pseudo_labels import (
    Image,
    Progress,
    Teacher,
    appearing,
    link_or_copy,
    write_png,
)

EGO_VEHICLE_ID: Final = 1
"""The label id that Cityscapes gives to the car's hood; it is not evaluated."""


def check_counts(dataset: StuttgartDataset) -> None:
    """
    Check that every video has as many frames as the paper's.

    :raises DatasetError: naming what there is instead.
    """
    found = dict.fromkeys(VIDEOS, 0)
    for sample in dataset.samples:
        video = sample.image.parent.name
        found[video] = found.get(video, 0) + 1
    wrong = [f'{video}: {frames} frames instead of '
             f'{VIDEOS[video].frames if video in VIDEOS else 0}'
             for video, frames in sorted(found.items())
             if video not in VIDEOS or frames != VIDEOS[video].frames]
    if wrong:
        raise DatasetError(f'these are not the videos of CityscapesVid: {"; ".join(wrong)}')


def hood_of(root: Path, least: float = 0.5) -> Image | None:
    """
    Return where the hood is, bool as uint8 [H, W], from the annotated stills of the same car.

    It is where at least the share ``least`` of the stills ``gtFine/*/stuttgart`` and their
    neighbours say 'ego vehicle'; None if there are no such stills.
    """
    files = sorted((root / 'gtFine').glob('*/stuttgart/*_gtFine_labelIds.png'))
    if not files:
        return None
    count: np.ndarray | None = None
    for path in files:
        mask = read_labels(path) == EGO_VEHICLE_ID
        count = mask.astype(np.int32) if count is None else count + mask
    assert count is not None
    return (count >= least * len(files)).astype(np.uint8)


def make_cityscapesvid(root: Path, teacher: Teacher | Callable[[Image], Image], out: Path, *,
                       hood: Image | None = None, overwrite: bool = False,
                       progress: Progress | None = None) -> dict[str, int]:
    """
    Write CityscapesVid: the frames of ``leftImg8bit/demoVideo`` with a teacher's labels.

    ``teacher`` gives Cityscapes' train ids; rider, truck, bus and train are left out when the
    data set is read in its own label space. ``hood`` (uint8 [H, W], not 0: the hood) is void.
    Frames are linked, not copied, where the file system can. Returns the frames of each split.

    :raises DatasetError: if frames are missing or too many, ``out`` exists already, or something
        can't be read or written.
    """
    dataset = StuttgartDataset(root, 'all')
    check_counts(dataset)
    to_ids = train_ids_to_cityscapes_ids()
    counts = {'train': 0, 'test': 0}
    position = dict.fromkeys(VIDEOS, 0)
    with appearing(out, [LABELS, DESCRIPTION, IMAGES], overwrite) as folder:
        for index, sample in enumerate(dataset.samples):
            video = sample.image.parent.name
            position[video] += 1
            split = 'train' if position[video] <= VIDEOS[video].train else 'test'
            image = dataset.image(index)
            labels = to_ids[teacher(image)]
            if hood is not None:
                if hood.shape != labels.shape:
                    raise DatasetError(f'the mask of the hood is {hood.shape[1]}x{hood.shape[0]}, '
                                       f'{sample.image} is {labels.shape[1]}x{labels.shape[0]}')
                labels[hood != 0] = EGO_VEHICLE_ID
            _write_frame(folder, split, video, sample, labels)
            counts[split] += 1
            if progress is not None:
                progress(index + 1, len(dataset))
        described = teacher.describe() if isinstance(teacher, Teacher) else {}
        (folder / DESCRIPTION).write_text(
            json.dumps({'frames': counts, 'hood': hood is not None, 'ignored': IGNORE,
                        'licence': dataset.licence, **described}, indent=2) + '\n',
            encoding='utf-8')
    return counts


def _write_frame(folder: Path, split: str, video: str, sample: Sample, labels: Image) -> None:
    link_or_copy(sample.image, folder / IMAGES / split / video / sample.image.name)
    write_png(folder / LABELS / split / video / f'{sample.name}_gtFine_labelIds.png', labels)
