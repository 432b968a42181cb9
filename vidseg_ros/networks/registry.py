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
"""Which networks there are, how to build them, and what their papers say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import nn

from vidseg_ros.networks.fassvid import Attention, ChangePosition, FASSVid, FASSVidConfig


class UnknownNetworkError(ValueError):
    """No network, or no variant of it, goes by that name."""


@dataclass(frozen=True)
class Reference:
    """What a paper prints: millions of parameters, GMACs, at an input size."""

    parameters_m: float
    gmacs: float
    source: str


@dataclass(frozen=True)
class NetworkSpec:
    """
    A network in one of its variants.

    ``build`` takes the number of classes. ``input_size`` (height, width) and ``num_classes`` are
    those of the paper's counts.
    """

    network: str
    variant: str
    build: Callable[[int], nn.Module]
    input_size: tuple[int, int]
    num_classes: int
    reference: Reference | None = None

    @property
    def name(self) -> str:
        """Return 'network/variant', the name that commands and checkpoints use."""
        return f'{self.network}/{self.variant}'


def _fassvid_specs() -> list[NetworkSpec]:
    none, att = ChangePosition.NONE, Attention
    base = FASSVidConfig(change=none, attention=att.NONE)
    table = [
        ('base', base, 1.99, 7.9, 'Table 1, baseline'),
        ('fdchange_before_caspp', replace(base, change=ChangePosition.BEFORE_CASPP), 2.22, 8.2,
         'Table 1, FDChangeNet before C-ASPP'),
        ('fdchange', replace(base, change=ChangePosition.AFTER_CASPP), 2.22, 8.2,
         'Table 1, FDChangeNet after C-ASPP'),
        ('fdchange_light',
         replace(base, change=ChangePosition.AFTER_CASPP, change_width=8), 2.06, 8.0,
         'Table 2, light version'),
        ('att', replace(base, attention=att.ATT), 1.99, 7.9, 'Table 3, Att'),
        ('att_conv', replace(base, attention=att.ATT_CONV), 1.99, 8.7, 'Table 3, Att_conv'),
        ('att_conv_all', replace(base, attention=att.ATT_CONV_ALL), 2.0, 8.0,
         'Table 3, Att_conv_all'),
        ('tam', replace(base, attention=att.ATT_CONV_DEC), 2.0, 8.0, 'Table 3, Att_conv_dec'),
        ('full', FASSVidConfig(), 2.22, 8.2, 'Table 4, FDChangeNet + TAM'),
    ]  # fmt: skip

    def spec(variant: str, config: FASSVidConfig, reference: Reference | None) -> NetworkSpec:
        return NetworkSpec(
            'fassvid',
            variant,
            lambda num_classes: FASSVid(replace(config, num_classes=num_classes)),
            (1024, 2048),
            config.num_classes,
            reference,
        )

    specs = []
    for variant, config, parameters, gmacs, source in table:
        specs.append(spec(variant, config, Reference(parameters, gmacs, f'FASSVid, {source}')))
    for variant, config, *_ in table:
        specs.append(spec(f'{variant}_hires', replace(config, stem_strides=(2, 1, 2, 1)), None))
    return specs


def network_specs() -> list[NetworkSpec]:
    """Return every network in every variant."""
    return _fassvid_specs()


def network_spec(name: str) -> NetworkSpec:
    """
    Return the network called ``name``, 'network/variant'.

    :raises UnknownNetworkError: with the names that there are.
    """
    specs = {spec.name: spec for spec in network_specs()}
    if name not in specs:
        raise UnknownNetworkError(
            f'{name!r} is not a network; there are: {", ".join(sorted(specs))}'
        )
    return specs[name]
