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

import numpy as np

from vidseg_ros.evaluation.latency import StageTimes, percentiles


def test_percentiles_of_a_hundred():
    assert percentiles(range(101)) == {'p50': 50.0, 'p95': 95.0, 'p99': 99.0}


def test_no_times_have_no_percentiles():
    assert all(math.isnan(v) for v in percentiles([]).values())


def test_what_is_not_a_number_is_left_out():
    assert percentiles([1.0, math.nan, 3.0])['p50'] == 2.0


def test_stages_are_kept_apart_and_in_order():
    times = StageTimes()
    times.add({'observe': 1.0, 'predict': 10.0})
    times.add({'observe': 3.0, 'predict': 20.0, 'refine': 5.0})
    assert times.stages == ['observe', 'predict', 'refine']
    assert times.summary()['observe']['p50'] == 2.0
    np.testing.assert_array_equal(times.of('refine'), [5.0])
    assert len(times.of('unknown')) == 0
