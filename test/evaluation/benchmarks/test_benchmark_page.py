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

from vidseg_ros.cli.main import main

ONE = {'median': 2.0, 'quartiles': [1.9, 2.1], 'count': 3}
MACHINE = {'machine': {'processor': 'X', 'cores': '2'}, 'versions': {'python': '3'},
           'created': '2026-01-02T03:04:05+00:00', 'command': 'x', 'not_measured': [],
           'load': {'seconds': 1.0, 'own_cores': 1.0, 'others_cores': 0.0, 'cores': 2,
                    'disturbed': False}}
PEERS = {'looked_for': ['torchvision'], 'there': []}
LATENCY = {'mean': 21.0, 'median': 20.5, 'p95': 25.0, 'p99': 30.0, 'max': None}
SYSTEM = {'system': 'fassvid', 'plain': False, 'latency_ms': LATENCY, 'p99_over_median': 1.46,
          'sent': 300, 'received': 299, 'lost': 1, 'rate_hz': 29.9,
          'rate_by_camera_hz': {'front': 29.9}, 'cpu_ms_per_frame': 30.0, 'cores_used': 1.0,
          'memory_mb': {'rss': 500.0}, 'stages_ms': {}, 'neither_share': 0.12,
          'neither_share_in_node': 0.05, 'bottleneck': 'predict: 17.0 of 20.5 ms'}
PLAIN = {**{k: v for k, v in SYSTEM.items() if 'neither' not in k}, 'system': 'plain openvino',
         'plain': True}
RUN = {'size': [512, 1024], 'cameras': 1, 'systems': [SYSTEM, PLAIN], 'load': MACHINE['load'],
       'ratios': [{'system': 'fassvid', 'against': 'plain openvino', **ONE}]}
OVER = {'work_ms': 15.0, 'age_in_frames_of_work': {'median': 1.5, 'p95': 1.9, 'max': 2.5},
        'rates_apart': 0.05, 'memory_ratio': 1.1, 'memory_growth': 1.0}
ENGINE = {'engine': 'openvino', 'precision': 'bf16', 'ms': ONE, 'ratio': ONE, 'labels_ms': None,
          'fps': 500.0,
          'gmacs_per_s': 500.0, 'share_of_peak': None, 'device': 'X', 'version': '1',
          'bottleneck': 'not known', 'build_s': 1.0}
PARTS = {
    'pipeline': {'runs': [RUN], 'peers': PEERS, 'trace': None},
    'trace': {'runs': [{**RUN, 'systems': [{**SYSTEM, 'system': 'evs traced'}], 'ratios': []}],
              'peers': PEERS,
              'trace': {'node': 'evs', 'file': 't.json', 'events': 9,
                        'ms': {'observe': 3.0, 'predict': 8.0}, 'observe_beside_predict': 0.9}},
    'overload': {'runs': [{**RUN, 'systems': [{**SYSTEM, **OVER}, {**PLAIN, **OVER}]}],
                 'peers': PEERS},
    'networks': {'networks': [{
        'network': 'fassvid/base', 'size': [512, 1024], 'parameters': 2_000_000, 'gmacs': 8.6,
        'engines': [ENGINE], 'not_measured': [
            {'engine': 'torch', 'precision': 'fp16', 'device': 'cpu', 'why': 'none'}],
        'layers': {'precision': 'bf16', 'ms': 2.0, 'kinds': {'Convolution': 0.99, 'Add': 0.01},
                   'layers': [
                       {'layer': 'stem.0', 'share': 0.6, 'ms': 1.2, 'gmacs_per_s': 81.4},
                       {'layer': 'pool', 'share': 0.1, 'ms': 0.2, 'gmacs_per_s': None}]}},
        {'network': 'theirs', 'size': [512, 1024], 'parameters': 1, 'gmacs': 8.6,
         'engines': [], 'not_measured': [], 'layers': None}],
        'peak': {'cpu fp32': 100.0, 'copy': 20.0}, 'peers': PEERS},
    'methods': {'size': [512, 1024], 'frames': 40, 'dataset': 'synthetic', 'points': [{
        'method': 'evs', 'point': 'S=5 | W', 'every_frame_network': 'icnet/half',
        'segmented': 0.2, 'fps': 100.0, 'every_frame_fps': 25.0, 'ratio': 4.0,
        'ratio_quartiles': [3.9, 4.1], 'sequential_ratio': ONE, 'paper_ratio': 4.9,
        'bottleneck': 'observe 60%', 'describe': {'engine': 'openvino'}}]},
    'graph': {'rate_hz': 30.0, 'rounds': 2, 'ratios': [
        {'library': 'ROS 2', 'way': 'between', 'image': 'large', **ONE}],
        'libraries': [{
            'name': name, 'library': 'x', 'middleware': 'y', 'python': '3', 'settings': {},
            'between': [{'image': 'large', 'frames': 10, 'lost': 1, 'median_ms': ONE,
                         'p95_ms': ONE, 'publish_cpu_ms': ONE, 'listen_cpu_ms': ONE}],
            'within': [], 'rest': {'entities': 20, 'cpu_percent': ONE}}
            for name in ('this rclpy', 'ROS 2')]},
    'soak': {'seconds': 600.0, 'rate_hz': 10.0, 'size': [256, 512], 'changes': {'method': 9},
             'not_present': [], 'refused': [], 'errors': {}, 'broken': [],
             'cameras': {'a': {'labels': 9, 'rate_hz': 9.9, 'gaps': [], 'slow_rounds': [],
                               'longest_s': 0.1},
                         'b': {'labels': 9, 'rate_hz': 9.9, 'gaps': [], 'slow_rounds': [],
                               'longest_s': 0.2345}},
             'memory_mb': {'start': 400.0, 'end': 500.0, 'peak': 510.0,
                           'quarters': [480.0, 505.0, 490.0, 510.0]}, 'memory_growth': 1.01,
             'memory_tells': True},
}


