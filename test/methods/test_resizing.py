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
"""From the camera's image to the network's input."""

import cv2
import numpy as np
import pytest

from vidseg_ros.methods.buffers import BufferPool
from vidseg_ros.methods.resizing import batch_of_one, network_input, resize_image, resize_planes


def _image(height, width):
    small = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize('size', [(64, 96), (32, 48), (16, 24)])
def test_powers_of_two_are_averages(size):
    image = _image(128, 192)
    out = np.empty((*size, 3), np.uint8)
    resize_image(image, out)
    exact = cv2.resize(image.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    # Each halving rounds once.
    assert np.abs(out - exact).max() <= 1.5


@pytest.mark.parametrize('size', [
    (96, 144), (60, 100), (33, 47), (31, 47), (200, 250), (64, 192), (128, 48), (1, 1),
])  # fmt: skip
def test_other_sizes_look_alike(size):
    image = _image(128, 192)
    out = np.full((*size, 3), 99, np.uint8)
    resize_image(image, out, BufferPool())
    expected = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(out.astype(int) - expected).mean() < 12
    np.testing.assert_array_equal(network_input(image, size), out)


def test_odd_sides_are_resized_too():
    image = _image(128, 192)[:101, :151]
    out = np.empty((25, 37, 3), np.uint8)
    resize_image(image, out)
    expected = cv2.resize(image, (37, 25), interpolation=cv2.INTER_AREA)
    assert np.abs(out.astype(int) - expected).mean() < 4


def test_an_image_that_fits_is_not_copied():
    pool, image = BufferPool(), _image(64, 64)
    assert network_input(image, (64, 64)) is image
    assert network_input(image, (0, 0)) is image
    batch = batch_of_one(image, (64, 64), pool)
    assert batch.shape == (1, 64, 64, 3) and np.shares_memory(batch, image)
    mirrored = batch_of_one(image[:, ::-1], (64, 64), pool)
    assert mirrored.flags.c_contiguous
    np.testing.assert_array_equal(mirrored[0], image[:, ::-1])


def test_memory_is_used_again():
    pool, image = BufferPool(), _image(64, 64)
    first = batch_of_one(image, (12, 12), pool)
    assert first.shape == (1, 12, 12, 3)
    kept = first.copy()
    assert batch_of_one(image, (12, 12), pool) is not first
    pool.give_back(first)
    assert batch_of_one(image, (12, 12), pool) is first
    np.testing.assert_array_equal(first, kept)


def test_planes_are_resized_one_by_one():
    planes = np.random.default_rng(1).normal(size=(1, 3, 8, 12)).astype(np.float32)
    resized = resize_planes(planes, (16, 6))
    assert resized.shape == (1, 3, 16, 6) and resized.dtype == np.float32
    np.testing.assert_array_equal(resized[0, 2], cv2.resize(planes[0, 2], (6, 16)))
