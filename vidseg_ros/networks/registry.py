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
"""Networks by name. A module listed here has a function ``specs`` that names its variants."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from vidseg_ros.networks.spec import NetworkSpec

_MODULES = (
    'fassvid',
    'temporal_unet',
    'fast_scnn',
    'erfnet',
    'enet',
    'espnet',
    'lednet',
    'lernet',
    'icnet',
    'refiner',
    'deeplab',
    'pspnet',
    'flownet',
    'decision',
    'dilated_fpn',
)


class UnknownNetworkError(ValueError):
    """No network, or no variant of it, goes by that name."""


@cache
def network_specs() -> tuple[NetworkSpec, ...]:
    """Return every network in every variant."""
    return tuple(
        spec
        for module in _MODULES
        for spec in import_module(f'vidseg_ros.networks.{module}').specs()
    )


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
