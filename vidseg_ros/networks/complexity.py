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
"""Count parameters and multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vidseg_ros.networks.evaluating import evaluating


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def count_macs(network: nn.Module, inputs: Sequence[Tensor | None]) -> int:
    """
    Return the multiply-accumulates of the convolutions and linear layers in one forward pass.

    Element-wise layers, normalisation (folded at inference), pooling and interpolation are not
    counted, as is the custom of the papers. ``inputs`` may lie on the meta device, where
    nothing is computed.
    """
    total = 0

    def convolution(module: Any, _inputs: Any, output: Tensor) -> None:
        nonlocal total
        kernel = module.weight[0].numel()
        if isinstance(module, nn.ConvTranspose2d):
            kernel = module.weight.numel() // module.out_channels // module.groups
            total += _inputs[0].numel() // module.in_channels * kernel * module.out_channels
            return
        total += output.numel() * kernel

    def linear(module: nn.Linear, _inputs: Any, output: Tensor) -> None:
        nonlocal total
        total += output.numel() * module.in_features

    handles = []
    hooks: list[tuple[type | tuple[type, ...], Callable[..., None]]] = [
        ((nn.Conv2d, nn.ConvTranspose2d), convolution),
        (nn.Linear, linear),
    ]
    for module in network.modules():
        handles += [module.register_forward_hook(hook) for kind, hook in hooks
                    if isinstance(module, kind)]
    try:
        with torch.no_grad(), evaluating(network):
            network(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return total
