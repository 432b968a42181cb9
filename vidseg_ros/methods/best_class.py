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
"""The best class of each sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.buffers import Scratch

# Samples whose best class is looked for at a time, so that what they need stays in the cache.
_SAMPLES = 1 << 15


def best_class(
    logits: NDArray[np.float32],
    out: NDArray[np.uint8] | None = None,
    scratch: Scratch | None = None,
) -> NDArray[np.uint8]:
    """
    Return the argmax over the first axis, [C, ...] -> uint8 [...]; the first of equals.

    ``logits`` must be contiguous, and so must ``out`` where it is given.
    """
    scratch = scratch or Scratch()
    labels = np.empty(logits.shape[1:], np.uint8) if out is None else out
    planes, flat = logits.reshape(logits.shape[0], -1), labels.reshape(-1)
    count = flat.size
    step = min(count, _SAMPLES)
    best = scratch.take('best', (step,), np.float32)
    better = scratch.take('better', (step,), np.bool_)
    # Comparing plane by plane is many times as fast as numpy's argmax over a short axis. A class
    # that is better has a greater number than all before it, so that the maximum keeps the last.
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        length = part.stop - start
        top, above, found = best[:length], better[:length], flat[part]
        np.copyto(top, planes[0, part])
        found.fill(0)
        for index in range(1, planes.shape[0]):
            plane = planes[index, part]
            np.greater(plane, top, out=above)
            np.maximum(plane, top, out=top)
            numbers = above.view(np.uint8)
            np.multiply(numbers, np.uint8(index), out=numbers)
            np.maximum(found, numbers, out=found)
    return labels
