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
import sys

import pytest

from vidseg_ros.cli.main import main
from vidseg_ros.evaluation.benchmarks import graph
from vidseg_ros.evaluation.benchmarks.graph import Library
from vidseg_ros.evaluation.benchmarks.processes import BenchmarkError, script

FAKE = """
import json, os, sys
path = sys.argv[sys.argv.index('--json') + 1]
ms, lost = float(os.environ['FAKE_MS']), int(os.environ.get('FAKE_LOST', 0))
row = {'image': 'large', 'frames': 10, 'lost': lost, 'median_ms': ms, 'p95_ms': 2 * ms}
json.dump({'library': 'fake', 'middleware': 'none', 'python': '3',
           'images': [{**row, 'publish_cpu_ms': 1.0, 'listen_cpu_ms': 2.0}],
           'within': [{**row, 'median_ms': ms / 4, 'cpu_ms': 0.5}],
           'rest': {'entities': 20, 'cpu_percent': 0.5}}, open(path, 'w'))
"""


def fake(tmp_path, name, **settings):
    path = tmp_path / 'fake.py'
    path.write_text(FAKE)
    return Library(name, (sys.executable, str(path)), tuple(settings.items()))


def test_libraries_are_compared_with_the_first(tmp_path):
    said = []
    found = graph.measure([fake(tmp_path, 'a', FAKE_MS='2'),
                           fake(tmp_path, 'b', FAKE_MS='5', FAKE_LOST='3')],
                          2, 10, 30.0, 1.0, said.append)  # fmt: skip
    assert [line.split(':')[0] for line in said] == ['a', 'b', 'b', 'a']
    ratios = {(r['library'], r['way']): r for r in found['ratios']}
    assert set(ratios) == {('b', 'between'), ('b', 'within')}
    assert ratios['b', 'between']['median'] == pytest.approx(2.5)
    row = found['libraries'][1]['between'][0]
    assert row['lost'] == 6 and row['frames'] == 20 and row['median_ms']['median'] == 5.0
    assert found['libraries'][1]['settings'] == {'FAKE_MS': '5', 'FAKE_LOST': '3'}


def test_a_library_that_fails_is_named(tmp_path):
    with pytest.raises(BenchmarkError, match=r'(?s)a ended with 1.*FAKE_MS'):
        graph.measure([fake(tmp_path, 'a')], 1, 10, 30.0, 1.0)


def test_peers_have_a_name_a_command_and_settings():
    assert graph.peer('ROS 2=A=1 B="x y" run.sh setup.bash python3') == Library(
        'ROS 2', ('run.sh', 'setup.bash', 'python3'), (('A', '1'), ('B', 'x y')))
    for text in ('nothing', '=run.sh', 'name=', 'name=A=1'):
        with pytest.raises(BenchmarkError, match='NAME=COMMAND'):
            graph.peer(text)


def test_the_command_measures_this_rclpy(tmp_path, capsys):
    out = tmp_path / 'g.json'
    assert main(['benchmark', 'graph', '--quick', '--frames', '2', '--json', str(out)]) == 0
    written = json.loads(out.read_text())
    (library,) = written['libraries']
    assert [row['image'] for row in library['between']] == ['2048x1024 rgb8', '1024x512 mono8']
    assert all(row['frames'] - row['lost'] > 0 for row in library['within'])
    assert library['rest']['entities'] == 20 and written['machine'] and written['load']
    text = capsys.readouterr().out
    assert 'within one process' in text and 'other libraries: none named' in text


def test_scripts_are_found_and_others_are_missed():
    assert script('graph.py').name == 'graph.py'
    with pytest.raises(BenchmarkError, match='nothing'):
        script('nothing.py')
