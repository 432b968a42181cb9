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
"""What the papers print, to stand beside what is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row of a paper's table: mIoU in percent, frames a second; ``ours`` is a row of results."""

    label: str
    miou: float
    fps: float | None = None
    ours: str = ''


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A paper's table; its first row is what the others are compared with."""

    title: str
    rows: tuple[PaperRow, ...]

    def speed(self, row: PaperRow) -> float | None:
        """Return a row's frames a second as a multiple of the first row's."""
        first = self.rows[0].fps
        return None if row.fps is None or first is None else row.fps / first


@cache
def paper_tables() -> Mapping[str, PaperTable]:
    """Return the tables by name."""
    text = (resources.files(__package__) / 'papers.yaml').read_text(encoding='utf-8')
    return {name: PaperTable(table['title'], tuple(PaperRow(**row) for row in table['rows']))
            for name, table in yaml.safe_load(text).items()}
