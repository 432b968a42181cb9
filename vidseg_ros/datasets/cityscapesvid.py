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
"""CityscapesVid: the Stuttgart videos of Cityscapes with labels made by a teacher network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from vidseg_ros.datasets.cityscapes import CityscapesBase
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.labels.space import LabelSpace


@dataclass(frozen=True, slots=True)
class VideoSplit:
    """The first ``train`` of a video's ``frames`` are for training, the others for testing."""

    train: int
    frames: int


VIDEOS: Final = MappingProxyType({
    'stuttgart_00': VideoSplit(420, 599),
    'stuttgart_01': VideoSplit(770, 1100),
    'stuttgart_02': VideoSplit(840, 1200),
})
"""The splits of FASSVid, section 3.2; 2899 frames in all."""

IMAGES: Final = 'leftImg8bit'
LABELS: Final = 'gtFine'
DESCRIPTION: Final = 'cityscapesvid.json'
"""The file in the root that says which teacher made the labels."""


class CityscapesVidDataset(CityscapesBase):
    """
    Read CityscapesVid as `vidseg make-cityscapesvid` writes it; splits ``train`` and ``test``.

    The layout is that of Cityscapes, a video in the place of a city; all frames have labels, at
    17 Hz. Its label space has the 15 classes of the paper, without rider, truck, bus and train.
    Source: FASSVid (Entropy 2022), section 3.2.
    """

    name: ClassVar[str] = 'cityscapesvid'
    images_folder: ClassVar[str] = IMAGES
    needs_labels: ClassVar[Literal['all', 'some', 'none']] = 'all'

    def __init__(self, root: Path | str | None, split: str,
                 label_space: LabelSpace | str | None = None) -> None:
        """
        List a split.

        :raises DatasetError: if the root or labels are missing, or the split is no other than
            ``train`` or ``test``.
        """
        if split not in ('train', 'test'):
            raise DatasetError(f"{self.name} has the splits train and test, not '{split}'")
        super().__init__(root, split, label_space or self.name)
