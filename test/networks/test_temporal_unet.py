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

from vidseg_ros.checkpoints.store import MEAN, STD
from vidseg_ros.cli.inspect import count
from vidseg_ros.engines.base import EngineOptions
from vidseg_ros.engines.export import export_onnx
from vidseg_ros.engines.registry import create_engine
from vidseg_ros.networks.complexity import count_parameters
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.deploy_temporal_unet import DeployedTemporalUNet
from vidseg_ros.networks.registry import network_spec, network_specs
from vidseg_ros.networks.temporal_unet import (
    SIZES,
    Block,
    ConvGRUCell,
    ConvNeXtBlock,
    ConvRNNCell,
    GatedUp,
    ResNetBlock,
    TemporalUNet,
    TemporalUNetConfig,
    TemporalUnit,
    UNet,
    build,
)

SPECS = [spec for spec in network_specs() if spec.network == 'temporal_unet']
RECURRENT = [TemporalUnit.CRNN, TemporalUnit.CGRU]

# Table 3: original, small shallow, small deep.
TABLE_3 = {
    'vanilla_{}': (1958996, 125732, 507940),
    'vanilla_{}_crnn': (3508180, 222724, 900100),
    'vanilla_{}_cgru': (6605204, 416372, 1683700),
    'resnet_{}_crnn': (3598356, 229908, 923860),
    'resnet_{}_cgru': (6695380, 423556, 1707460),
    'convnext_{}_crnn': (2933588, None, 760420),
    'convnext_{}_cgru': (6030612, None, 1544020),
}
# Table 2, without the row that says 760420 of resnet_small_deep_crnn, which Table 3 contradicts.
TABLE_2 = {
    'vanilla_original': 1958996,
    'vanilla_small_shallow': 125732,
    'vanilla_small_deep': 507940,
    'vanilla_small_shallow_crnn': 222724,
    'vanilla_small_shallow_cgru': 416372,
    'resnet_small_shallow_cgru': 423556,
    'resnet_small_shallow_crnn': 229908,
    'convnext_small_deep_cgru': 1544020,
    'resnet_small_deep_cgru': 1707460,
}
PRINTED = TABLE_2 | {
    template.format(size): number
    for template, numbers in TABLE_3.items()
    for size, number in zip(SIZES, numbers, strict=True)
    if number
}


def _count(variant):
    with torch.device('meta'):
        return count_parameters(network_spec(f'temporal_unet/{variant}').build(20))


@pytest.mark.parametrize('variant', PRINTED)
def test_every_count_of_the_paper_is_met_to_the_digit(variant):
    assert _count(variant) == PRINTED[variant]


def test_where_the_tables_contradict_each_other_the_other_block_has_that_count():
    assert _count('resnet_small_deep_crnn') == 923860
    assert _count('convnext_small_deep_crnn') == 760420


@pytest.mark.parametrize('spec', [s for s in SPECS if s.reference], ids=lambda spec: spec.variant)
def test_inspection_shows_the_count_beside_the_papers(spec):
    entry = count(spec)
    assert entry['parameters'] == entry['reference']['parameters'] == PRINTED[spec.variant]
    assert entry['input'] == [512, 1024] and entry['gmacs'] > 10


def test_there_is_every_combination_of_block_size_and_cell():
    assert len({spec.variant for spec in SPECS}) == 3 * 3 * 3
    assert sum(spec.reference is not None for spec in SPECS) == len(PRINTED)


@pytest.mark.parametrize('width', [4, 16, 64])
def test_counts_grow_as_their_formulas_say(width):
    def parameters(unit):
        config = TemporalUNetConfig(20, Block.VANILLA, (width, 2 * width, 4 * width), unit)
        with torch.device('meta'):
            return count_parameters(build(config))

    plain = 474 * width**2 + 273 * width + 20
    squares, sums = width**2 * (1 + 4 + 16), width * (1 + 2 + 4)
    assert parameters(TemporalUnit.NONE) == plain
    assert parameters(TemporalUnit.CRNN) == plain + 18 * squares + 2 * sums
    assert parameters(TemporalUnit.CGRU) == plain + 54 * squares + 3 * sums


def _convolve(x, convolution):
    """Return the 3x3 convolution of x [C, H, W] with zeros around it, by shifts and sums."""
    weight, bias = convolution.weight.detach().numpy(), convolution.bias.detach().numpy()
    height, width = x.shape[1:]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.repeat(bias[:, None, None], height, 1).repeat(width, 2).astype(np.float64)
    for dy in range(3):
        for dx in range(3):
            window = padded[:, dy : dy + height, dx : dx + width]
            out += np.tensordot(weight[:, :, dy, dx], window, 1)
    return out


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _pair(channels=3):
    return torch.randn(1, channels, 5, 7), torch.randn(1, channels, 5, 7)


