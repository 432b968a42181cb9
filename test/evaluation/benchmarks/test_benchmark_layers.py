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

from vidseg_ros.engines.base import EngineError
from vidseg_ros.evaluation.benchmarks import layers
from vidseg_ros.evaluation.benchmarks.layers import layer_costs, readable
from vidseg_ros.networks.deploy import deploy


class Uneven(nn.Module):
    """A layer that costs next to nothing, one that costs all, and an enlargement."""

    def __init__(self):
        super().__init__()
        self.small = nn.Conv2d(3, 32, 3, stride=2, padding=1)
        self.large = nn.Sequential(nn.Conv2d(32, 128, 5, padding=2), nn.ReLU())
        self.last = nn.Conv2d(128, 4, 1)

    def forward(self, image):
        x = self.last(self.large(self.small(image)))
        return nn.functional.interpolate(x, scale_factor=2.0, mode='bilinear')


@pytest.mark.parametrize('name, expected', [
    ('/network/blocks.0/layers.3/layers.3.0/Conv/WithoutBiases', 'blocks.0.layers.3.0'),
    ('/network/decoder.2/Resize', 'decoder.2'),
    ('/network/layers.1/layers.10/Conv', 'layers.1.layers.10'),
    ('/Cast_2', 'Cast_2'),
    ('logits', 'logits'),
])  # fmt: skip
def test_layers_are_named_as_in_the_network(name, expected):
    assert readable(name) == expected


def test_the_dearest_layer_is_found_with_its_rate():
    torch.manual_seed(0)
    deployed = deploy(Uneven(), (0.0,) * 3, (1.0,) * 3)
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), np.uint8)
    found = layer_costs(deployed, {'image': image}, 'fp32', threads=1, most=2)
    assert sum(found['kinds'].values()) == pytest.approx(1.0)
    assert list(found['kinds'].values()) == sorted(found['kinds'].values(), reverse=True)
    first, second = found['layers']
    assert first['layer'] == 'large.0' and first['kind'] == 'Convolution'
    assert first['share'] == pytest.approx(first['ms'] / found['ms'])
    macs = 32 * 128 * 25 * (64 // 2) * (96 // 2)
    assert first['gmacs_per_s'] == pytest.approx(macs / first['ms'] / 1e6)
    assert second['ms'] < first['ms']


def test_what_openvino_cannot_take_is_said(monkeypatch):
    def refuse(*_):
        raise EngineError('no such form')

    monkeypatch.setattr(layers, 'converted', refuse)
    deployed = deploy(Uneven(), (0.0,) * 3, (1.0,) * 3)
    with pytest.raises(EngineError, match='no such form'):
        layer_costs(deployed, {'image': np.zeros((1, 32, 32, 3), np.uint8)}, 'fp32')
