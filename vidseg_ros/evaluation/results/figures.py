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
"""The plots of the results page: SVG, drawn from the measured figures alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from vidseg_ros.evaluation.plots import ACCENT, GRID, MUTED, SECOND, STYLE, svg
from vidseg_ros.evaluation.results.plan import ablations

Drawing = Callable[[Axes], None]

# Where a name may stand beside its point, the best place first: offset in points, alignment.
_Place = tuple[tuple[float, float], str]
_BESIDE: tuple[_Place, ...] = (
    ((7, 6), 'left'), ((7, -7), 'left'), ((7, 0), 'left'), ((-7, 6), 'right'),
    ((-7, -7), 'right'), ((0, 11), 'center'), ((0, -12), 'center'),
)


def draw_figures(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the plots for which there are figures: file name to SVG."""
    drawn = {'accuracy_speed.svg': accuracy_against_speed(results)}
    curves = results['sweeps']
    if 'evs' in curves:
        drawn['evs_distance.svg'] = evs_against_distance(curves['evs'])
    if 'dvsnet' in curves:
        drawn['dvsnet_threshold.svg'] = dvsnet_against_threshold(curves['dvsnet'])
    if 'lernet_tha' in curves:
        drawn['lernet_tha_k.svg'] = tha_against_interval(curves['lernet_tha'])
    return drawn


def accuracy_against_speed(results: Mapping[str, Any]) -> str:
    """Draw mIoU over speed relative to FASSVid's base; the area of a point is its GMACs."""
    # FASSVid's ablations lie on top of it; the table tells them apart.
    left_out = {row.name for row in ablations()}
    rows = [row for row in results['rows'] if 'miou' in row and row['name'] not in left_out]

    def draw(axes: Axes) -> None:
        # Speeds are relative to each row's own baseline: only those of one baseline can share
        # an axis, so each baseline has its colour and stands at 1.
        colours = dict(zip(dict.fromkeys(row['baseline'] for row in rows),
                           (ACCENT, SECOND, '#2e8b57', '#8e44ad'), strict=False))
        for row in rows:
            x, y = row.get('speed', 1.0), 100 * row['miou']
            axes.scatter(x, y, s=20 + 8 * row['gmacs'], color=colours[row['baseline']],
                         alpha=0.75, linewidths=0)
        axes.set_xscale('log')
        ticks = [t for t in (0.5, 0.7, 1, 1.5, 2, 3, 5, 8, 12, 20)
                 if t <= 1.6 * max(row.get('speed', 1.0) for row in rows)]
        axes.set_xticks(ticks, [f'{t:g}' for t in ticks])
        axes.minorticks_off()
        axes.margins(x=0.16, y=0.12)
        axes.set_xlabel('frames a second, as a multiple of its own network on every frame')
        axes.set_ylabel('mIoU, %')
        _name_points(axes, [(row['name'], row.get('speed', 1.0), 100 * row['miou'])
                            for row in rows], size=8)

    return _figure(draw, 'Accuracy against speed', height=4.2)


def evs_against_distance(curves: Mapping[str, Any]) -> str:
    """Draw mIoU over the distance of propagation, warped and repeated (EVS, Fig. 6)."""
    def draw(axes: Axes) -> None:
        for (name, points), colour in zip(curves.items(), (ACCENT, SECOND), strict=False):
            axes.plot([p['distance'] for p in points], [100 * p['miou'] for p in points],
                      color=colour, marker='o', markersize=3.5, label=name)
        axes.set_xlabel('frames since the key frame')
        axes.set_ylabel('mIoU, %')
        axes.legend(frameon=False)

    return _figure(draw, 'EVS: accuracy against propagation distance')


def dvsnet_against_threshold(curves: Mapping[str, Any]) -> str:
    """Draw mIoU over the share of regions segmented, one curve a policy (DVSNet, Fig. 8, 9)."""
    def draw(axes: Axes) -> None:
        named: dict[tuple[float, float], str] = {}
        for (name, points), colour in zip(curves.items(), (ACCENT, SECOND), strict=False):
            ordered = sorted(points, key=lambda p: (p['segmented'], p['threshold']))
            axes.plot([100 * p['segmented'] for p in ordered],
                      [100 * p['miou'] for p in ordered], color=colour, marker='o',
                      markersize=3.5, label=name.replace('_', ' '))
            for p in ordered:
                # Of thresholds that come to the same, the first.
                named.setdefault((100 * p['segmented'], 100 * p['miou']), f'{p["threshold"]:g}')
        axes.set_xlabel('regions segmented, % (at each point: the threshold)')
        axes.set_ylabel('mIoU, %')
        axes.legend(frameon=False, loc='lower right')
        _name_points(axes, [(name, x, y) for (x, y), name in named.items()], size=7,
                     places=(_BESIDE[1], *_BESIDE))  # the curves rise

    return _figure(draw, 'DVSNet: accuracy against the threshold')


def tha_against_interval(points: list[Mapping[str, float]]) -> str:
    """Draw mIoU over K."""
    def draw(axes: Axes) -> None:
        axes.plot([p['k'] for p in points], [100 * p['miou'] for p in points], color=ACCENT,
                  marker='o', markersize=3.5)
        axes.set_xticks([p['k'] for p in points])
        axes.set_xlabel('K: one key frame in so many frames')
        axes.set_ylabel('mIoU, %')

    return _figure(draw, 'LERNet + THA: accuracy against the key interval')


def _name_points(axes: Axes, points: Sequence[tuple[str, float, float]], size: float,
                 places: Sequence[_Place] = _BESIDE) -> None:
    """
    Write names beside points (name, x, y).

    They are put where they meet no other name and no point, and lie nearest to their own.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # the axes have their limits and their place now
    at = axes.transData.transform([(x, y) for _, x, y in points])
    taken: list[Bbox] = [Bbox.from_extents(x - 4, y - 4, x + 4, y + 4) for x, y in at]
    for own, (name, x, y) in enumerate(points):
        others = [box for index, box in enumerate(taken) if index != own]
        best = None
        for offset, side in places:
            text = axes.annotate(name, (x, y), xytext=offset, textcoords='offset points',
                                 ha=side, va='center', fontsize=size, color=MUTED)
            box = text.get_window_extent()
            meets = sum(box.overlaps(other) for other in others)
            meets += int(np.argmin([_distance(box, point) for point in at]) != own)
            if best is None or meets < best[0]:
                if best is not None:
                    best[1].remove()
                best = meets, text, box
            else:
                text.remove()
            if not meets:
                break
        assert best is not None
        taken.append(best[2])


def _distance(box: Bbox, point: Sequence[float]) -> float:
    """Return how far a point is from a box, 0 inside."""
    return math.hypot(max(box.x0 - point[0], 0.0, point[0] - box.x1),
                      max(box.y0 - point[1], 0.0, point[1] - box.y1))


def _figure(draw: Drawing, title: str, height: float = 2.8) -> str:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, height), layout='constrained', facecolor='white')
        axes = figure.add_subplot()
        draw(axes)
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[['top', 'right']].set_visible(False)
        axes.tick_params(length=0)
        return svg(figure, title, transparent=False)
