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
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from vidseg_ros.engines.errors import EngineError
from vidseg_ros.engines.exported import ExportedModel, describe_files, write_description
from vidseg_ros.engines.load import Load
from vidseg_ros.evaluation.benchmarks import pipeline
from vidseg_ros.evaluation.benchmarks.pipeline import Plan, System
from vidseg_ros.evaluation.benchmarks.processes import BenchmarkError

RELAY = Path(__file__).with_name('relay_node.py')
PLAN = Plan(frames=5, rounds=2, rate_hz=50.0, warm_up=1)


def relay(name, plain=False):
    return System(name, lambda namespace, cameras: [sys.executable, str(RELAY), namespace,
                                                    *cameras], plain, '' if plain else 'relay')


@pytest.fixture
def frames(tmp_path):
    images = [np.full((8, 12, 3), value, np.uint8) for value in range(3)]
    return pipeline.frames_file(images, tmp_path)


def test_nodes_are_fed_in_turns_and_accounted_for(frames):
    said = []
    found = pipeline.measure([relay('ours'), relay('plain', plain=True)], frames, (8, 12), PLAN,
                             said.append, ['a', 'b'])  # fmt: skip
    ours, plain = found['systems']
    assert found['size'] == [8, 12] and found['cameras'] == 2
    for entry in (ours, plain):
        # Two cameras, two rounds of five; the first of a round is not counted.
        assert entry['sent'] == 20 and entry['received'] == 20 and entry['lost'] == 0
        assert entry['rate_by_camera_hz'] == {'a': 50.0, 'b': 50.0}
        assert 0 < entry['latency_ms']['median'] <= entry['latency_ms']['max']
        assert len(entry['round_medians_ms']) == 2 and entry['memory_mb']['rss'] > 0
        assert entry['cpu_ms_per_frame'] > 0
    assert ours['stages_ms']['predict']['p50'] == 4.0
    assert ours['parts_ms']['observe'] == 2.0 and 'total' not in ours['parts_ms']
    assert ours['neither_share_in_node'] == pytest.approx(1 / 7)
    assert 'parts_ms' not in plain and 'not told' in plain['bottleneck']
    (ratio,) = found['ratios']
    assert (ratio['system'], ratio['against'], ratio['count']) == ('ours', 'plain', 2)
    # In the second round the other one comes first.
    assert [name for name in said if name in ('ours', 'plain')] == [
        'ours', 'plain', 'plain', 'ours']


def test_many_cameras_are_compared_with_one(frames):
    found = pipeline.overload([relay('ours')], frames, (8, 12), Plan(4, 1, 50.0, 1), 2)
    (entry,) = found['systems']
    assert set(entry['rate_by_camera_hz']) == {'camera_0', 'camera_1'}
    assert entry['work_ms'] == pytest.approx(0.25 + 2 + 4 + 0.25)
    assert entry['age_in_frames_of_work']['median'] == pytest.approx(
        entry['latency_ms']['median'] / 6.5)
    assert entry['published_age_in_frames_of_work']['median'] == pytest.approx(8 / 6.5)
    assert entry['rates_apart'] == 0.0
    assert entry['memory_ratio'] > 0 and entry['memory_growth'] > 0


def test_a_node_that_ends_is_named_with_what_it_said(frames):
    system = System('broken', lambda namespace, cameras: [
        sys.executable, '-c', 'import sys; sys.exit("no such camera")'])
    with pytest.raises(BenchmarkError, match=r'(?s)broken ended with 1.*no such camera'):
        pipeline.measure([system], frames, (8, 12), PLAN)


def test_what_takes_longest_is_the_bottleneck():
    entry = {'latency_ms': {'median': 10.0}, 'cores_used': 1.26,
             'stages_ms': {'predict/network': {'p50': 5.0}, 'predict/rest': {'p50': 1.0}},
             'parts_ms': {'observe': 1.0, 'predict': 6.0, 'queue': 3.0}}
    load = Load(1.0, 1.0, 0.0, 2)
    assert pipeline._bottleneck(entry, load) == \
        'predict: 6.0 of 10.0 ms (network 5.0 ms); 1.3 of 2 cores'
    entry['parts_ms']['queue'] = 20.0
    assert pipeline._bottleneck(entry, load) == \
        'queue: 20.0 of 10.0 ms, for predict; 1.3 of 2 cores'


def test_the_share_of_the_rest_is_of_the_whole_way():
    stages = {name: {'p50': value} for name, value in
              {'transport': 2.0, 'observe': 3.0, 'predict': 12.0, 'total': 16.0}.items()}
    shares = pipeline._shares(20.0, stages)
    assert shares['neither_share'] == pytest.approx(0.25)
    assert shares['neither_share_in_node'] == pytest.approx(1 / 16)
    assert shares['parts_ms']['to the listener'] == pytest.approx(3.0)
    assert pipeline._shares(math.nan, stages) == {} and pipeline._shares(20.0, {}) == {}


def test_our_node_is_started_with_its_parameters(tmp_path):
    system = pipeline.our_node({'method': 'evs', 'evs.operating_point': '7'}, tmp_path / 't.json')
    assert system.name == 'evs, evs.operating_point 7' and not system.plain
    command = system.command('/x', ['a', 'b'])
    for value in ('__ns:=/x', 'cameras:=[a, b]', 'method:=evs', 'evs.operating_point:=7',
                  f'trace_file:={tmp_path / "t.json"}'):
        assert value in command


def _exported(path, network):
    path.write_text('<net/>')
    path.with_suffix('.bin').write_bytes(b'0')
    write_description(ExportedModel(
        path, 'openvino', 'int8', ('image',), ('logits',), None, describe_files(path),
        {'network': network}))  # fmt: skip
    return path


@pytest.mark.parametrize('network, method', [
    ('fassvid/full_hires', 'fassvid'), ('fassvid/base_hires', 'per_frame')])
def test_an_exported_model_is_run_by_its_networks_method(tmp_path, network, method):
    model = _exported(tmp_path / 'm.xml', network)
    system = pipeline.exported_node(model)
    assert system.name == f'{method}, int8' and not system.plain
    command = system.command('/x', ['a'])
    assert f'method:={method}' in command and f'checkpoint:={model.resolve()}' in command
    model.write_text('<other/>')
    with pytest.raises(EngineError, match='not the file'):
        pipeline.exported_node(model)


def test_weights_from_a_seed_are_called_so():
    system = pipeline.our_node({
        'method': 'fassvid', 'network': 'fassvid/full', 'checkpoint': 'random:0'})
    assert system.name == 'fassvid, fassvid/full, seeded weights'
    assert 'checkpoint:=random:0' in system.command('/x', ['a'])
