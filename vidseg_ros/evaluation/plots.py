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
"""The plots of a report, as SVG text to be put into a page."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID = '#1f2933', '#5f6c7b', '#e3e7ec'
ACCENT, SECOND = '#1f6feb', '#d9822b'
# Light to dark: the further out in the tail, the darker.
TAIL = {'p50': '#a9cbf5', 'p95': '#4c8fe6', 'p99': '#174ea6'}

STYLE: Any = {
    'font.family': 'sans-serif',
    'font.sans-serif': ['system-ui', 'Segoe UI', 'Roboto', 'Helvetica', 'Arial', 'DejaVu Sans'],
    # Text stays text: the browser's own font, searchable, and small files.
    'svg.fonttype': 'none',
    # The same figures give the same file.
    'svg.hashsalt': 'vidseg_ros',
    'font.size': 9,
    'axes.edgecolor': GRID,
    'axes.labelcolor': MUTED,
    'text.color': INK,
    'xtick.color': MUTED,
    'ytick.color': MUTED,
}

# More points than this can't be told apart on a page.
MOST_POINTS = 1500


def latency_by_stage(stages: Mapping[str, Mapping[str, float]]) -> str:
    """
    Draw p50, p95 and p99 of each stage as nested bars; '' if there is nothing to draw.

    ``stages`` maps names to ``{'p50', 'p95', 'p99'}`` in milliseconds.
    """
    shown = {name: p for name, p in stages.items()
             if all(math.isfinite(p.get(k, math.nan)) for k in TAIL)}
    if not shown:
        return ''
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.0, 0.62 + 0.3 * len(shown)), layout='constrained')
        axes = figure.add_subplot()
        rows = np.arange(len(shown))
        for key in ('p99', 'p95', 'p50'):
            axes.barh(rows, [p[key] for p in shown.values()], height=0.62, color=TAIL[key],
                      label=key)
        longest = max(p['p99'] for p in shown.values()) or 1.0
        for row, p in zip(rows, shown.values(), strict=True):
            text = ' / '.join(_ms(p[k]) for k in TAIL)
            axes.text(p['p99'] + 0.012 * longest, float(row), f'{text} ms', va='center',
                      fontsize=8, color=MUTED)
        axes.set_yticks(rows, list(shown))
        axes.invert_yaxis()
        axes.set_xlim(0, longest * 1.38)
        axes.set_xlabel('ms')
        _plain(axes, grid='x')
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], frameon=False, ncols=3, loc='lower right',
                    bbox_to_anchor=(1, 1), fontsize=8, borderaxespad=0.1)
        return svg(figure, 'Latency by stage: p50, p95 and p99')


def over_time(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, label: str,
              title: str, bottom: float | None = None, top: float | None = None,
              marks: Sequence[float] = (), wide: bool = False) -> str:
    """
    Draw lines over time in seconds; '' if there is no finite point.

    ``series`` maps names to (seconds, values); ``marks`` are times at which a frame was lost;
    ``wide`` is for a plot that has the page's whole width.
    """
    finite = {name: (np.asarray(t, float), np.asarray(v, float))
              for name, (t, v) in series.items() if np.isfinite(np.asarray(v, float)).any()}
    if not finite:
        return ''
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12.3 if wide else 6.0, 2.1), layout='constrained')
        axes = figure.add_subplot()
        colors = (ACCENT, SECOND, '#2e8b57', '#8e44ad', '#c0392b', '#7f8c8d', '#0aa', '#960')
        for (name, (t, v)), color in zip(finite.items(), colors, strict=False):
            step = max(1, math.ceil(len(t) / MOST_POINTS))
            few = len(t) <= 120
            axes.plot(t[::step], v[::step], color=color, linewidth=1.2, label=name,
                      marker='o' if few else None, markersize=2.4)
        if marks:
            step = max(1, math.ceil(len(marks) / MOST_POINTS))
            for i, mark in enumerate(marks[::step]):
                axes.axvline(mark, color='#d64545', linewidth=0.8, alpha=0.6,
                             label='frame lost' if i == 0 else None)
        axes.set_ylim(bottom, top)
        axes.set_xlabel('time in the recording, s')
        axes.set_ylabel(label)
        axes.margins(x=0.01)
        _plain(axes, grid='y')
        if len(finite) > 1 or marks:
            axes.legend(frameon=False, ncols=4, loc='lower right', bbox_to_anchor=(1, 1),
                        fontsize=8, borderaxespad=0.1)
        return svg(figure, title)


def _ms(value: float) -> str:
    return f'{value:.2f}' if value < 10 else f'{value:.1f}' if value < 100 else f'{value:.0f}'


def _plain(axes: Axes, grid: Any) -> None:
    axes.grid(axis=grid, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ('top', 'right', 'left'):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)


def svg(figure: Figure, title: str, *, transparent: bool = True) -> str:
    """Return a figure as an SVG element with a title."""
    out = io.StringIO()
    figure.savefig(out, format='svg', transparent=transparent,
                   metadata={'Date': None, 'Creator': None, 'Title': title})
    text = out.getvalue()
    # Only the element itself: a page has no place for an XML declaration and a doctype.
    return text[text.index('<svg'):]
