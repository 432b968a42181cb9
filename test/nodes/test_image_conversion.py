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
from __future__ import annotations

import array
import sys

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from cv_bridge import CvBridge
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image

from vidseg_ros.nodes import image_conversion
from vidseg_ros.nodes.image_conversion import MAX_PIXELS, compressed_to_rgb, stamp_ns, to_rgb
from vidseg_ros.pipeline.arrival import BadFrame

H, W = 6, 10
CHANNELS = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1, 'yuv422': 2,
            'yuv422_yuy2': 2, 'bayer_rggb8': 1, 'bayer_bggr8': 1, 'bayer_gbrg8': 1,
            'bayer_grbg8': 1, '8UC3': 3, '8UC1': 1}


def scene(height=H, width=W):
    """Return smooth colours, in which chroma subsampling and demosaicing lose little."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([40 + 15 * x, 60 + 20 * y, 200 - 8 * x - 5 * y], -1).clip(0, 255).astype('u1')


def message(encoding, pixels, padding=0):
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    padded = np.full((height, rows.shape[1] + padding), 0xab, np.uint8)
    padded[:, :rows.shape[1]] = rows
    result = Image(height=height, width=width, encoding=encoding, step=padded.shape[1])
    result.data = array.array('B', padded.tobytes())
    return result


def random_message(encoding, padding=0, seed=0):
    shape = (H, W, CHANNELS[encoding])
    return message(encoding, np.random.default_rng(seed).integers(0, 256, shape, np.uint8),
                   padding)


@pytest.mark.parametrize('padding', [0, 12])  # cv_bridge wants whole pixels
@pytest.mark.parametrize('encoding', [
    'rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', 'bayer_rggb8', 'bayer_bggr8', 'bayer_gbrg8',
    'bayer_grbg8', 'yuv422', 'yuv422_yuy2'])
def test_equal_to_cv_bridge(encoding, padding):
    source = random_message(encoding, padding)
    expected = CvBridge().imgmsg_to_cv2(source, 'rgb8')
    image = to_rgb(source)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, expected)


def mosaic(rgb, pattern):
    colors = {'r': 0, 'g': 1, 'b': 2}
    result = np.empty(rgb.shape[:2], np.uint8)
    for index, color in enumerate(pattern):
        y, x = divmod(index, 2)
        result[y::2, x::2] = rgb[y::2, x::2, colors[color]]
    return result


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_patterns_mean_what_their_names_say(pattern):
    rgb = scene(16, 16)
    image = to_rgb(message(f'bayer_{pattern}8', mosaic(rgb, pattern)))
    error = np.abs(image.astype(int) - rgb)[2:-2, 2:-2]
    assert error.max() < 12


@pytest.mark.parametrize(('encoding', 'order'), [
    ('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv'),
    ('yuy2', 'yuyv')])
def test_yuv_orders(encoding, order):
    rgb = scene()
    full = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    # BT.601 with studio swing, which is what OpenCV's 4:2:2 conversions are.
    y = 16 + full[..., 0] * (219 / 255)
    u = 128 + (full[..., 2].astype(float) - 128) * (224 / 255)
    v = 128 + (full[..., 1].astype(float) - 128) * (224 / 255)
    packed = np.empty((H, W, 2), np.uint8)
    luma, chroma = (1, 0) if order == 'uyvy' else (0, 1)
    packed[..., luma] = y
    packed[:, 0::2, chroma] = (u[:, 0::2] + u[:, 1::2]) / 2
    packed[:, 1::2, chroma] = (v[:, 0::2] + v[:, 1::2]) / 2
    error = np.abs(to_rgb(message(encoding, packed)).astype(int) - rgb)
    assert error.max() < 20


def test_rgb_is_not_copied():
    source = message('rgb8', scene())
    image = to_rgb(source)
    np.testing.assert_array_equal(image, scene())
    assert np.shares_memory(image, np.frombuffer(source.data, np.uint8))
    assert image.flags.c_contiguous
    padded = message('rgb8', scene(), 5)
    image = to_rgb(padded)
    np.testing.assert_array_equal(image, scene())
    assert np.shares_memory(image, np.frombuffer(padded.data, np.uint8))


def test_what_numpy_can_not_view_goes_through_cv_bridge():
    pixels = (scene()[..., :1].astype(np.uint16) * 257)
    source = message('mono16', pixels.view(np.uint8))
    source.width = W
    np.testing.assert_array_equal(to_rgb(source), np.repeat(scene()[..., :1], 3, -1))


def broken(kind='rgb8', **changes):
    source = random_message(kind)
    for name, value in changes.items():
        setattr(source, name, value)
    return source


@pytest.mark.parametrize(('source', 'cause'), [
    (broken(step=3), 'wrong step'),
    (broken(step=0), 'wrong step'),
    (broken(step=4_000_000_000), 'short data'),
    (broken(data=array.array('B', bytes(17))), 'short data'),
    (broken(data=array.array('B')), 'short data'),
    (broken(data=array.array('B', bytes(3 * H * W + 1))), 'excess data'),
    (broken(encoding='nonsense'), 'unknown encoding'),
    (broken(encoding=''), 'unknown encoding'),
    (broken(encoding='32FC1', step=4 * W, data=array.array('B', bytes(4 * W * H))),
     'unknown encoding'),
    (broken(width=0), 'empty image'),
    (broken(height=0), 'empty image'),
    (broken(width=0, height=0, step=0, data=array.array('B')), 'empty image'),
    (broken(width=100_000, height=100_000), 'too large'),
    (broken(width=100_000, height=100_000, step=300_000), 'too large'),
    (broken(width=4_294_967_295, height=4_294_967_295), 'too large'),
    (broken('yuv422', width=9), 'odd size'),
    (broken('bayer_rggb8', width=9), 'odd size'),
    (broken('bayer_rggb8', height=5, data=array.array('B', bytes(50))), 'odd size'),
])
def test_what_is_no_image_is_refused_by_cause(source, cause):
    with pytest.raises(BadFrame) as problem:
        to_rgb(source)
    assert problem.value.cause == cause


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
       st.sampled_from([*image_conversion.ENCODINGS, 'mono16', 'bgr16', 'x']),
       st.integers(0, 300))
def test_any_header_gives_an_image_or_a_reason(height, width, step, encoding, size):
    source = Image(height=height, width=width, step=step, encoding=encoding)
    source.data = array.array('B', bytes(size))
    try:
        image = to_rgb(source)
    except BadFrame:
        return
    assert image.shape == (height, width, 3)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 3),
       st.sampled_from(sorted(CHANNELS)))
def test_any_size_that_fits_gives_an_image(height, width, padding, encoding):
    source = message(encoding, np.zeros((height, width, CHANNELS[encoding]), np.uint8), padding)
    try:
        assert to_rgb(source).shape == (height, width, 3)
    except BadFrame as problem:
        assert problem.cause == 'odd size'


def compressed(data, kind='jpeg'):
    result = CompressedImage(format=kind)
    result.data = array.array('B', bytes(data))
    return result


def jpeg():
    return cv2.imencode('.jpg', scene(32, 48)[..., ::-1])[1].tobytes()


def png(image):
    return cv2.imencode('.png', image)[1].tobytes()


def test_jpeg_and_png():
    image = compressed_to_rgb(compressed(jpeg()))
    assert image.shape == (32, 48, 3)
    assert np.abs(image.astype(int) - scene(32, 48)).mean() < 4
    exact = compressed_to_rgb(compressed(png(scene()[..., ::-1]), 'png'))
    np.testing.assert_array_equal(exact, scene())
    gray = compressed_to_rgb(compressed(png(scene()[..., 0]), 'png'))
    np.testing.assert_array_equal(gray, np.repeat(scene()[..., :1], 3, -1))
    # Some cameras pad what they send.
    assert compressed_to_rgb(compressed(jpeg() + bytes(100))).shape == (32, 48, 3)


def huge_png():
    data = bytearray(png(scene()))
    data[16:24] = (100_000).to_bytes(4, 'big') * 2
    return data


def huge_jpeg():
    data = bytearray(jpeg())
    frame = data.index(b'\xff\xc0')
    data[frame + 5:frame + 9] = b'\xff\xff\xff\xff'
    return data


@pytest.mark.parametrize(('data', 'cause'), [
    (b'', 'empty image'),
    (jpeg()[:len(jpeg()) // 2], 'truncated'),
    (jpeg()[:-2], 'truncated'),
    (jpeg()[:30], 'truncated'),
    (b'\xff\xd8', 'truncated'),
    (png(scene())[:-20], 'truncated'),
    (png(scene())[:20], 'truncated'),
    (b'GIF89a', 'undecodable'),
    (b'\xff\xd8garbage and more', 'undecodable'),
    (huge_png(), 'too large'),
    (huge_jpeg(), 'too large'),
])
def test_damaged_files_are_refused_by_cause(data, cause):
    with pytest.raises(BadFrame) as problem:
        compressed_to_rgb(compressed(data))
    assert problem.value.cause == cause


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_a_damaged_jpeg_gives_an_image_or_a_reason(seed, flips):
    random = np.random.default_rng(seed)
    data = np.frombuffer(jpeg(), np.uint8).copy()
    data[random.integers(0, len(data), flips)] = random.integers(0, 256, flips)
    try:
        image = compressed_to_rgb(compressed(data.tobytes()))
    except BadFrame:
        return
    assert image.size <= 3 * MAX_PIXELS


def test_stamps():
    assert stamp_ns(Time(sec=3, nanosec=5)) == 3_000_000_005
    assert stamp_ns(Time()) == 0
    for bad in (Time(sec=-1), Time(sec=-2**31), Time(nanosec=1_000_000_000),
                Time(nanosec=2**32 - 1)):
        with pytest.raises(BadFrame, match='impossible stamp'):
            stamp_ns(bad)


def test_without_cv_bridge_other_encodings_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    with pytest.raises(BadFrame, match='unknown encoding'):
        to_rgb(broken(encoding='mono16', step=2 * W, data=array.array('B', bytes(2 * W * H))))
