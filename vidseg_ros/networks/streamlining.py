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
from vidseg_ros.networks.hardnet import HarDBlock


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


def convolution(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """Return the convolution of that weight [O, I, k, k] and bias [O], padded to keep the size."""
    outputs, inputs, *kernel = weight.shape
    # Without memory at first: random weights would be for nothing and take numbers from others.
    made = nn.Conv2d(
        inputs, outputs, (kernel[0], kernel[1]), padding=(kernel[0] // 2, kernel[1] // 2),
        bias=bias is not None, device='meta',
    )  # fmt: skip
    made.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
    return made


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Return ``x`` bilinearly enlarged to the height and width of ``like``."""
    return F.interpolate(x, size=like.shape[-2:], mode='bilinear', align_corners=False)


def split_by_input(layer: ConvBNReLU, first: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    """
    Return the convolution (normalised) of two inputs side by side as one for each.

    W [a b] = W_a a + W_b b, with ``first`` channels of a: nothing is copied in order to lie side
    by side. The ReLU is the caller's.
    """
    weight, bias = folded(layer)
    return convolution(weight[:, :first], None), convolution(weight[:, first:], bias)


class StreamlinedStage(nn.Module):
    """
    A stage of FASSVid's decoder without TAM.

    Enlarging bilinearly and convolving 1x1 may change places, being linear, one in space and one
    across channels: of the coarser features a quarter is convolved.
    """

    def __init__(self, stage: DecoderStage) -> None:
        super().__init__()
        self.reduce_first, self.reduce_second = split_by_input(stage.reduce, stage.in_channels)
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
        self.adjust_first = convolution(weight[:first], bias[:first])
        self.adjust_second = convolution(weight[first:], bias[first:])
        self.reduce_first, self.reduce_second = split_by_input(stage.reduce, first)
        self.refine = stage.refine

    def forward(self, x: Tensor, skip: Tensor, previous: Tensor) -> Tensor:
        """Return [N, out_channels, h, w] at the skip's size."""
        previous = previous if self.fits else enlarged(previous, skip)
        first = enlarged(x, skip) * torch.sigmoid(self.adjust_first(previous))
        second = skip * torch.sigmoid(self.adjust_second(previous))
        return self.refine(F.relu(self.reduce_second(second) + self.reduce_first(first)))


class StreamlinedBlock(nn.Module):
    """
    A harmonic dense block whose first two layers read its input together.

    Layer 2 reads layer 1 and the input. What it makes of the input is a part of one convolution
    with layer 1; what it makes of layer 1 is added. Channels are computed 16 at a time, and 10
    and 18 together take two such steps where they take three by themselves.
    """

    def __init__(self, block: HarDBlock) -> None:
        super().__init__()
        first, second = block.layers[0], block.layers[1]
        assert isinstance(first, ConvBNReLU) and isinstance(second, ConvBNReLU)
        weight, bias = folded(first)
        from_first, from_input = split_by_input(second, weight.shape[0])
        assert from_input.bias is not None
        self.widths = [weight.shape[0], from_input.out_channels]
        self.from_input = convolution(
            torch.cat([weight, from_input.weight]), torch.cat([bias, from_input.bias])
        )
        self.from_first = from_first
        # Under the names that they have in the block.
        self.layers = nn.ModuleDict(
            {str(i): layer for i, layer in enumerate(block.layers) if i > 1}
        )
        self.reads = {str(i): links for i, links in enumerate(block.reads) if i > 1}
        self.outputs = block.outputs

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers and concatenate those that are the output."""
        first, second = torch.split(self.from_input(x), self.widths, 1)
        first = F.relu(first)
        made = [x, first, F.relu(self.from_first(first) + second)]
        for name, layer in self.layers.items():
            read = [made[link] for link in self.reads[name]]
            made.append(layer(torch.cat(read, 1) if len(read) > 1 else read[0]))
        return torch.cat([made[i] for i in self.outputs], 1)


def _block(block: HarDBlock) -> nn.Module | None:
    convolutions = (layer.get_submodule('0') for layer in block.layers[:2])
    widths = [c.out_channels for c in convolutions if isinstance(c, nn.Conv2d)]
    if len(widths) < 2 or _steps(sum(widths)) >= sum(map(_steps, widths)):
        return None
    return StreamlinedBlock(block)


def _steps(channels: int) -> int:
    """Return how many steps of 16 channels there are, the last one perhaps in part."""
    return -(-channels // 16)


def _stage(stage: DecoderStage) -> nn.Module:
    if stage.attention is None:
        return StreamlinedStage(stage)
    return StreamlinedGatedStage(stage, stage.attention)


# What may have a cheaper form, and what makes it; None where there is none.
_FORMS: dict[type[nn.Module], Callable[[Any], nn.Module | None]] = {
    DecoderStage: _stage,
    HarDBlock: _block,
}


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
        cheaper = _FORMS[type(module)](module)
        if cheaper is not None:
            setattr(made.get_submodule(parent), child, cheaper)
    return made
