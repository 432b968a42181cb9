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

from vidseg_ros.cli.inspect import count
from vidseg_ros.networks.complexity import count_macs, count_parameters
from vidseg_ros.networks.fassvid import (
    CASPP,
    TAM,
    Attention,
    ChangePosition,
    FASSVid,
    FASSVidConfig,
    FDChangeNet,
)
from vidseg_ros.networks.hardnet import HarDBlock, HarDNetEncoder
from vidseg_ros.networks.registry import UnknownNetworkError, network_spec, network_specs

HIRES = (2, 1, 2, 1)


@pytest.mark.parametrize(
    'spec',
    [s for s in network_specs() if s.network == 'fassvid' and s.reference],
    ids=lambda spec: spec.name,
)
def test_counts_are_within_three_percent_of_the_papers(spec):
    entry = count(spec)
    assert entry['parameters'] == pytest.approx(entry['reference']['parameters'], rel=0.03)
    assert entry['gmacs'] == pytest.approx(entry['reference']['gmacs'], rel=0.03)


def test_macs_of_known_layers():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, stride=2, padding=1),  # 8 * 27 * 16
        torch.nn.Conv2d(8, 8, 3, groups=8, padding=1),  # 8 * 9 * 16
        torch.nn.ConvTranspose2d(8, 4, 2, stride=2),  # 8 * 4 * 4 * 16
        torch.nn.Flatten(),
        torch.nn.Linear(256, 10),  # 2560
    )
    expected = 8 * 27 * 16 + 8 * 9 * 16 + 8 * 4 * 4 * 16 + 2560
    assert count_macs(network, [torch.zeros(1, 3, 8, 8)]) == expected
    assert count_parameters(network) == 8 * 28 + 8 * 10 + 4 * 8 * 4 + 4 + 2570


def test_harmonic_links_follow_the_powers_of_two():
    # Layer 8 reads 7, 6, 4 and 0 and is 1.7^3 times as wide as the growth, rounded to even.
    block = HarDBlock(20, growth=10, n_layers=8)
    assert block.reads[7] == [7, 6, 4, 0]
    assert block.layers[7][0].out_channels == 50
    # The odd layers, 10 wide each, and the last are the output.
    assert block.out_channels == 4 * 10 + 50
    assert block(torch.zeros(1, 20, 4, 4)).shape == (1, block.out_channels, 4, 4)


@pytest.mark.parametrize('strides, stride', [((2, 2, 2, 1), 8), (HIRES, 4)])
def test_encoder_halves_the_size_from_stage_to_stage(strides, stride):
    deepest, skips = HarDNetEncoder(strides)(torch.zeros(1, 3, 128, 256))
    assert [tuple(s.shape[-2:]) for s in skips] == [
        (128 // (stride << i), 256 // (stride << i)) for i in range(3)
    ]
    assert deepest.shape == (1, 224, 128 // (stride * 8), 256 // (stride * 8))


def test_caspp_costs_half_of_two_dimensional_kernels():
    # Section 3.1.1: K x d x K/2 + K/2 x d x K/2 operations instead of K x d^2 x K/2.
    caspp = CASPP(64)
    branch = [m for m in caspp.branches[1].modules() if isinstance(m, torch.nn.Conv2d)]
    factorised = sum(conv.weight.numel() for conv in branch)
    assert factorised == 64 * 3 * 32 + 32 * 3 * 32
    assert factorised == (64 * 9 * 32) // 2
    assert [conv.dilation for conv in branch] == [(12, 12), (12, 12)]
    assert caspp(torch.zeros(1, 64, 5, 7)).shape == (1, 64, 5, 7)


def test_tam_gates_by_the_sigmoid_of_the_previous_output():
    tam = TAM(num_classes=2, channels=3)
    x = torch.randn(1, 3, 4, 4)
    with torch.no_grad():
        tam.adjust.weight.zero_()
        tam.adjust.bias.zero_()
        # sigmoid(0) = 1/2, whatever the previous output says.
        torch.testing.assert_close(tam(x, torch.randn(1, 2, 8, 8)), x / 2)
        tam.adjust.bias.copy_(torch.tensor([100.0, -100.0, 0.0]))
        gated = tam(x, torch.zeros(1, 2, 4, 4))
    torch.testing.assert_close(gated[:, 0], x[:, 0])
    torch.testing.assert_close(gated[:, 1], torch.zeros_like(x[:, 1]))


def test_fdchangenet_with_equal_branches_sees_no_change_in_a_static_scene():
    net = FDChangeNet(8, width=4, halvings=4).eval()
    net.earlier.load_state_dict(net.current.state_dict())
    frame = torch.randn(1, 3, 64, 64)
    other = torch.randn(1, 3, 64, 64)
    nothing = net.project(torch.zeros(1, 32, 4, 4))
    with torch.no_grad():
        torch.testing.assert_close(net(frame, frame, (4, 4)), nothing)
        assert not torch.allclose(net(frame, other, (4, 4)), nothing)


def _inputs(network, size):
    h, w = size
    stride = network.output_stride
    return (
        torch.randn(2, 3, h, w),
        torch.randn(2, 3, h // 4, w // 4),
        torch.randn(2, 3, h // 4, w // 4),
        torch.randn(2, network.config.num_classes, -(-h // stride), -(-w // stride)),
    )


@pytest.mark.parametrize('strides', [(2, 2, 2, 1), HIRES])
@pytest.mark.parametrize('attention', list(Attention))
@pytest.mark.parametrize('change', list(ChangePosition))
def test_every_variant_gives_logits_at_its_stride(strides, attention, change):
    config = FASSVidConfig(5, strides, change, attention=attention)
    network = FASSVid(config).eval()
    size = (72, 104)
    with torch.no_grad():
        logits = network(*_inputs(network, size))
    stride = network.output_stride
    assert logits.shape == (2, 5, -(-size[0] // stride), -(-size[1] // stride))
    assert network.upsample(logits, size).shape == (2, 5, *size)


@pytest.mark.parametrize('size', [(65, 97), (70, 130), (64, 64), (127, 81)])
@pytest.mark.parametrize('strides', [(2, 2, 2, 1), HIRES])
def test_odd_sizes_pass(size, strides):
    network = FASSVid(FASSVidConfig(3, strides)).eval()
    with torch.no_grad():
        logits = network(*_inputs(network, size))
    stride = network.output_stride
    assert logits.shape[-2:] == (-(-size[0] // stride), -(-size[1] // stride))


def test_the_previous_output_and_the_earlier_frame_matter():
    torch.manual_seed(0)
    network = FASSVid(FASSVidConfig(3)).eval()
    image, quarter, earlier, previous = _inputs(network, (64, 64))
    with torch.no_grad():
        reference = network(image, quarter, earlier, previous)
        assert not torch.allclose(reference, network(image, quarter, quarter, previous))
        assert not torch.allclose(reference, network(image, quarter, earlier, -previous))


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNetworkError, match='fassvid/full'):
        network_spec('fassvid/none')
