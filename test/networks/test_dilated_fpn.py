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

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vidseg_ros.checkpoints.store import MEAN, STD
from vidseg_ros.cli.inspect import count
from vidseg_ros.engines.export import export_onnx
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.dilated_fpn import (
    DilatedFPN,
    DilatedFPNConfig,
    Merge,
    PyramidPooling,
    ResidualBlock,
)
from vidseg_ros.networks.registry import network_spec

SPEC = network_spec('dilated_fpn/base')


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    made = SPEC.build(5).eval()
    # Statistics as training would leave them, so that normalisation is not the identity.
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return made


def test_it_is_small():
    assert count(SPEC)['parameters'] < 3e6


@pytest.mark.parametrize('size', [(64, 96), (65, 97), (51, 78), (8, 8)])
def test_any_size_gives_logits_at_half_of_it(network, size):
    with torch.no_grad():
        logits = network(torch.randn(2, 3, *size))
    assert logits.shape == (2, 5, -(-size[0] // 2), -(-size[1] // 2))
    assert network.output_stride == 2 and torch.isfinite(logits).all()


def test_convolutions_suit_matrix_units(network):
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert all(m.groups == 1 for m in convolutions)
    outer = (network.stem[0][0], network.classifier, network.coarse)
    inner = [m for m in convolutions if m not in outer]
    assert all(m.in_channels % 16 == m.out_channels % 16 == 0 for m in inner)


def test_stages_halve_and_the_last_is_dilated(network):
    x = network.stem(torch.randn(1, 3, 64, 96))
    sizes = [tuple(x.shape[1:])]
    for stage in network.stages:
        x = stage(x)
        sizes.append(tuple(x.shape[1:]))
    config = network.config
    widths = (config.stem, *config.widths)
    assert sizes == [(c, 32 >> i, 48 >> i) for i, c in enumerate(widths)]
    for stage, dilations in zip(network.stages, config.dilations, strict=True):
        assert tuple(block.second[0].dilation[0] for block in stage) == dilations
        assert [block.first[0].stride[0] for block in stage] == [2] + [1] * (len(stage) - 1)


def test_a_block_without_residual_is_its_shortcut():
    same, halving = ResidualBlock(4, 4).eval(), ResidualBlock(4, 6, 2).eval()
    x = torch.randn(1, 4, 7, 6)
    with torch.no_grad():
        torch.testing.assert_close(same(x), x.relu())
        # The odd last row is averaged by itself.
        rows = [x[:, :, i : i + 2].mean(2) for i in range(0, 7, 2)]
        averaged = torch.stack(rows, 2).unflatten(3, (3, 2)).mean(4)
        torch.testing.assert_close(halving(x), halving.shortcut[1:](averaged).relu())


def test_residual_branches_begin_at_zero():
    blocks = [m for m in SPEC.build(5).modules() if isinstance(m, ResidualBlock)]
    assert blocks and not any(block.second[1].weight.any() for block in blocks)


def test_context_reaches_everywhere():
    torch.manual_seed(1)
    pyramid = PyramidPooling(16, 8, (1, 2), 16).eval()
    x = torch.randn(1, 16, 6, 8)
    moved = x.clone()
    moved[..., 0, 0] += 5.0
    with torch.no_grad():
        change = (pyramid(moved) - pyramid(x)).abs().amax(1)[0]
        # Without the pyramid a 1x1 convolution changes nothing elsewhere.
        pyramid.join[0].weight[:, 16:] = 0
        alone = (pyramid(moved) - pyramid(x)).abs().amax(1)[0]
    assert (change > 1e-6).float().mean() > 0.9
    assert alone[0, 0] > 1e-6 and alone[1:].max() < 1e-6


def test_merging_adds_the_enlarged_top_to_the_lateral_projection():
    torch.manual_seed(2)
    merge = Merge(6, 3, 4).eval()
    x, skip = torch.randn(1, 6, 3, 4), torch.randn(1, 3, 5, 7)
    with torch.no_grad():
        enlarged = F.interpolate(x, size=(5, 7), mode='bilinear', align_corners=False)
        expected = merge.refine((merge.top(enlarged) + merge.lateral(skip)).relu())
        torch.testing.assert_close(merge(x, skip), expected)


def test_logits_are_those_of_the_context_and_of_the_detail(network):
    image = torch.randn(1, 3, 32, 48)
    context = []
    hook = network.context.register_forward_hook(lambda _m, _i, y: context.append(y))
    with torch.no_grad():
        whole = network(image)
        detail = network.classifier
        network.classifier = nn.Conv2d(detail.in_channels, 5, 1)
        nn.init.zeros_(network.classifier.weight)
        nn.init.zeros_(network.classifier.bias)
        try:
            coarse = network(image)
        finally:
            network.classifier = detail
            hook.remove()
        expected = F.interpolate(
            network.coarse(context[0]), size=(16, 24), mode='bilinear', align_corners=False)
    torch.testing.assert_close(coarse, expected)
    assert not torch.allclose(coarse, whole)


def test_every_parameter_is_trained():
    network = SPEC.build(5).train()
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            nn.init.ones_(module.second[1].weight)  # at zero nothing before it learns
    network(torch.randn(2, 3, 64, 64)).square().sum().backward()
    assert not [n for n, p in network.named_parameters() if not p.grad.abs().sum()]


@pytest.mark.parametrize('size', [(64, 96), (45, 70)])
def test_onnx_agrees_with_torch(network, size, tmp_path):
    assert export_onnx(deploy(network, MEAN, STD), size, tmp_path / 'network.onnx') <= 1e-3


def test_openvino_agrees_with_torch_at_an_odd_size(network, openvino_error):
    assert openvino_error(network) <= 1e-3


def test_sizes_are_configured():
    config = DilatedFPNConfig(3, 16, (16, 32, 48), ((1,), (1,), (1, 2)), (1, 2), 16, (32, 16, 16))
    with torch.no_grad():
        assert DilatedFPN(config).eval()(torch.randn(1, 3, 32, 48)).shape == (1, 3, 16, 24)
