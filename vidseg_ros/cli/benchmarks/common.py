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
"""What the benchmarks' commands share: arguments, tables, how they end."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

messages = Console(stderr=True)


def add_output_arguments(parser: argparse.ArgumentParser, quick: str) -> None:
    """Add ``--json`` and ``--quick``."""
    parser.add_argument('--quick', action='store_true', help=quick)
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures as JSON')


def add_frames_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says where frames come from."""
    parser.add_argument('--dataset', default='synthetic', metavar='NAME',
                        help='where frames come from (default: %(default)s)')
    parser.add_argument('--root', type=Path, metavar='DIR', help="the data set's directory")
    parser.add_argument('--split', default='val', metavar='NAME',
                        help='its split (default: %(default)s)')


def sizes(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return (height, width) of each 'HxW'."""
    from vidseg_ros.datasets.street.settings import parse_size

    return [parse_size(text) for text in texts]


def table(title: str, columns: Sequence[str], words: int = 1) -> Table:
    """Return a table that fits 80 columns, the first ``words`` columns being text."""
    made = Table(title=title, title_justify='left', box=None, pad_edge=False,
                 padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        if number < words:
            made.add_column(column, overflow='fold')
        else:
            made.add_column(column, justify='right', no_wrap=True)
    return made


def figure(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits; a dash for none."""
    if value is None or not math.isfinite(value):
        return '–'  # noqa: RUF001
    if value == 0:
        return '0'
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f'{value:.{min(places, digits)}f}'


def ratio(found: Mapping[str, Any] | None) -> str:
    """Return a ratio's median; a dash for none."""
    if found is None or not math.isfinite(found['median']):
        return '–'  # noqa: RUF001
    return f'x{found["median"]:.2f}'


def spread(found: Mapping[str, Any]) -> str:
    """Return the quartiles of a summary."""
    low, high = found['quartiles']
    return f'{figure(low)}..{figure(high)}'


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Say what is being done: in one line on a terminal, in many elsewhere."""
    if messages.is_terminal:
        with messages.status('') as status:
            yield lambda text: status.update(text)
    else:
        yield lambda text: messages.print(text, markup=False, highlight=False, soft_wrap=True)


def finish(
    console: Console, args: argparse.Namespace, figures: Mapping[str, Any],
    load: Mapping[str, Any] | None, failed: Sequence[str] = (), notes: Sequence[str] = (),
) -> int:
    """
    Print notes, machine, versions and warnings; write the JSON.

    Returns the exit code: 1 if something ``failed``.
    """
    from vidseg_ros.evaluation.report import provenance, write_json

    made_with = provenance([Path(sys.argv[0]).name, *sys.argv[1:]])
    lines = ['', *notes]
    lines.append(', '.join(f'{key}: {value}' for key, value in made_with['machine'].items()))
    lines.append(', '.join(f'{key} {value}' for key, value in made_with['versions'].items()))
    console.print('\n'.join(lines), highlight=False, markup=False)
    if load and load['disturbed']:
        messages.print(disturbance(load), style='yellow', markup=False, highlight=False)
    for line in failed:
        messages.print(f'not measured: {line}', style='yellow', markup=False, highlight=False)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        write_json(args.json, {**figures, 'not_measured': list(failed), **made_with})
    return 1 if failed else 0


def disturbance(load: Mapping[str, Any]) -> str:
    """Return what is to be said of a machine that others used, too."""
    from vidseg_ros.engines.load import Load

    return 'disturbed: ' + Load(load['seconds'], load['own_cores'], load['others_cores'],
                                load['cores']).warning()


def warn_if_busy() -> dict[str, Any]:
    """Look at the machine before the measurement; say so if it has other work."""
    from vidseg_ros.engines.load import idle_check

    load = idle_check()
    if load.disturbed:
        messages.print(f'this machine is busy: {load.others:.2f} of {load.cores} cores are in '
                       'use by others', style='yellow', markup=False, highlight=False)
    return load.entry()
