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
    assert turns.choose([early, late], freshest=True) is late


def test_a_slow_camera_goes_before_fast_ones():
    turns, fast, slow = Turns(), Camera(), Camera()
    for i in range(100):
        fast.turn.arrived(33 * i * MS)
    slow.turn.arrived(2000 * MS)
    slow.turn.arrived(3000 * MS)
    assert turns.choose([fast, slow], freshest=True) is slow


def test_every_serves_whoever_had_least():
    turns, cameras = Turns(), [Camera(), Camera(), Camera()]
    order = [turns.choose(cameras, freshest=False) for _ in range(9)]
    assert all(set(order[i:i + 3]) == set(cameras) for i in range(0, 9, 3))


def test_a_camera_that_was_silent_does_not_catch_up():
    turns, busy, silent = Turns(), Camera(), Camera()
    for _ in range(1000):
        turns.choose([busy], freshest=True)
    turns.joined(silent.turn)
    order = [turns.choose([busy, silent], freshest=False) for _ in range(20)]
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
        served[turns.choose(cameras, freshest)] += 1
        assert max(served.values()) - min(served.values()) <= SLACK + 1


@pytest.mark.parametrize(('work_ms', 'most'), [(26, 1), (35, 1), (45, 2), (60, 3), (100, 4)])
@pytest.mark.parametrize('phases', [(0, 25, 50, 75), (0, 3, 55, 60), (0, 0, 0, 0)])
def test_no_camera_misses_many_frames_in_a_row_while_others_are_served(phases, work_ms, most):
    """Four cameras at 10 Hz, and a device that takes ``work_ms`` for a frame."""
    turns, cameras = Turns(), [Camera() for _ in phases]
    arrivals = sorted((phase + 100 * n, i) for i, phase in enumerate(phases) for n in range(200))
    waiting, missed, worst, free = {}, [0] * len(phases), 0, 0
    for now, index in arrivals:
        while waiting and free <= now:
            chosen = turns.choose([cameras[i] for i in waiting], freshest=True)
            i = cameras.index(chosen)
            free = max(free, waiting.pop(i)) + work_ms
            missed[i] = 0
        camera = cameras[index]
        if index in waiting:
            camera.turn.missed += 1
            missed[index] += 1
            worst = max(worst, missed[index])
        else:
            turns.joined(camera.turn)
        camera.turn.arrived(now * MS)
        waiting[index] = now
    assert worst <= most
