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
import io
import os
import pickle
import sys
import threading
import time
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small import by_torch, random_inputs, small_network

from vidseg_ros.engines import base, conversion
from vidseg_ros.engines.base import EngineError, EngineOptions, frames_would_wait
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.conversion import Form, converted, open_axes, write
from vidseg_ros.engines.identity import network_digest
from vidseg_ros.engines.registry import create_engine


def _in_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_the_digest_follows_weights_and_structure():
    assert network_digest(small_network()) == network_digest(small_network())
    other = small_network()
    with torch.no_grad():
        other.network[0].weight[0, 0, 0, 0] += 1e-6
    assert network_digest(other) != network_digest(small_network())
    strided = small_network()
    strided.network[2].stride = (2, 2)
    assert network_digest(strided) != network_digest(small_network())


def test_converting_is_done_once(tmp_path):
    cache = EngineCache(tmp_path)
    first = converted(small_network(), Form('onnx'), cache)
    again = converted(small_network(), Form('onnx'), cache)
    assert first.seconds > 0 and again.seconds == 0 and again.path == first.path
    assert converted(small_network(1), Form('onnx'), cache).path != first.path
    assert converted(small_network(), Form('onnx', half=True), cache).path != first.path


@pytest.mark.parametrize('name', ['openvino', 'onnxruntime'])
def test_engines_work_where_nothing_can_be_kept(tmp_path, name):
    (tmp_path / 'file').write_text('')
    network = small_network()
    engine = create_engine(
        name, network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path / 'file' / 'c')
    )
    inputs = random_inputs(network, (32, 48))
    np.testing.assert_allclose(
        engine.run(inputs)['logits'], by_torch(network, inputs)['logits'], atol=1e-4
    )


def test_a_running_node_converts_in_a_child_process(tmp_path, monkeypatch):
    network = small_network()
    inputs = random_inputs(network, (32, 48))
    running = create_engine('torch', network, EngineOptions('cpu'), EngineCache(tmp_path / 'a'))
    running.run(inputs)
    assert _in_thread(frames_would_wait) and not frames_would_wait()

    def here(*_):
        raise AssertionError('converted in this process')

    # What lies in the working directory must not be run.
    (tmp_path / 'pickle.py').write_text('raise SystemExit(3)')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(conversion, 'write', here)
    made = _in_thread(lambda: converted(network, Form('onnx'), EngineCache(tmp_path / 'b')))
    assert made.path.is_file()
    monkeypatch.undo()
    running.close()
    engine = create_engine(
        'openvino', network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path / 'b')
    )
    assert engine.seconds_converting == 0
    np.testing.assert_allclose(
        engine.run(inputs)['logits'], by_torch(network, inputs)['logits'], atol=1e-4
    )


def test_the_child_works_on_where_its_priority_cannot_be_lowered(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, 'Operation not permitted')

    for name in ('nice', 'setpriority', 'sched_setscheduler'):
        monkeypatch.setattr(os, name, refuse)
    order = io.BytesIO(pickle.dumps((small_network(), Form('onnx'), str(tmp_path))))
    monkeypatch.setattr(sys, 'stdin', SimpleNamespace(buffer=order))
    threads = torch.get_num_threads()
    try:
        assert conversion._child() == 0
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / 'model.onnx').is_file()


def test_an_engine_comes_while_others_are_asked_whether_they_serve(monkeypatch):
    asked = threading.Event()

    class Slow(weakref.WeakSet):
        def __iter__(self):
            for engine in super().__iter__():
                asked.set()
                time.sleep(0.05)
                yield engine

    monkeypatch.setattr(base, '_engines', Slow())
    network = small_network()
    engines = [create_engine('torch', network, EngineOptions('cpu')) for _ in range(2)]

    def come():
        asked.wait(5.0)
        engines.append(create_engine('torch', network, EngineOptions('cpu')))

    other = threading.Thread(target=come)
    other.start()
    try:
        assert _in_thread(frames_would_wait) is False
    finally:
        other.join()
    assert len(engines) == 3


def test_what_cannot_go_to_a_child_is_converted_here(tmp_path):
    network = small_network()
    network.forward = lambda image: network.network(network.normalise(image))  # not picklable
    engine = create_engine('torch', small_network(), EngineOptions('cpu'), EngineCache(tmp_path))
    engine.run(random_inputs(network, (32, 48)))
    made = _in_thread(lambda: converted(network, Form('onnx'), EngineCache(tmp_path)))
    engine.close()
    assert made.path.is_file()


def test_what_sizes_change_stays_open():
    assert open_axes(small_network()) == {'image': {0: 'image_0', 1: 'image_1', 2: 'image_2'}}


def test_a_network_that_cannot_be_converted_is_refused_in_one_line(tmp_path):
    network = small_network()

    def forward(image):
        raise RuntimeError('cannot\nbe traced')

    network.forward = forward
    with pytest.raises(EngineError, match=r'cannot be written as ONNX: cannot$'):
        write(network, Form('onnx'), tmp_path)


def test_half_precision_keeps_inputs_and_outputs(tmp_path):
    import onnx

    network = small_network()
    write(network, Form('onnx', half=True), tmp_path)
    graph = onnx.load(tmp_path / 'model.onnx').graph
    assert {t.data_type for t in graph.initializer} >= {onnx.TensorProto.FLOAT16}
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert next(network.parameters()).dtype == torch.float32
