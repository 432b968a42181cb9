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
"""Networks evaluate within the block, and go on as they were."""

import pytest
from torch import nn

from vidseg_ros.networks.evaluating import evaluating


def test_each_part_is_in_the_mode_it_was_in():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Sequential(nn.Dropout(), nn.BatchNorm2d(1)))
    network.train()
    network[1][1].eval()  # a part that is kept frozen
    with evaluating(network):
        assert not any(part.training for part in network.modules())
    assert network.training and network[0].training and network[1][0].training
    assert not network[1][1].training


def test_also_where_the_block_fails():
    network = nn.BatchNorm2d(1)
    with pytest.raises(ValueError, match='bad'), evaluating(network):
        raise ValueError('bad')
    assert network.training
