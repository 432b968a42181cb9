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
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidseg_ros.methods import cell_labels
from vidseg_ros.methods.best_class import best_class
from vidseg_ros.methods.buffers import Scratch
from vidseg_ros.methods.confidence import confidence
from vidseg_ros.methods.upsampling import LabelUpsampler


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
    tolerance = 1e-5 * max(1.0, float(np.abs(logits).max()))
    np.testing.assert_allclose(chosen, full.max(0), rtol=0, atol=tolerance)
    assert labels.shape == size and labels.dtype == np.uint8 and labels.flags.c_contiguous


def _logits(kind, c, h, w, seed):
    rng = np.random.default_rng(seed)
    if kind == 'regions':
        # Large regions of one class, as in a segmentation.
        logits = np.repeat(rng.normal(size=(c, h, 1)), w, 2) + rng.normal(size=(c, 1, 1))
    elif kind == 'ties':
        logits = rng.integers(-1, 2, (c, h, w))
    elif kind == 'three':
        # A class that is best at no corner and yet between them.
        logits = rng.choice([0.0, 9.0, 10.0], (c, h, w))
    else:
        logits = rng.normal(size=(c, h, w))
    return logits.astype(np.float32)


KINDS = st.sampled_from(['noise', 'regions', 'ties', 'three'])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 9), st.integers(1, 9), st.integers(1, 17),
    st.integers(1, 17), st.integers(0, 1000), KINDS,
)  # fmt: skip
def test_labels_equal_the_argmax_of_the_full_interpolation(c, h, w, sy, sx, seed, kind):
    _agrees(_logits(kind, c, h, w, seed), (h * sy, w * sx))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(1, 70),
    st.integers(1, 70), st.integers(0, 1000), KINDS,
)  # fmt: skip
def test_so_they_do_where_the_size_is_no_multiple_or_smaller(c, h, w, height, width, seed, kind):
    _agrees(_logits(kind, c, h, w, seed), (height, width))


@pytest.mark.parametrize('size', [(181, 239), (33, 57), (90, 121), (92, 124)])
@pytest.mark.parametrize('kind', ['noise', 'three'])
def test_it_does_not_matter_how_many_cells_are_done_at_a_time(size, kind, monkeypatch):
    logits = _logits(kind, 5, 23, 31, 1)
    _agrees(logits, size)
    whole = LabelUpsampler().labels(logits, size)
    monkeypatch.setattr(cell_labels, '_CELLS', 37)
    monkeypatch.setattr('vidseg_ros.methods.best_class._SAMPLES', 100)
    for picking in (0, 1 << 40):
        monkeypatch.setattr(cell_labels, '_WORTH_PICKING', picking)
        for values in (1, 5000):
            monkeypatch.setattr(cell_labels, '_VALUES', values)
            labels = LabelUpsampler().labels(logits, size)
            np.testing.assert_array_equal(labels, whole)


def test_the_best_class_may_be_given_and_the_place_for_the_labels():
    logits = _logits('regions', 4, 8, 8, 3)
    upsampler = LabelUpsampler()
    for size in ((8, 8), (32, 32), (21, 45)):
        expected = upsampler.labels(logits, size)
        out = np.full(size, 99, np.uint8)
        assert upsampler.labels(logits, size, out, best_class(logits)) is out
        np.testing.assert_array_equal(out, expected)


def _street(seed, c, h, w):
    """Return smooth logits whose boundaries look like those of a street."""
    coarse = np.random.default_rng(seed).normal(size=(c, 12, 24)).astype(np.float32)
    return np.stack([cv2.resize(p, (w, h), interpolation=cv2.INTER_CUBIC) for p in coarse])


@pytest.mark.parametrize('samples', [(128, 256), (64, 128), (96, 192)])
def test_nothing_of_the_images_size_is_allocated_per_frame(samples):
    upsampler, size = LabelUpsampler(), (512, 1024)
    out = np.empty(size, np.uint8)
    full = np.empty(size, np.uint8)
    scratch = Scratch()
    frames = [_street(seed, 11, *samples) for seed in range(4)]

    def run():
        for logits in frames:
            upsampler.labels(logits, size, out)
            confidence(logits, size, full, scratch)

    run()
    tracemalloc.start()
    run()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    run()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Lists of cells and numpy's own buffers come and go; the labels alone are 512 kB.
    assert peak - before < 250_000
    assert after - before < 4_000


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
    assert (confidence(logits, (6, 6)) == 64).all()
    logits[1] = 100
    assert (confidence(logits, (6, 6)) == 255).all()
