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

import numpy as np
import pytest
import torch
from torch import nn

from vidseg_ros.cli.inspect import count
from vidseg_ros.engines.base import EngineOptions
from vidseg_ros.engines.export import export_onnx
from vidseg_ros.engines.registry import create_engine
from vidseg_ros.methods.extremes import extremes
from vidseg_ros.networks import lernet
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.deploy_lernet import DeployedKeyFrame, DeployedPropagation
from vidseg_ros.networks.lernet import (
    THA,
    Decoder,
    Downsampling,
    LERNet,
    LERNetConfig,
    LERNetTHA,
    RDDSBlock,
)

STATISTICS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SPECS = {spec.name: spec for spec in lernet.specs()}
COUNTED = [name for name in SPECS if name.startswith('lernet/counted')]


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return LERNetTHA(LERNetConfig(5)).eval()


def test_the_encoder_is_that_of_table_1():
    net = LERNet()
    kinds = [net.first, *net.shallow, *net.deep]
    sizes = []
    with torch.device('meta'):
        x = torch.empty(1, 3, 512, 1024)
    for module in kinds:
        x = module.to('meta')(x)
        sizes.append((type(module), tuple(x.shape[1:])))
    first, second, third = (32, 256, 512), (64, 128, 256), (128, 64, 128)
    assert sizes == [
        (Downsampling, first), *[(RDDSBlock, first)] * 3,
        (Downsampling, second), *[(RDDSBlock, second)] * 2,
        (Downsampling, third), *[(RDDSBlock, third)] * 7,
    ]  # fmt: skip
    dilations = [block.branches[0][4].dilation[0] for block in net.deep]
    assert dilations == [1, 2, 5, 9, 2, 5, 9]
    assert all(block.branches[1][4].dilation == block.branches[0][4].dilation
               for block in net.deep)


@pytest.mark.parametrize('name', COUNTED)
def test_counted_variants_have_the_papers_parameters(name):
    entry = count(SPECS[name])
    assert entry['parameters'] == pytest.approx(entry['reference']['parameters'], rel=0.016)


def _operations(network):
    """Count as the profilers of the time did: bias, normalisation and final upsampling, too."""
    total = 0

    def hook(module, _inputs, output):
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output.numel() * (module.weight[0].numel() + 1)
        elif isinstance(module, nn.BatchNorm2d):
            total += 2 * output.numel()

    handles = [module.register_forward_hook(hook) for module in network.modules()]
    with torch.no_grad():
        logits = network.eval()(torch.empty(1, 3, 512, 1024, device='meta'))
    for handle in handles:
        handle.remove()
    return total + 11 * logits.shape[1] * 512 * 1024


@pytest.mark.parametrize('name', [n for n in COUNTED if 'deeplab' not in n])
def test_counted_variants_have_the_papers_operations(name):
    spec = SPECS[name]
    with torch.device('meta'):
        network = spec.build(19)
    assert _operations(network) / 1e9 == pytest.approx(spec.reference.gmacs, rel=0.01)


def test_the_parameters_of_the_lednet_decoder_match_to_the_last_digit():
    # Table 2 prints it with three digits: 0.662 M.
    assert round(count(SPECS['lernet/counted_lednet_decoder'])['parameters'] / 1e6, 3) == 0.662


def test_the_correlation_costs_what_section_3_3_says():
    positions = 64 * 128
    assert positions**2 * THA(128).reduce.out_channels / 1e9 == pytest.approx(0.27, abs=0.005)


