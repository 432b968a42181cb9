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

from vidseg_ros.methods.confidence import confidence, confidence_of_probabilities, softmax


def test_confidence_is_the_probability_of_the_best_class():
    logits = np.random.default_rng(0).normal(size=(7, 5, 6)).astype(np.float32) * 4
    power = np.exp(logits.astype(np.float64))
    expected = (power / power.sum(0)).max(0) * 255
    assert np.abs(confidence(logits, (5, 6)) - expected).max() <= 0.51
    np.testing.assert_allclose(softmax(logits), power / power.sum(0), atol=1e-6)


@pytest.mark.parametrize('size', [(5, 6), (17, 24)])
def test_of_probabilities_it_is_that_of_their_logits(size):
    logits = np.random.default_rng(1).normal(size=(7, 5, 6)).astype(np.float32) * 30
    out = np.empty(size, np.uint8)
    found = confidence_of_probabilities(softmax(logits), size, out)
    assert found is out
    assert np.abs(found.astype(int) - confidence(logits, size)).max() <= 1
