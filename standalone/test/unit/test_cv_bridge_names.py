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
"""cv_bridge: newer names of encodings, which not every release of the original knows."""

import cv2
import numpy as np
import pytest
from cv_bridge import CvBridge
from sensor_msgs.msg import Image


@pytest.mark.parametrize(('encoding', 'code'), [
    ('uyvy', cv2.COLOR_YUV2BGR_UYVY), ('yuyv', cv2.COLOR_YUV2BGR_YUY2)])
def test_packed_yuv_is_converted(encoding, code):
    raw = np.random.default_rng(1).integers(0, 256, (4, 6, 2), np.uint8)
    message = Image(encoding=encoding, width=6, height=4, step=12, data=raw.tobytes())
    expected = cv2.cvtColor(raw, code)
    np.testing.assert_array_equal(CvBridge().imgmsg_to_cv2(message, 'bgr8'), expected)
