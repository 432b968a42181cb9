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

from vidseg_ros.flow.dis import PRESETS, DisFlow, to_gray


def texture(height, width, seed=3):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2.0)


@pytest.mark.parametrize('preset', PRESETS)
def test_a_static_scene_does_not_move(preset):
    image = texture(120, 160)
    flow = DisFlow(preset).calc(image, image.copy())
    assert flow.shape == (120, 160, 2)
    assert flow.dtype == np.float32
    assert np.abs(flow).max() < 0.05


@pytest.mark.parametrize(('dx', 'dy'), [(5, 0), (0, -3), (-7, 4)])
def test_a_pure_translation_is_found_to_the_pixel(dx, dy):
    scene = texture(200, 260)
    first = scene[20:140, 30:190]
    second = scene[20 - dy:140 - dy, 30 - dx:190 - dx]
    flow = DisFlow('medium').calc(np.ascontiguousarray(first), np.ascontiguousarray(second))
    inner = flow[16:-16, 16:-16]
    assert np.abs(np.median(inner[..., 0]) - dx) < 0.1
    assert np.abs(np.median(inner[..., 1]) - dy) < 0.1
    assert (np.rint(inner) == (dx, dy)).all(axis=2).mean() > 0.99


def test_one_object_serves_changing_sizes_and_does_not_remember():
    flow = DisFlow()
    moved = flow.calc(texture(64, 64), np.roll(texture(64, 64), 4, axis=1))
    assert np.median(moved[..., 0]) == pytest.approx(4, abs=0.2)
    still = flow.calc(texture(48, 80), texture(48, 80))
    assert np.abs(still).max() < 0.05


@pytest.mark.parametrize(('first', 'second', 'message'), [
    (np.zeros((32, 32), np.uint8), np.zeros((32, 40), np.uint8), 'differ in size'),
    (np.zeros((32, 32), np.float32), np.zeros((32, 32), np.float32), 'uint8'),
    (np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32, 3), np.uint8), r'\[H, W\]'),
    (np.zeros((8, 32), np.uint8), np.zeros((8, 32), np.uint8), 'at least 16'),
])
def test_what_has_no_flow_is_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        DisFlow().calc(first, second)


@pytest.mark.parametrize('preset', PRESETS)
def test_the_smallest_image_works(preset):
    flow = DisFlow(preset).calc(texture(16, 16), texture(16, 16))
    assert np.isfinite(flow).all()


def test_an_unknown_preset_is_refused_with_the_choices():
    with pytest.raises(ValueError, match='ultrafast, fast, medium'):
        DisFlow('slow')


def test_grey_weighs_the_channels_as_rgb():
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    assert to_gray(red)[0, 0] == 76
