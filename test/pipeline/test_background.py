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
"""What happens in the background."""

import threading

from vidseg_ros.pipeline.background import Background


def test_tasks_are_done_in_order_and_a_failure_stops_nothing(caplog):
    background = Background('test_background')
    done = []
    background.submit(lambda: done.append(1))
    background.submit(lambda: 1 // 0)
    background.submit(lambda: done.append(threading.current_thread().name))
    assert background.drain(5)
    assert done == [1, 'test_background']
    assert 'a task in the background failed' in caplog.text
    assert background.close(5)


def test_what_is_left_is_done_before_the_end_and_later_tasks_at_once():
    background = Background('test_background')
    gate, done = threading.Event(), []
    background.submit(gate.wait)
    background.submit(lambda: done.append('left'))
    assert not background.drain(0.01)
    gate.set()
    assert background.close(5)
    background.submit(lambda: done.append('late'))
    assert done == ['left', 'late']
