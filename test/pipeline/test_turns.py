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
"""Turns: nobody starves, and what is taken is fresh."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidseg_ros.pipeline.turns import SLACK, Turn, Turns

MS = 1_000_000


class Camera:
    def __init__(self):
        self.turn = Turn()


def test_the_frame_that_stays_the_newest_for_longest_goes_first():
    turns, early, late = Turns(), Camera(), Camera()
    for camera, offset in ((early, 0), (late, 10)):
        for i in range(5):
            camera.turn.arrived((offset + 33 * i) * MS)
        camera.turn.served((offset + 130) * MS)
    assert turns.choose([early, late], freshest=True, now_ns=145 * MS) is late


def test_a_slow_camera_goes_before_fast_ones():
    turns, fast, slow = Turns(), Camera(), Camera()
    for i in range(100):
        fast.turn.arrived(33 * i * MS)
    fast.turn.served(3270 * MS)
    slow.turn.arrived(2000 * MS)
    slow.turn.served(2000 * MS)
    slow.turn.arrived(3000 * MS)
    assert turns.choose([fast, slow], freshest=True, now_ns=3280 * MS) is slow


def test_a_camera_about_to_be_silent_for_two_intervals_goes_before_fresher_ones():
    turns, stale, fresh, slow = Turns(), Camera(), Camera(), Camera()
    for camera, offset, interval in ((stale, 0, 100), (fresh, 60, 100), (slow, 0, 300)):
        for i in range(5):
            camera.turn.arrived((offset + interval * i) * MS)
    fresh.turn.served(420 * MS)
    slow.turn.served(0)  # 4.3 of its intervals ago, by then
    stale.turn.served(310 * MS)
    assert turns.choose([stale, fresh], freshest=True, now_ns=430 * MS) is fresh
    stale.turn.count = fresh.turn.count
    assert turns.choose([stale, fresh], freshest=True, now_ns=436 * MS) is stale
    # Of those that are due, whoever is so for longest.
    assert turns.choose([stale, fresh, slow], freshest=True, now_ns=1300 * MS) is slow


def test_a_pause_is_no_interval():
    turns, paused, other = Turns(), Camera(), Camera()
    for i in range(20):
        for camera, offset in ((paused, 0), (other, 50)):
            camera.turn.arrived((offset + 100 * i) * MS)
    for i in range(20, 624):
        other.turn.arrived((50 + 100 * i) * MS)
    for now in (62_000, 62_100, 62_200):
        paused.turn.arrived(now * MS)
    # Its frame is not expected to stay the newest for seconds: the other's came later.
    paused.turn.served(62_210 * MS)
    other.turn.served(62_220 * MS)
    other.turn.arrived(62_450 * MS)
    assert paused.turn.newest_until_ns() < 62_400 * MS
    assert turns.choose([paused, other], freshest=True, now_ns=62_330 * MS) is other
    # And it is not left out for longer than another would be.
    assert turns.choose([paused, other], freshest=True, now_ns=62_500 * MS) is paused


def test_a_camera_whose_rate_falls_is_known_for_it_after_some_frames():
    camera = Camera()
    for i in range(10):
        camera.turn.arrived(33 * i * MS)
    for i in range(1, 20):
        camera.turn.arrived((297 + 1000 * i) * MS)
    assert camera.turn.newest_until_ns() > (297 + 19_000 + 800) * MS


def test_every_serves_whoever_had_least():
    turns, cameras = Turns(), [Camera(), Camera(), Camera()]
    order = [turns.choose(cameras, freshest=False, now_ns=n * MS) for n in range(9)]
    assert all(set(order[i:i + 3]) == set(cameras) for i in range(0, 9, 3))


def test_a_camera_that_was_silent_does_not_catch_up():
    turns, busy, silent = Turns(), Camera(), Camera()
    for _ in range(1000):
        turns.choose([busy], freshest=True, now_ns=0)
    turns.joined(silent.turn)
    order = [turns.choose([busy, silent], freshest=False, now_ns=0) for _ in range(20)]
    assert 10 <= order.count(silent) <= 10 + SLACK + 1


@given(st.integers(2, 6), st.integers(0, 2**32 - 1), st.booleans())
def test_those_who_always_wait_get_the_same(count, seed, freshest):
    import random
    chance = random.Random(seed)
    turns, cameras = Turns(), [Camera() for _ in range(count)]
    served = dict.fromkeys(cameras, 0)
    for now in range(300):
        for camera in cameras:
            if chance.random() < 0.5:
                camera.turn.arrived(now * MS + chance.randrange(MS))
        served[turns.choose(cameras, freshest, (now + 1) * MS)] += 1
        assert max(served.values()) - min(served.values()) <= SLACK + 1


def results(work_ms, phases, interval_ms=100, count=200):
    """
    Return when each camera had its results, and how old their frames were then.

    The device takes ``work_ms`` for a frame, and takes it when it is free.
    """
    turns, cameras = Turns(), [Camera() for _ in phases]
    arrivals = sorted(
        (phase + interval_ms * n, i) for i, phase in enumerate(phases) for n in range(count))
    waiting, free = {}, 0
    times, ages = [[] for _ in phases], []
    for now, index in arrivals:
        while waiting and free <= now:
            begin = max(free, min(waiting.values()))
            chosen = turns.choose([cameras[i] for i in waiting], freshest=True,
                                  now_ns=begin * MS)
            i = cameras.index(chosen)
            free = begin + work_ms
            ages.append(free - waiting.pop(i))
            times[i].append(free)
        camera = cameras[index]
        if index not in waiting:
            turns.joined(camera.turn)
        camera.turn.arrived(now * MS)
        waiting[index] = now
    return times, ages


@pytest.mark.parametrize('work_ms', [20, 24, 26, 30, 35, 38, 45, 49])
@pytest.mark.parametrize(
    'phases', [(0, 25, 50, 75), (0, 20, 40, 60), (0, 3, 55, 60), (0, 0, 0, 0)])
def test_no_camera_is_silent_for_two_intervals_while_a_turn_of_each_takes_less(phases, work_ms):
    times, _ = results(work_ms, phases)
    silent = max(b - a for own in times for a, b in itertools.pairwise(own[5:]))
    assert silent <= 200


def test_frames_are_fresh_where_all_cameras_must_miss_some():
    """Four cameras at 30 Hz, a frame takes as long as their interval: half of it is waited."""
    _, ages = results(32, (0, 8, 16, 25), interval_ms=33)
    assert sorted(ages)[len(ages) // 2] < 1.8 * 32
