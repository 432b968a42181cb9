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
import math

import pytest

from vidseg_ros.evaluation.benchmarks import spread


def test_a_summary_has_median_and_quartiles():
    assert spread.summary([5.0, 1.0, 2.0, 3.0, 4.0]) == {
        'median': 3.0, 'quartiles': [2.0, 4.0], 'count': 5}
    empty = spread.summary([])
    assert empty['count'] == 0 and math.isnan(empty['median'])


def test_ratios_are_of_the_same_round_and_need_both():
    found = spread.ratios([10.0, math.nan, 40.0, 7.0], [5.0, 5.0, 10.0, math.nan])
    assert found['count'] == 2 and found['median'] == 3.0


def test_latencies_are_percentiles():
    found = spread.latency([float(n) for n in range(101)])
    assert (found['median'], found['p95'], found['p99'], found['max']) == (50, 95, 99, 100)
    assert found['mean'] == pytest.approx(50)
    assert all(math.isnan(value) for value in spread.latency([]).values())
