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
"""cv_bridge: encodings both ways, conversions, padded rows, byte order."""

import cv2
import numpy as np
import pytest
from cv_bridge import CvBridge, CvBridgeError
from sensor_msgs.msg import Image
from std_msgs.msg import Header


@pytest.fixture
def bridge():
    return CvBridge()


@pytest.fixture
def pixels():
    return np.random.default_rng(5).integers(0, 256, (4, 6, 3), np.uint8)


def image(encoding, width, height, step, data, is_bigendian=0):
    return Image(encoding=encoding, width=width, height=height, step=step, data=data,
                 is_bigendian=is_bigendian)


@pytest.mark.parametrize(('dtype', 'name'), [
    (np.uint8, '8U'), (np.int8, '8S'), (np.uint16, '16U'), (np.int16, '16S'), (np.int32, '32S'),
    (np.float32, '32F'), (np.float64, '64F')])
@pytest.mark.parametrize('channels', [1, 2, 3, 4])
def test_every_type_and_its_way_back(bridge, dtype, name, channels):
    array = np.arange(5 * 7 * channels).reshape((5, 7, channels)[:2 if channels == 1 else 3])
    array = array.astype(dtype)
    message = bridge.cv2_to_imgmsg(array)
    assert (message.encoding, message.height, message.width) == (f'{name}C{channels}', 5, 7)
    assert message.step == 7 * array.itemsize * channels
    assert message.data.tobytes() == array.tobytes()
    back = bridge.imgmsg_to_cv2(message)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(('target', 'code'), [
    ('rgb8', cv2.COLOR_BGR2RGB), ('mono8', cv2.COLOR_BGR2GRAY), ('bgra8', cv2.COLOR_BGR2BGRA),
    ('rgba8', cv2.COLOR_BGR2RGBA)])
def test_colours_are_converted(bridge, pixels, target, code):
    message = bridge.cv2_to_imgmsg(pixels, 'bgr8')
    np.testing.assert_array_equal(
        bridge.imgmsg_to_cv2(message, target), cv2.cvtColor(pixels, code))


@pytest.mark.parametrize(('encoding', 'code'), [
    ('bayer_rggb8', cv2.COLOR_BayerBG2BGR), ('bayer_bggr8', cv2.COLOR_BayerRG2BGR),
    ('bayer_gbrg8', cv2.COLOR_BayerGR2BGR), ('bayer_grbg8', cv2.COLOR_BayerGB2BGR),
    ('yuv422', cv2.COLOR_YUV2BGR_UYVY), ('yuv422_yuy2', cv2.COLOR_YUV2BGR_YUY2)])
def test_raw_camera_formats_are_converted(bridge, encoding, code):
    channels = 1 if encoding.startswith('bayer') else 2
    raw = np.random.default_rng(1).integers(0, 256, (4, 6, channels), np.uint8)
    message = image(encoding, 6, 4, 6 * channels, raw.tobytes())
    expected = cv2.cvtColor(raw, code)
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message, 'bgr8'), expected)


def test_a_red_bayer_pixel_is_red(bridge):
    raw = np.zeros((8, 8), np.uint8)
    raw[::2, ::2] = 255
    message = image('bayer_rggb8', 8, 8, 8, raw.tobytes())
    red, green, blue = bridge.imgmsg_to_cv2(message, 'rgb8')[4, 4]
    assert (red, green, blue) == (255, 0, 0)


def test_depths_are_scaled(bridge):
    message = image('mono8', 2, 1, 2, [255, 1])
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message, 'mono16'), [[65535, 257]])
    wide = bridge.cv2_to_imgmsg(np.array([[65535, 257, 100]], np.uint16), 'mono16')
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(wide, 'mono8'), [[255, 1, 0]])
    metres = bridge.cv2_to_imgmsg(np.array([[1.5, -2.0]], np.float32))
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(metres, '64FC1'), [[1.5, -2.0]])


def test_padded_rows_are_cut(bridge):
    message = image('mono8', 3, 2, 5, [1, 2, 3, 0, 0, 4, 5, 6, 0, 0])
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message), [[1, 2, 3], [4, 5, 6]])


def test_big_endian_is_turned(bridge):
    message = image('mono16', 2, 1, 4, [1, 2, 3, 4], is_bigendian=1)
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message), [[0x0102, 0x0304]])


def test_refusals(bridge, pixels):
    with pytest.raises(CvBridgeError, match=r'Unrecognized image encoding \[nope\]'):
        bridge.imgmsg_to_cv2(image('nope', 1, 1, 1, [0]))
    with pytest.raises(CvBridgeError, match='incompatible type 8UC3'):
        bridge.cv2_to_imgmsg(pixels, 'mono8')
    with pytest.raises(CvBridgeError, match='is not a color format'):
        bridge.imgmsg_to_cv2(bridge.cv2_to_imgmsg(pixels), 'bgr8')
    with pytest.raises(TypeError, match='Your input type is not a numpy array'):
        bridge.cv2_to_imgmsg([[1]])
    with pytest.raises(TypeError):
        bridge.imgmsg_to_cv2(image('mono8', 100, 100, 100, [0] * 5))


def test_the_header_is_kept(bridge, pixels):
    header = Header(frame_id='cam')
    assert bridge.cv2_to_imgmsg(pixels, 'bgr8', header).header == header


def test_compressed_images(bridge):
    ramp = np.dstack([np.tile(np.arange(64, dtype=np.uint8) * 2, (32, 1))] * 3)
    ramp[:, :, 2] = 200
    lossless = bridge.cv2_to_compressed_imgmsg(ramp, 'png')
    assert lossless.format == 'png'
    np.testing.assert_array_equal(bridge.compressed_imgmsg_to_cv2(lossless), ramp)
    np.testing.assert_array_equal(
        bridge.compressed_imgmsg_to_cv2(lossless, 'rgb8'), ramp[:, :, ::-1])
    lossy = bridge.compressed_imgmsg_to_cv2(bridge.cv2_to_compressed_imgmsg(ramp), 'bgr8')
    assert np.abs(lossy.astype(int) - ramp).mean() < 4
