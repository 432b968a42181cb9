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
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidseg_ros.bags import messages
from vidseg_ros.bags.typestore import jazzy_typestore
from vidseg_ros.labels.registry import label_space

# As ROS 2 Jazzy itself computes them.
HASHES = {
    'vision_msgs/msg/LabelInfo':
        'RIHS01_3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783',
    'vision_msgs/msg/VisionClass':
        'RIHS01_1e4a11f0fed50b5623cb8ff26ca0e37952a48a9c074d16f804b44e9164c2037a',
    'sensor_msgs/msg/Image':
        'RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47'}


@pytest.mark.parametrize('name', sorted(HASHES))
def test_types_are_those_of_jazzy(name):
    assert jazzy_typestore().hash_rihs01(name) == HASHES[name]


def there_and_back(message):
    return jazzy_typestore().deserialize_cdr(messages.serialize(message), message.__msgtype__)


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_stamps(stamp_ns):
    stamp = messages.header(stamp_ns, 'f').stamp
    assert stamp.sec * 10**9 + stamp.nanosec == stamp_ns
    assert 0 <= stamp.nanosec < 10**9


@pytest.mark.parametrize(('shape', 'encoding', 'step'), [((3, 5, 3), 'rgb8', 15),
                                                         ((3, 5), 'mono8', 5)])
def test_images(shape, encoding, step):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    read = there_and_back(messages.image(pixels, 1_500_000_002, 'camera'))
    assert (read.height, read.width, read.encoding, read.step) == (3, 5, encoding, step)
    assert (read.header.stamp.sec, read.header.stamp.nanosec) == (1, 500_000_002)
    assert read.header.frame_id == 'camera'
    assert np.array_equal(read.data.reshape(shape), pixels)


def test_views_are_written_without_padding():
    pixels = np.arange(96, dtype=np.uint8).reshape(4, 8, 3)[:, ::2]
    read = there_and_back(messages.image(pixels, 1, ''))
    assert read.step == 12
    assert np.array_equal(read.data.reshape(4, 4, 3), pixels)


@pytest.mark.parametrize(('compression', 'error'), [('png', 0), ('jpeg', 12)])
def test_compressed_images(compression, error):
    ramp = np.linspace(0, 255, 32).astype(np.uint8)
    pixels = np.stack([np.tile(ramp, (32, 1)), np.tile(ramp[:, None], (1, 32)),
                       np.full((32, 32), 90, np.uint8)], 2)
    read = there_and_back(messages.compressed_image(pixels, compression, 1, 'f'))
    assert read.format == f'rgb8; {compression} compressed bgr8'
    decoded = cv2.imdecode(read.data, cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(decoded.astype(int) - pixels).max() <= error


def test_calibrated_camera():
    matrix = np.array([[800.0, 0, 320], [0, 801, 240], [0, 0, 1]])
    read = there_and_back(messages.camera_info((480, 640), matrix, 1, 'f'))
    assert (read.height, read.width) == (480, 640)
    assert np.array_equal(read.k.reshape(3, 3), matrix)
    assert np.array_equal(read.p.reshape(3, 4)[:, :3], matrix)
    assert np.array_equal(read.r.reshape(3, 3), np.eye(3))
    assert read.d.tolist() == [0.0] * 5


def test_uncalibrated_camera():
    read = there_and_back(messages.camera_info((480, 640), None, 1, 'f'))
    assert not read.k.any()


def test_label_info():
    space = label_space('cityscapes')
    read = there_and_back(messages.label_info(space, 1, 'f'))
    assert [(c.class_id, c.class_name) for c in read.class_map] == list(enumerate(space.classes))
    assert read.threshold == 0.0
