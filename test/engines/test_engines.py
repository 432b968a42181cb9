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

import threading

import numpy as np
import pytest
import torch
from small import by_torch, random_inputs, small_network

from vidseg_ros.engines.base import EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.export import export_onnx, export_openvino
from vidseg_ros.engines.measurement import BatchMemory
from vidseg_ros.engines.registry import create_engine, engine_names
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.fassvid import FASSVid, FASSVidConfig
from vidseg_ros.networks.registry import network_spec

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _deployed(name='fassvid/full_hires', classes=5):
    torch.manual_seed(4)
    return deploy(network_spec(name).build(classes), *IMAGENET)


def _inputs(deployed, size, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(0, 256, a.shape, np.uint8)
        if a.dtype == np.uint8
        else rng.normal(size=a.shape).astype(np.float32)
        for name, a in deployed.example_inputs(size).items()
    }


def test_deployed_networks_normalise_what_comes_as_bytes():
    deployed = _deployed('fassvid/base')
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), np.uint8)
    expected = (image[0] / 255.0 - IMAGENET[0]) / IMAGENET[1]
    got = deployed.normalise(torch.from_numpy(image))[0].permute(1, 2, 0)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize('name', ['fassvid/base', 'fassvid/full', 'fassvid/full_hires'])
def test_openvino_agrees_with_torch_at_two_sizes(name):
    deployed = _deployed(name)
    engine = create_engine('openvino', deployed, EngineOptions('cpu', 'fp32'))
    for size in ((64, 96), (90, 70)):
        inputs = _inputs(deployed, size)
        expected = by_torch(deployed, inputs)['logits']
        np.testing.assert_allclose(engine.run(inputs)['logits'], expected, atol=1e-3)


@pytest.mark.parametrize('export, name', [(export_onnx, 'a.onnx'), (export_openvino, 'a.xml')])
@pytest.mark.parametrize('size', [(64, 96), (68, 132)])
def test_exports_agree_with_torch(tmp_path, export, name, size):
    path = tmp_path / name
    assert export(_deployed(), size, path) < 1e-3
    assert path.stat().st_size > 10_000


def test_an_export_that_differs_is_refused(tmp_path):
    deployed = _deployed()
    true_forward = deployed.forward
    calls = []

    def drifting(*inputs):
        # The second call is the comparison with torch.
        calls.append(1)
        return true_forward(*inputs) + (1.0 if not torch.jit.is_tracing() else 0.0)

    deployed.forward = drifting
    with pytest.raises(EngineError, match='differs from torch'):
        export_onnx(deployed, (64, 96), tmp_path / 'a.onnx')


def test_the_engines_output_is_its_own_memory():
    deployed = _deployed()
    engine = create_engine('openvino', deployed, EngineOptions('cpu', 'fp32'))
    first = engine.run(_inputs(deployed, (64, 96), 1))['logits'].copy()
    engine.run(_inputs(deployed, (64, 96), 2))
    again = engine.run(_inputs(deployed, (64, 96), 1))['logits']
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize('name', ['openvino', 'onnxruntime', 'auto'])
def test_sizes_are_prepared_while_frames_of_another_run(tmp_path, name):
    network = small_network()
    engine = create_engine(name, network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path))
    inputs = random_inputs(network, (32, 48))
    expected = by_torch(network, inputs)['logits']
    engine.prepare((32, 48))
    # More sizes than are kept, and those that run among them.
    sizes = [(32 + 8 * i, 48) for i in range(10)]
    thread = threading.Thread(target=lambda: [engine.prepare(size) for size in sizes])
    thread.start()
    while thread.is_alive():
        np.testing.assert_allclose(engine.run(inputs)['logits'], expected, atol=1e-4)
    thread.join()
    other = random_inputs(network, sizes[-1])
    np.testing.assert_allclose(
        engine.run(other)['logits'], by_torch(network, other)['logits'], atol=1e-4
    )


def test_inputs_are_read_where_they_lie_also_from_read_only_memory(tmp_path):
    network = small_network()
    engine = create_engine(
        'openvino', network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path)
    )
    inputs = random_inputs(network, (32, 48))
    message = bytearray(inputs['image'].tobytes())
    image = np.frombuffer(memoryview(message).toreadonly(), np.uint8).reshape(1, 32, 48, 3)
    assert not image.flags.writeable
    for value in (0, 200):
        # The same array with other content, as when a buffer is used again.
        message[:1000] = bytes([value]) * 1000
        expected = by_torch(network, {'image': image.copy()})['logits']
        np.testing.assert_allclose(engine.run({'image': image})['logits'], expected, atol=1e-4)
    turned = random_inputs(network, (48, 32))['image'].transpose(0, 2, 1, 3)
    expected = by_torch(network, {'image': np.ascontiguousarray(turned)})['logits']
    np.testing.assert_allclose(engine.run({'image': turned})['logits'], expected, atol=1e-4)


def test_frames_together_give_what_each_alone_gives(tmp_path):
    network = _deployed('fassvid/full_hires')
    inputs = random_inputs(network, (64, 96), 3)
    engine = create_engine(
        'openvino', network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path)
    )
    together = engine.run(inputs)['logits'].copy()
    for i in range(3):
        alone = engine.run({n: a[i : i + 1] for n, a in inputs.items()})['logits']
        np.testing.assert_allclose(together[i : i + 1], alone, atol=1e-4)
    assert engine.preferred_batch((64, 96)) == 1
    engine.prepare((64, 96))
    assert engine.preferred_batch((64, 96)) in (1, 2, 4, 8)


def test_auto_is_an_engine_that_is_there():
    assert engine_names()[0] == 'auto' and 'torch' in engine_names()
    engine = create_engine('auto', _deployed(), EngineOptions())
    described = engine.describe()
    assert described['engine'] in engine_names()[1:]
    assert {'device', 'precision', 'version', 'chosen_by_auto'} < set(described)


@pytest.mark.parametrize('name, options, message', [
    ('tensorflow', EngineOptions(), 'is not an engine'),
    ('openvino', EngineOptions('cuda'), 'not served'),
    ('openvino', EngineOptions('cpu', 'fp7'), 'has no fp7'),
    ('torch', EngineOptions('cpu', 'fp16'), 'needs cuda'),
])  # fmt: skip
def test_what_an_engine_cannot_do_is_refused(name, options, message):
    with pytest.raises(EngineError, match=message):
        create_engine(name, deploy(FASSVid(FASSVidConfig(3)), *IMAGENET), options)


def test_the_preferred_batch_is_compiled_before_frames_come(tmp_path, monkeypatch):
    monkeypatch.setattr(BatchMemory, '_measure', lambda self, size: 2)
    engine = create_engine(
        'openvino', small_network(), EngineOptions('cpu', 'fp32'), EngineCache(tmp_path)
    )
    engine.prepare((32, 48))
    compiled = set(engine._built)
    engine.run(random_inputs(engine.network, (32, 48), 2))
    engine.run(random_inputs(engine.network, (32, 48)))
    assert len(compiled) == 2 and set(engine._built) == compiled
