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

from vidseg_ros.methods import stage_clock
from vidseg_ros.methods.stage_clock import StageClock


def test_parts_are_timed_one_after_the_other_and_added_up(monkeypatch):
    times = iter([1.0, 1.002, 1.005, 1.015])
    monkeypatch.setattr(stage_clock.time, 'perf_counter', lambda: next(times))
    clock = StageClock()
    for part in ('warping', 'refiner', 'warping'):
        clock.lap(part)
    assert {name: round(ms, 6) for name, ms in clock.stages_ms.items()} == {
        'warping': 12.0, 'refiner': 3.0}
