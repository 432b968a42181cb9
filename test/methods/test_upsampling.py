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
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidseg_ros.methods.upsampling import LabelUpsampler, best_class, confidence


def _full(logits, size):
    tensor = torch.from_numpy(logits)[None]
    return torch.nn.functional.interpolate(
        tensor, size=size, mode='bilinear', align_corners=False
    )[0].numpy()


def _agrees(logits, size):
    """Labels equal those of the full interpolation, but where two classes tie to the last bits."""
    labels = LabelUpsampler().labels(logits, size)
    full = _full(logits, size)
    chosen = np.take_along_axis(full, labels[None].astype(np.int64), 0)[0]
    np.testing.assert_allclose(chosen, full.max(0), rtol=0, atol=1e-5)
    assert labels.shape == size and labels.dtype == np.uint8 and labels.flags.c_contiguous


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9),
    st.integers(1, 9), st.integers(0, 1000), st.booleans(),
)  # fmt: skip
def test_labels_equal_the_argmax_of_the_full_interpolation(c, h, w, sy, sx, seed, smooth):
    rng = np.random.default_rng(seed)
    if smooth:
        # Large regions of one class, as in a segmentation.
        logits = np.repeat(rng.normal(size=(c, h, 1)), w, 2) + rng.normal(size=(c, 1, 1))
    else:
        logits = rng.normal(size=(c, h, w))
    _agrees(logits.astype(np.float32), (h * sy, w * sx))


@pytest.mark.parametrize('size', [(361, 479), (33, 57), (90, 121)])
def test_sizes_that_are_no_multiple_are_interpolated_everywhere(size):
    _agrees(np.random.default_rng(1).normal(size=(5, 23, 31)).astype(np.float32), size)


def test_the_work_space_does_not_leak_from_frame_to_frame():
    rng = np.random.default_rng(2)
    upsampler = LabelUpsampler()
    first = rng.normal(size=(4, 8, 8)).astype(np.float32)
    second = rng.normal(size=(4, 8, 8)).astype(np.float32)
    labels = upsampler.labels(first, (32, 32))
    kept = labels.copy()
    upsampler.labels(second, (32, 32))
    np.testing.assert_array_equal(labels, kept)
    np.testing.assert_array_equal(upsampler.labels(first, (32, 32)), kept)


def test_best_class_takes_the_first_of_equals():
    logits = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 2.0]], np.float32)[:, None]
    np.testing.assert_array_equal(best_class(logits), [[0, 1]])


def test_confidence_is_the_probability_of_the_best_class():
    logits = np.zeros((4, 3, 3), np.float32)
    assert (confidence(logits, (6, 6)) == 63).all()
    logits[1] = 100
    assert (confidence(logits, (6, 6)) == 255).all()
