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
"""vidseg inspect: count parameters and GMACs of every network, beside the paper's."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from vidseg_ros.networks.spec import NetworkSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('--network', help='only this network, e.g. fassvid')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the list as JSON')


def count(spec: NetworkSpec) -> dict[str, Any]:
    """Return a network's entry of the list; nothing is computed, only shapes."""
    import torch

    from vidseg_ros.networks.complexity import count_macs, count_parameters

    with torch.device('meta'):
        network = spec.build(spec.num_classes)
        if spec.example is None:
            inputs: Sequence[torch.Tensor | None] = [torch.empty(1, 3, *spec.input_size)]
        else:
            inputs = spec.example(network, spec.input_size)
        macs = count_macs(network, inputs)
    reference = None
    if spec.reference is not None:
        millions = spec.reference.parameters_m
        reference = {
            'parameters': None if millions is None else round(millions * 1e6),
            'gmacs': spec.reference.gmacs,
            'source': spec.reference.source,
        }
    return {
        'network': spec.network,
        'variant': spec.variant,
        'parameters': count_parameters(network),
        'gmacs': round(macs / 1e9, 3),
        'input': list(spec.input_size),
        'reference': reference,
    }


def _parameters(count: int | None) -> str:
    """Return a number of parameters, in millions where no more was printed than that."""
    if count is None:
        return ''
    return f'{count:,}' if count % 10_000 else f'{count / 1e6:.2f} M'


def _deviation(ours: float, papers: float | None) -> str:
    """Return how far ours is from the paper's."""
    if papers is None:
        return ''
    return 'exact' if ours == papers else f'{ours / papers - 1:+.1%}'


def _table(entries: Sequence[dict[str, Any]]) -> Table:
    """Return the list as a table that fits 80 columns."""
    table = Table(
        title='Parameters and multiply-accumulates',
        title_justify='left',
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column('variant', overflow='fold')
    for column in ('parameters', 'paper', '', 'GMACs', 'paper', ''):
        table.add_column(column, justify='right', no_wrap=True)
    last_group = None
    for entry in entries:
        group = entry['network'], tuple(entry['input'])
        if group != last_group:
            table.add_row()
            table.add_row('[bold]{}[/] at {}x{}'.format(entry['network'], *entry['input']))
            last_group = group
        reference = entry['reference'] or {}
        gmacs = reference.get('gmacs')
        table.add_row(
            f' {entry["variant"]}',
            f'{entry["parameters"]:,}',
            _parameters(reference.get('parameters')),
            _deviation(entry['parameters'], reference.get('parameters')),
            f'{entry["gmacs"]:.2f}',
            '' if gmacs is None else f'{gmacs:.1f}',
            _deviation(entry['gmacs'], gmacs),
        )
    return table


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from vidseg_ros.networks.registry import network_specs

    specs = [s for s in network_specs() if args.network in (None, s.network)]
    if not specs:
        raise ValueError(f'no network is called {args.network!r}')
    entries = [count(spec) for spec in specs]
    Console().print(_table(entries))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(entries, indent=2) + '\n')
    return 0
