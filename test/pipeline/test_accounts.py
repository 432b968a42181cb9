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

from vidseg_ros.pipeline.accounts import LatencyAccount, RateMeter, summarize

S = 1_000_000_000


def test_summary_is_numpys():
    values = list(np.random.default_rng(1).gamma(2, 5, 300))
    summary = summarize(values)
    assert summary.count == 300
    assert summary.p95 == pytest.approx(np.percentile(values, 95))
    assert (summary.minimum, summary.maximum) == (min(values), max(values))
    assert summary.mean == pytest.approx(np.mean(values))


def test_only_the_window_counts():
    account = LatencyAccount(window=3)
    for value in (100.0, 1.0, 2.0, 3.0):
        account.add('predict', value)
    assert account.values() == {'predict': [1.0, 2.0, 3.0]}


def test_rate_of_a_steady_stream_and_of_one_that_stopped():
    meter = RateMeter(window_ns=5 * S)
    for i in range(50):
        meter.tick(i * S // 10)
    last = 49 * S // 10
    assert meter.hertz(last) == pytest.approx(10.0)
    assert meter.hertz(last + S // 10) == pytest.approx(10.0)
    assert 3.0 < meter.hertz(last + 3 * S) < 5.0
    assert meter.hertz(last + 60 * S) == 0.0
