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
"""The results page: Markdown and plots from the measured figures, nothing typed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from vidseg_ros.evaluation.results.figures import draw_figures
from vidseg_ros.evaluation.results.papers import PaperTable, paper_tables


class ResultsError(ValueError):
    """What should be shown are no results of this version."""


def write_page(results: Mapping[str, Any], out: Path) -> list[Path]:
    """
    Write the page to ``out`` and its plots into the folder of the same stem; return the files.

    :raises ResultsError: if ``results`` lack something.
    """
    if not any('miou' in row for row in results.get('rows', ())):
        raise ResultsError('these are no results that a page can be made of: no row is measured')
    try:
        figures = draw_figures(results)
        text = render(results, {name: f'{out.stem}/{name}' for name in figures})
    except (KeyError, TypeError, jinja2.UndefinedError) as error:
        raise ResultsError(f'these are no results that a page can be made of: {error}') from error
    folder = out.parent / out.stem
    folder.mkdir(parents=True, exist_ok=True)
    written = [out]
    out.write_text(text, encoding='utf-8')
    for name, drawing in figures.items():
        (folder / name).write_text(drawing, encoding='utf-8')
        written.append(folder / name)
    return written


def render(results: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """Return the page's Markdown; ``figures`` maps names of plots to where they lie."""
    source = (resources.files('vidseg_ros.evaluation') / 'templates' / 'results.md.j2')
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     lstrip_blocks=True, keep_trailing_newline=True,
                                     autoescape=False)  # Markdown, from our own figures
    environment.filters |= {'percent': _percent, 'speed': _speed, 'millions': _millions}
    rows = {row['name']: row for row in results['rows']}
    return environment.from_string(source.read_text(encoding='utf-8')).render(
        results=results, rows=list(rows.values()), figures=figures,
        papers=[_beside(table, rows) for table in paper_tables().values()])


def _beside(table: PaperTable, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a paper's table with our rows beside its own, for the template."""
    first = table.rows[0]
    base = rows.get(first.ours, {}).get('miou')
    lines = []
    for row in table.rows:
        ours = rows.get(row.ours, {})
        gain = None
        if ours.get('miou') is not None and base is not None:
            gain = ours['miou'] - base
        lines.append({
            'label': row.label, 'miou': row.miou / 100, 'speed': table.speed(row),
            'gain': (row.miou - first.miou) / 100, 'our_miou': ours.get('miou'),
            'our_gain': gain, 'our_speed': 1.0 if row is first and ours else ours.get('speed'),
            'listed': bool(row.ours), 'missing': ours.get('missing'),
        })
    return {'title': table.title, 'rows': lines}


def _percent(value: float | None, signed: bool = False) -> str:
    if value is None:
        return ''
    return f'{100 * value:+.2f}' if signed else f'{100 * value:.2f}'


def _speed(value: float | None) -> str:
    return '' if value is None else f'x{value:.2f}'


def _millions(value: int) -> str:
    return f'{value / 1e6:.2f} M'
