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
"""The synthetic street as a data set."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from vidseg_ros.datasets.cityscapes import CityscapesSequenceDataset
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.street.settings import (
    RENDERER_VERSION,
    SETTINGS_FILE,
    StreetSettings,
    parse_size,
)
from vidseg_ros.datasets.street.writer import IMAGES, write_street
from vidseg_ros.labels.space import LabelSpace


def street_cache() -> Path:
    """Return the folder for streets without a root: below $XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')
    return Path(base) / 'vidseg_ros' / 'street'


class SyntheticDataset(CityscapesSequenceDataset):
    """
    Read a rendered street, and render it first where it isn't there yet.

    Every frame is labelled; each split is a street of its own. Without a root it is kept in
    ``street_cache()``. An option that is None is as the rendered street has it; for a new one,
    as in ``StreetSettings``.
    """

    name: ClassVar[str] = 'synthetic'
    licence: ClassVar[str] = 'Apache-2.0 (rendered by this package)'

    def __init__(self, root: Path | str | None, split: str,
                 label_space: LabelSpace | str | None = None, seed: int | None = None,
                 frames: int | None = None, sequences: int | None = None,
                 size: tuple[int, int] | str | None = None,
                 progress: Callable[[int, int], None] | None = None) -> None:
        """
        Open a split; ``progress`` is told (frames rendered, frames in all).

        :raises DatasetError: if the root holds a street made with other options.
        """
        wanted: dict[str, Any] = {
            'seed': seed, 'frames': frames, 'sequences': sequences,
            'size': None if size is None else parse_size(size)}
        wanted = {key: value for key, value in wanted.items() if value is not None}
        settings = StreetSettings(split, **wanted)
        if root is None or not str(root):
            height, width = settings.size
            base = street_cache() / (
                f'v{RENDERER_VERSION}-seed{settings.seed}-{settings.sequences}x{settings.frames}'
                f'-{height}x{width}')
        else:
            base = Path(root).expanduser()
        rendered = base / IMAGES / split
        if not rendered.exists():
            write_street(base, settings, progress=progress)
        settings = StreetSettings.read(rendered / SETTINGS_FILE)
        for key, value in wanted.items():
            if getattr(settings, key) != value:
                raise DatasetError(f'{rendered} was rendered with {key} '
                                   f'{getattr(settings, key)}, not {value}; choose another root')
        self.settings = settings
        super().__init__(base, split, label_space)
