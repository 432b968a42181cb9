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
from vidseg_ros.engines.base import EngineOptions
from vidseg_ros.engines.export import export_onnx
from vidseg_ros.engines.registry import create_engine
from vidseg_ros.networks import icnet, refiner
from vidseg_ros.networks.icnet import (
    CascadeFeatureFusion,
    ICNet,
    ICNetConfig,
    PyramidPooling,
    bin_averages,
)
from vidseg_ros.networks.refiner import DeployedICNet, DeployedRefiner, Refiner


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    made = ICNet(ICNetConfig(4)).eval()
    # Batch normalisation that has seen data, so that the outputs are of a usual size.
    made.train()
    with torch.no_grad():
        for module in made.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        made(torch.randn(2, 3, 96, 128))
    return made.eval()


def test_counts_are_within_five_percent_of_what_is_printed():
    half, full = (count(spec) for spec in icnet.specs())
    assert half['gmacs'] == pytest.approx(28.3, rel=0.05)
    assert full['parameters'] == pytest.approx(26.5e6, rel=0.05)
    only = count(refiner.specs()[0])
    assert only['parameters'] < half['parameters'] and only['gmacs'] < 0.8 * half['gmacs']


@pytest.mark.parametrize('bins', [1, 2, 3, 6])
@pytest.mark.parametrize('size', [(11, 15), (32, 64), (2, 3), (1, 1)])
def test_bin_averages_are_those_of_adaptive_pooling(bins, size):
    x = torch.randn(2, 3, *size)
    torch.testing.assert_close(bin_averages(x, bins), F.adaptive_avg_pool2d(x, bins))


def test_pyramid_pooling_multiplies_a_constant_by_five():
    x = torch.full((1, 2, 11, 15), 3.0)
    torch.testing.assert_close(PyramidPooling()(x), 5 * x)


def test_fusion_takes_the_size_of_the_finer_branch():
    fusion = CascadeFeatureFusion(8, 4, 6).eval()
    fused = fusion(torch.randn(1, 8, 3, 5), torch.randn(1, 4, 6, 9))
    assert fused.shape == (1, 6, 6, 9) and (fused >= 0).all()


@pytest.mark.parametrize('size', [(64, 96), (65, 97), (90, 71), (33, 35)])
def test_logits_are_a_quarter_and_features_a_sixteenth(network, size):
    deployed = DeployedRefiner(Refiner(of=network), MEAN, STD)
    with torch.no_grad():
        logits, features = network.with_features(torch.randn(1, 3, *size))
    assert logits.shape == (1, 4, -(-size[0] // 4), -(-size[1] // 4))
    assert features.shape == (1, 256, *deployed.features_size(size))


def test_of_the_same_image_the_refiner_is_icnet_to_the_bit(network):
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        logits, features = network.with_features(image)
        assert torch.equal(Refiner(of=network)(image, features), logits)
        assert torch.equal(network(image), logits)
        assert not torch.allclose(Refiner(of=network)(image, features.flip(3)), logits)


def test_a_refiner_may_have_weights_of_its_own(network):
    own = Refiner(network.config)
    assert own.high_level is not network.high_level
    own.high_level.load_state_dict(network.high_level.state_dict())


@pytest.mark.parametrize('size', [(64, 96), (90, 71)])
@pytest.mark.parametrize('part', ['icnet', 'refiner'])
def test_exports_agree_with_torch(tmp_path, network, part, size):
    deployed = (DeployedICNet(network, MEAN, STD) if part == 'icnet'
                else DeployedRefiner(Refiner(of=network), MEAN, STD))  # fmt: skip
    assert export_onnx(deployed.eval(), size, tmp_path / 'a.onnx') < 1e-3


def test_openvino_agrees_with_torch_at_two_sizes(network):
    deployed = DeployedICNet(network, MEAN, STD).eval()
    torch_engine, openvino = (
        create_engine(name, deployed, EngineOptions('cpu', 'fp32'))
        for name in ('torch', 'openvino')
    )
    for size in ((64, 96), (90, 71)):
        image = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
        expected, got = torch_engine.run({'image': image}), openvino.run({'image': image})
        for name in ('logits', 'features'):
            np.testing.assert_allclose(got[name], expected[name], atol=1e-3)