def write(directory, **parts):
    for name, part in parts.items():
        (directory / f'{name}.json').write_text(json.dumps({**MACHINE, **part}))


def test_every_figure_is_on_the_page(tmp_path, capsys):
    write(tmp_path, **PARTS)
    out = tmp_path / 'docs' / 'b.md'
    assert main(['benchmark', 'report', str(tmp_path), '--out', str(out)]) == 0
    text = out.read_text()
    assert 'Not measured' not in text and 'was not idle' not in text
    assert '| fassvid | 20.5 | 25.0 | 30.0 | – | 299 of 300 | 30.0 | 12% (5%) | 500 | ' \
        '×2.00 (1.90–2.10) |' in text  # noqa: RUF001
    assert 'predict: 17.0 of 20.5 ms' in text and '90% of the time' in text
    assert '| ×4.00 (3.90–4.10) |' in text and '| ×4.90 |' in text  # noqa: RUF001
    assert 'S=5 \\| W' in text
    assert '| longest time between two labels of a camera | 234 ms |' in text
    assert ('- fassvid/base, bf16: Convolution 99%; most: stem.0 60% (81 GMAC/s), pool 10%\n'
            in text)
    assert '- theirs' not in text
    assert '| ROS 2 | large | 2.00 |' in text and '**sound**' in text
    tables = [line for line in text.splitlines() if line.startswith('|')]
    groups, width = [], None
    for line in text.splitlines():
        cells = line.replace('\\|', '').count('|') if line.startswith('|') else None
        if cells is not None and width is not None:
            groups.append(cells == width)
        width = cells
    assert tables and all(groups)
    assert 'processor: X' in text and 'pipeline (2026-01-02)' in text


def test_the_trace_has_a_table_of_its_own(tmp_path):
    write(tmp_path, **PARTS)
    assert main(['benchmark', 'report', str(tmp_path), '--out', str(tmp_path / 'b.md')]) == 0
    text = (tmp_path / 'b.md').read_text()
    before, after = text.split('### The parts side by side')
    assert '| evs traced |' not in before
    table = after.split('## Many cameras at once')[0]
    assert '| evs traced |' in table and '| fassvid |' not in table


def test_what_was_not_measured_is_said_to_be(tmp_path):
    write(tmp_path, soak=PARTS['soak'])
    busy = {**RUN, 'load': {**MACHINE['load'], 'others_cores': 0.9, 'disturbed': True}}
    write(tmp_path, pipeline={**PARTS['pipeline'], 'runs': [busy]})
    out = tmp_path / 'b.md'
    assert main(['benchmark', 'report', str(tmp_path), '--out', str(out)]) == 0
    text = out.read_text()
    assert text.count('Not measured in this run.') == 5
    assert 'pipeline: others used 0.90 of 2 cores' in text


def test_figures_of_another_version_are_refused(tmp_path, capsys):
    write(tmp_path, graph={'libraries': [{'name': 'x'}], 'ratios': []})
    assert main(['benchmark', 'report', str(tmp_path), '--out', str(tmp_path / 'b.md')]) == 2
    assert 'another version' in capsys.readouterr().err


@pytest.mark.parametrize('content', [None, '{'])
def test_nothing_to_show_is_an_error(tmp_path, content, capsys):
    if content:
        (tmp_path / 'graph.json').write_text(content)
    assert main(['benchmark', 'report', str(tmp_path), '--out', str(tmp_path / 'b.md')]) == 2
    assert 'graph.json' in capsys.readouterr().err
