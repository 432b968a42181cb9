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
"""Arrays used again and again, so that nothing of an image's size is allocated per frame."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def fitting(
    memory: NDArray[Any] | None, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Return ``memory`` if it has that shape, and new memory of that type if not."""
    if memory is not None and memory.shape == shape:
        return memory
    return np.empty(shape, dtype)


class BufferRing:
    """
    A few arrays of one shape, handed out in turn.

    What ``take`` returned stays untouched until it was called ``depth`` - 1 more times; after
    that the array is handed out again. One ring for each camera and output, kept in the camera's
    state: a method's result is valid until two later ones of its camera are there, and one more
    is in the making. Not for several threads at a time.
    """

    def __init__(self, depth: int = 4) -> None:
        if depth < 1:
            raise ValueError(f'depth: {depth} is not at least 1')
        self._depth = depth
        self._arrays: list[NDArray] = []
        self._next = 0

    def take(self, shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> NDArray:
        """
        Return the next array, C-contiguous, its contents those of its last use.

        Another shape or type than the last drops all arrays and begins anew.
        """
        if self._arrays and (
            self._arrays[0].shape != shape or self._arrays[0].dtype != np.dtype(dtype)
        ):
            self._arrays = []
            self._next = 0
        if len(self._arrays) < self._depth:
            self._arrays.append(np.empty(shape, dtype))
            return self._arrays[-1]
        array = self._arrays[self._next]
        self._next = (self._next + 1) % self._depth
        return array


@dataclass(slots=True)
class OutputRings:
    """The memory of what is handed out of one camera."""

    labels: BufferRing = field(default_factory=BufferRing)
    confidence: BufferRing = field(default_factory=BufferRing)
    age: BufferRing = field(default_factory=BufferRing)


class BufferPool:
    """
    Arrays that one thread fills and another, once done with them, gives back.

    For what is made ahead: how many are out at a time is not known. One that is never given back
    is replaced. For any number of threads.
    """

    def __init__(self, keep: int = 32) -> None:
        self._keep = keep
        self._free: list[NDArray] = []
        self._lock = threading.Lock()

    def take(self, shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> NDArray:
        """Return an array that nobody else has, C-contiguous, with whatever was in it."""
        with self._lock:
            for index, array in enumerate(self._free):
                if array.shape == shape and array.dtype == np.dtype(dtype):
                    return self._free.pop(index)
        return np.empty(shape, dtype)

    def give_back(self, array: NDArray) -> None:
        """Let an array be handed out again; of those too many, the longest unused goes."""
        with self._lock:
            self._free.append(array)
            if len(self._free) > self._keep:
                del self._free[0]


class Scratch:
    """
    Work space by name, kept from frame to frame and grown where a frame needs more.

    What ``take`` returns holds whatever was there before. Not for several threads at a time.
    """

    def __init__(self) -> None:
        self._flat: dict[str, NDArray] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> NDArray:
        """Return an array of that shape and type, C-contiguous; the same memory for a name."""
        needed = math.prod(shape)
        flat = self._flat.get(name)
        if flat is None or flat.size < needed or flat.dtype != np.dtype(dtype):
            # Half as much again: how much is needed varies a little from frame to frame.
            flat = self._flat[name] = np.empty(needed + needed // 2, dtype)
        return flat[:needed].reshape(shape)
