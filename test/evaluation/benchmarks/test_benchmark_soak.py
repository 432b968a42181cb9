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
import importlib.util
import json
import subprocess
import sys

import pytest

from vidseg_ros.evaluation.benchmarks.processes import script


@pytest.fixture(scope='module')
def soak():
    spec = importlib.util.spec_from_file_location('soak', script('soak.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ticks(*spans):
    """Times every 0.1 s in each (from, to)."""
    return [begin + 0.1 * n for begin, end in spans for n in range(round((end - begin) * 10))]


def test_a_pause_of_two_periods_is_none_and_a_longer_one_is(soak):
    assert soak.gaps(ticks((0, 5), (5.05, 9)), 0.1, [], 0.0, 9.0) == []
    (gap,) = soak.gaps(ticks((0, 5), (5.2, 9)), 0.1, [], 0.0, 9.0)
    assert gap['at_s'] == pytest.approx(4.9) and gap['seconds'] == pytest.approx(0.3)
    assert gap['allowed_s'] == pytest.approx(0.2)
    # From the beginning and up to the end, too.
    assert len(soak.gaps([], 0.1, [], 0.0, 9.0)) == 1


def test_a_pause_that_the_cameras_own_change_explains_is_none(soak):
    times = ticks((0, 5), (7, 9))
    assert soak.gaps(times, 0.1, [(4.95, 7.5)], 0.0, 9.0) == []
    assert len(soak.gaps(times, 0.1, [(8.0, 8.5)], 0.0, 9.0)) == 1


def test_a_slow_machine_has_longer_periods(soak):
    times = [0.5 * n for n in range(20)]
    assert soak.gaps(times, 0.1, [], 0.0, 9.5) == []
    (gap,) = soak.gaps([t for t in times if not 4.5 <= t <= 5.0], 0.1, [], 0.0, 9.5)
    assert gap['seconds'] == pytest.approx(1.5) and gap['allowed_s'] == pytest.approx(1.0)


def test_absences_last_until_a_while_after_the_camera_is_back(soak):
    history = [(0.0, ['a', 'b']), (4.0, ['a']), (6.0, ['a', 'b']), (8.0, ['a'])]
    assert soak.absences(history, 'b', 9.0) == [(4.0, 6.0 + soak.SETTLING_S), (8.0, 9.0)]
    assert soak.absences(history, 'a', 9.0) == []


def test_memory_is_that_of_the_last_quarter_by_the_second(soak):
    flat = [100.0] * 10 + [300.0] * 40
    assert soak.memory_growth(flat) == 1.0
    assert soak.memory_growth([float(n) for n in range(100, 140)]) == pytest.approx(139 / 119)
    assert soak.memory_growth([1.0] * 8) is None


def test_all_kinds_have_their_turn_and_none_is_set_twice(soak):
    changes = soak.changes(['method', 'max_age_ms', 'cameras', 'evs.operating_point'], 1)
    assert set(changes.table) == {'method', 'age', 'cameras', 'evs'}
    assert 'budget' in changes.missing and 'engine' in changes.missing
    made = [changes.next() for _ in range(40)]
    for first in range(0, 40, 4):
        assert {kind for kind, _ in made[first:first + 4]} == set(changes.table)
    last = {}
    for kind, change in made:
        assert last.get(kind) != change
        last[kind] = change


def test_a_node_survives_some_seconds_of_it(tmp_path):
    out = tmp_path / 'soak.json'
    done = subprocess.run(
        [sys.executable, str(script('soak.py')), '--seconds', '2', '--every', '0.4', '--rate',
         '5', '--size', '64x96', '--json', str(out)],
        capture_output=True, text=True, timeout=200)
    assert out.exists(), done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert sum(found['changes'].values()) >= 2 and not found['refused'] and not found['errors']
    assert set(found['cameras']) == {'camera_0', 'camera_1', 'camera_2', 'camera_3'}
    # On a busy machine there may be gaps; whatever is broken is said, and is the exit status.
    assert done.returncode == bool(found['broken'])
    assert ('broken' if found['broken'] else 'sound') in done.stdout
    assert found['memory_mb']['peak'] > 0 and not found['memory_tells']
