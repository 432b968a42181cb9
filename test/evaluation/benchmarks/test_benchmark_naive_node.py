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
import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
import rclpy
import torch
from cv_bridge import CvBridge
from std_msgs.msg import Header

from vidseg_ros.evaluation.benchmarks.processes import script
from vidseg_ros.methods.base import Frame
from vidseg_ros.methods.registry import MethodOptions, create_method


@pytest.fixture(scope='module')
def naive() -> ModuleType:
    spec = importlib.util.spec_from_file_location('naive_node', script('naive_node.py'))
    module = importlib.util.module_from_spec(spec)
    sys.modules['naive_node'] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def context():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them wait for each other on a busy machine
    rclpy.init()
    yield
    rclpy.try_shutdown()
    torch.set_num_threads(threads)


@pytest.mark.parametrize('engine', ['torch', 'openvino'])
def test_the_plain_node_gives_the_labels_of_our_own(naive, context, engine):
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (4, 6, 3), np.uint8)
    image = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    node = naive.PlainNode('fassvid_base_camvid', engine, ['front', 'rear'])
    header = Header(frame_id='optical')
    labels = node.segment(CvBridge().cv2_to_imgmsg(image, 'rgb8', header))
    assert (labels.height, labels.width, labels.encoding) == (64, 96, 'mono8')
    assert labels.header.frame_id == 'optical'
    found = np.frombuffer(labels.data, np.uint8).reshape(64, 96)
    node.destroy_node()
    # With the same weights; only sums are in another order, and in OpenVINO of fewer bits.
    method = create_method('per_frame', MethodOptions('fassvid_base_camvid', engine='torch',
                                                    precision='fp32'))
    state = method.new_state('front')
    (ours,) = method.predict([method.observe(Frame(image, 0, 'front', 0), state)], [state])
    assert np.mean(found == ours.labels) > (0.999 if engine == 'torch' else 0.95)
    assert len(np.unique(found)) > 1
