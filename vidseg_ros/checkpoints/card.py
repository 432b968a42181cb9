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
"""Model cards: what a checkpoint is, for people, in Markdown beside it."""

from __future__ import annotations

from pathlib import Path

from vidseg_ros.checkpoints.store import CheckpointMetadata, read_metadata
from vidseg_ros.labels.registry import label_space


def _scores(metadata: CheckpointMetadata) -> list[str]:
    scores = metadata.metrics.get('scores')
    if not scores:
        return ['Not measured.']
    lines = [
        f'By method `{scores["method"]}` on {scores["data"]}, {scores["frames"]} frames:',
        '',
        '| measure | value |',
        '|---|---|',
        f'| mean IoU | {scores["miou"]:.4f} |',
        f'| pixel accuracy | {scores["pixel_accuracy"]:.4f} |',
        f'| mean class accuracy | {scores["mean_accuracy"]:.4f} |',
        f'| temporal consistency | {scores["temporal_consistency"]:.4f} |',
    ]
    lines += [f'| IoU {name} | {iou:.4f} |' for name, iou in scores['per_class_iou'].items()]
    return lines


def _duration(hours: float) -> str:
    """Return hours as text: minutes below two hours, with a tenth of an hour from there on."""
    return f'{hours:.1f} h' if hours >= 2 else f'{hours * 60:.0f} min'


def _training(metadata: CheckpointMetadata) -> list[str]:
    """Return the rows on how it was trained; older checkpoints don't say where and how long."""
    metrics = metadata.metrics
    machine = metrics.get('machine', {})
    rows = [('command', f'`{metrics["command"]}`' if 'command' in metrics else 'unknown')]
    if 'parent' in metrics:
        rows.append(('frozen parent', f'`{metrics["parent"]}`'))
    names = ('processor', 'gpu', 'memory', 'system', 'used')
    facts = [machine[name] for name in names if name in machine]
    if 'torch' in machine:
        facts.append(f'torch {machine["torch"]}')
    rows.append(('machine', ', '.join(facts) or 'not recorded'))
    time = _duration(metrics['hours']) if 'hours' in metrics else 'not recorded'
    epochs = f', {metrics["epochs"]} epochs' if 'epochs' in metrics else ''
    rows.append(('training time', time + epochs))
    if 'remark' in metrics:
        rows.append(('remark', metrics['remark']))
    return [f'| {name} | {value} |' for name, value in rows]


def _validation(metadata: CheckpointMetadata) -> list[str]:
    """Return what was measured in the last epoch on frames that were held out."""
    found = dict(metadata.metrics.get('validation', {}))
    if not found:
        return []
    data = found.pop('data', 'held-out frames')
    values = ', '.join(f'{name} {value:.4f}' for name, value in found.items())
    return ['', f'While training, on {data}: {values}.']


def card(name: str, metadata: CheckpointMetadata, curve: str = '') -> str:
    """Return the card of a checkpoint; ``curve`` names the picture of its training, if any."""
    classes = ', '.join(label_space(metadata.label_space).classes)
    height, width = metadata.input_size
    recipe = '\n'.join(f'- {key}: {value}' for key, value in metadata.recipe.items())
    lines = [
        f'# {name}',
        '',
        '| | |',
        '|---|---|',
        f'| network | `{metadata.network}` |',
        f'| label space | `{metadata.label_space}`: {classes} |',
        f'| trained on | {metadata.data}, crops of {height}x{width} |',
        f'| licence of the data | {metadata.licence or "unknown"} |',
        f'| normalisation (RGB, 0 to 1) | mean {metadata.mean}, std {metadata.std} |',
        *_training(metadata),
        '',
        *([f'![loss, measure and learning rate by epoch]({curve})', ''] if curve else []),
        '## Scores',
        '',
        *_scores(metadata),
        *_validation(metadata),
        '',
        '## Recipe',
        '',
        recipe,
        '',
        '## Limits',
        '',
        f'Trained on {metadata.data} alone: other cameras, cities, weather or light are outside '
        'of what it has seen. Classes that are rare there are weak (see the scores). Not for use '
        'where a wrong label can hurt somebody.',
        '',
    ]
    return '\n'.join(lines)


def write_card(checkpoint: Path) -> Path:
    """Write the card beside the checkpoint, with the suffix .md; return its path."""
    path = checkpoint.with_suffix('.md')
    curve = checkpoint.with_suffix('.curve.png')
    shown = curve.name if curve.is_file() else ''
    path.write_text(card(checkpoint.stem, read_metadata(checkpoint), shown))
    return path
