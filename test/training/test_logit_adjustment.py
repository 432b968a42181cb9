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
"""How much of the class weights to keep out of logits is found without training again."""

import pytest
import torch
from torch import nn

from vidseg_ros.training.logit_adjustment import main, sweep


class Biased(nn.Module):
    """Give the logits that it sees, and prefer the second class by ``bias``."""

    def __init__(self, bias):
        super().__init__()
        self.bias = bias

    def forward(self, image):
        return image[:, :2] + torch.tensor([0.0, self.bias])[:, None, None]


def _frames():
    generator = torch.Generator().manual_seed(2)
    image = torch.randn(1, 3, 24, 32, generator=generator)
    labels = image[:, :2].argmax(1).byte()
    labels[:, 0] = 255
    return [(image, labels)]


def test_the_share_that_was_learned_is_found():
    log_weights = torch.tensor([-1.0, 2.0])
    shares = (0.0, 0.5, 1.0)
    # Half of the weights' preference, a difference of 3, was learned: leaving it out is right.
    found = sweep(Biased(1.5), _frames(), log_weights, shares)
    assert found[1] == 1.0 and max(found[0], found[2]) < 0.9
    # Trained without all of it already, the network is right as it is.
    assert sweep(Biased(0.0), _frames(), log_weights, shares, trained=1.0)[2] == 1.0


def test_networks_with_a_memory_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(['lernet_tha_camvid'])
    assert 'needs earlier frames' in capsys.readouterr().err
