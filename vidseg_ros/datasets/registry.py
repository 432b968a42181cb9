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
"""The data sets that are known by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.datasets.camvid import CamVidDataset
from vidseg_ros.datasets.cityscapes import (
    CityscapesDataset,
    CityscapesSequenceDataset,
    StuttgartDataset,
)
from vidseg_ros.datasets.cityscapesvid import CityscapesVidDataset
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.folder import FolderDataset
from vidseg_ros.datasets.synthetic import SyntheticDataset

DATASETS: Final[Mapping[str, type[SegmentationDataset]]] = MappingProxyType({
    kind.name: kind for kind in (
        CamVidDataset,
        CityscapesDataset,
        CityscapesSequenceDataset,
        StuttgartDataset,
        CityscapesVidDataset,
        FolderDataset,
        SyntheticDataset,
    )
})
"""Data sets by name."""


def dataset_names() -> list[str]:
    """Return the names that ``open_dataset`` knows."""
    return list(DATASETS)


def open_dataset(name: str, root: Path | str | None, split: str,
                 **options: Any) -> SegmentationDataset:
    """
    Open a split of a data set.

    Every data set takes the option ``label_space`` (default: its own), to which labels are
    converted; see its class for its others.

    :raises DatasetError: if the name or an option is not known, or the data is missing.
    """
    try:
        kind = DATASETS[name]
    except KeyError:
        raise DatasetError(
            f"no data set '{name}'; there are {', '.join(DATASETS)}") from None
    known = [key for key in inspect.signature(kind).parameters if key not in ('root', 'split')]
    for key in options:
        if key not in known:
            raise DatasetError(
                f"{name} has no option '{key}'; it has {', '.join(known)}")
    return kind(root, split, **options)  # type: ignore[call-arg, arg-type]
