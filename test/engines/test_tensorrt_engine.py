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
"""The TensorRT engine against a stand-in that runs ONNX and knows TensorRT's real interface."""

import sys

import numpy as np
import pytest
import tensorrt_recorder
import torch
from small import by_torch, random_inputs, small_network

from vidseg_ros.engines.base import EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.exported import ExportedModel
from vidseg_ros.engines.registry import create_engine

SIZE = (32, 48)


class HostMemory:
    """Memory of this machine in a GPU's place."""

    stream = 7

    def host(self, shape, dtype):
        return torch.zeros(shape, dtype=dtype)

    on_device = host

    def copy(self, to, source):
        to.copy_(source)

    def wait(self):
        pass


@pytest.fixture
def engine_of(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'tensorrt', tensorrt_recorder)
    monkeypatch.delitem(sys.modules, 'vidseg_ros.engines.tensorrt_engine', raising=False)
    from vidseg_ros.engines.tensorrt_engine import TensorRTEngine

    tensorrt_recorder.calls.clear()
    tensorrt_recorder.failures.clear()

    def make(network, options=EngineOptions(precision='fp32')):  # noqa: B008
        return TensorRTEngine(network, options, EngineCache(tmp_path), HostMemory())

    yield make
    monkeypatch.delitem(sys.modules, 'vidseg_ros.engines.tensorrt_engine')


@pytest.mark.parametrize('precision, tolerance', [('fp32', 1e-4), ('fp16', 2e-2)])
def test_it_gives_what_torch_gives_also_for_several_frames(engine_of, precision, tolerance):
    network = small_network()
    engine = engine_of(network, EngineOptions(precision=precision))
    for count in (1, 3):
        inputs = random_inputs(network, SIZE, count, seed=count)
        expected = by_torch(network, inputs)['logits']
        np.testing.assert_allclose(engine.run(inputs)['logits'], expected, atol=tolerance)
    assert tensorrt_recorder.calls.count('build') == 1


def test_engines_are_built_once_for_each_size_and_network(engine_of):
    engine_of(small_network()).prepare(SIZE)
    assert tensorrt_recorder.calls.count('build') == 1
    engine_of(small_network()).prepare(SIZE)
    assert tensorrt_recorder.calls.count('build') == 1
    engine_of(small_network()).prepare((64, 48))
    assert tensorrt_recorder.calls.count('build') == 2
    engine_of(small_network(1)).prepare(SIZE)
    assert tensorrt_recorder.calls.count('build') == 3
    engine_of(small_network(), EngineOptions(precision='fp16')).prepare(SIZE)
    assert tensorrt_recorder.calls.count('build') == 4


def test_another_gpu_or_version_has_engines_of_its_own(engine_of, monkeypatch):
    engine = engine_of(small_network())
    single = ((1, *SIZE, 3),)
    here = engine.identity(single)
    module = sys.modules['vidseg_ros.engines.tensorrt_engine']
    monkeypatch.setattr(module, 'accelerator', lambda: 'Another GPU, compute 12.0, CUDA 13.0')
    assert engine.identity(single) != here
    monkeypatch.undo()
    assert set(here) == {
        'what', 'network', 'precision', 'shapes', 'max_batch', 'torch', 'tensorrt', 'gpu',
    }  # fmt: skip


def test_timings_of_kernels_are_kept_for_the_next_build(engine_of):
    engine_of(small_network()).prepare(SIZE)
    engine_of(small_network(1)).prepare(SIZE)
    timings = [c for c in tensorrt_recorder.calls if c.startswith('timing')]
    assert timings == ['timing cache of 0', 'timing cache of 1']


def test_an_engine_that_tensorrt_refuses_is_built_anew(engine_of):
    engine_of(small_network()).prepare(SIZE)
    tensorrt_recorder.failures.add('deserialise')
    engine_of(small_network()).prepare(SIZE)
    assert tensorrt_recorder.calls.count('build') == 2


@pytest.mark.parametrize('step, message', [
    ('parse', 'cannot read this network: Unsupported operator'),
    ('build', 'could not be built'),
    ('execute', 'refused to run'),
])  # fmt: skip
def test_what_fails_is_said(engine_of, step, message):
    tensorrt_recorder.failures.add(step)
    with pytest.raises(EngineError, match=message):
        engine_of(small_network()).prepare(SIZE)


def test_more_frames_than_it_was_built_for_are_refused(engine_of):
    network = small_network()
    with pytest.raises(EngineError, match='at most 8 frames'):
        engine_of(network).run(random_inputs(network, SIZE, 9))


@pytest.mark.parametrize('options, message', [
    (EngineOptions('cpu'), 'only cuda'),
    (EngineOptions(precision='int8'), 'needs a calibrated model'),
    (EngineOptions(precision='bf16'), 'has no bf16'),
])  # fmt: skip
def test_what_it_cannot_do_is_refused(engine_of, options, message):
    with pytest.raises(EngineError, match=message):
        engine_of(small_network(), options)


def test_an_exported_model_of_another_kind_is_refused(engine_of, tmp_path):
    exported = ExportedModel(tmp_path / 'a.xml', 'openvino', 'int8', (), (), None, {}, {})
    with pytest.raises(EngineError, match='is not ONNX'):
        engine_of(small_network(), EngineOptions(exported=exported))


def test_without_a_gpu_or_the_library_it_is_refused(engine_of, monkeypatch):
    from vidseg_ros.engines.tensorrt_engine import TensorRTEngine

    if not torch.cuda.is_available():
        with pytest.raises(EngineError, match='engine tensorrt: device cuda is not available'):
            TensorRTEngine(small_network(), EngineOptions())
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(EngineError, match='tensorrt is not installed'):
        create_engine('tensorrt', small_network(), EngineOptions())
