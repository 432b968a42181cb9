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
"""
Learn a handful of frames by heart: what every network that can be trained must be able to do.

`python -m vidseg_ros.training.overfit [NETWORK ...]` does it for all of them, on synthetic frames,
and prints a table.
"""

from __future__ import annotations

from dataclasses import replace

from vidseg_ros.training.recipe import Recipe


def by_heart(recipe: Recipe, frames: int) -> Recipe:
    """Return a recipe without anything random about the frames, for so many of them."""
    return replace(
        recipe, batch_size=min(frames, recipe.batch_size), scale=(1.0, 1.0), flip=0.0,
        colour=0.0, saturation=0.0, stream_start=0.0, class_weight='none',
    )  # fmt: skip
