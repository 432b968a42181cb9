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
"""The figures of an evaluation as a table in the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.table import Table

# What becomes of a frame, in order; a live graph has them all, an offline run some. Methods add
# parts of `predict` of their own ('predict/network').
_STAGES = ('transport', 'queue', 'convert', 'observe', 'predict', 'publish', 'total', 'end to end')


def _percent(value: float | None) -> str:
    return '-' if value is None or math.isnan(value) else f'{100 * value:.2f} %'


def _milliseconds(latency: Mapping[str, float | None]) -> str:
    return ' / '.join(
        '-' if (value := latency.get(name)) is None or math.isnan(value) else f'{value:.1f}'
        for name in ('p50', 'p95', 'p99')
    )


def figures_table(figures: Mapping[str, Any], title: str) -> Table:
    """Return the figures that report.json holds, the live graph's or an offline run's."""
    table = Table(title=title, title_justify='left')
    table.add_column('measure')
    table.add_column('value', justify='right')
    for label, key in (
        ('mean IoU', 'miou'),
        ('pixel accuracy', 'pixel_accuracy'),
        ('mean class accuracy', 'mean_accuracy'),
        ('temporal consistency', 'temporal_consistency'),
    ):
        table.add_row(label, _percent(figures[key]))
    table.add_row('frames (with ground truth)',
                  f'{figures["frames"]} ({figures["frames_labelled"]})')  # fmt: skip
    if 'frames_lost' in figures:
        table.add_row('frames lost', str(figures['frames_lost']))
    fps = figures['fps']
    table.add_row('frames per second', '-' if fps is None or math.isnan(fps) else f'{fps:.1f}')
    table.add_section()
    stages = figures.get('latency_ms_by_stage', {})
    table.add_row('latency p50 / p95 / p99, ms', _milliseconds(figures['latency_ms']))
    for stage in _STAGES:
        parts = [name for name in stages if name == stage or name.startswith(f'{stage}/')]
        for name in sorted(parts, key=lambda part: part != stage):
            table.add_row(f'  {name}', _milliseconds(stages[name]))
    for cause, count in figures.get('drops', {}).items():
        table.add_row(f'dropped: {cause}', str(count))
    table.add_section()
    for name, iou in figures['per_class_iou'].items():
        table.add_row(f'IoU {name}', _percent(iou))
    return table
