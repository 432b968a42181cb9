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
"""docs/benchmarks.md: every figure from the JSON files of one run of the benchmarks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

PARTS = ('pipeline', 'trace', 'overload', 'networks', 'methods', 'graph', 'soak')
"""The files, each '<part>.json'; what is not there is said not to have been measured."""

TEMPLATE = 'benchmarks.md.j2'
_NOTHING = '\N{EN DASH}'


def render(directory: Path) -> str:
    """
    Return the page for a directory of figures.

    :raises ValueError: if none of ``PARTS`` is there, one is no JSON, or lacks figures.
    """
    parts: dict[str, Any] = {}
    for name in PARTS:
        path = directory / f'{name}.json'
        if path.exists():
            try:
                parts[name] = json.loads(path.read_text(encoding='utf-8'))
            except ValueError as error:
                raise ValueError(f'{path}: {error}') from error
    if not parts:
        raise ValueError(f'{directory} has none of {", ".join(f"{n}.json" for n in PARTS)}')
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('vidseg_ros.evaluation'), autoescape=False,
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True)
    environment.filters.update(n=_number, share=_share, times=_times, cell=_cell)
    try:
        return environment.get_template(TEMPLATE).render(
            **{name: parts.get(name) for name in PARTS}, stamps=_stamps(parts),
            disturbed=_disturbed(parts))
    except (jinja2.UndefinedError, KeyError) as error:
        raise ValueError(f'{directory}: figures of another version: {error}') from error


def _stamps(parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the different machines with versions, and which parts were measured on each."""
    found: dict[str, dict[str, Any]] = {}
    for name, part in parts.items():
        machine = ', '.join(f'{k}: {v}' for k, v in part['machine'].items())
        versions = ', '.join(f'{k} {v}' for k, v in part['versions'].items())
        entry = found.setdefault(machine + versions, {
            'machine': machine, 'versions': versions, 'parts': []})
        entry['parts'].append(f'{name} ({part["created"][:10]})')
    return list(found.values())


def _disturbed(parts: Mapping[str, Any]) -> list[str]:
    """Return in words which parts shared the machine with others."""
    loads = []
    for name, part in parts.items():
        for run in part.get('runs', [part]):
            load = run.get('load') or {}
            if load.get('disturbed'):
                loads.append(f'{name}: others used {load["others_cores"]:.2f} of '
                             f'{load["cores"]} cores')
    return loads


def _number(value: float | None, digits: int = 3) -> str:
    """Return so many significant digits."""
    if value is None or not math.isfinite(value):
        return _NOTHING
    if value == 0:
        return '0'
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f'{value:.{min(places, digits)}f}'


def _share(value: float | None) -> str:
    return _NOTHING if value is None or not math.isfinite(value) else f'{value:.0%}'


def _times(found: Any) -> str:
    """Return a ratio, a number or a summary of several, with its quartiles."""
    if found is None:
        return _NOTHING
    if isinstance(found, Mapping):
        middle, (low, high) = found['median'], found['quartiles']
        if middle is None:
            return _NOTHING
        text = f'×{middle:.2f}'  # noqa: RUF001
        return text if None in (low, high) or found['count'] < 2 else \
            f'{text} ({low:.2f}–{high:.2f})'  # noqa: RUF001
    return f'×{found:.2f}'  # noqa: RUF001


def _cell(text: object) -> str:
    """Return text that ends no cell of a table."""
    return str(text).replace('|', '\\|').replace('\n', ' ')
