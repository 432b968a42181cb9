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
from hypothesis import given, settings
from hypothesis import strategies as st

from vidseg_ros.flow.chain import fetch, positions
from vidseg_ros.flow.runs import RUN, RunWarper


def _by_hand(labels, flow):
    """Fetch run by run along the flow in the middle of each."""
    height, width = labels.shape
    scale = np.float32([width / flow.shape[1], height / flow.shape[0]])
    middle = cv2.resize(flow, (width // RUN, height), interpolation=cv2.INTER_LINEAR) * scale
    first = np.arange(width // RUN) * RUN
    x = np.rint(first + RUN // 2 + middle[..., 0]).astype(int) - RUN // 2
    y = np.rint(np.arange(height)[:, None] + middle[..., 1]).astype(int)
    x = np.clip(x[..., None] + np.arange(RUN), 0, width - 1)
    return labels[np.clip(y, 0, height - 1)[..., None], x].reshape(height, width)


@given(
    st.tuples(st.integers(20, 60), st.integers(5, 20)),
    st.tuples(st.integers(-40, 40), st.integers(-70, 70)),
    st.integers(0, 999),
)
@settings(max_examples=50, deadline=None)
def test_whole_steps_are_exact_on_any_bytes_also_beyond_the_border(size, step, seed):
    size = size[0], size[1] * RUN
    # All bytes, so that among the words are some that are no numbers as floats.
    labels = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    flow = np.full((*size, 2), step, np.float32)
    warper, out = RunWarper(), np.empty(size, np.uint8)
    assert warper.warp(warper.pack(labels), flow, out) is out
    np.testing.assert_array_equal(out, fetch(labels, positions(flow)))


@given(st.integers(0, 999), st.sampled_from([(20, 30), (64, 128), (17, 40)]))
@settings(max_examples=30, deadline=None)
def test_each_run_follows_the_flow_in_its_middle(seed, grid):
    rng, size = np.random.default_rng(seed), (64, 128)
    labels = rng.integers(0, 11, size, np.uint8)
    noise = rng.normal(size=(*grid, 2)).astype(np.float32)
    flow = cv2.GaussianBlur(noise, (0, 0), 4) * 30
    warper = RunWarper()
    found = warper.warp(warper.pack(labels), flow, np.empty(size, np.uint8))
    # OpenCV rounds positions to 1/32 pixel before it rounds to the nearest.
    assert (found == _by_hand(labels, flow)).mean() > 0.95
    still = warper.warp(warper.pack(labels), 0 * flow, np.empty(size, np.uint8))
    np.testing.assert_array_equal(still, labels)


def test_memory_is_used_again_and_odd_rows_are_not_taken():
    warper = RunWarper()
    labels = np.zeros((6, 8), np.uint8)
    memory = np.empty(warper.packed_shape(labels.shape), np.uint8)
    assert warper.pack(labels, memory) is memory
    np.testing.assert_array_equal(memory, warper.pack(labels))
    assert warper.fits((5, 8)) and not warper.fits((8, 5))


@pytest.mark.parametrize('size', [(48, 64), (31, 52)])
def test_smooth_motion_gives_what_pixel_by_pixel_gives(size):
    rng = np.random.default_rng(1)
    labels = cv2.resize(rng.integers(0, 11, (5, 7), np.uint8), size[::-1],
                        interpolation=cv2.INTER_NEAREST)  # fmt: skip
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    flow = np.dstack([0.03 * (x - 20) + 2.2, 0.05 * (y - 20) - 0.7])
    warper = RunWarper()
    found = warper.warp(warper.pack(labels), flow, np.empty(size, np.uint8))
    assert (found == fetch(labels, positions(flow))).mean() > 0.99
