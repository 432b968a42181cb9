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
"""The label spaces that are known by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from cityscapesscripts.helpers import labels as cityscapes_definitions

from vidseg_ros.labels.space import IGNORE, LabelSpace

CITYSCAPESVID_EXCLUDED: Final = ('rider', 'truck', 'bus', 'train')
"""Evaluated classes of Cityscapes that CityscapesVid leaves out (FASSVid paper, section 3.2)."""

# CamVid's eleven classes in the order of the SegNet layout, with the colours of the database.
_CAMVID: Final = (
    ('sky', (128, 128, 128)),
    ('building', (128, 0, 0)),
    ('pole', (192, 192, 128)),
    ('road', (128, 64, 128)),
    ('pavement', (60, 40, 222)),
    ('tree', (128, 128, 0)),
    ('sign symbol', (192, 128, 128)),
    ('fence', (64, 64, 128)),
    ('car', (64, 0, 128)),
    ('pedestrian', (64, 64, 0)),
    ('bicyclist', (0, 128, 192)),
)

Colour = tuple[int, int, int]


def _space(name: str, entries: Sequence[tuple[str, Colour]]) -> LabelSpace:
    palette = np.zeros((256, 3), np.uint8)
    palette[:len(entries)] = [colour for _, colour in entries]
    return LabelSpace(name, tuple(label for label, _ in entries), palette)


def _cityscapes() -> list[tuple[str, Colour]]:
    evaluated = [label for label in cityscapes_definitions.labels
                 if 0 <= label.trainId < IGNORE]
    evaluated.sort(key=lambda label: label.trainId)
    return [(label.name, label.color) for label in evaluated]


LABEL_SPACES: Final[Mapping[str, LabelSpace]] = MappingProxyType({
    space.name: space for space in (
        _space('cityscapes', _cityscapes()),
        _space('cityscapesvid', [entry for entry in _cityscapes()
                                 if entry[0] not in CITYSCAPESVID_EXCLUDED]),
        _space('camvid', _CAMVID),
    )
})
"""Label spaces by name: ``cityscapes`` (19), ``cityscapesvid`` (15), ``camvid`` (11)."""


def label_space(name: str) -> LabelSpace:
    """
    Return the label space of a name.

    :raises KeyError: if there is none, with the names that there are.
    """
    try:
        return LABEL_SPACES[name]
    except KeyError:
        raise KeyError(f"no label space '{name}'; there are {', '.join(LABEL_SPACES)}") from None
