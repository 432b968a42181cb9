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

import threading

import numpy as np
import pytest

from vidseg_ros.flow.chain import compose
from vidseg_ros.flow.grid import GridFlow
from vidseg_ros.methods.frame_flow import GreyFrames, ThreadFlow, back_along, forth_along


def test_each_thread_has_a_flow_of_its_own():
    flow, others = ThreadFlow(), []
    thread = threading.Thread(target=lambda: others.append(flow.here()))
    thread.start()
    thread.join()
    assert flow.here() is flow.here() and flow.here() is not others[0]


def test_another_setting_is_taken_from_the_next_frame_on():
    flow = ThreadFlow('swift')
    before = flow.here()
    flow.change('ultrafast')
    assert flow.setting == 'ultrafast'
    assert flow.here().setting == GridFlow('ultrafast').setting != before.setting
    with pytest.raises(ValueError, match='slow'):
        flow.change('slow')
    assert flow.setting == 'ultrafast'
    with pytest.raises(ValueError, match='slow'):
        ThreadFlow('slow')


def test_the_last_grey_frame_stays_while_the_next_one_is_made():
    rng, flow, frames = np.random.default_rng(0), GridFlow(), GreyFrames()
    seen = []
    for size in ((96, 128), (96, 128), (96, 128), (96, 128), (60, 80)):
        grey = frames.shrink(flow, rng.integers(0, 256, (*size, 3), np.uint8), size)
        assert grey is not frames.last and grey.shape == flow.setting.grid(size)
        frames.advance(grey)
        seen.append(grey)
    assert seen[2] is seen[0] and seen[3] is seen[1] and seen[4] is not seen[2]
    frames.advance(None)
    assert frames.last is None


def test_chains_are_composed_from_the_last_step_back_and_to_it_forth():
    rng = np.random.default_rng(1)
    step, chain = rng.normal(size=(2, 12, 16, 2)).astype(np.float32)
    assert back_along(step, None) is step and forth_along(None, step) is step
    np.testing.assert_array_equal(back_along(step, chain), compose(step, chain))
    np.testing.assert_array_equal(forth_along(chain, step), compose(chain, step))
