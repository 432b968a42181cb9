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
import numpy as np
import pytest
from small import by_torch, random_inputs, small_network

from vidseg_ros.engines import quantisation
from vidseg_ros.engines.base import EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.exported import (
    ExportedModel,
    describe_files,
    read_exported,
    write_description,
)
from vidseg_ros.engines.quantisation import quantise
from vidseg_ros.engines.recording_engine import RecordingEngine
from vidseg_ros.engines.registry import create_engine

SIZE = (32, 48)


def _quantised(tmp_path, kind, ignore=()):
    network = small_network()
    examples = [random_inputs(network, SIZE, seed=i) for i in range(4)]
    path = tmp_path / ('m.xml' if kind == 'openvino' else 'm.onnx')
    quantise(network, kind, examples, path, EngineCache(tmp_path / 'cache'), ignore)
    exported = ExportedModel(
        path, kind, 'int8', tuple(network.input_names), tuple(network.output_names), None,
        describe_files(path), {},
    )  # fmt: skip
    write_description(exported)
    return network, read_exported(path)


@pytest.mark.parametrize('kind, engine', [('openvino', 'openvino'), ('onnx', 'onnxruntime')])
def test_int8_is_near_and_not_equal_and_takes_any_size(tmp_path, kind, engine):
    network, exported = _quantised(tmp_path, kind)
    running = create_engine(engine, network, EngineOptions('cpu', exported=exported))
    assert running.describe()['precision'].startswith('int8')
    for size, count in ((SIZE, 1), ((64, 40), 2)):
        inputs = random_inputs(network, size, count, seed=9)
        expected = by_torch(network, inputs)['logits']
        difference = np.abs(running.run(inputs)['logits'] - expected).max()
        assert 1e-5 < difference < 0.1 * np.abs(expected).max()


def test_layers_that_are_to_stay_as_they_are_do(tmp_path):
    import onnx

    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').mkdir()
    counts = []
    for folder, ignore in (('a', ()), ('b', ('.*Conv.*',))):
        _, exported = _quantised(tmp_path / folder, 'onnx', ignore)
        nodes = onnx.load(exported.path).graph.node
        counts.append(sum(n.op_type == 'QuantizeLinear' for n in nodes))
    assert counts[0] > counts[1]


def test_int8_in_onnx_is_as_tensorrt_wants_it(tmp_path):
    import onnx
    from onnx import numpy_helper

    _, exported = _quantised(tmp_path, 'onnx')
    graph = onnx.load(exported.path).graph
    values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    points = [values[n.input[2]] for n in graph.node if n.op_type == 'QuantizeLinear']
    assert points and all(p.dtype == np.int8 and not p.any() for p in points)


def test_auto_runs_an_exported_model(tmp_path):
    network, exported = _quantised(tmp_path, 'openvino')
    running = create_engine(
        'auto', network, EngineOptions(exported=exported), EngineCache(tmp_path / 'cache')
    )
    running.prepare(SIZE)
    described = running.describe()
    assert described['engine'] == 'openvino' and described['precision'].startswith('int8')


def test_engines_refuse_what_they_cannot_run(tmp_path):
    network, exported = _quantised(tmp_path, 'openvino')
    options = EngineOptions('cpu', exported=exported)
    with pytest.raises(EngineError, match='does not run exported models'):
        create_engine('torch', network, options)
    with pytest.raises(EngineError, match='is not ONNX'):
        create_engine('onnxruntime', network, options)


@pytest.mark.parametrize('name, kind', [('openvino', 'openvino'), ('onnxruntime', 'onnx')])
def test_int8_without_a_calibrated_model_says_how_to_get_one(name, kind):
    with pytest.raises(EngineError, match=f'vidseg export CHECKPOINT --format {kind}'):
        create_engine(name, small_network(), EngineOptions('cpu', 'int8'))


def test_without_nncf_the_command_to_install_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(quantisation.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(EngineError, match=r'pip install -r requirements/int8\.txt'):
        quantise(small_network(), 'onnx', [{}], tmp_path / 'a.onnx', EngineCache(tmp_path))


@pytest.mark.parametrize('damage, message', [
    (lambda p: p.with_name('m.xml.json').unlink(), 'there is no m.xml.json beside it'),
    (lambda p: p.with_name('m.xml.json').write_text('{'), 'not a description'),
    (lambda p: p.with_name('m.xml.json').write_text('{"format": 9}'), 'format 9, expected 1'),
    (lambda p: p.with_name('m.xml.json').write_text('{"format": 1}'), 'not a description'),
    (lambda p: p.with_suffix('.bin').write_bytes(b'other'), 'not the file that m.xml.json'),
    (lambda p: p.with_suffix('.bin').unlink(), 'No such file'),
    (lambda p: p.unlink(), 'no such exported model'),
])  # fmt: skip
def test_exported_models_that_were_damaged_are_refused(tmp_path, damage, message):
    path = tmp_path / 'm.xml'
    path.write_text('<net/>')
    path.with_suffix('.bin').write_bytes(b'weights')
    write_description(
        ExportedModel(path, 'openvino', 'fp32', (), (), None, describe_files(path), {})
    )
    read_exported(path)
    damage(path)
    with pytest.raises(EngineError, match=message):
        read_exported(path)


def test_a_recorder_keeps_copies_of_every_so_many_inputs(tmp_path):
    network = small_network()
    inner = create_engine('torch', network, EngineOptions('cpu'), EngineCache(tmp_path))
    recorder = RecordingEngine(inner, stride=2)
    inputs = random_inputs(network, SIZE, 2)
    first = inputs['image'][1].copy()
    for _ in range(3):
        output = recorder.run(inputs)
        inputs['image'][:] = 0
    assert len(recorder.examples) == 4 and output['logits'].shape[0] == 2
    np.testing.assert_array_equal(recorder.examples[1]['image'][0], first)
