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
"""The report of an evaluation: ``report.json`` for programs, ``report.html`` for people."""

from __future__ import annotations

import base64
import datetime
import json
import math
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.evaluation import plots
from vidseg_ros.evaluation.account import MOST_APART_NS, Account, FrameLine
from vidseg_ros.evaluation.album import Picture
from vidseg_ros.evaluation.machine import machine, versions
from vidseg_ros.labels.space import IGNORE, LabelSpace

JSON_NAME, HTML_NAME = 'report.json', 'report.html'

# What stands in for a figure that was not measured.
_NOTHING = '\N{EN DASH}'

_RIGHT, _WRONG, _UNLABELLED = (214, 232, 214), (214, 69, 69), (40, 44, 52)

STAGE_MEANINGS = {
    'end to end': 'from the image to its labels, as another node on this machine sees it',
    'transport': 'from the sender to the callback',
    'queue': 'waiting for the frames before it',
    'convert': 'from the message to an RGB array',
    'observe': "the method's part on the CPU: resize, flow, change",
    'predict': "the method's part on the device: the networks",
    'publish': 'from the result to the message sent',
    'total': 'from the callback to the labels sent',
}


@dataclass(slots=True)
class Report:
    """
    All that a report says.

    ``figures`` is what goes into ``report.json``, by its keys; ``account`` gives lines over time
    and pictures; ``lost`` are the frames with ground truth that got no labels, (camera, stamp in
    ns); ``notes`` are sentences a reader must know to read the figures.
    """

    title: str
    figures: dict[str, Any]
    account: Account
    lost: Sequence[tuple[str, int]] = ()
    notes: list[str] = field(default_factory=list)
    command: str = ''


def provenance(command: Sequence[str] | None = None) -> dict[str, Any]:
    """Return when, on what machine and with which versions; the command as typed, if given."""
    result: dict[str, Any] = {
        'created': datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds'),
        'machine': machine(),
        'versions': versions(),
    }
    if command:
        result['command'] = shlex.join(command)
    return result


def write_json(path: Path, figures: Mapping[str, Any]) -> None:
    """Write figures as JSON, not-a-numbers as null; a reader never sees half a file."""
    text = json.dumps(_plain(figures), indent=2, allow_nan=False, ensure_ascii=False)
    _write(path, text + '\n')


def write_report(directory: Path, report: Report) -> Path:
    """Write ``report.json`` and ``report.html`` into a directory; return the page's path."""
    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / JSON_NAME, report.figures)
    page = directory / HTML_NAME
    _write(page, render_html(report))
    return page


def render_html(report: Report) -> str:
    """Return the page: one file that needs nothing else, neither files nor network."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('vidseg_ros.evaluation'), autoescape=True,
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(percent=_percent, number=_number, count=_count)
    return environment.get_template('report.html.j2').render(**_page(report))


def overlay(image: NDArray[np.uint8], labels: NDArray[np.uint8], space: LabelSpace,
            opacity: float = 0.55) -> NDArray[np.uint8]:
    """Blend the classes' colours over an image; uint8 [H, W, 3]. Unlabelled stays the image."""
    blended = cv2.addWeighted(space.colorize(labels), opacity, image, 1.0 - opacity, 0.0)
    return np.where((labels < space.num_classes)[..., None], blended, image).astype(np.uint8)


