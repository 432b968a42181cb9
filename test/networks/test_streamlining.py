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

from vidseg_ros.networks.complexity import count_macs
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.fassvid import BASE, Attention, ChangePosition, FASSVid, FASSVidConfig
from vidseg_ros.networks.fassvid_refiner import FASSVidRefiner
from vidseg_ros.networks.hardnet import HarDBlock
from vidseg_ros.networks.normalisation import Normalisation, PixelNormalisation
from vidseg_ros.networks.registry import network_spec
from vidseg_ros.networks.streamlining import StreamlinedBlock, streamlined

HIRES = (2, 1, 2, 1)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _trained(network):
    """Give the normalisation layers statistics and weights as training leaves them."""
    torch.manual_seed(3)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0.0, 0.2)
    # In double precision what differs is the order of sums and nothing else.
    return network.double().eval()


def _inputs(network, size):
    h, w = size
    stride = network.output_stride
    shapes = [
        (2, 3, h, w), (2, 3, h // 4, w // 4), (2, 3, h // 4, w // 4),
        (2, network.config.num_classes, -(-h // stride), -(-w // stride)),
    ]  # fmt: skip
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


@pytest.mark.parametrize('attention', list(Attention))
@pytest.mark.parametrize('strides, change, size', [
    ((2, 2, 2, 1), ChangePosition.NONE, (71, 93)), (HIRES, ChangePosition.AFTER_CASPP, (64, 96)),
    (HIRES, ChangePosition.BEFORE_CASPP, (65, 67)),
])  # fmt: skip
def test_every_variant_computes_what_it_did(strides, attention, change, size):
    network = _trained(FASSVid(FASSVidConfig(5, strides, change, attention=attention)))
    inputs = _inputs(network, size)
    with torch.no_grad():
        torch.testing.assert_close(
            streamlined(network)(*inputs), network(*inputs), rtol=1e-9, atol=1e-9
        )


def test_the_refiner_and_the_features_it_takes_are_what_they_were():
    config = FASSVidConfig(5, HIRES, BASE.change, attention=BASE.attention)
    network, refiner = _trained(FASSVid(config)), _trained(FASSVidRefiner(config))
    image = torch.randn(1, 3, 70, 90, dtype=torch.float64)
    with torch.no_grad():
        logits, features = network.with_features(image)
        same_logits, same_features = streamlined(network).with_features(image)
        torch.testing.assert_close(same_logits, logits, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(same_features, features, rtol=1e-9, atol=1e-9)
        refined = streamlined(refiner)(image, features)
        torch.testing.assert_close(refined, refiner(image, features), rtol=1e-9, atol=1e-9)


def test_the_base_multiplies_less():
    network = _trained(FASSVid(BASE))
    image = [torch.zeros(1, 3, 128, 256, dtype=torch.float64)]
    # Three quarters of what the decoder's 1x1 convolutions do with the coarser features.
    saved = sum(
        3 / 4 * stage.in_channels * stage.reduce[0].out_channels * 128 * 256 / (8 << i) ** 2
        for i, stage in enumerate(reversed(network.decoder))
    )
    before, after = count_macs(network, image), count_macs(streamlined(network), image)
    assert before - after == saved


def test_the_network_that_was_given_stays_as_it_is_and_shares_its_weights():
    network = _trained(FASSVid(FASSVidConfig(3)))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    numbers = torch.random.get_rng_state()
    made = streamlined(network)
    assert torch.equal(torch.random.get_rng_state(), numbers)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    ours = {id(p) for p in network.parameters()}
    own = [p for p in made.parameters() if id(p) not in ours]
    # Anew: the decoder's 1x1 convolutions, normalisation inside, and TAM's; the first two layers
    # of three blocks.
    assert len(own) == 3 * (3 + 4) + 3 * 3
    assert not any(p.requires_grad for p in own)


@pytest.mark.parametrize('growth, layers, cheaper', [(10, 4, True), (16, 4, False), (18, 8, True)])
def test_blocks_read_their_input_once_where_that_saves_steps(growth, layers, cheaper):
    # 10 + 18 and 18 + 30 channels take 2 and 3 steps of 16 instead of 3 and 4; 16 + 28 always 3.
    block = _trained(torch.nn.Sequential(HarDBlock(12, growth, layers)))
    made = streamlined(block)
    assert type(made[0]) is (StreamlinedBlock if cheaper else HarDBlock)
    x = torch.randn(2, 12, 9, 7, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(made(x), block(x), rtol=1e-9, atol=1e-9)


def test_networks_without_a_cheaper_form_stay_themselves():
    network = network_spec('fast_scnn/full').build(5)
    assert streamlined(network) is network


@pytest.mark.parametrize('name', ['fassvid/base_hires', 'fassvid/full'])
def test_deployed_networks_are_cheaper_and_say_what_the_plain_one_says(name):
    network = _trained(network_spec(name).build(5)).float()
    deployed = deploy(network, MEAN, STD)
    rng = np.random.default_rng(0)
    given = [
        torch.from_numpy(
            rng.integers(0, 256, a.shape, np.uint8)
            if a.dtype == np.uint8 else rng.normal(size=a.shape).astype(np.float32)
        )
        for a in deployed.example_inputs((70, 90)).values()
    ]  # fmt: skip
    normalise = Normalisation(MEAN, STD)
    plain = [
        normalise(t.permute(0, 3, 1, 2)) if t.dtype == torch.uint8 else t for t in given
    ]
    with torch.no_grad():
        torch.testing.assert_close(deployed(*given), network(*plain), rtol=1e-4, atol=1e-4)
    kinds = {type(module).__name__ for module in deployed.modules()}
    assert 'DecoderStage' not in kinds


@pytest.mark.parametrize('shape', [(1, 4, 6, 3), (2, 5, 7, 3)])
def test_pixels_are_normalised_as_they_lie(shape):
    image = torch.randint(0, 256, shape, dtype=torch.uint8)
    found = PixelNormalisation(MEAN, STD)(image)
    expected = Normalisation(MEAN, STD)(image.permute(0, 3, 1, 2))
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
