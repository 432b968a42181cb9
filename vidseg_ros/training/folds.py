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
"""Held-out frames: a part of the data that a training does not see, to choose by."""

from __future__ import annotations

from vidseg_ros.training.recipe import RecipeError


def held_out(count: int, which: str) -> tuple[list[int], list[int]]:
    """
    Divide ``count`` frames into those to train on and those held out.

    ``which`` is a share, '0.2' (the last fifth), or 'FOLD/FOLDS', '2/5' (the second of five
    equal parts). Held-out frames lie together, since neighbours in a video are alike.

    :raises RecipeError: if it is neither, or leaves nothing on one side.
    """
    try:
        if '/' in which:
            fold, folds = (int(part) for part in which.split('/'))
            if not 1 <= fold <= folds:
                raise ValueError
            begin, end = count * (fold - 1) // folds, count * fold // folds
        else:
            share = float(which)
            if not 0 < share < 1:
                raise ValueError
            begin, end = count - round(count * share), count
    except ValueError:
        raise RecipeError(
            f'{which!r} is neither a share between 0 and 1 nor FOLD/FOLDS'
        ) from None
    training = [i for i in range(count) if not begin <= i < end]
    if not training or begin >= end:
        raise RecipeError(f'{which} of {count} frames leaves nothing on one side')
    return training, list(range(begin, end))


def is_share(text: str) -> bool:
    """Tell whether ``text`` means a part of the frames rather than a split by its name."""
    return bool(text) and set(text) <= set('0123456789./')
