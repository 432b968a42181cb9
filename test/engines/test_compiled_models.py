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
"""Compiled networks are shared, kept and read back from disk; what is built takes second place."""

import gc
import io
import os
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from small import by_torch, random_inputs, small_network

from vidseg_ros.engines import low_priority, openvino_engine
from vidseg_ros.engines.base import EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.compiled_models import CompiledModels
from vidseg_ros.engines.conversion import shapes_of
from vidseg_ros.engines.low_priority import NICENESS, at_low_priority
from vidseg_ros.engines.openvino_engine import OpenVINOEngine
from vidseg_ros.engines.recent import Recent
from vidseg_ros.engines.registry import create_engine

SIZE = (32, 48)


class Thing:
    """Something that can be referred to weakly."""


def test_what_was_asked_for_the_longest_ago_goes_first():
    recent = Recent(2)
    recent.keep('a', 1)
    recent.keep('b', 2)
    assert recent.get('a') == 1
    recent.keep('c', 3)
    assert list(recent) == ['a', 'c'] and recent.get('b') is None
    recent.resize(1)
    assert recent.values() == [3]
    recent.resize(0)
    assert recent.keep('d', 4) == 4 and len(recent) == 0


def test_what_is_used_is_shared_and_the_last_ones_stay():
    models = CompiledModels(1)
    used = models.add('used', Thing())
    models.add('last', Thing())
    assert models.get('used') is used  # and it is the last now
    assert models.get('last') is None
    assert models.add('used', Thing()) is used
    models.keep(0)
    assert models.get('used') is used
    del used
    assert models.get('used') is None


@pytest.fixture
def compiled(monkeypatch):
    """Have a process that has compiled nothing yet; return how it came by its networks."""
    ways = []

    def watch(name):
        was = getattr(OpenVINOEngine, name)

        def watched(self, *args):
            found = was(self, *args)
            if found is not None:
                ways.append(name)
            return found
        monkeypatch.setattr(OpenVINOEngine, name, watched)

    for name in ('_load', '_compile', '_read'):
        watch(name)
    monkeypatch.setattr(openvino_engine, 'SHARED', CompiledModels(4))
    return ways


def _engine(tmp_path, network=None, precision='fp32'):
    return create_engine(
        'openvino', network or small_network(), EngineOptions('cpu', precision),
        EngineCache(tmp_path),
    )  # fmt: skip


def test_a_network_is_compiled_once_in_a_process_and_once_on_a_disk(
    tmp_path, compiled, monkeypatch
):  # fmt: skip
    first = _engine(tmp_path)
    first.prepare(SIZE)
    assert compiled.count('_compile') >= 1
    expected = first.run(random_inputs(first.network, SIZE))['logits'].copy()

    compiled.clear()
    second = _engine(tmp_path)
    second.prepare(SIZE)
    assert compiled == []  # shared
    # The same network, but not the same arrays: both run, in whatever order.
    other = second.run(random_inputs(second.network, SIZE, seed=5))['logits']
    np.testing.assert_array_equal(
        first.run(random_inputs(first.network, SIZE))['logits'], expected)
    np.testing.assert_allclose(
        other, by_torch(second.network, random_inputs(second.network, SIZE, seed=5))['logits'],
        atol=1e-4)
    first.close()
    second.close()
    third = _engine(tmp_path)
    third.prepare(SIZE)
    assert compiled == []  # kept

    monkeypatch.setattr(openvino_engine, 'SHARED', CompiledModels())
    fourth = _engine(tmp_path)
    fourth.prepare(SIZE)
    assert compiled and set(compiled) == {'_load'}  # another process
    np.testing.assert_array_equal(
        fourth.run(random_inputs(fourth.network, SIZE))['logits'], expected)


