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


def _against(ours: float, papers: float | None, text: str) -> list[str]:
    """Return the paper's figure as ``text`` and how far ours is from it."""
    return ['', ''] if papers is None else [text.format(papers), f'{ours / papers - 1:+.1%}']


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from vidseg_ros.networks.registry import network_specs

    specs = [s for s in network_specs() if args.network in (None, s.network)]
    if not specs:
        raise ValueError(f'no network is called {args.network!r}')
    entries = [count(spec) for spec in specs]
    table = Table(title='parameters and multiply-accumulates')
    table.add_column('network', no_wrap=True)
    for column in ('parameters', 'paper', '', 'GMACs', 'paper', ''):
        table.add_column(column, justify='right', no_wrap=True)
    last_group = None
    for entry in entries:
        group = entry['network'], tuple(entry['input'])
        if group != last_group:
            table.add_section()
            table.add_row('[bold]{} at {}x{}'.format(entry['network'], *entry['input']))
            last_group = group
        reference = entry['reference'] or {}
        millions = entry['parameters'] / 1e6
        papers = reference.get('parameters')
        table.add_row(
            f'  {entry["network"]}/{entry["variant"]}',
            f'{millions:.3f} M',
            *_against(millions, papers and papers / 1e6, '{:.2f} M'),
            f'{entry["gmacs"]:.2f}',
            *_against(entry['gmacs'], reference.get('gmacs'), '{:.1f}'),
        )
    Console().print(table)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(entries, indent=2) + '\n')
    return 0
