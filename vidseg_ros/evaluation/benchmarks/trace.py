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
"""What a Chrome trace of the node says: who worked for how long, and what beside what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Interval = tuple[float, float]


def summarize(path: Path) -> dict[str, Any]:
    """
    Return what a trace shows; its complete events count, instants and names of lanes don't.

    Keys: ``events``; ``ms`` by name of event; ``observe_beside_predict``, the share of the time of
    ``observe`` in which ``predict`` was at work in another lane, NaN without any.

    :raises ValueError: if it is no trace.
    """
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
        events = found['traceEvents'] if isinstance(found, dict) else found
        spans: dict[str, list[Interval]] = {}
        for event in events:
            if event.get('ph') == 'X':
                begun, lasted = float(event['ts']), float(event['dur'])
                spans.setdefault(event['name'], []).append((begun, begun + lasted))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{path}: no Chrome trace: {error}') from error
    times = {name: sum(end - begun for begun, end in each) / 1e3 for name, each in spans.items()}
    observe, predict = spans.get('observe', []), spans.get('predict', [])
    beside = sum(overlap(one, predict) for one in observe) / 1e3
    return {
        'events': sum(map(len, spans.values())), 'ms': times,
        'observe_beside_predict': beside / times['observe'] if times.get('observe')
        else float('nan'),
    }


def overlap(one: Interval, others: Sequence[Interval]) -> float:
    """Return how much of an interval others cover, which don't overlap each other."""
    return sum(max(0.0, min(one[1], end) - max(one[0], begun)) for begun, end in others)
