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
"""Find the few vectors among many at which any product is the greatest."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

try:
    from scipy.spatial import ConvexHull, QhullError
except ImportError:
    ConvexHull = None
    logging.getLogger(__name__).warning(
        'SciPy is missing: the attention of LERNet + THA looks for maxima in some directions only'
    )

# How many directions are tried where there is no SciPy, and how many at a time.
_DIRECTIONS, _AT_A_TIME = 2048, 128
# Directions in which vectors differ by less than this, by the largest, count as one.
_FLAT = 1e-6


def extremes(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """
    Return ``count`` of ``vectors`` [C, n] as [C, count], among them all that can be a maximum.

    Whatever vector those are multiplied with, the greatest product is that of a vertex of their
    convex hull. There are few: of 8192 vectors of four numbers about 120, found in 3 ms. Some
    are repeated where there are less than ``count``. Where there are more, which takes vectors as
    no image has been seen to give, those farthest from the mean are taken and some of the others:
    a maximum can be missed by a little then.
    """
    found = _hull(vectors)
    if len(found) > count:
        centred = vectors[:, found] - vectors.mean(1, keepdims=True)
        by_distance = found[np.argsort(-np.einsum('cn,cn->n', centred, centred), kind='stable')]
        near = np.sort(by_distance[count // 2 :])
        some = np.linspace(0, len(near) - 1, count - count // 2).round().astype(np.intp)
        found = np.concatenate([by_distance[: count // 2], near[some]])
    return vectors[:, np.resize(found, count)]


def _hull(vectors: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the indices of vectors that span the convex hull of all."""
    centred = vectors.astype(np.float64) - vectors.mean(1, keepdims=True)
    every = np.arange(vectors.shape[1])
    if not np.isfinite(centred).all():
        return every
    # Qhull refuses what lies in a plane, as the features of a uniform image do.
    values, axes = np.linalg.eigh(centred @ centred.T)
    spread = np.sqrt(np.maximum(values, 0.0))
    points = centred.T @ axes[:, spread > _FLAT * max(spread[-1], np.finfo(np.float64).tiny)]
    if points.shape[1] == 0:
        return every[:1]
    if points.shape[1] == 1:
        return np.array([points.argmin(), points.argmax()])
    if ConvexHull is None:
        return _winners(points)
    try:
        return np.asarray(ConvexHull(points).vertices, np.intp)
    except QhullError:  # fewer points than a hull needs, or nearly flat
        return every


def _winners(points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which of ``points`` [n, dimensions] are the farthest in any of many directions."""
    directions = np.random.default_rng(0).standard_normal((points.shape[1], _DIRECTIONS))
    found = [
        (points @ directions[:, start : start + _AT_A_TIME]).argmax(0)
        for start in range(0, _DIRECTIONS, _AT_A_TIME)
    ]
    return np.unique(np.concatenate(found))
