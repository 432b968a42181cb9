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
"""Methods by name. Other packages add theirs by the entry point group vidseg_ros.methods."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points

from vidseg_ros.methods.base import VideoSegmenter
from vidseg_ros.methods.loading import MethodError, MethodOptions

__all__ = ['GROUP', 'MethodError', 'MethodOptions', 'create_method', 'method_names']

GROUP = 'vidseg_ros.methods'

_BUILT_IN = {
    'per_frame': 'vidseg_ros.methods.per_frame:PerFrame',
    'fassvid': 'vidseg_ros.methods.fassvid:FASSVidMethod',
    'evs': 'vidseg_ros.methods.evs:EVS',
    'lernet_tha': 'vidseg_ros.methods.lernet_tha:LERNetTHAMethod',
    'temporal_unet': 'vidseg_ros.methods.temporal_unet:TemporalUNetMethod',
    'dvsnet': 'vidseg_ros.methods.dvsnet:DVSNet',
}


def _factories() -> dict[str, Callable[[], Callable[[MethodOptions], VideoSegmenter]]]:
    def load(target: str) -> Callable[[MethodOptions], VideoSegmenter]:
        module, name = target.split(':')
        return getattr(import_module(module), name)

    found: dict[str, Callable[[], Callable[[MethodOptions], VideoSegmenter]]] = {
        point.name: point.load for point in entry_points(group=GROUP)
    }
    for name, target in _BUILT_IN.items():
        found[name] = lambda target=target: load(target)  # type: ignore[misc]
    return found


def method_names() -> list[str]:
    """Return the names of the methods that there are, sorted."""
    return sorted(_factories())


def create_method(name: str, options: MethodOptions | None = None) -> VideoSegmenter:
    """
    Make a method; this loads weights and builds an engine and may take seconds.

    :raises MethodError: if there is no such method or it cannot be made as asked.
    """
    factories = _factories()
    if name not in factories:
        raise MethodError(f'{name!r} is not a method; there are: {", ".join(sorted(factories))}')
    return factories[name]()(options or MethodOptions())
