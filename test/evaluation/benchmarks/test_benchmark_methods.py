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
import threading

import numpy as np
import pytest

from vidseg_ros.cli.main import main
from vidseg_ros.engines.load import Load
from vidseg_ros.evaluation import operating_points
from vidseg_ros.evaluation.benchmarks import methods as benchmark
from vidseg_ros.evaluation.benchmarks.methods import RunOptions, Video, measure, round_length
from vidseg_ros.evaluation.operating_points import BenchmarkPoint, PaperRatio, benchmark_points
from vidseg_ros.methods.base import Observation, Segmentation, StreamState
from vidseg_ros.methods.registry import MethodError, method_names
from vidseg_ros.networks.registry import network_spec


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


class KeyFrames:
    """Takes ``key_s`` for one frame in ``period`` and ``other_s`` for those between."""

    def __init__(self, clock, period, key_s, other_s):
        self.clock, self.period = clock, period
        self.key_s, self.other_s = key_s, other_s
        self.observed, self.predicted, self.threads, self.closed = [], [], set(), False

    def prepare(self, size):
        self.prepared = size

    def new_state(self, camera):
        return StreamState(camera)

    def observe(self, frame, state):
        self.threads.add(threading.get_ident())
        self.observed.append(frame.sequence)
        return Observation(frame)

    def predict(self, observations, states):
        number = observations[0].frame.sequence
        # The next frame is taken up only when this one's turn has come.
        assert max(self.observed) <= number + 1
        self.predicted.append(number)
        key = number % self.period == 0
        self.clock.now += self.key_s if key else self.other_s
        kind = 'key frame, refined' if key else 'propagated'
        return [Segmentation(np.zeros((4, 6), np.uint8), provenance={'kind': kind},
                             stages_ms={'network': 1.0})]

    def describe(self):
        return {'network': 'made/up', 'engine': 'none'}

    def close(self):
        self.closed = True


@pytest.fixture
def video():
    return Video([np.full((4, 6, 3), i, np.uint8) for i in range(4)], 10.0)


def test_video_goes_to_and_fro_without_a_jump(video):
    shown = [int(video.frame(n, 'c').image[0, 0, 0]) for n in range(10)]
    assert shown == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3]
    stamps = [video.frame(n, 'c').stamp_ns for n in range(3)]
    assert stamps == [0, 100_000_000, 200_000_000]


@pytest.mark.parametrize('period, at_least, expected', [(1, 10, 10), (7, 10, 14), (17, 10, 17)])
def test_a_round_is_whole_periods(period, at_least, expected):
    assert round_length(period, at_least) == expected


