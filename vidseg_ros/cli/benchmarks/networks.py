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
"""vidseg benchmark networks: every network by every engine and precision."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from vidseg_ros.cli.benchmarks import common

QUICK_SIZE, QUICK_NETWORK = '64x128', 'fassvid/base_hires'
# Kinds of layers with less than this share of a network's time are left out.
_WORTH_NAMING = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('--network', action='append', default=[], metavar='NAME',
                        help="only this one, network/variant; may be given again; 'all' is all "
                             'that segment (default: a selection)')
    parser.add_argument('--size', action='append', default=[], metavar='HxW',
                        help='height and width of images; may be given again '
                             '(default: 512x1024)')
    parser.add_argument('--engine', action='append', default=[], metavar='NAME',
                        help='only this engine; may be given again')
    parser.add_argument('--precision', action='append', default=[], metavar='NAME',
                        help='only this precision; may be given again')
    parser.add_argument('--device', default='auto', choices=('auto', 'cpu', 'cuda'))
    parser.add_argument('--threads', type=int, default=0, metavar='N',
                        help='CPU threads (default: the engine decides)')
    parser.add_argument('--batch', type=int, default=1, metavar='N',
                        help='frames that go in together (default: %(default)s)')
    parser.add_argument('--seconds', type=float, default=5.0, metavar='S',
                        help='how long to measure each network and size, but at least three '
                             'rounds (default: %(default)s)')
    parser.add_argument('--exported', action='append', default=[], type=Path, metavar='FILE',
                        help='a model that vidseg export wrote (int8 ones must be), tried for '
                             'the network it was made from; may be given again')
    parser.add_argument('--no-peers', action='store_true',
                        help='leave the networks of other packages out')
    common.add_output_arguments(parser, f'{QUICK_NETWORK} alone at {QUICK_SIZE}, three rounds')


def main(args: argparse.Namespace) -> int:
    """Measure, print and write; the exit code is 1 if a network could not be measured at all."""
    from vidseg_ros.engines.exported import read_exported
    from vidseg_ros.engines.load import LoadMeter
    from vidseg_ros.evaluation.benchmarks import networks, peers
    from vidseg_ros.networks.registry import network_specs

    if args.quick:
        args.size, args.seconds = args.size or [QUICK_SIZE], 0.01
        args.network = args.network or [QUICK_NETWORK]
    if args.batch < 1:
        raise ValueError('--batch is at least 1')
    sizes = common.sizes(args.size or ['512x1024'])
    names = list(args.network or networks.DEFAULT_NETWORKS)
    if names == ['all']:
        names = [spec.name for spec in network_specs() if spec.segments]
    options = networks.NetworkOptions(
        args.engine, args.precision, args.device, args.threads, args.seconds,
        0.02 if args.quick else 0.25, [read_exported(path) for path in args.exported],
        args.batch)
    makers: list[Any] = [
        (lambda size, name=name: networks.own_network(name, size, options.exported))
        for name in names]
    if not args.no_peers:
        makers += [(lambda size, peer=peer: networks.peer_network(peer, size))
                   for peer in peers.PEERS if peer.installed]
    before = common.warn_if_busy()
    if args.threads:
        networks.set_torch_threads(args.threads)
    peak = networks.peak_rates(*((256, 3) if args.quick else (1024, 12)))
    console = Console()
    entries: list[dict[str, Any]] = []
    failed: list[str] = []
    meter = LoadMeter()
    with common.progress() as say:
        try:
            for size in sizes:
                entries += [networks.measure(make(size), options, peak, say) for make in makers]
        except KeyboardInterrupt:
            failed.append('the rest: interrupted')
    load = meter.read().entry()
    failed += [f'{e["network"]} {e["size"]}: no engine runs it' for e in entries
               if not e['engines']]
    for size in sizes:
        console.print(_table(size, [e for e in entries if tuple(e['size']) == size]))
    found = peers.looked_for()
    return common.finish(
        console, args,
        {'networks': entries, 'peak': peak, 'peers': found, 'load': load, 'load_before': before},
        load, failed, _notes(entries, peak, found))


def _table(size: tuple[int, int], entries: Sequence[dict[str, Any]]) -> Table:
    """Return the figures of one size as a table."""
    made = common.table(
        f'Networks at {size[0]}x{size[1]}',
        ('engine', 'ms', 'quartiles', 'to torch', 'GMAC/s', 'of peak', 'bound by'))
    for entry in entries:
        made.add_row()
        made.add_row(f'[bold]{entry["network"]}[/] {entry["parameters"] / 1e6:.2f} M, '
                     f'{entry["gmacs"]:.2f} GMACs')
        for engine in entry['engines']:
            share = engine['share_of_peak']
            made.add_row(
                f' {engine["engine"]} {engine["precision"]}',
                common.figure(engine['ms']['median']), common.spread(engine['ms']),
                common.ratio(engine['ratio']), common.figure(engine['gmacs_per_s']),
                '–' if share is None else f'{share:.0%}',  # noqa: RUF001
                {'arithmetic': 'arithmetic', 'not known': '–'}.get(  # noqa: RUF001
                    engine['bottleneck'], 'memory'))
            if engine['labels_ms']:
                made.add_row('  to labels', common.figure(engine['labels_ms']['median']),
                             common.spread(engine['labels_ms']))
    return made


def _notes(entries: Sequence[dict[str, Any]], peak: dict[str, float],
           found: dict[str, list[str]]) -> list[str]:
    """Say what was measured with, and what was not there."""
    engines = sorted({f'{e["engine"]} {e["version"]} on {e["device"]}'
                      for entry in entries for e in entry['engines']})
    missing = sorted({f'{m["engine"]} {m["precision"]} on {m["device"]}: {m["why"]}'
                      for entry in entries for m in entry['not_measured']})
    layers = [f'{entry["network"]} {entry["size"][0]}x{entry["size"][1]}, {described}'
              for entry in entries if (described := _layers(entry['layers']))]
    rates = ', '.join(f'{name} {value:.0f} GMAC/s' for name, value in peak.items()
                      if name != 'copy')
    return [
        *(['where the time goes, by layers:'] if layers else []), *layers,
        *engines,
        f'of peak: by the rate of a large matrix product ({rates}); memory copies at '
        f'{peak["copy"]:.1f} GB/s',
        *(f'not present: {line}' for line in missing),
        *(['not present: int8 (--exported names calibrated models)'] if not any(
            e['precision'] == 'int8' for entry in entries for e in entry['engines']) else []),
        f'other packages looked for: {", ".join(found["looked_for"])}; there: '
        + (', '.join(found['there']) or 'none'),
    ]


def _layers(found: dict[str, Any] | None) -> str:
    """Say which layers a network's time goes to."""
    if found is None:
        return ''
    kinds = ', '.join(f'{kind} {share:.0%}' for kind, share in found['kinds'].items()
                      if share >= _WORTH_NAMING)
    layers = ', '.join(
        f'{layer["layer"]} {layer["share"]:.0%}'
        + (f' ({layer["gmacs_per_s"]:.0f} GMAC/s)' if layer['gmacs_per_s'] else '')
        for layer in found['layers'])
    return f'openvino {found["precision"]}: {kinds}; most: {layers}'
