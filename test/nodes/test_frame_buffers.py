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
"""Buffers come back when nobody looks at them, and not before."""

import numpy as np

from vidseg_ros.nodes.frame_buffers import LIMIT, FrameBuffers


def address(array):
    return array.__array_interface__['data'][0]


def test_a_buffer_is_used_again_once_nobody_refers_to_it():
    buffers = FrameBuffers()
    image = buffers.take((4, 6, 3))
    first = address(image)
    assert image.flags.c_contiguous
    assert address(buffers.take((4, 6, 3))) != first
    del image
    assert address(buffers.take((4, 6, 3))) == first


def test_any_view_keeps_a_buffer():
    buffers = FrameBuffers()
    image = buffers.take((4, 6, 3))
    image[:] = 7
    views = [image[None], image[1:3, ::2], image.reshape(-1), np.asarray(memoryview(image))]
    del image
    while views:
        for _ in range(20):
            buffers.take((4, 6, 3))[:] = 1
        assert all((view == 7).all() for view in views)
        views.pop()


def test_what_comes_in_turn_costs_no_memory():
    buffers = FrameBuffers()
    seen = set()
    remembered = buffers.take((8, 8, 3))
    for _ in range(100):
        image = buffers.take((8, 8, 3))
        seen.add(address(image))
        remembered = image
    assert remembered is image
    assert len(seen) <= 3


def test_more_than_the_limit_at_a_time_are_had_but_not_kept():
    buffers = FrameBuffers()
    images = [buffers.take((2, 2, 3)) for _ in range(3 * LIMIT)]
    assert len({address(image) for image in images}) == 3 * LIMIT
    assert len(buffers._owners) == LIMIT


def test_another_shape_begins_anew():
    buffers = FrameBuffers()
    small = buffers.take((2, 2, 3))
    assert buffers.take((4, 4, 3)).shape == (4, 4, 3)
    assert small.shape == (2, 2, 3)
    assert len(buffers._owners) == 1
