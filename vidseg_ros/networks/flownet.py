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
"""
FlowNet2-S and FlowNet2-s, DVSNet's flow networks, with the scale field of deep feature flow.

Sources: Dosovitskiy et al., "FlowNet", ICCV 2015 (FlowNetSimple); Ilg et al., "FlowNet 2.0",
CVPR 2017 (its training, and the -s with 3/8 of the channels); Zhu et al., "Deep Feature Flow",
CVPR 2017 (the scale field); Xu et al., CVPR 2018, section 4.1.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidseg_ros.networks.spec import NetworkSpec, Purpose, Reference

# FlowNet2 regresses a twentieth of the displacement in pixels; a cell of its output is four.
CELLS_PER_UNIT = 20.0 / 4.0

# Width of -S (1) and of -s relative to it.
FULL, THIN = 1.0, 0.375


class FlowOutput(NamedTuple):
    """
    What the flow network gives for a pair of images of height H and width W.

    ``flow`` [N, 2, H/4, W/4], displacements (x, y) in cells of its own grid from the current
    image into the key image; ``scale`` [N, num_classes, H/4, W/4], which the warped logits are
    multiplied by; ``conv4``, ``conv5``, ``conv6``: features at 1/16, 1/32 and 1/64.
    """

    flow: Tensor
    scale: Tensor
    conv4: Tensor
    conv5: Tensor
    conv6: Tensor


def _conv(in_channels: int, out_channels: int, kernel_size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2),
        nn.LeakyReLU(0.1, inplace=True),
    )


class Refinement(nn.Module):
    """
    One step of the expanding part: predict the flow and bring features and flow to twice the size.

    [N, in, h, w] and the skip [N, K, 2h, 2w] -> [N, out + K + 2, 2h, 2w].
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.predict_flow = nn.Conv2d(in_channels, 2, 3, padding=1)
        self.upsample_flow = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)
        self.deconv = nn.Sequential(
            nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.1, inplace=True),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return the skip, the features and the flow, concatenated."""
        # Where halving the size left a remainder, twice the half is a row or a column more.
        height, width = skip.shape[-2:]
        flow = self.upsample_flow(self.predict_flow(x))[:, :, :height, :width]
        features = self.deconv(x)[:, :, :height, :width]
        return torch.cat([skip, features, flow], 1)


class FlowNetS(nn.Module):
    """
    FlowNetSimple of any width, with a scale field for ``num_classes`` logits.

    ``forward`` takes the current and the key image, [N, 3, H, W] in [0, 1] each, at the size
    the flow is wanted for (DVSNet: half of the frame region's).
    """

    def __init__(self, num_classes: int = 19, width: float = FULL) -> None:
        super().__init__()
        c1, c2, c3, c4, c6 = (int(width * c) for c in (64, 128, 256, 512, 1024))
        self.conv1 = _conv(6, c1, 7, 2)
        self.conv2 = _conv(c1, c2, 5, 2)
        self.conv3 = nn.Sequential(_conv(c2, c3, 5, 2), _conv(c3, c3, 3, 1))
        self.conv4 = nn.Sequential(_conv(c3, c4, 3, 2), _conv(c4, c4, 3, 1))
        self.conv5 = nn.Sequential(_conv(c4, c4, 3, 2), _conv(c4, c4, 3, 1))
        self.conv6 = nn.Sequential(_conv(c4, c6, 3, 2), _conv(c6, c6, 3, 1))
        self.refine5 = Refinement(c6, c4)
        self.refine4 = Refinement(2 * c4 + 2, c3)
        self.refine3 = Refinement(c4 + c3 + 2, c2)
        self.refine2 = Refinement(c3 + c2 + 2, c1)
        channels = c2 + c1 + 2
        self.predict_flow = nn.Conv2d(channels, 2, 3, padding=1)
        self.predict_scale = nn.Conv2d(channels, num_classes, 3, padding=1)
        self._start()

    def _start(self) -> None:
        """
        Give the first weights.

        Without normalisation the signal is to keep its size through 20 layers: with torch's own
        first weights nothing of the images is left in conv6.
        """
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.kaiming_normal_(module.weight, a=0.1)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        # The flow is small at first.
        with torch.no_grad():
            self.predict_flow.weight.mul_(0.1)
        # Deep feature flow starts from a scale of one everywhere.
        nn.init.zeros_(self.predict_scale.weight)
        nn.init.ones_(self.predict_scale.bias)  # type: ignore[arg-type]

    def forward(self, current: Tensor, key: Tensor) -> FlowOutput:
        """Return flow, scale field and features."""
        conv2 = self.conv2(self.conv1(torch.cat([current, key], 1)))
        conv3 = self.conv3(conv2)
        conv4 = self.conv4(conv3)
        conv5 = self.conv5(conv4)
        conv6 = self.conv6(conv5)
        x = self.refine5(conv6, conv5)
        x = self.refine4(x, conv4)
        x = self.refine3(x, conv3)
        x = self.refine2(x, conv2)
        flow = CELLS_PER_UNIT * self.predict_flow(x)
        return FlowOutput(flow, self.predict_scale(x), conv4, conv5, conv6)


def warp(features: Tensor, flow: Tensor, scale: Tensor | None = None) -> Tensor:
    """
    Fetch the key frame's features along the flow: W(*) of deep feature flow, bilinearly.

    ``features`` [N, C, h, w], ``flow`` [N, 2, h, w] in cells (x, y), ``scale`` [N, C, h, w].
    Beyond the border the features at the border are taken. For training; the running method
    warps on the CPU (methods/dvsnet.py).
    """
    height, width = features.shape[-2:]
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)[None, :, None]
    x = torch.arange(width, device=flow.device, dtype=flow.dtype)[None, None, :]
    # grid_sample counts from -1 to 1 between the outer edges of the outermost cells.
    grid = torch.stack(
        [(2 * (flow[:, 0] + x) + 1) / width - 1, (2 * (flow[:, 1] + y) + 1) / height - 1], -1
    )
    warped = F.grid_sample(
        features, grid, mode='bilinear', padding_mode='border', align_corners=False
    )
    return warped if scale is None else warped * scale


def _example(network: nn.Module, size: tuple[int, int]) -> list[Tensor | None]:
    return [torch.empty(1, 3, *size), torch.empty(1, 3, *size)]


def specs() -> list[NetworkSpec]:
    """Return -S and -s; counted for half a region of 576x1088, a quarter of 1024x2048 and 64."""
    reference = Reference(38.68, None, 'NVIDIA/flownet2-pytorch, networks/FlowNetS.py')
    return [
        NetworkSpec(
            'flownet2', variant, partial(FlowNetS, width=width), (288, 544), 19, papers, _example,
            purpose=Purpose.FLOW,
        )
        for variant, width, papers in (('S', FULL, reference), ('s', THIN, None))
    ]  # fmt: skip
