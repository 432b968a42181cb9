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
"""vidseg report: print the table of an evaluation that is on disk."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('report', type=Path, help='report.json, or the folder that holds it')


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from vidseg_ros.evaluation.table import figures_table

    path = args.report / 'report.json' if args.report.is_dir() else args.report
    figures = json.loads(path.read_text())
    data = figures.get('bag') or f'{figures.get("dataset")} {figures.get("split")}'
    try:
        table = figures_table(figures, f'{figures["method"]} on {data}')
    except KeyError as error:
        raise ValueError(f'{path}: not the report of an evaluation: no {error}') from error
    console = Console()
    console.print(table)
    page = path.with_name('report.html')
    if page.is_file():
        console.print(f'Report: {page.resolve()}', markup=False, highlight=False, soft_wrap=True)
    return 0
