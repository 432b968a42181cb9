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
"""How sure a prediction is of its best class, at the size of the frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.methods.buffers import Scratch

# Below every probability that counts; its logarithm is finite.
_LEAST = np.float32(1e-30)


def softmax(
    logits: NDArray[np.float32], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the probabilities of logits [C, h, w], in ``out`` or a new array."""
    probabilities = np.subtract(logits, logits.max(axis=0), out=out)
    np.exp(probabilities, out=probabilities)
    probabilities /= probabilities.sum(axis=0)
    return probabilities


def confidence(
    logits: NDArray[np.float32],
    size: tuple[int, int],
    out: NDArray[np.uint8] | None = None,
    scratch: Scratch | None = None,
) -> NDArray[np.uint8]:
    """
    Return the probability of the best class at ``size``, uint8 with 255 for 1.

    The softmax is taken at the logits' resolution and its maximum interpolated bilinearly.
    Returns ``out``, or a new array where there is none.
    """
    take = (scratch or Scratch()).take
    samples = logits.shape[1:]
    best = np.max(logits, axis=0, out=take('softmax_best', samples, np.float32))
    power = take('softmax_power', samples, np.float32)
    total = take('softmax_total', samples, np.float32)
    total.fill(0)
    for plane in logits:
        np.subtract(plane, best, out=power)
        np.exp(power, out=power)
        total += power
    np.divide(np.float32(255.0), total, out=total)
    full = take('softmax_full', size, np.float32)
    cv2.resize(total, (size[1], size[0]), dst=full, interpolation=cv2.INTER_LINEAR)
    if out is None:
        out = np.empty(size, np.uint8)
    cv2.convertScaleAbs(full, dst=out)
    return out


def confidence_of_probabilities(
    probabilities: NDArray[np.float32],
    size: tuple[int, int],
    out: NDArray[np.uint8] | None = None,
    scratch: Scratch | None = None,
) -> NDArray[np.uint8]:
    """Return what ``confidence`` does, of probabilities [C, h, w]."""
    scratch = scratch or Scratch()
    # The softmax of the logarithm of probabilities is those probabilities.
    logits = scratch.take('logarithms', probabilities.shape, np.float32)
    np.maximum(probabilities, _LEAST, out=logits)
    np.log(logits, out=logits)
    return confidence(logits, size, out, scratch)