def test_the_rnn_cell_follows_equation_3():
    torch.manual_seed(0)
    cell, (x, hidden) = ConvRNNCell(3), _pair()
    expected = np.maximum(
        _convolve(x[0].numpy(), cell.input) + _convolve(hidden[0].numpy(), cell.hidden), 0
    )
    assert (expected == 0).any() and (expected > 0).any()
    with torch.no_grad():
        np.testing.assert_allclose(cell(x, hidden)[0].numpy(), expected, atol=1e-5)


def test_the_gru_cell_follows_equations_8_to_11():
    torch.manual_seed(1)
    cell, (x, hidden) = ConvGRUCell(3), _pair()
    a, h = x[0].numpy(), hidden[0].numpy()
    both = _convolve(np.concatenate([a, h]), cell.gates)
    r, z = _sigmoid(both[:3]), _sigmoid(both[3:])
    n = np.tanh(_convolve(np.concatenate([a, r * h]), cell.candidate))
    with torch.no_grad():
        np.testing.assert_allclose(cell(x, hidden)[0].numpy(), (1 - z) * n + z * h, atol=1e-5)


def test_a_gru_with_its_gates_forced():
    cell, (x, hidden) = ConvGRUCell(3), _pair()
    with torch.no_grad():
        cell.gates.weight.zero_()
        # The update gate open: nothing new comes in, to the bit, however long.
        cell.gates.bias.copy_(torch.tensor([0.0] * 3 + [200.0] * 3))
        assert torch.equal(cell(x, hidden), hidden)
        # The update gate shut and the reset gate shut: the past is gone.
        cell.gates.bias.copy_(torch.tensor([-200.0] * 6))
        assert torch.equal(cell(x, hidden), cell(x, torch.zeros_like(hidden)))
        # The update gate shut and the reset gate open: the candidate, which sees the past.
        cell.gates.bias.copy_(torch.tensor([200.0] * 3 + [-200.0] * 3))
        candidate = torch.tanh(cell.candidate(torch.cat([x, hidden], 1)))
        torch.testing.assert_close(cell(x, hidden), candidate)
        # Half open: the mean of the two.
        cell.gates.bias.copy_(torch.tensor([200.0] * 3 + [0.0] * 3))
        torch.testing.assert_close(cell(x, hidden), (candidate + hidden) / 2)


def test_blocks_without_their_residual_branch_are_their_shortcut():
    x = torch.randn(2, 4, 6, 6)
    resnet, convnext = ResNetBlock(4, 8).eval(), ConvNeXtBlock(4).eval()
    with torch.no_grad():
        for norm in (resnet.residual[-1][-1], convnext.residual[-1]):
            norm.weight.zero_()
            norm.bias.zero_()
        torch.testing.assert_close(resnet(x), torch.relu(resnet.shortcut(x)))
        torch.testing.assert_close(convnext(x), torch.nn.functional.gelu(x))


def test_the_gate_of_convunext_follows_its_equation():
    torch.manual_seed(2)
    stage = GatedUp(6, 3)
    x, skip = torch.randn(1, 3, 2, 2), torch.randn(1, 3, 2, 2)

    def mix(layer, values):
        return np.tensordot(layer.weight.detach().numpy()[:, :, 0, 0], values, 1) + (
            layer.bias.detach().numpy()[:, None, None]
        )

    g, s = mix(stage.gates, x[0].numpy()), skip[0].numpy()
    kept = _sigmoid(mix(stage.attention, g[:3] + s)) * s
    expected = mix(stage.mix, kept + _sigmoid(g[3:6]) * np.tanh(g[6:]))
    with torch.no_grad():
        np.testing.assert_allclose(stage.gate(x, skip)[0].numpy(), expected, atol=1e-6)


def _network(block, unit, widths=(4, 8, 16)):
    torch.manual_seed(3)
    return build(TemporalUNetConfig(5, block, widths, unit)).eval()


def _hidden(network, size, batch=1):
    return [torch.rand(batch, *shape) for shape in network.hidden_shapes(size)]


@pytest.mark.parametrize('size', [(16, 16), (17, 19), (22, 35), (31, 16)])
@pytest.mark.parametrize('block', list(Block))
def test_logits_have_the_images_size_whatever_it_is(block, size):
    assert _network(block, TemporalUnit.NONE)(torch.rand(2, 3, *size)).shape == (2, 5, *size)
    network = _network(block, TemporalUnit.CGRU)
    logits, *states = network(torch.rand(2, 3, *size), *_hidden(network, size, 2))
    assert logits.shape == (2, 5, *size)
    assert [tuple(state.shape[1:]) for state in states] == network.hidden_shapes(size)


@pytest.mark.parametrize('block', list(Block))
def test_the_smallest_side_passes_and_one_less_does_not(block):
    network = _network(block, TemporalUnit.CRNN)
    side = network.minimum_side
    network(torch.rand(1, 3, side, side), *_hidden(network, (side, side)))
    with pytest.raises(RuntimeError):
        network(torch.rand(1, 3, side - 1, side), *_hidden(network, (side - 1, side)))


