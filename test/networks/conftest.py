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

from contextlib import closing

import numpy as np
import pytest
import torch

from vidseg_ros.checkpoints.store import MEAN, STD
from vidseg_ros.engines.base import EngineOptions
from vidseg_ros.engines.registry import create_engine
from vidseg_ros.networks.deploy import deploy


@pytest.fixture
def openvino_error():
    """Return the largest error of OpenVINO's logits at a size that a network isn't traced at."""
    def of(network):
        deployed = deploy(network, MEAN, STD)
        image = np.random.default_rng(1).integers(0, 256, (1, 45, 71, 3), np.uint8)
        with torch.no_grad():
            expected = deployed(torch.from_numpy(image)).numpy()
        with closing(create_engine('openvino', deployed,
                                   EngineOptions(precision='fp32', threads=1))) as engine:
            return np.abs(engine.run({'image': image})['logits'] - expected).max()

    return of
