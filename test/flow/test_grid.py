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

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidseg_ros.flow.chain import (
    PixelMaps,
    fetch,
    fetch_pixels,
    positions,
    resize_flow,
    within,
)
from vidseg_ros.flow.dis import DisFlow, to_gray
from vidseg_ros.flow.grid import GRID_SETTINGS, GridFlow


def _scene(seed, size):
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)


def _smooth(seed, grid, length=4.0):
    noise = np.random.default_rng(seed).normal(size=(*grid, 2)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3) * length


def _still(scene, step):
    """Return two images of a scene, ``step`` pixels apart."""
    return scene[:, :-step].copy(), scene[:, step:].copy()


@pytest.mark.parametrize('setting', ['ultrafast', 'fast', 'medium'])
def test_on_the_grid_the_presets_are_opencvs(setting):
    """Finest scale n of the images is the finest scale 0 of images 2^n times smaller."""
    first, second = _still(_scene(0, (128, 260)), 4)
    flow, size = GridFlow(setting), first.shape[:2]
    grid = flow.setting.grid(size)
    small = [cv2.resize(to_gray(image), grid[::-1], interpolation=cv2.INTER_AREA)
             for image in (first, second)]  # fmt: skip
    expected = DisFlow(setting).calc(to_gray(first), to_gray(second))
    found = resize_flow(flow.calc(*small), size)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_swift_setting_finds_a_translation():
    first, second = _still(_scene(1, (120, 200)), 5)
    flow = GridFlow()
    grid = flow.setting.grid(first.shape[:2])
    found = flow.calc(flow.shrink(first, grid), flow.shrink(second, grid))
    inner = resize_flow(found, first.shape[:2])[20:-20, 30:-30]
    assert np.abs(inner - (-5, 0)).mean() < 0.25
    still = flow.calc(flow.shrink(first, grid), flow.shrink(first, grid))
    assert not still.any()


def test_a_grid_is_a_third_of_the_image_with_no_more_cells_than_allowed():
    swift = GRID_SETTINGS['swift']
    assert swift.grid((360, 480)) == (120, 160)
    assert swift.grid((180, 240)) == (60, 80)
    for size in ((512, 1024), (1024, 2048), (2160, 3840)):
        height, width = swift.grid(size)
        assert abs(height * width - swift.most_cells) < 300
        assert width / height == pytest.approx(size[1] / size[0], rel=0.01)
    assert swift.grid((32, 40)) == (16, 16)
    assert GRID_SETTINGS['ultrafast'].grid((1024, 2048)) == (256, 512)


def test_shrinking_averages_and_interpolates():
    image = _scene(2, (96, 128))
    flow = GridFlow()
    gray = to_gray(image)
    np.testing.assert_array_equal(flow.shrink(image, (96, 128)), gray)
    quarter = cv2.resize(gray, (32, 24), interpolation=cv2.INTER_AREA)
    out = np.empty((24, 32), np.uint8)
    assert flow.shrink(image, (24, 32), out) is out
    # Halving twice rounds twice.
    assert np.abs(out.astype(int) - quarter).max() <= 1
    third = cv2.resize(gray, (43, 32), interpolation=cv2.INTER_AREA)
    assert np.abs(flow.shrink(image, (32, 43)).astype(int) - third).mean() < 2


def test_what_fits_nothing_is_refused():
    with pytest.raises(ValueError, match='slow'):
        GridFlow('slow')
    with pytest.raises(ValueError, match='differ in size'):
        GridFlow().calc(np.zeros((20, 20), np.uint8), np.zeros((20, 21), np.uint8))


@given(
    st.tuples(st.integers(16, 40), st.integers(16, 40)),
    st.tuples(st.integers(16, 130), st.integers(16, 130)),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_pixel_maps_are_positions_along_the_interpolated_flow(grid, size, seed):
    grid = min(grid[0], size[0]), min(grid[1], size[1])
    flow = _smooth(seed, grid)
    resized = cv2.resize(flow, size[::-1], interpolation=cv2.INTER_LINEAR)
    resized *= np.float32([size[1] / grid[1], size[0] / grid[0]])
    x, y = PixelMaps()(flow, size)
    np.testing.assert_allclose(np.dstack([x, y]), positions(resized), atol=1e-3)


def test_fetching_by_pixel_maps_is_fetching_at_positions():
    size, flow = (90, 120), _smooth(3, (30, 40), 6.0)
    maps, at = PixelMaps()(flow, size), positions(resize_flow(flow, size))
    labels = cv2.resize(np.random.default_rng(4).integers(0, 11, (9, 12), np.uint8),
                        size[::-1], interpolation=cv2.INTER_NEAREST)  # fmt: skip
    for how in ({}, {'outside': 255}, {'nearest': False}):
        found = fetch_pixels(labels, maps, np.empty(size, np.uint8), **how)
        assert (found == fetch(labels, at, **how)).mean() > 0.999
    seen = fetch_pixels(np.zeros(size, np.uint8), maps, np.empty(size, np.uint8), outside=255)
    assert ((seen == 0) == within(at, size)).mean() > 0.999


def test_no_array_of_the_images_size_is_allocated_once_it_runs():
    size = 512, 1024
    first, second = _still(_scene(5, (512, 1028)), 4)
    flow, maps = GridFlow(), PixelMaps()
    grid = flow.setting.grid(size)
    grays = [np.empty(grid, np.uint8) for _ in range(2)]
    out, labels = np.empty(size, np.uint8), np.zeros(size, np.uint8)

    def frame():
        flow.shrink(first, grid, grays[0])
        flow.shrink(second, grid, grays[1])
        fetch_pixels(labels, maps(flow.calc(*grays), size), out)

    frame()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        frame()
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < size[0] * size[1]
