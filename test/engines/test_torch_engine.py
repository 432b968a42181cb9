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
import dataclasses

import numpy as np
import pytest
import torch
from small import MEAN_STD, by_torch, random_inputs, small_network

from vidseg_ros.engines import conversion
from vidseg_ros.engines.base import EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import Form, write
from vidseg_ros.engines.cuda_memory import CudaMemory, torch_dtype
from vidseg_ros.engines.registry import create_engine
from vidseg_ros.engines.torch_engine import TorchEngine
from vidseg_ros.methods.upsampling import LabelUpsampler
from vidseg_ros.networks.deploy import DeployedNetwork, deploy
from vidseg_ros.networks.registry import network_spec

SIZE = (64, 96)


def test_labels_found_by_torch_are_those_that_the_cpu_finds(tmp_path):
    network = small_network()
    engine = TorchEngine(network, EngineOptions('cpu'), EngineCache(tmp_path))
    inputs = random_inputs(network, SIZE, 2)
    found = engine.run_labels(inputs, SIZE, also=('logits',))
    assert found['labels'].shape == (2, *SIZE) and found['labels'].dtype == np.uint8
    logits = by_torch(network, inputs)['logits']
    np.testing.assert_allclose(found['logits'], logits, atol=1e-5)
    for labels, each in zip(found['labels'], logits, strict=True):
        # Where two classes are equal to the last digit either may win.
        assert np.mean(labels == LabelUpsampler().labels(each, SIZE)) > 0.999
    assert list(engine.run_labels(inputs, SIZE)) == ['labels']


def _not_in_python(network):
    def forward(*_):
        raise AssertionError('layer by layer')

    network.forward = forward
    return network


@pytest.mark.parametrize(
    'name', ['fassvid/full', 'lernet/base', 'temporal_unet/vanilla_small_deep_cgru'])
def test_on_the_cpu_a_frame_is_one_call_that_gives_what_the_layers_give(tmp_path, name):
    cache = EngineCache(tmp_path)
    network = deploy(network_spec(name).build(5), *MEAN_STD)
    given = [random_inputs(network, size, count, seed=count)
             for size, count in ((SIZE, 1), ((75, 130), 1), (SIZE, 3))]
    expected = [by_torch(network, inputs) for inputs in given]
    engine = TorchEngine(network, EngineOptions('cpu', 'fp32'), cache)
    _not_in_python(network)
    engine.prepare(SIZE)
    for inputs, outputs in zip(given, expected, strict=True):
        for output, array in engine.run(inputs).items():
            np.testing.assert_allclose(array, outputs[output], atol=1e-4, rtol=1e-3)


def test_the_next_engine_reads_what_the_first_has_written(tmp_path, monkeypatch):
    network = small_network()
    expected = by_torch(network, random_inputs(network, SIZE))['logits']
    TorchEngine(network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path))

    def refuse(*_):
        raise EngineError('written again')

    monkeypatch.setattr(conversion, 'write', refuse)
    again = TorchEngine(network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path))
    _not_in_python(network)
    found = again.run(random_inputs(network, SIZE))['logits']
    np.testing.assert_allclose(found, expected, atol=1e-5)


class _LargerIsBrighter(DeployedNetwork):
    """A network that no trace at one size is right about."""

    def forward(self, image):
        return super().forward(image) * (1.0 if image.shape[1] < 100 else 2.0)


def test_a_network_that_looks_at_the_size_runs_layer_by_layer(tmp_path):
    network = _LargerIsBrighter(small_network().network, *MEAN_STD).eval()
    with pytest.raises(EngineError, match='depends on the size'):
        write(network, Form('torchscript'), tmp_path)
    engine = TorchEngine(network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path))
    for size in (SIZE, (128, 128)):
        inputs = random_inputs(network, size)
        np.testing.assert_allclose(
            engine.run(inputs)['logits'], by_torch(network, inputs)['logits'], atol=1e-5)