def errors(image: NDArray[np.uint8], labels: NDArray[np.uint8],
           truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark wrong pixels red over the dimmed image, unlabelled ones dark; uint8 [H, W, 3]."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    base = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
    picture = cv2.addWeighted(base, 0.35, np.full_like(base, _RIGHT), 0.65, 0.0)
    picture[(labels != truth) & (truth != IGNORE)] = _WRONG
    picture[truth == IGNORE] = _UNLABELLED
    return np.asarray(picture, np.uint8)


def _page(report: Report) -> dict[str, Any]:
    figures, space = report.figures, report.account.label_space
    lines = report.account.lines
    stages = _ordered(figures.get('latency_ms_by_stage') or {})
    lost = {f'{camera} {stamp / 1e9:.3f}' for camera, stamp in report.lost}
    return {
        'title': report.title,
        'figures': figures,
        'command': report.command or figures.get('command', ''),
        'notes': report.notes,
        'tiles': _tiles(figures),
        'classes': _classes(report),
        'cameras': figures.get('cameras', {}),
        'stage_plot': plots.latency_by_stage(stages),
        'stages': [(name, p, STAGE_MEANINGS.get(name, '')) for name, p in stages.items()],
        'latency_plot': _latency_plot(lines, report.lost),
        'quality_plot': _quality_plot(lines, wide='frames_expected' not in figures),
        'pictures': [_picture(why, p, space, _start(lines, report.lost))
                     for why, p in (report.account.album.pages()
                                    if report.account.album else [])],
        'drops': sorted((figures.get('drops') or {}).items(), key=lambda d: -d[1]),
        'lost': sorted(lost)[:60],
        'lost_more': max(0, len(lost) - 60),
        'facts': _facts(figures),
        'legend': [(name, _css(space.palette[i])) for i, name in enumerate(space.classes)],
    }


def _ordered(stages: Mapping[str, Any]) -> dict[str, Any]:
    """Return stages with the whole first and parts ('predict/network') after what they are of."""
    def place(name: str) -> tuple[int, str]:
        whole = name.partition('/')[0]
        names = [n.partition('/')[0] for n in stages]
        return (-1 if whole in ('end to end', 'total') else names.index(whole),
                name if '/' in name else '')
    return {name: stages[name] for name in sorted(stages, key=place)}


def _tiles(figures: Mapping[str, Any]) -> list[dict[str, str]]:
    def tile(value: str, label: str, hint: str = '', tone: str = '') -> dict[str, str]:
        return {'value': value, 'label': label, 'hint': hint, 'tone': tone}

    latency = figures.get('latency_ms') or {}
    tiles = [
        tile(_percent(figures.get('miou')), 'mean IoU',
             f'over {_occurring(figures)} classes that occur'),
        tile(_percent(figures.get('pixel_accuracy')), 'pixel accuracy',
             f'class mean {_percent(figures.get("mean_accuracy"))}'),
        tile(_percent(figures.get('temporal_consistency')), 'temporal consistency',
             'labels that stay on their surface'),
        tile(f'{_number(latency.get("p50"))} ms', 'median latency',
             f'p95 {_number(latency.get("p95"))} · p99 {_number(latency.get("p99"))} ms'),
        tile(_number(figures.get('fps')), 'frames per second', figures.get('fps_meaning', '')),
    ]
    if 'frames_expected' in figures:
        lost = figures.get('frames_lost', 0)
        tiles.append(tile(
            f'{figures.get("frames_evaluated", 0)} / {figures["frames_expected"]}',
            'frames evaluated', 'none lost' if not lost else f'{lost} lost',
            'bad' if lost else 'good'))
    else:
        tiles.append(tile(_count(figures.get('frames', 0)), 'frames',
                          f'{_count(figures.get("frames_labelled", 0))} with ground truth'))
    return tiles


def _classes(report: Report) -> list[dict[str, Any]]:
    matrix, space = report.account.matrix, report.account.label_space
    true = matrix.counts.sum(axis=1)
    predicted = matrix.counts[:, :-1].sum(axis=0)
    hits = np.diagonal(matrix.counts)
    rows = []
    for i, name in enumerate(space.classes):
        iou = float(matrix.per_class_iou[i])
        confused = matrix.counts[i].copy()
        confused[i] = 0
        worst = int(confused.argmax())
        rows.append({
            'name': name,
            'color': _css(space.palette[i]),
            'iou': iou,
            'width': 0.0 if math.isnan(iou) else 100.0 * iou,
            'recall': hits[i] / true[i] if true[i] else math.nan,
            'precision': hits[i] / predicted[i] if predicted[i] else math.nan,
            'share': true[i] / matrix.pixels if matrix.pixels else math.nan,
            'confused': '' if not confused[worst] else (
                f'{"no class" if worst == space.num_classes else space.classes[worst]} '
                f'({_percent(confused[worst] / true[i])})'),
        })
    return rows


def _start(lines: Sequence[FrameLine], lost: Sequence[tuple[str, int]]) -> int:
    return min([line.stamp_ns for line in lines] + [stamp for _, stamp in lost], default=0)


def _by_camera(lines: Sequence[FrameLine], start: int,
               value: str) -> dict[str, tuple[list[float], list[float]]]:
    series: dict[str, tuple[list[float], list[float]]] = {}
    for line in lines:
        times, values = series.setdefault(line.camera, ([], []))
        # What lies apart in time, or is another lap, must not be drawn as one line.
        if times and not 0 <= (line.stamp_ns - start) / 1e9 - times[-1] <= MOST_APART_NS / 1e9:
            times.append(times[-1])
            values.append(math.nan)
        times.append((line.stamp_ns - start) / 1e9)
        values.append(getattr(line, value))
    return series


def _latency_plot(lines: Sequence[FrameLine], lost: Sequence[tuple[str, int]]) -> str:
    start = _start(lines, lost)
    return plots.over_time(_by_camera(lines, start, 'latency_ms'), label='latency, ms',
                           title='Latency over time', bottom=0.0,
                           marks=[(stamp - start) / 1e9 for _, stamp in lost])


def _quality_plot(lines: Sequence[FrameLine], *, wide: bool) -> str:
    start = _start(lines, ())
    ious, consistency = (_by_camera(lines, start, key) for key in ('miou', 'consistency'))
    several = len(ious) > 1
    series = {f'{camera}: mean IoU' if several else 'mean IoU of the frame': points
              for camera, points in ious.items()}
    series |= {f'{camera}: consistency' if several else 'agreement with the frame before': points
               for camera, points in consistency.items()}
    return plots.over_time(series, label='share', title='Accuracy and consistency over time',
                           bottom=0.0, top=1.02, wide=wide)


def _picture(why: str, picture: Picture, space: LabelSpace, start: int) -> dict[str, Any]:
    panels = [('image', _inline(picture.image, '.jpg')),
              ('prediction', _inline(overlay(picture.image, picture.labels, space), '.jpg'))]
    if picture.truth is not None:
        panels += [
            ('ground truth', _inline(overlay(picture.image, picture.truth, space), '.jpg')),
            ('errors', _inline(errors(picture.image, picture.labels, picture.truth), '.jpg'))]
    return {
        'why': why,
        'name': picture.name or f'{picture.camera} {(picture.stamp_ns - start) / 1e9:.3f} s',
        'miou': picture.miou,
        'consistency': picture.consistency,
        'panels': panels,
    }


def _inline(image: NDArray[np.uint8], kind: str) -> str:
    done, data = cv2.imencode(kind, cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
                              [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not done:
        raise RuntimeError(f'OpenCV could not write a {kind} picture')
    return f'data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode("ascii")}'


def _facts(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = ('method', 'checkpoint', 'engine', 'device', 'dataset', 'split', 'bag', 'rate',
             'frame_policy', 'label_space', 'converted_from', 'seconds', 'created')
    facts = [(name.replace('_', ' '), _text(figures[name]))
             for name in names if figures.get(name) not in (None, '')]
    facts += [('engine version' if key == 'version' else key.replace('_', ' '), str(value))
              for key, value in (figures.get('describe') or {}).items()
              if key.replace('_', ' ') not in dict(facts)]
    facts += list((figures.get('machine') or {}).items())
    used = ', '.join(f'{k} {v}' for k, v in (figures.get('versions') or {}).items())
    return [*facts, ('versions', used)] if used else facts


def _text(value: Any) -> str:
    return f'{value:.4g}' if isinstance(value, float) else str(value)


def _occurring(figures: Mapping[str, Any]) -> int:
    return sum(1 for v in (figures.get('per_class_iou') or {}).values()
               if v is not None and math.isfinite(v))


def _percent(value: Any) -> str:
    return _NOTHING if value is None or not math.isfinite(value) else f'{100 * value:.1f}%'


def _number(value: Any) -> str:
    if value is None or not math.isfinite(value):
        return _NOTHING
    return f'{value:.2f}' if abs(value) < 10 else f'{value:.1f}' if abs(value) < 100 \
        else f'{value:.0f}'


def _count(value: Any) -> str:
    return f'{int(value):,}'.replace(',', '\N{NO-BREAK SPACE}')


def _css(color: NDArray[np.uint8]) -> str:
    return '#{:02x}{:02x}{:02x}'.format(*(int(c) for c in color))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}')
    partial.write_text(text, encoding='utf-8')
    partial.replace(path)
