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
from torch.nn import functional as F

from vidseg_ros.checkpoints.store import MEAN, STD
from vidseg_ros.cli.inspect import count
from vidseg_ros.engines.export import export_onnx
from vidseg_ros.networks.blocks import adaptive_average_pool, crop
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.enet import ENet, pool_with_positions, unpool
from vidseg_ros.networks.erfnet import NonBottleneck1D
from vidseg_ros.networks.espnet import DilatedPyramid, ESPNet
from vidseg_ros.networks.fast_scnn import FastSCNN
from vidseg_ros.networks.lednet import SSnbt, channel_shuffle
from vidseg_ros.networks.registry import network_spec, network_specs

PEERS = ('fast_scnn', 'erfnet', 'enet', 'espnet', 'lednet')
SPECS = [spec for spec in network_specs() if spec.network in PEERS]
STRIDES = {'fast_scnn': 8, 'erfnet': 1, 'enet': 1, 'espnet': 1, 'lednet': 8}
one_of_each = pytest.mark.parametrize(
    'spec', [spec for spec in SPECS if spec.variant != 'q8'], ids=lambda spec: spec.network
)
peers = pytest.mark.parametrize('spec', SPECS, ids=lambda spec: spec.name)


def _network(spec, num_classes=5, seed=0):
    torch.manual_seed(seed)
    network = spec.build(num_classes).eval()
    # Statistics as training would leave them, so that normalisation is not the identity.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    return network


def test_every_peer_is_there():
    assert {spec.network for spec in SPECS} == set(PEERS)


@peers
def test_counts_are_within_five_percent_of_the_papers(spec):
    entry = count(spec)
    assert entry['parameters'] == pytest.approx(entry['reference']['parameters'], rel=0.05)
    if spec.network == 'enet':
        # What the paper calls 22.2 is 15.7 also for the implementation that it took, counted as
        # ours is (docs/methods/per_frame.md).
        assert entry['gmacs'] == 15.688
    elif entry['reference']['gmacs'] is not None:
        assert entry['gmacs'] == pytest.approx(entry['reference']['gmacs'], rel=0.05)


