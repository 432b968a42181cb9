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
from torch.nn import functional as F

from vidseg_ros.networks.blocks import ConvBNReLU, DepthwiseConv2d


@pytest.mark.parametrize('dilation', [1, 2, 9])
def test_depthwise_gradients_are_right_in_mixed_precision(dilation):
    torch.manual_seed(0)
    convolution = DepthwiseConv2d(16, dilation=dilation).to(memory_format=torch.channels_last)
    x = torch.randn(2, 16, 36, 48).to(memory_format=torch.channels_last)
    gradient = torch.randn(2, 16, 36, 48)
    with torch.autocast('cpu', torch.bfloat16):
        y = convolution(x)
    y.backward(gradient.to(y.dtype))
    weight = convolution.weight.detach().clone().requires_grad_()
    F.conv2d(x, weight, padding=dilation, dilation=dilation, groups=16).backward(gradient)
    found = convolution.weight.grad
    assert (found - weight.grad).abs().max() < 0.02 * weight.grad.abs().max()
    assert torch.isfinite(convolution.bias.grad).all()


def test_depthwise_blocks_are_known_by_their_groups():
    assert isinstance(ConvBNReLU(8, 8, groups=8)[0], DepthwiseConv2d)
    assert not isinstance(ConvBNReLU(8, 8)[0], DepthwiseConv2d)
    assert not isinstance(ConvBNReLU(8, 16, groups=8)[0], DepthwiseConv2d)
    assert ConvBNReLU(8, 8, (3, 1), 2, 2, 8)(torch.zeros(1, 8, 9, 9)).shape == (1, 8, 5, 5)
