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
"""Outputs that are sums over the whole network don't keep OpenVINO from computing in bf16."""

import numpy as np
import openvino as ov
import pytest
import torch
from torch import nn

from vidseg_ros.engines.openvino_tails import LONG, shorten_tails, tail_length

BLOCKS = 12


class Residual(nn.Module):
    """Blocks x + conv(x), whose last sum is an output beside logits and a short one."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(BLOCKS))
        self.classifier = nn.Conv2d(8, 4, 1)

    def forward(self, image):
        x = image
        for conv in self.convs:
            x = torch.relu(x + conv(x))
        return self.classifier(x), x, torch.relu(self.convs[0](image))


@pytest.fixture
def model():
    torch.manual_seed(0)
    image = torch.randn(1, 8, 24, 32)
    with torch.no_grad():
        traced = torch.jit.trace(Residual().eval(), image)
    converted = ov.convert_model(traced, example_input=image)
    converted.reshape([1, 8, 24, 32])
    for port, name in zip(converted.outputs, ('logits', 'features', 'short'), strict=True):
        port.get_tensor().set_names({name})
    return converted, image.numpy()


def _lengths(converted):
    return [tail_length(r.input(0).get_source_output()) for r in converted.get_results()]


def test_long_tails_are_cut_and_nothing_else_changes(model):
    converted, image = model
    config = {'INFERENCE_PRECISION_HINT': 'f32'}
    before = ov.compile_model(converted, 'CPU', config)(image)
    expected = [before[name].copy() for name in ('logits', 'features', 'short')]
    lengths = _lengths(converted)
    assert lengths[1] >= 2 * BLOCKS >= LONG > max(lengths[0], lengths[2])
    assert 'features' in shorten_tails(converted)
    assert _lengths(converted)[1] == 0
    assert shorten_tails(converted) == []
    after = ov.compile_model(converted, 'CPU', config)(image)
    for name, wanted in zip(('logits', 'features', 'short'), expected, strict=True):
        np.testing.assert_allclose(after[name], wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(
    'BF16' not in ov.Core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES'),
    reason='this CPU has no bf16',
)
def test_sums_are_in_bf16_then(model):
    converted, _ = model

    def in_fp32():
        compiled = ov.compile_model(converted, 'CPU', {'INFERENCE_PRECISION_HINT': 'bf16'})
        kinds = [(node.get_rt_info()['layerType'].astype(str),
                  node.get_rt_info()['runtimePrecision'].astype(str))
                 for node in compiled.get_runtime_model().get_ops()]
        return sum(precision == 'f32' for kind, precision in kinds
                   if kind not in ('Input', 'Output', 'Const', 'Reorder'))

    before = in_fp32()
    shorten_tails(converted)
    assert in_fp32() < before