@peers
@pytest.mark.parametrize('size', [(64, 96), (65, 97), (51, 78), (8, 8)])
def test_any_size_gives_logits_at_the_stride(spec, size):
    stride = STRIDES[spec.network]
    with torch.no_grad():
        logits = _network(spec)(torch.randn(2, 3, *size))
    assert logits.shape == (2, 5, -(-size[0] // stride), -(-size[1] // stride))
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize('name', ['erfnet/full', 'enet/full', 'espnet/q3'])
def test_an_odd_size_equals_the_even_one_away_from_its_end(name):
    # The grids of both sizes lie on each other: only what the last column reaches may differ.
    network = _network(network_spec(name))
    image = torch.randn(1, 3, 16, 1600)
    with torch.no_grad():
        whole, cut = network(image), network(image[..., :-1])
    assert cut.shape[-1] == 1599
    torch.testing.assert_close(cut[..., :200], whole[..., :200], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(cut[..., -8:], whole[..., -9:-1])


@peers
@pytest.mark.parametrize('size', [(64, 96), (45, 70)])
def test_onnx_agrees_with_torch(spec, size, tmp_path):
    deployed = deploy(_network(spec), MEAN, STD)
    assert export_onnx(deployed, size, tmp_path / 'network.onnx') <= 1e-3


@one_of_each
def test_openvino_agrees_with_torch_at_an_odd_size(spec, openvino_error):
    assert openvino_error(_network(spec)) <= 1e-3


@peers
def test_every_parameter_is_trained(spec):
    network = spec.build(5).train()
    network(torch.randn(2, 3, 64, 64)).square().sum().backward()
    assert not [n for n, p in network.named_parameters() if p.grad is None]


@pytest.mark.parametrize('bins', [1, 2, 3, 6])
@pytest.mark.parametrize('size', [(32, 64), (7, 5), (3, 6)])
def test_adaptive_pooling_is_torchs(bins, size):
    x = torch.randn(2, 3, *size)
    torch.testing.assert_close(adaptive_average_pool(x, bins), F.adaptive_avg_pool2d(x, bins))


def test_crop_cuts_to_the_other_tensors_size():
    assert crop(torch.zeros(1, 2, 8, 8), torch.zeros(1, 5, 7, 6)).shape == (1, 2, 7, 6)


@pytest.mark.parametrize('size', [(8, 12), (7, 9)])
def test_enets_unpooling_is_torchs_even_where_values_tie(size):
    # Few values, so that most windows have several maxima.
    x = torch.randint(-1, 2, (2, 3, *size)).float()
    values = torch.randn(2, 3, -(-size[0] // 2), -(-size[1] // 2))
    expected_pooled, indices = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
    expected = F.max_unpool2d(values, indices, 2, output_size=size)
    pooled, positions = pool_with_positions(x)
    torch.testing.assert_close(pooled, expected_pooled)
    assert torch.equal(positions.sum(2), torch.ones_like(values))
    torch.testing.assert_close(crop(unpool(values, positions), x), expected)


def test_enets_down_block_keeps_the_main_branch_and_pads_channels_with_zeros():
    block = ENet(5).eval().down1
    with torch.no_grad():
        # The extension's last normalisation at zero leaves max pooling alone.
        block.extension[7].weight.zero_()
        block.extension[7].bias.zero_()
        x = torch.rand(1, 16, 8, 8)
        y, _ = block(x)
    torch.testing.assert_close(y[:, :16], F.max_pool2d(x, 2))
    assert not y[:, 16:].any()


def test_channel_shuffle_interleaves_the_halves():
    x = torch.arange(6.0).view(1, 6, 1, 1)
    assert channel_shuffle(x, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_split_shuffle_block_factorises_each_half_in_its_own_order():
    block = SSnbt(8, 0.0, dilation=5)
    kernels = [
        [m.kernel_size for m in branch if isinstance(m, torch.nn.Conv2d)]
        for branch in (block.left, block.right)
    ]
    assert kernels == [[(3, 1), (1, 3)] * 2, [(1, 3), (3, 1)] * 2]
    kinds = [type(m).__name__ for m in block.left]
    assert kinds == ['Conv2d', 'ReLU', 'Conv2d', 'BatchNorm2d', 'ReLU',
                     'Conv2d', 'ReLU', 'Conv2d', 'BatchNorm2d', 'Dropout2d']  # fmt: skip
    dilations = [m.dilation for m in block.left if isinstance(m, torch.nn.Conv2d)]
    assert dilations == [(1, 1), (1, 1), (5, 1), (1, 5)]


def test_erfnets_block_reaches_as_far_as_its_dilation():
    block = NonBottleneck1D(1, dilation=4).eval()
    with torch.no_grad():
        for module in block.layers:
            if isinstance(module, torch.nn.Conv2d):
                module.weight.fill_(1.0)
                module.bias.zero_()
        impulse = torch.zeros(1, 1, 21, 21)
        impulse[..., 10, 10] = 1
        reached = (block(impulse) > 0)[0, 0].nonzero()
    # One pixel by the first pair and four by the second, in both directions.
    assert reached.min().item() == 5 and reached.max().item() == 15


def test_espnets_pyramid_sums_its_dilations_hierarchically():
    pyramid = DilatedPyramid(10, 13)
    x = torch.randn(1, 10, 20, 20)
    with torch.no_grad():
        y = pyramid(x)
        single = [transform(pyramid.reduce(x)) for transform in pyramid.transforms]
    # 13 channels: 2 for each dilation, 5 for the first.
    assert [s.shape[1] for s in single] == [5, 2, 2, 2, 2]
    torch.testing.assert_close(y[:, :5], single[0])
    for index in range(1, 5):
        expected = sum(single[1 : index + 1])
        torch.testing.assert_close(y[:, 3 + 2 * index : 5 + 2 * index], expected)


def test_espnet_refuses_fewer_classes_than_dilations():
    with pytest.raises(ValueError, match='at least 5 classes'):
        ESPNet(4)


def test_fast_scnn_fuses_two_branches():
    network = FastSCNN(5).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        reference = network(image)
        for part in (network.feature_fusion.higher, network.feature_fusion.lower):
            saved = part[-1].weight.clone()
            part[-1].weight.zero_()
            assert not torch.allclose(network(image), reference)
            part[-1].weight.copy_(saved)


def test_a_peer_runs_per_frame():
    from vidseg_ros.methods.base import Frame
    from vidseg_ros.methods.registry import MethodOptions, create_method

    made = create_method('per_frame', MethodOptions(
        'random:1', 'lednet/full', engine='torch', precision='fp32',
        extra={'label_space': 'camvid'}))
    state = made.new_state('camera')
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    (result,) = made.predict([made.observe(Frame(image, 0, 'camera', 0), state)], [state])
    assert result.labels.shape == (70, 90) and made.describe()['network'] == 'lednet/full'
