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
"""Writing rendered streets to disk, in the layout of Cityscapes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.cityscapes import CAMERA_HZ
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.street.renderer import StreetRenderer
from vidseg_ros.datasets.street.settings import SETTINGS_FILE, StreetSettings

CITY: Final = 'street'
IMAGES: Final = 'leftImg8bit_sequence'

_FOLDERS: Final = (IMAGES, 'gtFine', 'camera')


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    done, encoded = cv2.imencode('.png', pixels, [cv2.IMWRITE_PNG_COMPRESSION, 2])
    if not done:
        raise DatasetError(f"can't encode {path}")
    path.write_bytes(encoded.tobytes())


def _write_drive(folder: Path, settings: StreetSettings, sequence: int,
                 progress: Callable[[int], None]) -> None:
    places = [folder / name / settings.split / CITY for name in _FOLDERS]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    renderer = StreetRenderer(settings.street_seed(sequence), settings.frames, settings.size,
                              CAMERA_HZ)
    for frame in range(settings.frames):
        rendering = renderer.render(frame)
        name = f'{CITY}_{sequence:06d}_{frame:06d}'
        _write_png(places[0] / f'{name}_leftImg8bit.png',
                   np.asarray(cv2.cvtColor(rendering.image, cv2.COLOR_RGB2BGR), np.uint8))
        _write_png(places[1] / f'{name}_gtFine_labelIds.png', rendering.label_ids)
        matrix = rendering.camera_matrix
        intrinsic = {'fx': matrix[0, 0], 'fy': matrix[1, 1], 'u0': matrix[0, 2],
                     'v0': matrix[1, 2]}
        (places[2] / f'{name}_camera.json').write_text(
            json.dumps({'intrinsic': intrinsic}) + '\n', encoding='utf-8')
        progress(sequence * settings.frames + frame + 1)


def write_street(root: Path, settings: StreetSettings, *,
                 overwrite: bool = False,
                 progress: Callable[[int, int], None] | None = None) -> None:
    """
    Render a split into ``root``, as `leftImg8bit_sequence`, `gtFine` and `camera` of Cityscapes.

    Every frame has its labels. Other splits in ``root`` stay as they are. The split appears when
    it is complete, and not at all after an error. ``progress`` is told (frames done, in all).

    :raises DatasetError: if the split is there and ``overwrite`` is false, if it is there but no
        rendered street, or if the disk doesn't take it.
    """
    there = [root / name / settings.split for name in _FOLDERS]
    existing = [place for place in there if place.exists()]
    if existing and not overwrite:
        raise DatasetError(f'{existing[0]} exists already')
    if existing and not (there[0] / SETTINGS_FILE).is_file():
        raise DatasetError(f'{existing[0]} is not replaced: it is no rendered street')
    total = settings.frames * settings.sequences

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, total)

    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.street.', dir=root) as temporary:
            folder = Path(temporary)
            for sequence in range(settings.sequences):
                _write_drive(folder, settings, sequence, tell)
            (folder / IMAGES / settings.split / SETTINGS_FILE).write_text(settings.to_json(),
                                                                         encoding='utf-8')
            # The images last: who sees them finds the rest in place.
            for name, place in reversed(list(zip(_FOLDERS, there, strict=True))):
                if place.exists():
                    shutil.rmtree(place)
                place.parent.mkdir(exist_ok=True)
                (folder / name / settings.split).rename(place)
    except OSError as error:
        raise DatasetError(f"can't write the street {root}: {error.strerror or error}") from error
