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
"""CDR against damage and size."""

import random
import tracemalloc

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from example_interfaces.msg import WString
from rcl_interfaces.msg import ParameterValue
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from standalone_ros import cdr
from std_msgs.msg import Float64MultiArray, MultiArrayDimension, String

STATUS = DiagnosticStatus(name='camera', message='ok', values=[KeyValue(key='rate', value='30')])
MESSAGES = [
    Image(height=2, width=3, encoding='mono8', step=3, data=range(6)),
    CameraInfo(distortion_model='plumb_bob', d=[0.1, 0.2]),
    DiagnosticArray(status=[STATUS, STATUS]),
    ParameterValue(byte_array_value=[b'a'], bool_array_value=[True], double_array_value=[1.0],
                   string_array_value=['x', 'yz'], integer_array_value=[1, 2]),
    PointCloud2(fields=[PointField(name='x', datatype=7, count=1)], data=bytes(8)),
    WString(data='aß世'),
    String(data='plain'),
]


def test_damaged_payloads_raise_only_cdr_errors():
    rng = random.Random(7)
    refused = 0
    for _ in range(2000):
        message = rng.choice(MESSAGES)
        data = bytearray(cdr.serialize(message))
        kind = rng.randrange(3)
        if kind == 0:
            del data[rng.randrange(len(data)):]
        elif kind == 1:
            for _ in range(rng.randrange(1, 5)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        else:
            start = rng.randrange(len(data))
            data[start:start + 4] = rng.choice([b'\xff\xff\xff\xff', b'\xff\xff\xff\x7f'])
        try:
            made = cdr.deserialize(bytes(data), type(message))
        except cdr.CdrError:
            refused += 1
        else:
            # What was read can be written again.
            cdr.serialize(made)
    assert 500 < refused < 2000


@pytest.mark.parametrize(('cls', 'offset'), [
    (Image, 40), (DiagnosticArray, 20), (Float64MultiArray, 12), (PointCloud2, 28)])
def test_huge_lengths_are_refused_before_memory_is_taken(cls, offset):
    data = bytearray(cdr.serialize(cls()))
    assert data[offset:offset + 4] == bytes(4)
    data[offset:offset + 4] = b'\xff\xff\xff\xff'
    tracemalloc.start()
    try:
        with pytest.raises(cdr.CdrError):
            cdr.deserialize(data, cls)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('message', MESSAGES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize('wrap', [bytes, bytearray, memoryview, lambda data: np.frombuffer(
    data, np.uint8)])
def test_any_buffer_is_read(message, wrap):
    assert cdr.deserialize(wrap(cdr.serialize(message)), type(message)) == message


def test_big_endian_numbers():
    message = cdr.deserialize(
        b'\x00\x00\x00\x00' + b'\x00\x00\x00\x00' + b'\x00\x00\x00\x00' + b'\x00\x00\x00\x01'
        + bytes(4) + b'\x3f\xf8\x00\x00\x00\x00\x00\x00', Float64MultiArray)
    assert message.data.tolist() == [1.5]


def test_elements_of_every_alignment():
    for length in range(9):
        message = Float64MultiArray(data=[1.0, 2.0])
        message.layout.dim = [MultiArrayDimension(label='x' * length, size=1, stride=2)] * 2
        data = cdr.serialize(message)
        assert cdr.deserialize(data, Float64MultiArray) == message


def test_a_fixed_array_of_the_wrong_size_is_refused():
    message = CameraInfo()
    message.k = np.zeros(8)
    with pytest.raises(ValueError, match='8 elements instead of 9'):
        cdr.serialize(message)


def test_large_images_are_copied_once_each_way():
    size = 2048 * 1024 * 3
    message = Image(data=bytes(size))
    tracemalloc.start()
    try:
        data = cdr.serialize(message)
        assert tracemalloc.get_traced_memory()[1] < 1.1 * size
        tracemalloc.reset_peak()
        cdr.deserialize(data, Image)
        assert tracemalloc.get_traced_memory()[1] < 2.3 * size
    finally:
        tracemalloc.stop()
