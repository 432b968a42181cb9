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
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from vidseg_ros.cli.main import main
from vidseg_ros.engines.base import EngineError
from vidseg_ros.engines.exported import ExportedModel
from vidseg_ros.evaluation.benchmarks import networks, peers
from vidseg_ros.evaluation.benchmarks.networks import NetworkOptions, own_network


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Clock:
    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@dataclass
class FakeEngine:
    clock: Clock
    seconds: float
    precision: str
    network: object
    closed: bool = False

    @property
    def labels_on_device(self):
        return self.precision == 'bf16'

    def prepare(self, size):
        self.size = size

    def run(self, inputs):
        assert inputs['image'].shape == (2, *self.size, 3)
        self.clock.now += self.seconds
        return {}

    def run_labels(self, inputs, size):
        assert size == self.size
        self.clock.now += 1.5 * self.seconds
        return {}

    def describe(self):
        return {'engine': 'fake', 'precision': self.precision, 'device': 'a CPU'}

    def close(self):
        self.closed = True


def test_engines_are_timed_in_turns_beside_torch(monkeypatch):
    clock, made = Clock(), []
    monkeypatch.setattr(networks, 'time', clock)
    monkeypatch.setattr(networks, 'engine_names', lambda: ['auto', 'torch', 'openvino'])
    seconds = {('torch', 'fp32'): 0.08, ('openvino', 'fp32'): 0.02, ('openvino', 'bf16'): 0.01}

    def create(name, network, options):
        key = name, options.precision
        if key not in seconds:
            raise EngineError(f'no {key}')
        made.append(FakeEngine(clock, seconds[key], options.precision, network))
        return made[-1]

    monkeypatch.setattr(networks, 'create_engine', create)
    subject = own_network('fassvid/base_hires', (64, 96))
    options = NetworkOptions(device='cpu', seconds=1.0, block_s=0.1, batch=2)
    found = networks.measure(subject, options, {'cpu fp32': 10 * subject.gmacs})
    entries = {(e['engine'], e['precision']): e for e in found['engines']}
    assert set(entries) == set(seconds)
    assert entries['openvino', 'bf16']['ms']['median'] == pytest.approx(10.0)
    assert entries['openvino', 'bf16']['ratio']['median'] == pytest.approx(8.0)
    assert entries['torch', 'fp32']['ratio']['median'] == pytest.approx(1.0)
    assert entries['openvino', 'bf16']['labels_ms']['median'] == pytest.approx(15.0)
    assert entries['openvino', 'bf16']['fps'] == pytest.approx(200.0)
    assert entries['openvino', 'fp32']['labels_ms'] is None
    assert entries['openvino', 'fp32']['gmacs_per_s'] == pytest.approx(subject.gmacs / 0.01)
    assert entries['openvino', 'fp32']['share_of_peak'] == pytest.approx(10.0)
    assert entries['torch', 'fp32']['share_of_peak'] == pytest.approx(2.5)
    assert entries['openvino', 'bf16']['bottleneck'] == 'not known'
    # The layers' times are those of the engine that was the fastest, run for real.
    assert found['layers']['precision'] == 'bf16'
    assert next(iter(found['layers']['kinds'])) == 'Convolution'
    assert all(engine.closed for engine in made)
    assert {(m['engine'], m['precision']) for m in found['not_measured']} == {
        ('torch', 'bf16'), ('torch', 'fp16'), ('openvino', 'fp16')}


def test_the_command_times_a_network_here(tmp_path, capsys):
    out = tmp_path / 'n.json'
    assert main(['benchmark', 'networks', '--quick', '--size', '32x64', '--engine', 'torch',
                 '--precision', 'fp32', '--precision', 'fp16', '--device', 'cpu', '--no-peers',
                 '--threads', '1', '--json', str(out)]) == 0  # fmt: skip
    written = json.loads(out.read_text())
    (network,) = written['networks']
    (engine,) = network['engines']
    assert network['network'] == 'fassvid/base_hires' and network['size'] == [32, 64]
    assert engine['ratio']['median'] == 1.0 and engine['ms']['median'] > 0
    assert written['peak']['cpu fp32'] > 0 and written['peak']['copy'] > 0
    assert 'torchvision' in written['peers']['looked_for']
    text = capsys.readouterr().out
    assert 'fassvid/base_hires' in text and 'not present: torch fp16 on cpu' in text
    table = text.partition('torch 2')[0]
    assert '…' not in text and max(map(len, table.splitlines())) <= 80


def test_a_network_of_another_package_is_measured_like_ours(monkeypatch):
    def build():
        return nn.Conv2d(3, 19, 3, stride=8, padding=1)

    peer = peers.Peer('theirs', 'torch', build)
    assert peer.installed and not peers.Peer('x', 'no_such_package', build).installed
    subject = networks.peer_network(peer, (16, 32))
    assert not subject.ours and subject.parameters == 19 * 28
    assert subject.gmacs == pytest.approx(19 * 27 * 8 / 1e9)
    options = NetworkOptions(['torch'], ['fp32'], 'cpu', seconds=0.0, block_s=0.0)
    found = networks.measure(subject, options, {})
    assert found['engines'][0]['ms']['count'] == 3 and not torch.is_inference_mode_enabled()


def test_ros_peers_are_looked_for_in_the_sourced_ros(tmp_path, monkeypatch):
    index = tmp_path / 'share/ament_index/resource_index/packages'
    index.mkdir(parents=True)
    (index / 'isaac_ros_unet').touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    assert peers.ros_peers_there() == ['isaac_ros_unet']
    assert 'isaac_ros_unet' in peers.looked_for()['there']


def test_a_network_is_as_wide_as_its_exported_model():
    model = ExportedModel(Path('int8.xml'), 'openvino', 'int8', (), (), None, {}, {
        'network': 'fassvid/full_hires', 'label_space': 'camvid'})
    own = [own_network(name, (64, 96), [model]) for name in ('fassvid/full_hires', 'fassvid/full')]
    previous = [subject.deployed.example_inputs((64, 96))['previous'] for subject in own]
    assert [array.shape[1] for array in previous] == [11, 19]