@pytest.mark.parametrize('name', list(SPECS))
def test_every_variant_gives_logits_at_its_stride(name):
    torch.manual_seed(0)
    net = SPECS[name].build(4).eval()
    for size in ((64, 64), (67, 101)):
        with torch.no_grad():
            logits = net(torch.randn(2, 3, *size))
        stride = net.output_stride
        assert logits.shape == (2, 4, -(-size[0] // stride), -(-size[1] // stride))


def test_downsampling_concatenates_convolution_and_pooling():
    module = Downsampling(2, 5).eval()
    x = torch.randn(1, 2, 6, 6).abs()
    with torch.no_grad():
        y = module(x)
    pooled = x.reshape(1, 2, 3, 2, 3, 2).amax((3, 5))
    # A fresh normalisation divides by sqrt(1 + eps).
    torch.testing.assert_close(y[:, 3:], pooled / (1 + module.norm.eps) ** 0.5)
    assert module.conv.out_channels == 3


def test_a_block_whose_branches_give_nothing_rectifies_its_input():
    block = RDDSBlock(4, 2, 0.0).eval()
    nn.init.zeros_(block.reduce.weight)
    nn.init.zeros_(block.reduce.bias)
    x = torch.randn(1, 4, 5, 7)
    with torch.no_grad():
        torch.testing.assert_close(block(x), x.relu())


def test_tied_branches_compute_the_same():
    torch.manual_seed(0)
    block = RDDSBlock(4, 2, 0.3, tied=True).eval()
    x = torch.randn(1, 4, 5, 7)
    with torch.no_grad():
        y = block.branches[0](x)
        expected = (x + block.reduce(torch.cat([y, y], 1))).relu()
        torch.testing.assert_close(block(x), expected)


def _numpy_attention(tha, key_low, current_low):
    """Eq. 1 and 2 as they are written, with A as a whole, in double precision."""
    weight = tha.reduce.weight.detach().double().numpy()[:, :, 0, 0]
    bias = tha.reduce.bias.detach().double().numpy()[:, None]
    channels, height, width = current_low.shape
    key = (weight @ key_low.reshape(channels, -1) + bias).T  # N x C'
    current = weight @ current_low.reshape(channels, -1) + bias  # C' x N
    a = (key @ current).reshape(-1, height, width)  # N x H x W
    pooled = np.pad(np.stack([a.max(0), a.mean(0)]), ((0, 0), (2, 2), (2, 2)))
    kernel = tha.conv.weight.detach().double().numpy()[0]
    out = np.full((height, width), tha.conv.bias.item())
    for y in range(height):
        for x in range(width):
            out[y, x] += (pooled[:, y : y + 5, x : x + 5] * kernel).sum()
    return 1 / (1 + np.exp(-out))


@pytest.mark.parametrize('channels', [128, 64])
def test_attention_is_that_of_equations_1_and_2(channels):
    torch.manual_seed(1)
    tha = THA(channels)
    assert tha.reduce.out_channels == channels // 32
    key, current = torch.randn(2, channels, 8, 11), torch.randn(2, channels, 8, 11)
    with torch.no_grad():
        got = tha(tha.reduced(key), tha.reduced(current))
    for i in range(2):
        expected = _numpy_attention(tha, key[i].double().numpy(), current[i].double().numpy())
        np.testing.assert_allclose(got[i, 0].numpy(), expected, atol=1e-5)


def test_every_position_of_identical_frames_finds_itself():
    torch.manual_seed(2)
    # Of unit vectors none fits a vector better than itself, and itself by 1.
    features = nn.functional.normalize(torch.randn(1, 4, 7, 9), dim=1)
    maximum = THA.responses(features, features)[:, 0]
    torch.testing.assert_close(maximum, torch.ones(1, 7, 9))
    # In a uniform frame every position is like every other.
    uniform = features[:, :, :1, :1].expand(1, 4, 7, 9)
    torch.testing.assert_close(THA.responses(uniform, uniform), torch.ones(1, 2, 7, 9))


def test_attention_does_not_ask_where_in_the_key_frame_something_was():
    torch.manual_seed(3)
    key, current = torch.randn(1, 4, 6, 8), torch.randn(1, 4, 6, 8)
    moved = key.flatten(2)[..., torch.randperm(48)].reshape(key.shape)
    torch.testing.assert_close(THA.responses(key, current), THA.responses(moved, current))


def test_key_frames_of_any_size_from_the_smallest_are_compared_whole():
    torch.manual_seed(4)
    # Fewer positions than a multiple of the parts: none may be left out.
    for positions in (THA.PARTS, THA.PARTS + 1, 3 * THA.PARTS - 1):
        key, current = torch.randn(1, 4, 1, positions), torch.randn(1, 4, 2, 3)
        products = torch.einsum('nci,ncyx->niyx', key.flatten(2), current)
        expected = torch.stack([products.amax(1), products.mean(1)], 1)
        torch.testing.assert_close(THA.responses(key, current), expected)


def test_propagation_adds_the_weighted_deep_features(network):
    torch.manual_seed(5)
    image, key = torch.randn(1, 3, 64, 72), torch.randn(1, 3, 64, 72)
    with torch.no_grad():
        _, high, reduced = network.key_frame(key)
        low = network.backbone.low(image)
        weight = network.attention(reduced, network.attention.reduced(low))
        assert weight.shape == (1, 1, 8, 9) and 0 < weight.min() <= weight.max() < 1
        fused = low.numpy() + weight.numpy() * high.numpy()  # Eq. 3 and 4
        expected = network.decoder(torch.from_numpy(fused))
        torch.testing.assert_close(network.propagate(image, high, reduced), expected)


def test_the_extremes_of_the_key_frame_give_the_same_attention(network):
    torch.manual_seed(5)
    image, key = torch.randn(2, 3, 96, 104), torch.randn(2, 3, 96, 104)
    with torch.no_grad():
        _, high, reduced = network.key_frame(key)
        vectors = reduced.flatten(2)
        found = torch.from_numpy(np.stack([extremes(v.numpy(), 100) for v in vectors]))
        assert found.shape == (2, 4, 100) and vectors.shape == (2, 4, 12 * 13)
        got = network.propagate_from_extremes(image, high, found, vectors.mean(2, keepdim=True))
        torch.testing.assert_close(got, network.propagate(image, high, reduced))


def test_a_closed_or_open_gate_leaves_low_or_all_deep_features(network):
    torch.manual_seed(6)
    image = torch.randn(1, 3, 64, 64)
    conv = network.attention.conv
    weight, bias = conv.weight.detach().clone(), conv.bias.detach().clone()
    with torch.no_grad():
        _, high, reduced = network.key_frame(image)
        low = network.backbone.low(image)
        conv.weight.zero_()
        conv.bias.fill_(-100.0)
        closed = network.propagate(image, high, reduced)
        conv.bias.fill_(100.0)
        opened = network.propagate(image, high, reduced)
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)
        torch.testing.assert_close(closed, network.decoder(low))
        torch.testing.assert_close(opened, network.decoder(low + high))


def test_forward_segments_a_key_frame_or_another(network):
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        logits, high, reduced = network.key_frame(image)
        torch.testing.assert_close(network(image), logits)
        propagated = network(image, high, reduced)
        torch.testing.assert_close(propagated, network.propagate(image, high, reduced))
    assert not torch.allclose(logits, propagated)


def test_attention_is_learnt_through_propagation():
    torch.manual_seed(7)
    net = LERNetTHA(LERNetConfig(3)).train()
    image, key = torch.randn(2, 3, 64, 64), torch.randn(2, 3, 64, 64)
    _, high, reduced = net.key_frame(key)
    net.propagate(image, high, reduced).square().mean().backward()
    for parameter in (*net.attention.parameters(), *net.backbone.deep.parameters()):
        assert parameter.grad is not None and parameter.grad.isfinite().all()
    assert net.attention.reduce.weight.grad.abs().max() > 0


PARTS = [DeployedKeyFrame, DeployedPropagation, deploy]


@pytest.mark.parametrize('part', PARTS, ids=lambda part: part.__name__)
@pytest.mark.parametrize('size', [(64, 96), (77, 103)])
def test_onnx_agrees_with_torch(tmp_path, network, part, size):
    assert export_onnx(part(network, *STATISTICS).eval(), size, tmp_path / 'a.onnx') < 1e-3


@pytest.mark.parametrize('decoder', [Decoder.LEDNET, Decoder.DEEPLAB])
def test_onnx_agrees_with_torch_for_the_other_decoders(tmp_path, decoder):
    torch.manual_seed(8)
    net = LERNet(LERNetConfig(5, decoder=decoder))
    for size in ((64, 96), (77, 103)):
        assert export_onnx(deploy(net, *STATISTICS), size, tmp_path / 'a.onnx') < 1e-3


@pytest.mark.parametrize('part', PARTS[:2], ids=lambda part: part.__name__)
def test_openvino_agrees_with_torch_at_two_sizes(part):
    torch.manual_seed(9)
    network = LERNetTHA(LERNetConfig(5, dilations=((1,), (1,), (9,))))
    deployed = part(network, *STATISTICS).eval()
    torch_engine = create_engine('torch', deployed, EngineOptions('cpu', 'fp32'))
    engine = create_engine('openvino', deployed, EngineOptions('cpu', 'fp32'))
    rng = np.random.default_rng(0)
    for size in ((64, 96), (90, 77)):
        inputs = {
            name: rng.integers(0, 256, a.shape, np.uint8)
            if a.dtype == np.uint8
            else rng.normal(size=a.shape).astype(np.float32)
            for name, a in deployed.example_inputs(size).items()
        }
        expected, got = torch_engine.run(inputs), engine.run(inputs)
        assert list(expected) == list(got) == list(deployed.output_names)
        for name in expected:
            np.testing.assert_allclose(got[name], expected[name], atol=1e-3)
