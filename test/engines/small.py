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
"""A network that is quick to convert, for tests of what is done with networks."""

import numpy as np
import torch
from torch import nn

from vidseg_ros.networks.deploy import DeployedNetwork

# Tests share the machine; threads that wait for each other cost seconds there.
torch.set_num_threads(1)

MEAN_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def small_network(seed=0, classes=4):
    torch.manual_seed(seed)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, classes, 3, padding=1)
    )
    return DeployedNetwork(layers, *MEAN_STD).eval()


def random_inputs(network, size, count=1, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(0, 256, (count, *a.shape[1:]), np.uint8)
        if a.dtype == np.uint8
        else rng.normal(size=(count, *a.shape[1:])).astype(np.float32)
        for name, a in network.example_inputs(size).items()
    }


def by_torch(network, inputs):
    with torch.inference_mode():
        outputs = network(*(torch.from_numpy(inputs[n]) for n in network.input_names))
    outputs = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
    return {n: t.numpy() for n, t in zip(network.output_names, outputs, strict=True)}
