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
import json

import pytest

from vidseg_ros.evaluation.benchmarks.trace import overlap, summarize


def event(name, begun, lasted, lane):
    return {'name': name, 'ph': 'X', 'ts': begun, 'dur': lasted, 'pid': 1, 'tid': lane}


def test_what_runs_beside_the_network_is_counted(tmp_path):
    path = tmp_path / 't.json'
    path.write_text(json.dumps({'traceEvents': [
        {'name': 'thread_name', 'ph': 'M', 'pid': 1, 'tid': 1, 'args': {'name': 'device'}},
        event('predict', 0, 1000, 1), event('predict', 2000, 1000, 1),
        event('observe', 500, 1000, 2), event('observe', 2500, 500, 2)]}))
    found = summarize(path)
    assert found['events'] == 4 and found['ms'] == {'predict': 2.0, 'observe': 1.5}
    assert found['observe_beside_predict'] == pytest.approx(1000 / 1500)
    assert overlap((0, 10), [(2, 4), (8, 20), (30, 40)]) == 4


def test_what_is_no_trace_is_refused(tmp_path):
    path = tmp_path / 't.json'
    path.write_text('[1, 2')
    with pytest.raises(ValueError, match='no Chrome trace'):
        summarize(path)
