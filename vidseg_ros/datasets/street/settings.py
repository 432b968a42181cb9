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
"""What a rendered street was made with."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vidseg_ros.datasets.errors import DatasetError

RENDERER_VERSION: Final = 1
"""To be raised whenever the same settings would give other pictures."""

SETTINGS_FILE: Final = 'street.json'

_MAX_SIDE: Final = 4096


@dataclass(frozen=True)
class StreetSettings:
    """
    All that the pictures of a split hang on.

    ``sequences`` drives of ``frames`` frames each, ``size`` (height, width) in pixels. Each
    split and each drive is a street of its own.

    :raises DatasetError: if a number makes no sense.
    """

    split: str
    seed: int = 0
    frames: int = 60
    sequences: int = 1
    size: tuple[int, int] = (512, 1024)

    def __post_init__(self) -> None:
        if not self.split or Path(self.split).name != self.split:
            raise DatasetError(f"'{self.split}' can't be a split's name")
        for name, low, high in (('seed', 0, 2**32 - 1), ('frames', 1, 100_000),
                                ('sequences', 1, 10_000)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise DatasetError(f'{name} is {value!r}; it must be {low} to {high}')
        if len(self.size) != 2 or not all(isinstance(side, int) and 64 <= side <= _MAX_SIDE
                                          for side in self.size):
            raise DatasetError(f'size is {self.size}; height and width must be 64 to {_MAX_SIDE}')

    def street_seed(self, sequence: int) -> tuple[int, ...]:
        """Return the seed of a drive."""
        return self.seed, zlib.crc32(self.split.encode()), sequence

    def to_json(self) -> str:
        """Return the settings as text."""
        return json.dumps({'renderer': RENDERER_VERSION, **asdict(self)}, indent=1) + '\n'

    @classmethod
    def read(cls, path: Path) -> StreetSettings:
        """
        Read settings.

        :raises DatasetError: if there are none.
        """
        try:
            values = json.loads(path.read_text(encoding='utf-8'))
            values.pop('renderer', None)
            values['size'] = tuple(values['size'])
            return cls(**values)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DatasetError(f"can't read what this street was made with, {path}: "
                               f'{error}') from error


def parse_size(size: object) -> tuple[int, int]:
    """
    Return (height, width) from a pair of numbers or a text such as ``512x1024``.

    :raises DatasetError: if it is neither.
    """
    parts: Any = size.lower().split('x') if isinstance(size, str) else size
    try:
        height, width = (int(part) for part in parts)
        return height, width
    except (TypeError, ValueError):
        raise DatasetError(f"the size '{size}' is not understood; write HEIGHTxWIDTH, "
                           "e.g. 512x1024") from None
