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


def card(name: str, metadata: CheckpointMetadata) -> str:
    """Return the card of a checkpoint."""
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
        f'| command | `{metadata.metrics.get("command", "unknown")}` |',
        '',
        '## Scores',
        '',
        *_scores(metadata),
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
    path.write_text(card(checkpoint.stem, read_metadata(checkpoint)))
    return path