def test_the_ratio_is_that_of_the_times_per_frame(video, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(benchmark, 'time', clock)
    made = {
        'tested': KeyFrames(clock, 5, 0.02, 0.002),
        'per_frame': KeyFrames(clock, 1, 0.02, 0.02),
    }
    asked = {}

    def create(name, options):
        asked[name] = options
        return made[name]

    monkeypatch.setattr(benchmark, 'create_method', create)
    point = BenchmarkPoint('tested', 'a point', ('net/work', 'file'), 'net/video', 'other',
                           {'knob': 3}, period=5, paper=PaperRatio(2.0, 'Table 1'))  # fmt: skip
    done = []
    result = measure(point, video, RunOptions('torch', threads=2, seconds=2.5), done.append)
    # 20 ms against (20 + 4 * 2) / 5 ms.
    assert result.ratio == pytest.approx(20 / 5.6)
    assert result.fps == pytest.approx(1000 / 5.6) and result.every_frame_fps == pytest.approx(50)
    assert result.ratio_range == (pytest.approx(result.ratio), pytest.approx(result.ratio))
    assert result.rounds == 5 and result.frames == 50 and done[-1] == 1.0
    assert result.kinds == {'key frame, refined': 10, 'propagated': 40}
    assert result.ms == pytest.approx(5.6) and result.every_frame_ms == pytest.approx(20)
    assert result.sequential['median'] == pytest.approx(20 / 5.6)
    assert result.stages_ms_per_frame['predict'] == pytest.approx(5.6)
    assert result.bottleneck == 'predict/rest 82%'
    assert result.segmented == pytest.approx(0.2)
    assert result.stages_ms['predict'] == pytest.approx(5.6)
    for segmenter in made.values():
        assert segmenter.predicted == list(range(len(segmenter.predicted)))
        assert segmenter.observed == list(range(len(segmenter.predicted) + 1))
        assert segmenter.closed and segmenter.prepared == (4, 6)
        # Ahead in a thread of its own, and one by one in this.
        assert threading.get_ident() in segmenter.threads and len(segmenter.threads) > 1
    # Both are made alike but for the network and its weights.
    assert asked['tested'].network == 'net/video' and asked['per_frame'].network == 'net/work'
    assert asked['tested'].checkpoint == 'other' and asked['per_frame'].checkpoint == 'file'
    assert {o.engine for o in asked.values()} == {'torch'}
    assert {o.threads for o in asked.values()} == {2}
    assert asked['tested'].extra['knob'] == 3
    entry = result.entry()
    assert entry['paper_ratio'] == 2.0 and entry['paper'] == 'Table 1'


def test_heavy_networks_have_short_rounds_of_whole_periods(video, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(benchmark, 'time', clock)
    monkeypatch.setattr(benchmark, 'create_method',
                        lambda name, options: KeyFrames(clock, 5, 2.0, 0.1))
    point = BenchmarkPoint('tested', 'x', ('a/b', ''), period=5)
    result = measure(point, video, RunOptions(seconds=1.0))
    assert result.rounds == 3 and result.frames == 15


def test_what_was_made_is_closed_if_the_other_cannot_be(video, monkeypatch):
    made = KeyFrames(Clock(), 1, 0, 0)

    def create(name, options):
        if name == 'per_frame':
            raise MethodError('no such network')
        return made

    monkeypatch.setattr(benchmark, 'create_method', create)
    with pytest.raises(MethodError):
        measure(BenchmarkPoint('tested', 'x', ('a/b', '')), video, RunOptions())
    assert made.closed


def test_every_method_has_a_point_and_every_point_its_networks():
    points = benchmark_points()
    assert {p.method for p in points} == set(method_names())
    names = [(p.method, p.name, p.every_frame) for p in points]
    assert len(set(names)) == len(names)
    for point in points:
        for name in (point.network, point.every_frame[0]):
            if name:
                network_spec(name)


def test_the_papers_ratios_are_theirs():
    ratios = {(p.method, p.name): p.paper.ratio for p in benchmark_points() if p.paper}
    assert ratios['evs', '07: S=5 W'] == 4.9
    assert ratios['evs', '10: S=10 W'] == 9.7
    assert ratios['evs', '14: D=0.5 S=17 W'] == 27.1
    assert ratios['lernet_tha', 'K=5'] == 1.31
    assert ratios['dvsnet', 'DeepLab-Fast, FlowNet2-s, 1 in 7'] == pytest.approx(3.5, abs=0.05)
    assert ratios['fassvid', 'FDChangeNet + TAM'] == pytest.approx(0.816, abs=1e-3)


def test_a_method_of_another_package_is_measured_as_it_comes(monkeypatch):
    monkeypatch.setattr(operating_points, 'method_names', lambda: ['evs', 'theirs'])
    (point,) = [p for p in benchmark_points() if p.method == 'theirs']
    assert point.name == 'default' and point.network == ''


def test_the_command_prints_a_table_and_writes_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    out = tmp_path / 'b.json'
    assert main(['benchmark', 'methods', '--method', 'lernet_tha', '--point', 'K=5', '--size',
                 '64x96', '--frames', '3', '--seconds', '0.01', '--engine', 'torch',
                 '--json', str(out)]) == 0  # fmt: skip
    written = json.loads(out.read_text())
    (entry,) = written['points']
    assert entry['method'] == 'lernet_tha' and entry['point'] == 'K=5'
    assert entry['network'] == 'lernet_tha/base' and entry['every_frame_network'] == 'lernet/base'
    assert entry['ratio'] > 0 and entry['paper_ratio'] == 1.31
    assert entry['segmented'] == pytest.approx(0.2) and entry['describe']['engine'] == 'torch'
    assert written['size'] == [64, 96] and written['frames'] == 3 and written['machine']
    text = capsys.readouterr().out
    assert 'lernet_tha against lernet/base' in text and 'x1.31' in text
    table = text.partition('64x96, 3 frames')[0]
    assert 'one by' in table
    assert '…' not in text and max(map(len, table.splitlines())) <= 80


def test_what_was_measured_before_ctrl_c_is_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    measured = []

    def once(point, *_):
        if measured:
            raise KeyboardInterrupt
        measured.append(point)
        return benchmark.Measurement(point, 20.0, 10.0, 2.0, (1.9, 2.1), 50.0, 100.0,
                                     {'median': 2.0, 'quartiles': [1.9, 2.1], 'count': 3}, 3, 30,
                                     0.2, {}, {'predict': 50.0}, {'predict': 50.0}, {},
                                     Load(1.0, 1.0, 0.0, 2))

    monkeypatch.setattr(benchmark, 'measure', once)
    out = tmp_path / 'b.json'
    assert main(['benchmark', 'methods', '--method', 'lernet_tha', '--size', '64x96',
                 '--frames', '2', '--json', str(out)]) == 1  # fmt: skip
    written = json.loads(out.read_text())
    assert [entry['ratio'] for entry in written['points']] == [2.0]
    assert len(written['not_measured']) == 3
    captured = capsys.readouterr()
    assert 'x2.00' in captured.out and 'interrupted' in captured.err


@pytest.mark.parametrize('arguments, message', [
    (['--method', 'nothing'], 'nothing'),
    (['--point', 'no such'], '--list'),
    (['--frames', '1'], '--frames'),
    (['--size', 'wide'], 'wide'),
])  # fmt: skip
def test_mistakes_are_explained(arguments, message, capsys):
    assert main(['benchmark', 'methods', *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_points_are_listed(capsys):
    assert main(['benchmark', 'methods', '--method', 'lernet_tha', '--list']) == 0
    assert 'lernet_tha: K=5 (against lernet/base)' in capsys.readouterr().out
