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
"""vidseg results: measure everything that ships, and make the results page of it."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    steps = parser.add_subparsers(dest='step', required=True, metavar='STEP')
    measure = steps.add_parser('measure', help='score and time every method; write JSON')
    measure.add_argument('--dataset', default='camvid', help='(default: %(default)s)')
    measure.add_argument('--root', type=Path, required=True, metavar='DIR')
    measure.add_argument('--split', default='val', help='(default: %(default)s)')
    measure.add_argument('--engine', default='auto', help='(default: %(default)s)')
    measure.add_argument('--only', action='append', default=[], metavar='ROW',
                         help='only rows whose name contains this; may be given again')
    measure.add_argument('--json', type=Path, required=True, metavar='FILE')
    page = steps.add_parser('page', help='make the page and its plots of that JSON')
    page.add_argument('--json', type=Path, required=True, metavar='FILE')
    page.add_argument('--out', type=Path, required=True, metavar='FILE.md')


def main(args: argparse.Namespace) -> int:
    """Run the command; mistakes raise ValueError or OSError, whose text is for people."""
    console = Console(stderr=True)
    if args.step == 'page':
        from vidseg_ros.evaluation.results.page import write_page

        for path in write_page(json.loads(args.json.read_text(encoding='utf-8')), args.out):
            console.print(f'wrote {path}', highlight=False)
        return 0
    from vidseg_ros.datasets.registry import open_dataset
    from vidseg_ros.evaluation.results.measure import measure
    from vidseg_ros.evaluation.results.plan import result_rows

    dataset = open_dataset(args.dataset, args.root, args.split)
    results = measure(_chosen(result_rows(), args.only), dataset, args.engine,
                      lambda what: console.print(what, highlight=False))
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(_finite(results), indent=1, allow_nan=False) + '\n',
                         encoding='utf-8')
    console.print(f'wrote {args.json}', highlight=False)
    return 0


def _chosen(rows: Any, only: list[str]) -> list[Any]:
    """Return the rows whose name contains one of the texts, with their baselines."""
    wanted = [row for row in rows if not only or any(text in row.name for text in only)]
    if not wanted:
        raise ValueError(f'no row has {" or ".join(only)} in its name; there are '
                         f'{", ".join(row.name for row in rows)}')
    needed = {row.baseline for row in wanted} | {row.name for row in wanted}
    return [row for row in rows if row.name in needed]


def _finite(value: Any) -> Any:
    """Return plain values with None where a number is not finite: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
