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


LATENCY_S = 0.03


def images(until=9.0, period_s=0.1):
    """The times at which a camera sends images."""
    return [period_s * n for n in range(round(until / period_s))]


def labelled(soak, sent, missing=(), late=None):
    """Labels of all images but the ``missing`` ones; ``late`` by so many seconds at an index."""
    return [soak.Label(when + LATENCY_S + (late or {}).get(n, 0.0), when)
            for n, when in enumerate(sent) if n not in missing]


def test_one_image_without_labels_is_no_gap_and_two_in_a_row_are(soak):
    sent = images()
    for missing in ([], [50], [50, 52, 54]):
        assert soak.gaps(labelled(soak, sent, missing), sent, 0.1, [], 0.0, 9.0) == []
    (gap,) = soak.gaps(labelled(soak, sent, [50, 51]), sent, 0.1, [], 0.0, 9.0)
    assert gap['missing'] == 2 and gap['seconds'] == pytest.approx(0.3)
    assert gap['at_s'] == pytest.approx(4.9 + LATENCY_S)
    assert gap['allowed_s'] == pytest.approx(0.2)
    # From the beginning and up to the end, too.
    assert len(soak.gaps([], sent, 0.1, [], 0.0, 9.0)) == 1
    assert len(soak.gaps(labelled(soak, sent[:80]), sent, 0.1, [], 0.0, 9.0)) == 1
    assert len(soak.gaps(labelled(soak, sent)[10:], sent, 0.1, [], 0.0, 9.0)) == 1


def test_labels_that_are_late_are_a_gap_though_none_is_missing(soak):
    sent = images()
    late = {50: 0.2, 51: 0.1}
    (gap,) = soak.gaps(labelled(soak, sent, late=late), sent, 0.1, [], 0.0, 9.0)
    assert gap['missing'] == 0 and gap['seconds'] == pytest.approx(0.3)
    # One is missing, and the next comes a little later than usual: by more than usual.
    (gap,) = soak.gaps(labelled(soak, sent, [50], {51: 0.02}), sent, 0.1, [], 0.0, 9.0)
    assert gap['missing'] == 1 and gap['allowed_s'] == pytest.approx(0.2)


def test_the_usual_jitter_of_a_camera_is_allowed_and_no_more(soak):
    sent = images()
    # One in eight comes 20 ms later than the others.
    late = dict.fromkeys(range(0, 90, 8), 0.02)
    assert soak.usual_jitter(labelled(soak, sent, late=late)) == pytest.approx(0.02)
    assert soak.gaps(labelled(soak, sent, [47], late), sent, 0.1, [], 0.0, 9.0) == []
    late[48] = 0.05
    (gap,) = soak.gaps(labelled(soak, sent, [47], late), sent, 0.1, [], 0.0, 9.0)
    assert gap['allowed_s'] == pytest.approx(0.22) and gap['seconds'] == pytest.approx(0.25)
    # However much they vary, at most half a frame period.
    wild = {n: 0.3 * (n % 7 == 0) for n in range(90)}
    assert soak.usual_jitter(labelled(soak, sent, late=wild)) == pytest.approx(0.3)
    found = soak.gaps(labelled(soak, sent, late=wild), sent, 0.1, [], 0.0, 9.0)
    assert found and {round(gap['allowed_s'], 3) for gap in found} == {0.25}


def test_images_that_came_late_are_not_the_nodes_gap(soak):
    sent = [t + 0.4 * (t >= 5.0) for t in images(8.6)]
    assert soak.gaps(labelled(soak, sent), sent, 0.1, [], 0.0, 9.0) == []


def test_a_gap_that_the_cameras_own_change_explains_is_none(soak):
    sent = images()
    labels = labelled(soak, sent, range(50, 70))
    assert soak.gaps(labels, sent, 0.1, [(4.95, 7.5)], 0.0, 9.0) == []
    assert len(soak.gaps(labels, sent, 0.1, [(8.0, 8.5)], 0.0, 9.0)) == 1


def test_a_camera_that_does_not_come_back_has_a_gap(soak):
    sent = images(20.0)
    excused = [(5.0, 9.0)]
    for missing in (range(51, 200), range(20, 95)):  # for good; silent before it was taken away
        (gap,) = soak.gaps(labelled(soak, sent, missing), sent, 0.1, excused, 0.0, 20.0)
        assert gap['seconds'] == pytest.approx(11.0 if missing.stop == 200 else 3.07)
    assert soak.longest_outside([(6.0, 7.0), (2.0, 6.5)], 1.0, 9.0) == 2.0


