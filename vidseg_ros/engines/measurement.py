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
"""Short measurements of engines on this machine, made once and remembered."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.engines.base import frames_would_wait
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.identity import machine

if TYPE_CHECKING:
    from vidseg_ros.engines.base import Engine

_logger = logging.getLogger(__name__)

# A frame that takes longer than this fills a CPU by itself: two together save nothing.
_WORTHWHILE_MS = 60.0
_BATCHES = (2, 4, 8)
# Frames of a batch wait for each other, so a batch must be cheaper by more than noise.
_GAIN = 0.9
_SECONDS = 0.3


def fastest_ms(run: Callable[[], Any], seconds: float = _SECONDS, least: int = 3) -> float:
    """
    Return the shortest of several runs in milliseconds: others on the machine only add.

    Stops after ``seconds`` once there are ``least`` of them, 50 at most.
    """
    best = float('inf')
    begun = time.perf_counter()
    for number in range(50):
        at = time.perf_counter()
        if number >= least and at - begun > seconds:
            break
        run()
        best = min(best, (time.perf_counter() - at) * 1e3)
    return best


def batch_of(inputs: Mapping[str, NDArray], count: int) -> dict[str, NDArray]:
    """Return the inputs of ``count`` frames that are all like this one."""
    return {name: np.repeat(array, count, axis=0) for name, array in inputs.items()}


class BatchMemory:
    """
    How many frames together are cheapest for an engine, by size; measured once on a machine.

    ``settings`` is what the answer depends on besides network, size and machine.
    """

    def __init__(self, engine: Engine, cache: EngineCache, settings: Mapping[str, str],
                 worthwhile_ms: float = _WORTHWHILE_MS) -> None:  # fmt: skip
        # Engines have one of these: so they are gone, with their networks, once nobody needs them.
        self._engine = weakref.proxy(engine)
        self._cache = cache
        self._settings = dict(settings)
        self._worthwhile_ms = worthwhile_ms
        self._known: dict[tuple[int, int], int] = {}

    def preferred(self, size: tuple[int, int]) -> int:
        """Return what is known of ``size``, 1 if nothing is."""
        return self._known.get(size, 1)

    def prepare(self, size: tuple[int, int]) -> None:
        """
        Recall or measure what is best for ``size``; the engine is ready for it.

        Beside frames nothing is measured: they would be late, and the times wrong.
        """
        if size in self._known:
            return
        identity = {
            'what': 'preferred batch', 'network': self._engine.digest, 'engine': self._engine.name,
            'size': f'{size[0]}x{size[1]}', **self._settings, **machine(),
        }  # fmt: skip
        exported = self._engine.options.exported
        if exported is not None:
            identity['exported'] = exported.digest
        value = self._cache.recall(identity)
        if not isinstance(value, int) or not 1 <= value <= max(_BATCHES):
            if frames_would_wait():
                self._known[size] = 1
                return
            value = self._measure(size)
            self._cache.remember(identity, value)
        self._known[size] = value

    def _measure(self, size: tuple[int, int]) -> int:
        single = self._engine.network.example_inputs(size)
        exported = self._engine.options.exported
        if exported is not None and exported.size is not None:
            return 1
        best, of_best = 1, fastest_ms(lambda: self._engine.warm_up(single), 0.1)
        if of_best > self._worthwhile_ms:
            return 1
        for count in _BATCHES:
            inputs = batch_of(single, count)
            try:
                self._engine.warm_up(inputs)
                each = fastest_ms(lambda: self._engine.warm_up(inputs), 0.1) / count  # noqa: B023
            except Exception as error:  # a network of one frame only, a device without memory
                _logger.debug('no batch of %d: %s', count, error)
                break
            finally:
                self._engine.forget(inputs)
            if each > _GAIN * of_best:
                break
            best, of_best = count, each
        return best
