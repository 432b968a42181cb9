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
"""How a training went, epoch by epoch: as JSON and as a picture, beside the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What says how fast it was: it differs between two runs that are otherwise the same.
TIMES = ('seconds_per_image', 'waiting', 'hours')


def curve_path(out: Path) -> Path:
    """Return where the curve of the checkpoint ``out`` lies."""
    return out.with_name(f'{out.name.removesuffix(".safetensors")}.curve.json')


def write_curve(out: Path, header: dict[str, Any], epochs: Sequence[dict[str, Any]]) -> Path:
    """Write the curve as JSON; return its path."""
    path = curve_path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + '.part')
    partial.write_text(json.dumps({**header, 'epochs': list(epochs)}, indent=1) + '\n')
    partial.replace(path)
    return path


def draw_curve(out: Path, title: str, epochs: Sequence[dict[str, Any]], measure: str) -> Path:
    """Draw loss, measure and learning rate over the epochs as a PNG; return its path."""
    # Takes half a second to import.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout='constrained')
    panels = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
    number = [epoch['epoch'] for epoch in epochs]
    panels[0].plot(number, [epoch['loss'] for epoch in epochs], color='tab:red')
    panels[0].set_ylabel('loss')
    panels[0].set_yscale('log')
    panels[1].plot(
        number, [epoch['training'][measure] for epoch in epochs], color='tab:blue',
        label='training, running',
    )  # fmt: skip
    validated = [epoch for epoch in epochs if epoch['validation']]
    if validated:
        panels[1].plot(
            [epoch['epoch'] for epoch in validated],
            [epoch['validation'][measure] for epoch in validated],
            color='tab:orange', marker='.', label='validation, averaged weights',
        )  # fmt: skip
    panels[1].set_ylabel(measure)
    panels[1].legend(loc='lower right')
    panels[2].plot(number, [epoch['rate'] for epoch in epochs], color='tab:green')
    panels[2].set_ylabel('rate')
    panels[2].set_xlabel('epoch')
    for panel in panels:
        panel.grid(alpha=0.3)
    figure.suptitle(title)
    path = curve_path(out).with_suffix('.png')
    figure.savefig(path, dpi=100)
    return path
