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

# Products are einsum's here and not BLAS's, whose threads would look for more work while the
# network of the next frame runs.

# Directions in which vectors differ by less than this, by the largest, count as one.
_FLAT = 1e-6
# In how many directions maxima are looked for where there is no hull, and how many at a time.
_DIRECTIONS, _AT_A_TIME = 2048, 128
# Of how many vectors, in how many directions, how many may be the farthest before a hull would
# take long: features have about 40, points on a curve or a sphere 130 and more.
_SAMPLE, _TRIED, _MANY = 1024, 256, 100


def extremes(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """
    Return ``count`` of ``vectors`` [C, n] as [C, count], among them all that can be a maximum.

    Whatever vector those are multiplied with, the greatest product is that of a vertex of their
    convex hull. There are few: of 8192 vectors of four numbers little more than a hundred. Some
    are repeated where there are less than ``count``. Where there are more, as smooth gradients
    over an image of 1024x2048 have, or so many that the hull would take long, those are taken
    that are the farthest in most directions: a maximum can be missed by a little then.
    """
    points = _spanning(vectors)
    found = _vertices(points)
    if found is None or len(found) > count:
        found = _winners(points, count)
    return np.ascontiguousarray(vectors[:, np.resize(found, count)])


def _spanning(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """
    Return the vectors as [n, dimensions], alike spread in as many dimensions as they span.

    Which of them are vertices stays the same. Those of a uniform image span none.
    """
    precise = vectors.astype(np.float64)
    centred = precise - precise.mean(1, keepdims=True)
    if not np.isfinite(centred).all():
        return np.empty((vectors.shape[1], 0))  # there is no maximum
    values, axes = np.linalg.eigh(np.einsum('in,jn->ij', centred, centred) / vectors.shape[1])
    spread = np.sqrt(np.maximum(values, 0.0))
    kept = spread > max(_FLAT * spread[-1], np.finfo(np.float64).tiny)
    return np.einsum('cn,cd->nd', centred, axes[:, kept] / spread[kept])


def _vertices(points: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """Return which of ``points`` are vertices of their hull; None if that cannot be found."""
    dimensions = points.shape[1]
    if dimensions == 0:
        return np.zeros(1, np.intp)
    if dimensions == 1:
        return np.array([points.argmin(), points.argmax()])
    sample = points[:: max(1, len(points) // _SAMPLE)]
    if ConvexHull is None or len(_farthest(sample, _TRIED)[0]) > _MANY:
        return None
    try:
        return np.asarray(ConvexHull(points).vertices, np.intp)
    except QhullError:  # too few points, or they differ by roundings only
        return None


def _winners(points: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return at most ``count`` of ``points``, the farthest in most of many directions."""
    found, wins = _farthest(points, _DIRECTIONS)
    return found[np.argsort(-wins, kind='stable')[:count]]


def _farthest(
    points: NDArray[np.float64], directions: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of ``points`` are the farthest in any direction, and in how many."""
    tried = np.random.default_rng(0).standard_normal((directions, points.shape[1]))
    found = [
        np.einsum('td,nd->tn', tried[start : start + _AT_A_TIME], points).argmax(1)
        for start in range(0, directions, _AT_A_TIME)
    ]
    return np.unique(np.concatenate(found), return_counts=True)
