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
"""Lookup tables from one set of labels to another."""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
from cityscapesscripts.helpers import labels as cityscapes_definitions
from numpy.typing import NDArray

from vidseg_ros.labels.registry import label_space
from vidseg_ros.labels.space import IGNORE, LabelSpace

# What a class of Cityscapes is called in CamVid, whose 11 classes group 32 finer ones: walls went
# to the buildings, all plants to 'tree', traffic lights to 'sign symbol', trucks and buses to
# 'car'; a cyclist is one thing with his bicycle. Trains and motorcycles have no class there.
_CITYSCAPES_TO_CAMVID: Final = {
    'road': 'road',
    'sidewalk': 'pavement',
    'building': 'building',
    'wall': 'building',
    'fence': 'fence',
    'pole': 'pole',
    'traffic light': 'sign symbol',
    'traffic sign': 'sign symbol',
    'vegetation': 'tree',
    'terrain': 'tree',
    'sky': 'sky',
    'person': 'pedestrian',
    'rider': 'bicyclist',
    'car': 'car',
    'truck': 'car',
    'bus': 'car',
    'bicycle': 'bicyclist',
}

# The way back, where more than one class is possible the commoner one.
_CAMVID_TO_CITYSCAPES: Final = {
    'sky': 'sky',
    'building': 'building',
    'pole': 'pole',
    'road': 'road',
    'pavement': 'sidewalk',
    'tree': 'vegetation',
    'sign symbol': 'traffic sign',
    'fence': 'fence',
    'car': 'car',
    'pedestrian': 'person',
    'bicyclist': 'bicycle',
}


def _frozen(table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    table.flags.writeable = False
    return table


@cache
def cityscapes_ids_to_train_ids() -> NDArray[np.uint8]:
    """
    Return the table from Cityscapes label ids (0..33) to the 19 train ids.

    uint8 [256], read only; what is not evaluated, and what is no label id, goes to 255.
    """
    table = np.full(256, IGNORE, np.uint8)
    for label in cityscapes_definitions.labels:
        if label.id >= 0:
            table[label.id] = label.trainId
    return _frozen(table)


@cache
def train_ids_to_cityscapes_ids() -> NDArray[np.uint8]:
    """
    Return the table from the 19 train ids to Cityscapes label ids, for files in its layout.

    uint8 [256], read only; everything else goes to 0, Cityscapes' 'unlabeled'.
    """
    table = np.zeros(256, np.uint8)
    for label in cityscapes_definitions.labels:
        if label.id >= 0 and 0 <= label.trainId < IGNORE:
            table[label.trainId] = label.id
    return _frozen(table)


def _name_in(source: LabelSpace, target: LabelSpace, name: str) -> str | None:
    if (source.name == 'camvid') == (target.name == 'camvid'):
        return name
    names = _CAMVID_TO_CITYSCAPES if source.name == 'camvid' else _CITYSCAPES_TO_CAMVID
    return names.get(name)


@cache
def _table(source: LabelSpace, target: LabelSpace) -> NDArray[np.uint8]:
    table = np.full(256, IGNORE, np.uint8)
    for i, name in enumerate(source.classes):
        renamed = _name_in(source, target, name)
        if renamed in target.classes:
            table[i] = target.index(renamed)
    return _frozen(table)


def conversion_table(source: LabelSpace | str, target: LabelSpace | str) -> NDArray[np.uint8]:
    """
    Return the table from the class ids of one label space to those of another.

    uint8 [256], read only; classes without a counterpart go to 255. Label spaces may be given by
    name. Spaces that are not known by name share those classes that have the same name.

    :raises KeyError: if a name is not known.
    """
    source = label_space(source) if isinstance(source, str) else source
    target = label_space(target) if isinstance(target, str) else target
    return _table(source, target)


def convert_labels(labels: NDArray[np.uint8], table: NDArray[np.uint8],
                   out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """
    Look every label up in a table.

    ``labels`` is uint8 [H, W], ``table`` uint8 [256]; the result is uint8 [H, W].
    """
    if out is None:
        out = np.empty(labels.shape, np.uint8)
    if labels.size:
        cv2.LUT(np.ascontiguousarray(labels), table, out)
    return out
