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
"""Memory for converted images, used again as soon as nobody looks at it any more."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

LIMIT = 8
"""How many buffers are kept: frames on their way, and those that a method remembers."""


def _references(buffers: list[NDArray[np.uint8]]) -> list[int]:
    return [sys.getrefcount(buffer) for buffer in buffers]


_UNUSED, = _references([np.empty(0, np.uint8)])


class FrameBuffers:
    """
    Hand out uint8 arrays of one shape, those again that nobody refers to any more.

    A frame is looked at by a method for as long as it likes, and by the outputs; every view of an
    array refers to its owner, so the owner's reference count tells. Not for use by two threads
    at once.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._owners: list[NDArray[np.uint8]] = []

    def take(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Return an array, C-contiguous; its contents are of any kind."""
        if self._owners and self._owners[0].shape != shape:
            self._owners.clear()
        for index, count in enumerate(_references(self._owners)):
            if count <= _UNUSED:
                return self._owners[index][...]
        owner = np.empty(shape, np.uint8)
        if len(self._owners) < self._limit:
            self._owners.append(owner)
        return owner[...]
