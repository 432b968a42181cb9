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
"""From the pixels of an image to what networks take."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Normalisation(nn.Module):
    """
    Turn pixels of 0 to 255, RGB [N, 3, H, W], into (pixel / 255 - mean) / std.

    The result has the type of the buffers: float32 unless the module was moved to another.
    """

    def __init__(
        self, mean: tuple[float, float, float], std: tuple[float, float, float]
    ) -> None:
        super().__init__()
        self.scale: Tensor
        self.shift: Tensor
        self.register_buffer('scale', 1.0 / (255.0 * torch.tensor(std)).view(1, 3, 1, 1))
        self.register_buffer('shift', (torch.tensor(mean) / torch.tensor(std)).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return the normalised image, in the memory format of the one given."""
        return image.to(self.scale.dtype) * self.scale - self.shift


class PixelNormalisation(Normalisation):
    """
    Turn images as they lie in memory, [N, H, W, 3], into what networks take, [N, 3, H, W].

    The result lies in memory as it came, channels last.
    """

    def forward(self, image: Tensor) -> Tensor:
        """Return the normalised image."""
        # The type changes first: TensorRT does nothing else with bytes, not even ask their shape.
        pixels = image.to(self.scale.dtype)
        count, height, width, channels = pixels.shape
        # Whole rows, not pixels of three numbers: compilers make long vectors of them, and with
        # the axes exchanged after that nothing is left to be moved in memory.
        rows = pixels.reshape(count, height, width * channels)
        rows = rows * self.scale.flatten().repeat(width) - self.shift.flatten().repeat(width)
        return rows.reshape(count, height, width, channels).permute(0, 3, 1, 2)