def test_a_file_that_is_gone_again_costs_no_frame(tmp_path, monkeypatch):
    gone = conversion.Converted(tmp_path / 'model.pt')
    monkeypatch.setattr('vidseg_ros.engines.torch_engine.converted', lambda *_: gone)
    network = small_network()
    engine = TorchEngine(network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path))
    inputs = random_inputs(network, SIZE)
    np.testing.assert_allclose(
        engine.run(inputs)['logits'], by_torch(network, inputs)['logits'], atol=1e-5)


def test_engines_on_the_cpu_leave_labels_to_the_caller(tmp_path):
    network = small_network()
    assert not TorchEngine(network, EngineOptions('cpu')).labels_on_device
    engine = create_engine('openvino', network, EngineOptions('cpu'), EngineCache(tmp_path))
    assert not engine.labels_on_device
    with pytest.raises(EngineError, match='leaves labels to the caller'):
        engine.run_labels(random_inputs(network, SIZE), SIZE)


@pytest.mark.skipif(torch.cuda.is_available(), reason='is about machines without a GPU')
def test_without_a_gpu_cuda_is_refused_by_all_that_know_it():
    for name, message in (('torch', 'device cuda is not available'),
                          ('onnxruntime', 'CUDAExecutionProvider'), ('auto', 'none is installed')):
        with pytest.raises(EngineError, match=message):
            create_engine(name, small_network(), EngineOptions('cuda'))
    with pytest.raises(EngineError, match='no GPU'):
        CudaMemory()


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('precision, tolerance', [('fp32', 1e-2), ('fp16', 3e-2)])
def test_on_a_gpu_graphs_give_what_the_cpu_gives(tmp_path, precision, tolerance):
    network = small_network()
    engine = TorchEngine(network, EngineOptions('cuda', precision), EngineCache(tmp_path))
    for seed in range(3):
        inputs = random_inputs(network, SIZE, 2, seed)
        expected = by_torch(network, inputs)['logits']
        np.testing.assert_allclose(engine.run(inputs)['logits'], expected, atol=tolerance)
    assert engine.describe()['cuda_graphs'] == '1 of 1 shapes'
    assert next(network.parameters()).device.type == 'cpu'


def test_types_have_the_same_names_in_torch():
    assert torch_dtype(np.dtype(np.uint8)) == torch.uint8
    assert torch_dtype(np.dtype(np.float16)) == torch.float16


@pytest.mark.parametrize('name', ['fassvid/full_hires', 'temporal_unet/vanilla_small_deep_cgru'])
def test_onnx_does_nothing_with_bytes_but_cast_them_and_runs_in_half_precision(tmp_path, name):
    import onnx
    import onnxruntime

    # TensorRT takes nothing else; ONNX Runtime runs fp16 on the CPU slowly, but it does.
    network = deploy(network_spec(name).build(5), *MEAN_STD)
    write(network, Form('onnx', half=True), tmp_path)
    graph = onnx.load(tmp_path / 'model.onnx').graph
    images = {v.name for v in graph.input if v.type.tensor_type.elem_type == 2}
    assert images and {n.op_type for n in graph.node if images & set(n.input)} == {'Cast'}
    inputs = random_inputs(network, SIZE, 2)
    session = onnxruntime.InferenceSession(
        tmp_path / 'model.onnx', providers=['CPUExecutionProvider']
    )
    outputs = session.run(list(network.output_names), inputs)
    for array, expected in zip(outputs, by_torch(network, inputs).values(), strict=True):
        assert array.dtype == np.float32
        assert np.abs(array - expected).max() < 0.03 * np.abs(expected).max()


def test_threads_and_precision_are_taken_from_the_options():
    before = torch.get_num_threads()
    try:
        options = EngineOptions('cpu', 'bf16', threads=2)
        engine = TorchEngine(small_network(), options)
        assert torch.get_num_threads() == 2 and engine.describe()['precision'] == 'bf16'
        with pytest.raises(EngineError, match='has no int8'):
            TorchEngine(small_network(), dataclasses.replace(options, precision='int8'))
    finally:
        torch.set_num_threads(before)
