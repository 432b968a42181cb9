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
Networks for inference alone: the same outputs, within rounding, from less work.

``streamlined`` is given a network as it was trained and puts cheaper modules in the place of
those that have one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from vidseg_ros.networks.blocks import ConvBNReLU
from vidseg_ros.networks.fassvid import TAM, DecoderStage


def folded(layer: ConvBNReLU) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the convolution with its normalisation (in eval mode) inside."""
    convolution, norm = layer[0], layer[1]
    assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None and norm.running_var is not None
    weight, bias = fuse_conv_bn_weights(
        convolution.weight, convolution.bias, norm.running_mean, norm.running_var, norm.eps,
        norm.weight, norm.bias,
    )  # fmt: skip
    return weight.detach(), bias.detach()


def pointwise(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """Return the 1x1 convolution of that weight [O, I, 1, 1] and bias [O]."""
    outputs, inputs = weight.shape[:2]
    # Without memory at first: random weights would be for nothing and take numbers from others.
    made = nn.Conv2d(inputs, outputs, 1, bias=bias is not None, device='meta')
    made.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
    return made


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Return ``x`` bilinearly enlarged to the height and width of ``like``."""
    return F.interpolate(x, size=like.shape[-2:], mode='bilinear', align_corners=False)


def split(layer: ConvBNReLU, first: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    """
    Return the 1x1 convolution (normalised) of two inputs side by side as one for each.

    W [a b] = W_a a + W_b b, with ``first`` channels of a: nothing is copied in order to lie side
    by side. The ReLU is the caller's.
    """
    weight, bias = folded(layer)
    return pointwise(weight[:, :first], None), pointwise(weight[:, first:], bias)


class StreamlinedStage(nn.Module):
    """
    A stage of FASSVid's decoder without TAM.

    Enlarging bilinearly and convolving 1x1 may change places, being linear, one in space and one
    across channels: of the coarser features a quarter is convolved.
    """

    def __init__(self, stage: DecoderStage) -> None:
        super().__init__()
        self.reduce_first, self.reduce_second = split(stage.reduce, stage.in_channels)
        self.refine = stage.refine

    def forward(self, x: Tensor, skip: Tensor, previous: Tensor | None) -> Tensor:
        """Return [N, out_channels, h, w] at the skip's size."""
        reduced = self.reduce_second(skip) + enlarged(self.reduce_first(x), skip)
        return self.refine(F.relu(reduced))


class StreamlinedGatedStage(nn.Module):
    """A stage of FASSVid's decoder with TAM, which gates both of its inputs by themselves."""

    def __init__(self, stage: DecoderStage, attention: TAM) -> None:
        super().__init__()
        first = stage.in_channels
        self.fits = attention.fits
        weight, bias = attention.adjust.weight, attention.adjust.bias
        assert bias is not None
        self.adjust_first = pointwise(weight[:first], bias[:first])
        self.adjust_second = pointwise(weight[first:], bias[first:])
        self.reduce_first, self.reduce_second = split(stage.reduce, first)
        self.refine = stage.refine

    def forward(self, x: Tensor, skip: Tensor, previous: Tensor) -> Tensor:
        """Return [N, out_channels, h, w] at the skip's size."""
        previous = previous if self.fits else enlarged(previous, skip)
        first = enlarged(x, skip) * torch.sigmoid(self.adjust_first(previous))
        second = skip * torch.sigmoid(self.adjust_second(previous))
        return self.refine(F.relu(self.reduce_second(second) + self.reduce_first(first)))


def _stage(stage: DecoderStage) -> nn.Module:
    if stage.attention is None:
        return StreamlinedStage(stage)
    return StreamlinedGatedStage(stage, stage.attention)


# What has a cheaper form, and what makes it.
_FORMS: dict[type[nn.Module], Callable[[Any], nn.Module]] = {DecoderStage: _stage}


def streamlined(network: nn.Module) -> nn.Module:
    """
    Return the network with cheaper modules where there are any; for eval mode only.

    The one given stays as it is. Weights that don't change are the same tensors in both.
    """
    found = [name for name, module in network.named_modules() if type(module) in _FORMS]
    if not found:
        return network
    shared = {id(t): t for t in (*network.parameters(), *network.buffers())}
    made = copy.deepcopy(network, shared)
    for name in found:
        parent, _, child = name.rpartition('.')
        module = made.get_submodule(name)
        setattr(made.get_submodule(parent), child, _FORMS[type(module)](module))
    return made
