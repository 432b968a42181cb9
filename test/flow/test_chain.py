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

import numpy as np

from vidseg_ros.flow.chain import compose, fetch, positions, resize_flow, within


def _smooth_flow(seed, size=(24, 32)):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    a = rng.normal(size=6).astype(np.float32)
    return np.dstack([a[0] + 0.05 * a[1] * x + 0.05 * a[2] * y,
                      a[3] + 0.05 * a[4] * x + 0.05 * a[5] * y]).astype(np.float32)  # fmt: skip


def _bilinear(image, x, y):
    """Sample one position, the border continued."""
    height, width = image.shape[:2]
    left, top = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for row, weight_y in ((top, top + 1 - y), (top + 1, y - top)):
        for column, weight_x in ((left, left + 1 - x), (left + 1, x - left)):
            pixel = image[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
            total = total + weight_x * weight_y * pixel
    return total


def test_a_composed_flow_is_one_after_the_other():
    first, second = _smooth_flow(0), _smooth_flow(1)
    composed = compose(first, second)
    for y, x in ((0, 0), (7, 11), (23, 31), (12, 3)):
        step = first[y, x]
        expected = step + _bilinear(second, x + step[0], y + step[1])
        # OpenCV interpolates in steps of 1/32 pixel.
        np.testing.assert_allclose(composed[y, x], expected, atol=0.02)


def test_translations_add_up_exactly():
    first = np.full((20, 30, 2), (3, -2), np.float32)
    second = np.full((20, 30, 2), (-1, 4), np.float32)
    np.testing.assert_array_equal(compose(first, second), np.full((20, 30, 2), (2, 2)))


def test_what_is_fetched_is_what_lies_there():
    image = np.random.default_rng(2).integers(0, 255, (20, 30), np.uint8)
    at = positions(np.full((20, 30, 2), (4, 1), np.float32))
    moved = fetch(image, at)
    np.testing.assert_array_equal(moved[:19, :26], image[1:, 4:])
    np.testing.assert_array_equal(moved[:19, 26:], np.repeat(image[1:, -1:], 4, axis=1))
    assert (fetch(image, at, outside=7)[:, 26:] == 7).all()
    np.testing.assert_array_equal(within(at, (20, 30)).nonzero()[1].max(), 25)
    many = np.random.default_rng(3).random((20, 30, 40), np.float32)
    np.testing.assert_array_equal(fetch(many, at, nearest=False)[:19, :26], many[1:, 4:])


def test_resized_flows_point_to_the_same_places():
    flow = np.full((20, 30, 2), (6, -4), np.float32)
    np.testing.assert_allclose(resize_flow(flow, (10, 10))[3, 4], (2, -2), rtol=1e-6)
    np.testing.assert_allclose(resize_flow(flow, (40, 60))[3, 4], (12, -8), rtol=1e-6)
    assert resize_flow(flow, (20, 30)) is flow
