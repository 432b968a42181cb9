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
"""Which rows the results have: a method with its weights, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vidseg_ros.checkpoints.store import shipped_checkpoints

BASE = 'fassvid base'


@dataclass(frozen=True, slots=True)
class ResultRow:
    """
    One row: ``method`` with the shipped ``checkpoint``, ``needs`` other checkpoints besides.

    ``baseline`` is the row whose speed and accuracy it is measured against.
    """

    name: str
    method: str
    checkpoint: str
    baseline: str = BASE
    knobs: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """Return the checkpoints that do not ship yet."""
        shipped = shipped_checkpoints()
        return [name for name in (self.checkpoint, *self.needs) if name not in shipped]


def ablations() -> list[ResultRow]:
    """Return FASSVid's variants of Tables 1 to 4 but the two that are rows of their own."""
    variants = (
        ('FDChangeNet before C-ASPP', 'fdchange_before_caspp'),
        ('FDChangeNet', 'fdchange'),
        ('FDChangeNet light', 'fdchange_light'),
        ('Att', 'att'),
        ('Att_conv', 'att_conv'),
        ('Att_conv_all', 'att_conv_all'),
        ('TAM', 'tam'),
    )
    return [ResultRow(f'fassvid + {name}', 'fassvid', f'fassvid_{variant}_camvid')
            for name, variant in variants]


def result_rows() -> Sequence[ResultRow]:
    """Return all rows, those without weights, too, in the order they are shown in."""
    base = 'fassvid_base_camvid'
    return (
        ResultRow(BASE, 'per_frame', base),
        ResultRow('fassvid', 'fassvid', 'fassvid_camvid'),
        *ablations(),
        ResultRow('lernet', 'per_frame', 'lernet_camvid', baseline='lernet'),
        ResultRow('lernet_tha, K = 5', 'lernet_tha', 'lernet_tha_camvid', 'lernet',
                  {'key_interval': 5}),
        *(ResultRow(f'evs {number:02d}', 'evs', base, knobs={'operating_point': number})
          for number in (7, 8, 10, 14)),
        ResultRow('evs 06', 'evs', base, needs=('refiner_camvid',),
                  knobs={'operating_point': 6, 'refiner_checkpoint': 'refiner_camvid'}),
        *(ResultRow(f'evs {number:02d}, lernet', 'evs', 'lernet_camvid', 'lernet',
                    {'operating_point': number}) for number in (7, 10)),
        ResultRow('dvsnet', 'dvsnet', base),
        ResultRow('dvsnet, decision network', 'dvsnet', base, needs=('decision_camvid',),
                  knobs={'policy': 'confidence', 'decision_checkpoint': 'decision_camvid'}),
        ResultRow('dvsnet, lernet', 'dvsnet', 'lernet_camvid', 'lernet'),
        ResultRow('unet', 'per_frame', 'unet_camvid', baseline='unet'),
        ResultRow('temporal_unet', 'temporal_unet', 'temporal_unet_camvid', 'unet'),
    )
