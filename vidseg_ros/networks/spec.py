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
"""What is said of a network in one of its variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from torch import Tensor, nn


@dataclass(frozen=True)
class Reference:
    """What a paper prints: millions of parameters and GMACs (None: not printed), and where."""

    parameters_m: float | None
    gmacs: float | None
    source: str


class Purpose(Enum):
    """
    What a network is for, and so what it is trained to do.

    SEGMENTATION: labels from an image (and its past). REFINER: labels from an image and the
    warped features of a past one. DECISION: how good a warped segmentation will be. FLOW: where
    things have moved.
    """

    SEGMENTATION = 'segmentation'
    REFINER = 'refiner'
    DECISION = 'decision'
    FLOW = 'flow'


@dataclass(frozen=True)
class NetworkSpec:
    """
    A network in one of its variants.

    ``build`` takes the number of classes. ``input_size`` (height, width) and ``num_classes`` are
    those of the paper's counts. ``example`` gives the inputs of one forward pass at a size, for
    counting; None: one image. ``purpose`` is another than segmentation for what is only a part of
    a method, such as a flow network. ``method`` runs the network over a stream.
    """

    network: str
    variant: str
    build: Callable[[int], nn.Module]
    input_size: tuple[int, int]
    num_classes: int
    reference: Reference | None = None
    example: Callable[[nn.Module, tuple[int, int]], Sequence[Tensor | None]] | None = None
    purpose: Purpose = Purpose.SEGMENTATION
    method: str = 'per_frame'

    @property
    def name(self) -> str:
        """Return 'network/variant', the name that commands and checkpoints use."""
        return f'{self.network}/{self.variant}'

    @property
    def segments(self) -> bool:
        """Tell whether the network by itself gives the labels of an image."""
        return self.purpose is Purpose.SEGMENTATION