def test_the_longest_pause_is_told_be_it_a_gap_or_not(soak):
    sent = images()
    assert soak.longest_pause(labelled(soak, sent), [], 0.0, 8.95) == pytest.approx(0.1)
    labels = labelled(soak, sent, [50, *range(70, 80)])
    assert soak.longest_pause(labels, [], 0.0, 8.95) == pytest.approx(1.1)
    assert soak.longest_pause(labels, [(6.9, 8.0)], 0.0, 8.95) == pytest.approx(0.2)
    assert soak.longest_pause([], [], 1.0, 9.0) == 8.0


def test_a_slow_machine_has_longer_periods(soak):
    sent = images()
    often = [n for n in range(90) if n % 5]
    assert soak.gaps(labelled(soak, sent, often), sent, 0.1, [], 0.0, 8.6) == []
    (gap,) = soak.gaps(labelled(soak, sent, [*often, 45, 50]), sent, 0.1, [], 0.0, 8.6)
    assert gap['seconds'] == pytest.approx(1.5) and gap['allowed_s'] == pytest.approx(1.0)


def _turns(soak, sent, work_s, stall=None, served_twice=False):
    """
    Labels of five cameras; between 5.0 and 5.5 s the device takes ``work_s`` for a frame.

    Our camera is the last in the round from 5.0 on. ``stall``: (before which turn, seconds);
    ``served_twice``: the first camera has another turn before ours.
    """
    cameras = [[soak.Label(when + 0.06 + 0.01 * n, when) for when in sent if not 4.99 < when < 5.5]
               for n in range(5)]
    now, order = 5.0, [0, 1, 2, 3, 4]
    if served_twice:
        order = [0, 1, 0, 2, 4]
    for turn, camera in enumerate(order):
        now += work_s + (stall[1] if stall and stall[0] == turn else 0.0)
        cameras[camera].append(soak.Label(now, 5.0))
    return [sorted(labels) for labels in cameras]


@pytest.mark.parametrize(('given', 'is_round'), [
    ({'work_s': 0.045}, True),                          # each had one turn, in 0.225 s
    ({'work_s': 0.015, 'stall': (2, 0.15)}, False),     # as long, but the device stood still
    ({'work_s': 0.015, 'stall': (0, 0.15)}, False),
    ({'work_s': 0.045, 'served_twice': True}, False),   # as long, but ours was passed over
    ({'work_s': 0.11}, False),                          # nothing tells this from a stall
])
def test_a_turn_of_every_camera_is_a_frame_period_and_a_stall_of_that_length_a_gap(
        soak, given, is_round):
    sent = images()
    *others, ours = _turns(soak, sent, **given)
    found = soak.gaps(ours, sent, 0.1, [], 0.0, 8.95, others)
    assert [gap['round'] for gap in found if gap['at_s'] < 5.05] == [is_round]
    # Without the others to tell, each is a gap.
    alone = soak.gaps(ours, sent, 0.1, [], 0.0, 8.95)
    assert [gap['round'] for gap in alone if gap['at_s'] < 5.05] == [False]


def test_a_turn_of_every_camera_in_less_than_a_frame_period_is_no_slow_machine(soak):
    others = [[5.02], [5.04]]
    assert not soak.one_round(others, 5.0, 5.06, 0.1)
    assert soak.one_round(others, 5.0, 5.11, 0.1)
    assert not soak.one_round(others, 5.0, 5.15, 0.1)


def test_the_cameras_journal_says_when_images_were_sent(soak, tmp_path):
    (tmp_path / 'sent').write_text('0 1500000000\n1 1600000000\n0 2500000000\n1 26')
    assert soak.journal(tmp_path / 'sent', ('a', 'b')) == {'a': [1.5, 2.5], 'b': [1.6]}


def test_absences_last_until_a_while_after_the_camera_is_back(soak):
    history = [(0.0, ['a', 'b']), (4.0, ['a']), (6.0, ['a', 'b']), (8.0, ['a'])]
    assert soak.absences(history, 'b', 9.0) == [(4.0, 6.0 + soak.SETTLING_S), (8.0, 9.0)]
    assert soak.absences(history, 'a', 9.0) == []


def test_memory_is_that_of_the_last_quarter_by_the_second(soak):
    flat = [100.0] * 10 + [300.0] * 40
    assert soak.memory_growth(flat) == 1.0
    assert soak.memory_growth([float(n) for n in range(100, 140)]) == pytest.approx(139 / 119)
    assert soak.memory_growth([1.0] * 8) is None
    assert soak.quarter_peaks([float(n) for n in range(100, 141)]) == [109, 119, 129, 140]
    assert soak.quarter_peaks([1.0] * 8) == []


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
    assert found['memory_mb']['peak'] > 0 and not found['memory_tells'] and found['taken'] >= 0
    assert all(camera['images'] > 0 and camera['longest_s'] > 0
               for camera in found['cameras'].values())
