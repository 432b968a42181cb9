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
"""Which frames of several cameras go through a network together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.buffers import Scratch

Kind = TypeVar('Kind', bound=Hashable)


def batches(kinds: Sequence[Kind], preferred: Callable[[Kind], int]) -> Iterator[list[int]]:
    """
    Yield the indices of the frames that go together.

    ``kinds`` says of each frame what those of a batch must have in common; ``preferred`` returns
    how many of a kind the engine takes best at a time. An engine has to build what it runs for
    any other number, so those that are left over go one by one.
    """
    groups: dict[Kind, list[int]] = {}
    for index, kind in enumerate(kinds):
        groups.setdefault(kind, []).append(index)
    for kind, group in groups.items():
        most = max(1, preferred(kind)) if len(group) > 1 else 1
        full = len(group) - len(group) % most
        for start in range(0, full, most):
            yield group[start : start + most]
        for index in group[full:]:
            yield [index]


def stacked(name: str, arrays: Sequence[NDArray], scratch: Scratch) -> NDArray:
    """Return arrays [1, ...] as one [N, ...]: itself if it is one, else memory of ``scratch``."""
    first = arrays[0]
    if len(arrays) == 1:
        return first
    shape = len(arrays), *first.shape[1:]
    together = scratch.take(f'{name} {first.dtype}', shape, first.dtype)
    return np.concatenate(arrays, out=together)
