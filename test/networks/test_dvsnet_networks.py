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

from vidseg_ros.checkpoints.store import MEAN, STD
from vidseg_ros.cli.inspect import count
from vidseg_ros.engines.export import export_onnx
from vidseg_ros.networks import resnet
from vidseg_ros.networks.decision import INPUTS, DecisionNetwork
from vidseg_ros.networks.deeplab import DeepLabFast, DeepLabV2
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.deploy_dvsnet import DeployedFlow, DeployedFlowDecision
from vidseg_ros.networks.flownet import FULL, THIN, FlowNetS, warp
from vidseg_ros.networks.pspnet import PSPNet
from vidseg_ros.networks.registry import network_spec

SHALLOW = (1, 1, 2, 1)
SIZES = [(64, 96), (96, 72)]


def lively(network):
    """Give weights and statistics that keep the signal's size, so that errors would show."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.2)
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        with torch.no_grad():  # learn what is normal
            network.train()(torch.randn(2, 3, 64, 96))
    return network.eval()


# The backbone alone has 42.50 M, as every ResNet-101 without its classifier; ASPP-L of 19
# classes adds 4 x (9 x 2048 x 19 + 19).
@pytest.mark.parametrize('name, parameters', [
    ('deeplab/v2', 42_500_160 + 4 * (9 * 2048 * 19 + 19)),
    ('deeplab/fast', 57_253_203),
    ('pspnet/resnet101', 65_707_475),
    ('flownet2/S', 38_676_506 - 960 + (194 * 9 + 1) * 19),
])  # fmt: skip
def test_counts(name, parameters):
    assert count(network_spec(name))['parameters'] == parameters


def test_the_thin_flow_network_has_three_eighths_of_the_channels():
    full, thin = FlowNetS(5, FULL), FlowNetS(5, THIN)
    for name in ('conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'conv6'):
        convs = [[m for m in getattr(n, name).modules() if isinstance(m, nn.Conv2d)][-1]
                 for n in (full, thin)]
        assert convs[1].out_channels * 8 == convs[0].out_channels * 3
    counts = count(network_spec('flownet2/s'))['parameters'], 38_708_739
    assert counts[0] / counts[1] == pytest.approx((3 / 8) ** 2, rel=0.01)


@pytest.mark.parametrize('network, stride', [
    (DeepLabV2, 8), (DeepLabFast, 16), (PSPNet, 8),
])  # fmt: skip
def test_segmentation_networks_export_and_have_their_stride(
        network, stride, tmp_path, monkeypatch):
    monkeypatch.setattr(resnet, 'WIDTHS', (16, 24, 32, 48))
    deployed = deploy(lively(network(5, SHALLOW)), MEAN, STD)
    for size in SIZES:
        assert export_onnx(deployed, size, tmp_path / 'network.onnx') < 1e-3
        image = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
        with torch.inference_mode():
            logits = deployed(torch.from_numpy(image))
        assert logits.shape == (1, 5, -(-size[0] // stride), -(-size[1] // stride))
        assert logits.std() > 1e-2  # or the comparison above says nothing


def test_deeplab_fast_dilates_in_turns():
    network = DeepLabFast(5)
    stages = network.backbone.stages
    rates = [[block.residual[3].dilation[0] for block in stage] for stage in stages]
    assert rates[0] == [1] * 3 and rates[1] == [1] * 4
    assert rates[2] == [1] + [4, 2, 2] * 7 + [4]
    assert rates[3] == [4, 8, 16]


@pytest.mark.parametrize('size', [(64, 96), (65, 71), (7, 130), (1, 1)])
def test_flow_networks_take_every_size(size):
    network = FlowNetS(3, THIN).eval()
    with torch.no_grad():
        output = network(torch.rand(2, 3, *size), torch.rand(2, 3, *size))
    quarter = [-(-side // 4) for side in size]
    assert list(output.flow.shape) == [2, 2, *quarter]
    assert list(output.scale.shape) == [2, 3, *quarter]
    assert output.conv4.shape[1] == INPUTS['s_conv4']
    assert output.conv5.shape[1] == INPUTS['s_conv5']
    assert output.conv6.shape[1] == INPUTS['s_conv6']
    torch.testing.assert_close(output.scale, torch.ones_like(output.scale))


@pytest.mark.parametrize('layer', ['conv6', 'conv4'])
def test_the_flow_network_exports_with_its_decision_network(layer, tmp_path):
    decision = lively(DecisionNetwork(INPUTS[f's_{layer}']))
    with torch.no_grad():
        decision.fc3.weight.mul_(0.02)
        decision.fc3.bias.fill_(0.5)
    deployed = DeployedFlow(lively(FlowNetS(4, THIN)), decision, layer, regions=2).eval()
    for size in [(64, 96), (128, 160)]:
        assert export_onnx(deployed, size, tmp_path / 'flow.onnx') < 1e-3
        inputs = [torch.randint(0, 256, a.shape, dtype=torch.uint8)
                  for a in deployed.example_inputs(size).values()]
        with torch.inference_mode():
            flow, scale, score = deployed(*inputs)
        assert flow.shape == (2, 2, size[0] // 8, size[1] // 8) and flow.std() > 1e-2
        assert scale.shape == (2, 4, size[0] // 8, size[1] // 8)
        assert score.shape == (2,) and ((score > 0) & (score < 1)).all()


def test_the_decision_on_key_frame_and_flow_exports(tmp_path):
    network = lively(DecisionNetwork(INPUTS['flow']))
    with torch.no_grad():
        network.fc3.weight.mul_(0.02)
        network.fc3.bias.fill_(0.5)
    deployed = DeployedFlowDecision(network, regions=3).eval()
    for size in [(64, 96), (160, 224)]:
        assert export_onnx(deployed, size, tmp_path / 'decision.onnx') < 1e-3
        key, flow = (torch.from_numpy(a) for a in deployed.example_inputs(size).values())
        with torch.inference_mode():
            still, moving = deployed(key, flow), deployed(key, flow + 5)
        assert still.shape == (3,) and ((still > 0) & (still < 1)).all()
        assert not torch.allclose(still, moving)


def test_scores_are_clamped_to_what_a_share_can_be():
    network = DecisionNetwork(INPUTS['flow'])
    deployed = DeployedFlowDecision(network, regions=1).eval()
    inputs = [torch.from_numpy(a) for a in deployed.example_inputs((64, 64)).values()]
    for bias, expected in ((7.0, 1.0), (-7.0, 0.0)):
        with torch.no_grad():
            network.fc3.weight.zero_()
            network.fc3.bias.fill_(bias)
            assert deployed(*inputs).tolist() == [expected]


def test_the_decision_network_is_one_convolution_and_three_fully_connected_layers():
    layers = [type(m) for m in DecisionNetwork(384).modules()
              if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert layers == [nn.Conv2d, nn.Linear, nn.Linear, nn.Linear]


def test_warping_fetches_along_the_flow():
    features = torch.randn(1, 2, 6, 9)
    flow = torch.zeros(1, 2, 6, 9)
    torch.testing.assert_close(warp(features, flow), features)
    flow[:, 0], flow[:, 1] = 2.0, -1.0
    warped = warp(features, flow)
    torch.testing.assert_close(warped[..., 1:, :-2], features[..., :-1, 2:])
    torch.testing.assert_close(warped[..., 1:, -1], features[..., :-1, -1])  # at the border
    scale = torch.full_like(features, 3.0)
    torch.testing.assert_close(warp(features, flow, scale), 3 * warped)


def test_the_images_reach_the_deepest_features_of_a_new_flow_network():
    torch.manual_seed(0)
    network = FlowNetS(11, THIN).eval()
    with torch.no_grad():
        features = network(torch.rand(8, 3, 32, 32), torch.rand(8, 3, 32, 32)).conv6
    # Different pairs look different: what all have in common is not all there is.
    assert features.std(0).mean() > 0.05 * features.abs().mean()
