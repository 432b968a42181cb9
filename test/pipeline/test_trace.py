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
"""Traces are what chrome://tracing reads."""

import json
import threading
import time

import pytest

from vidseg_ros.pipeline.trace import Trace, may_replace


def test_events_of_several_threads_are_in_lanes_of_their_own(tmp_path):
    with Trace(tmp_path / 'trace.json') as trace:
        def work():
            with trace.span('work', camera='a'):
                time.sleep(0.002)
        thread = threading.Thread(target=work, name='worker')
        thread.start()
        thread.join()
        trace.add('rest', 1_000, 3_000, camera='b', odd=object)
    events = [event for event in json.loads(trace.path.read_text()) if event]
    names = {event['tid']: event['args']['name'] for event in events if event['ph'] == 'M'}
    work, rest = (event for event in events if event['ph'] == 'X')
    assert names == {work['tid']: 'worker', rest['tid']: 'MainThread'}
    assert work['name'] == 'work'
    assert work['dur'] >= 2000
    assert work['args'] == {'camera': 'a'}
    assert (rest['ts'], rest['dur']) == (1.0, 2.0)
    assert len({event['pid'] for event in events}) == 1


def test_an_open_file_can_be_read_by_adding_a_bracket(tmp_path):
    """As the format says, the end may be missing."""
    trace = Trace(tmp_path / 'trace.json')
    for i in range(100):
        trace.add('step', i, i + 1)
    trace.flush()
    assert len(json.loads(trace.path.read_text() + '{}]')) == 102
    trace.close()
    size = trace.path.stat().st_size
    trace.add('late', 0, 1)
    trace.flush()
    trace.close()
    assert trace.path.stat().st_size == size


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError):
        Trace(tmp_path / 'nowhere' / 'trace.json')


def test_closing_ends_the_file_even_on_a_full_disk():
    trace = Trace('/dev/full')
    file = trace._file
    trace.add('step', 1, 2)
    with pytest.raises(OSError):
        trace.flush()
    trace.add('step', 2, 3)
    trace.close()
    assert file.closed


def test_only_an_older_trace_may_be_replaced(tmp_path):
    path = tmp_path / 'trace.json'
    assert may_replace(path)
    for events in range(2):
        with Trace(path) as trace:
            assert may_replace(path)  # nothing written yet
            for i in range(events):
                trace.add('step', i, i + 1)
            trace.flush()
            assert may_replace(path)
        assert may_replace(path)
    for text in ('[section]\nkey = 1\n', '{}', '[\n1, 2]'):
        path.write_text(text)
        assert not may_replace(path)
    assert not may_replace(tmp_path)
    assert not may_replace('/dev/null')
