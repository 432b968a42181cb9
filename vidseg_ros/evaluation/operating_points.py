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
"""
The settings of each method whose speed is compared with segmenting every frame.

A point names what a method is made with, and the per-frame network that it is compared with; where
its paper prints a speed for both, the ratio of the two and where it is printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vidseg_ros.methods import evs_operating_points as evs
from vidseg_ros.methods.registry import method_names

_SEED = 'random:0'
_LABELS = {'label_space': 'camvid'}


@dataclass(frozen=True)
class PaperRatio:
    """How many times as fast as every frame a paper says that it is, and where it says so."""

    ratio: float
    source: str


@dataclass(frozen=True)
class BenchmarkPoint:
    """
    A method at one of its settings.

    ``network`` and ``checkpoint`` '' are the method's own; ``every_frame`` is the (network,
    checkpoint) that segments every frame for comparison. The load repeats after ``period``
    frames; time is taken over multiples of it.
    """

    method: str
    name: str
    every_frame: tuple[str, str]
    network: str = ''
    checkpoint: str = ''
    knobs: Mapping[str, Any] = field(default_factory=dict)
    period: int = 1
    paper: PaperRatio | None = None

    @property
    def extra(self) -> dict[str, Any]:
        """Return the method's knobs, with the classes of networks that start from a seed."""
        return {**_LABELS, **self.knobs}


SHIPPED = ('fassvid/base_hires', 'fassvid_base_camvid')


def _fassvid() -> list[BenchmarkPoint]:
    base = ('fassvid/base', _SEED)
    points = [
        BenchmarkPoint(
            'fassvid', name, base, f'fassvid/{variant}', _SEED,
            paper=PaperRatio(fps / 140.8, 'FASSVid, Table 4'),
        )
        for name, variant, fps in (
            ('FDChangeNet', 'fdchange', 127.4),
            ('TAM', 'tam', 130.5),
            ('FDChangeNet + TAM', 'full', 114.9),
        )
    ]  # fmt: skip
    hires = BenchmarkPoint(
        'fassvid', 'FDChangeNet + TAM, hires', SHIPPED, 'fassvid/full_hires', 'fassvid_camvid'
    )
    return [*points, hires]


def _lernet_tha() -> list[BenchmarkPoint]:
    return [
        BenchmarkPoint(
            'lernet_tha', f'K={interval}', ('lernet/base', _SEED), 'lernet_tha/base', _SEED,
            {'key_interval': interval}, interval,
            PaperRatio(131 / 100, 'LERNet + THA, Table 8') if interval == 5 else None,
        )
        for interval in (1, 2, 5, 10)
    ]  # fmt: skip


def _temporal_unet() -> list[BenchmarkPoint]:
    plain = 'temporal_unet/resnet_small_deep'
    return [
        BenchmarkPoint('temporal_unet', cell, (plain, _SEED), f'{plain}_{cell}', _SEED)
        for cell in ('crnn', 'cgru')
    ]


def _evs_text(point: evs.OperatingPoint) -> str:
    """Return an operating point as the paper's table has it."""
    text = f'S={point.segment_every}'
    if point.downscaling != 1.0:
        text = f'D={point.downscaling:g} {text}'
    return text + (' W' if point.warping else '') + (' R' if point.refinement else '')


def _evs() -> list[BenchmarkPoint]:
    def points(numbers: Sequence[int], network: tuple[str, str]) -> list[BenchmarkPoint]:
        return [
            BenchmarkPoint(
                'evs', f'{number:02d}: {_evs_text(evs.OPERATING_POINTS[number])}', network,
                *network, {'operating_point': number},
                evs.OPERATING_POINTS[number].segment_every,
                PaperRatio(evs.PAPER_SPEEDUP[number], 'EVS, Table 2'),
            )
            for number in numbers
        ]  # fmt: skip

    every = points(sorted(evs.OPERATING_POINTS), ('icnet/half', _SEED))
    return [*every, *points((7, 10, 14), SHIPPED)]


def _dvsnet() -> list[BenchmarkPoint]:
    # The paper's thresholds mean something only to its trained decision network. What its speed
    # hangs on is the share of regions that are segmented: 5987 of 40000 with 2x2 (Table 3),
    # which one frame in seven comes closest to.
    shared = {'policy': 'fixed', 'period': 7, 'rows': 2, 'columns': 2}
    table = (
        ('DeepLab-Fast, FlowNet2-s', 'deeplab/fast', 19.8 / 5.6, 2),
        ('PSPNet, FlowNet2-s', 'pspnet/resnet101', 11.5 / 1.7, 2),
        ('DeepLab-v2, FlowNet2-s', 'deeplab/v2', 8.3 / 1.8, 1),
    )
    points = [
        BenchmarkPoint(
            'dvsnet', f'{name}, 1 in 7', (network, _SEED), network, _SEED,
            {**shared, 'rows': rows, 'flow': 'flownet2_s'}, 7,
            PaperRatio(ratio, 'DVSNet, Table 1, balanced'),
        )
        for name, network, ratio, rows in table
    ]  # fmt: skip
    own = [
        BenchmarkPoint('dvsnet', 'DIS flow, 1 in 7', SHIPPED, *SHIPPED,
                       {**shared, 'flow': 'dis'}, 7),
        BenchmarkPoint('dvsnet', 'DIS flow, by its magnitude', SHIPPED, *SHIPPED,
                       {'policy': 'flow_magnitude', 'flow_magnitude': 3.0, 'flow': 'dis'}, 20),
    ]  # fmt: skip
    return [*points, *own]


def benchmark_points() -> list[BenchmarkPoint]:
    """Return every point; a method of another package has one, as it comes."""
    listed = {
        'per_frame': [BenchmarkPoint('per_frame', 'as itself', SHIPPED, *SHIPPED)],
        'fassvid': _fassvid(),
        'lernet_tha': _lernet_tha(),
        'temporal_unet': _temporal_unet(),
        'evs': _evs(),
        'dvsnet': _dvsnet(),
    }
    others = [name for name in method_names() if name not in listed]
    points = [point for group in listed.values() for point in group]
    return [*points, *(BenchmarkPoint(name, 'default', SHIPPED) for name in others)]