def test_other_weights_and_precisions_are_not_shared(tmp_path, compiled):
    _engine(tmp_path).prepare(SIZE)
    compiled.clear()
    network = small_network(1)
    engine = _engine(tmp_path, network)
    engine.prepare(SIZE)
    assert '_compile' in compiled
    inputs = random_inputs(network, SIZE)
    np.testing.assert_allclose(
        engine.run(inputs)['logits'], by_torch(network, inputs)['logits'], atol=1e-4)
    compiled.clear()
    if 'BF16' in engine._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES'):
        _engine(tmp_path, network, 'bf16').prepare(SIZE)
        assert '_compile' in compiled


def test_what_openvino_does_not_take_back_is_compiled_anew(
    tmp_path, compiled, monkeypatch, caplog
):  # fmt: skip
    _engine(tmp_path).prepare(SIZE)
    compiled.clear()
    monkeypatch.setattr(openvino_engine, 'SHARED', CompiledModels())
    monkeypatch.setattr(openvino_engine, '_BLOB', 'entry.json')  # no compiled network
    engine = _engine(tmp_path)
    engine.prepare(SIZE)
    assert '_compile' in compiled and 'made anew' in caplog.text
    inputs = random_inputs(engine.network, SIZE)
    np.testing.assert_allclose(
        engine.run(inputs)['logits'], by_torch(engine.network, inputs)['logits'], atol=1e-4)


def test_a_compiled_network_goes_to_the_file_whole_or_fails(tmp_path, compiled):
    engine = _engine(tmp_path)
    engine.prepare(SIZE)
    model = engine._build(shapes_of(engine.network, random_inputs(engine.network, SIZE)), {}).model
    memory = io.BytesIO()
    model.export_model(memory)
    openvino_engine._write(tmp_path / 'blob', model)
    assert (tmp_path / 'blob').read_bytes() == memory.getvalue()
    with pytest.raises(OSError, match='space'):
        openvino_engine._write(Path('/dev/full'), model)


def test_work_beside_frames_gives_way_and_other_work_is_done_here(monkeypatch):
    def where():
        return threading.get_ident(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    here = where()
    assert at_low_priority(where) == here
    monkeypatch.setattr(low_priority, 'frames_would_wait', lambda: True)
    thread, niceness = at_low_priority(where)
    assert thread != here[0] and niceness == min(19, here[1] + NICENESS)
    assert where() == here

    def fail():
        raise KeyError('told to')
    with pytest.raises(KeyError, match='told to'):
        at_low_priority(fail)


def test_the_threads_that_networks_run_on_keep_their_priority(tmp_path, compiled, monkeypatch):
    """What compiles at low priority must not start OpenVINO's workers, which stay for ever."""
    def niceness():
        return {int(task): os.getpriority(os.PRIO_PROCESS, int(task))
                for task in os.listdir('/proc/self/task')}

    def cpu(task):
        with open(f'/proc/self/task/{task}/stat') as file:
            return sum(map(int, file.read().rpartition(')')[2].split()[11:13]))

    monkeypatch.setattr(low_priority, 'frames_would_wait', lambda: True)
    engine = _engine(tmp_path)
    engine.prepare((256, 256))
    inputs = random_inputs(engine.network, (256, 256))
    before = {task: cpu(task) for task in niceness()}
    for _ in range(150):
        engine.run(inputs)
    used = {task: cpu(task) - before.get(task, 0) for task in niceness()}
    usual = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    niced = [used[task] for task, value in niceness().items() if value > usual]
    assert sum(niced) <= 0.05 * sum(used.values()) + 1


@pytest.mark.parametrize('name', ['openvino', 'onnxruntime', 'torch', 'auto'])
def test_a_closed_engine_and_its_network_are_gone_at_once(tmp_path, name):
    """Nothing refers to itself: the collector, which stops all threads, is not needed."""
    network = small_network()
    engine = create_engine(name, network, EngineOptions('cpu', 'fp32'), EngineCache(tmp_path))
    engine.prepare(SIZE)
    engine.run(random_inputs(network, SIZE))
    gone = weakref.ref(engine), weakref.ref(network)
    gc.collect()
    gc.disable()
    try:
        engine.close()
        del engine, network
        assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()