@pytest.mark.parametrize('unit', RECURRENT)
def test_every_levels_state_matters_to_the_result(unit):
    network = _network(Block.RESNET, unit)
    image, hidden = torch.rand(1, 3, 16, 24), _hidden(network, (16, 24))
    with torch.no_grad():
        reference = network(image, *hidden)[0]
        for level in range(3):
            other = [h + (i == level) for i, h in enumerate(hidden)]
            assert not torch.allclose(reference, network(image, *other)[0])


def test_the_encoder_does_not_see_the_states():
    network = _network(Block.VANILLA, TemporalUnit.CGRU)
    image = torch.rand(1, 3, 16, 16)
    features = network.encode(image)
    with torch.no_grad():
        for cell in network.cells:
            cell.gates.weight.zero_()
            cell.gates.bias.fill_(200.0)
        # With the update gates open the decoder sees the states alone.
        logits, *states = network(image, *features)
    plain = UNet(network.config)
    plain.load_state_dict(
        {k: v for k, v in network.state_dict().items() if not k.startswith('cells')}
    )
    torch.testing.assert_close(logits, plain.eval()(image))
    for state, feature in zip(states, features, strict=True):
        assert torch.equal(state, feature)


def test_images_of_a_batch_do_not_see_each_other():
    network = _network(Block.RESNET, TemporalUnit.CGRU)
    images, hidden = torch.rand(3, 3, 16, 16), _hidden(network, (16, 16), 3)
    with torch.no_grad():
        together = network(images, *hidden)
        for i in range(3):
            alone = network(images[i : i + 1], *(h[i : i + 1] for h in hidden))
            for a, b in zip(alone, together, strict=True):
                torch.testing.assert_close(a, b[i : i + 1], atol=1e-5, rtol=1e-5)


def test_deployed_networks_carry_their_states():
    deployed = deploy(_network(Block.VANILLA, TemporalUnit.CRNN), MEAN, STD)
    assert isinstance(deployed, DeployedTemporalUNet)
    assert deployed.input_names == ('image', 'hidden_0', 'hidden_1', 'hidden_2')
    assert deployed.output_names[1:] == tuple(f'next_{n}' for n in deployed.input_names[1:])
    example = deployed.example_inputs((16, 24))
    assert example['image'].dtype == np.uint8 and example['image'].shape == (1, 16, 24, 3)
    assert example['hidden_2'].shape == (1, 16, 4, 6) and not example['hidden_2'].any()
    plain = deploy(_network(Block.VANILLA, TemporalUnit.NONE), MEAN, STD)
    assert plain.input_names == ('image',)


@pytest.mark.parametrize('unit', RECURRENT)
@pytest.mark.parametrize('block', list(Block))
@pytest.mark.parametrize('widths, size', [
    (SIZES['small_shallow'], (16, 24)), (SIZES['small_shallow'], (35, 41)),
    (SIZES['small_deep'], (32, 40)), (SIZES['small_deep'], (43, 71)),
    (SIZES['original'], (17, 23)),
])  # fmt: skip
def test_onnx_runtime_agrees_with_torch(tmp_path, block, unit, widths, size):
    deployed = deploy(_network(block, unit, widths), MEAN, STD)
    assert export_onnx(deployed, size, tmp_path / 'a.onnx') < 1e-3


def test_openvino_agrees_with_torch_over_a_sequence_at_two_sizes():
    deployed = deploy(_network(Block.CONVNEXT, TemporalUnit.CRNN), MEAN, STD)
    engine = create_engine('openvino', deployed, EngineOptions('cpu', 'fp32'))
    reference = create_engine('torch', deployed, EngineOptions('cpu', 'fp32'))
    rng = np.random.default_rng(0)
    for size in ((24, 40), (33, 47)):
        inputs = deployed.example_inputs(size)
        for _ in range(3):
            inputs['image'] = rng.integers(0, 256, inputs['image'].shape, np.uint8)
            expected = reference.run(inputs)
            for name, array in engine.run(inputs).items():
                np.testing.assert_allclose(array, expected[name], atol=1e-3)
            inputs |= {name: expected[f'next_{name}'] for name in deployed.hidden_names}


def test_a_network_for_training_keeps_gradients_through_its_states():
    network = TemporalUNet(TemporalUNetConfig(3, Block.CONVNEXT, (4, 8), TemporalUnit.CGRU))
    hidden = [torch.zeros(1, *shape) for shape in network.hidden_shapes((16, 16))]
    first = torch.rand(1, 3, 16, 16, requires_grad=True)
    _, *hidden = network(first, *hidden)
    logits, *_ = network(torch.rand(1, 3, 16, 16), *hidden)
    logits.sum().backward()
    assert first.grad is not None and first.grad.abs().sum() > 0
