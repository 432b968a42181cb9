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
import errno
import threading
import time
from typing import ClassVar

import numpy as np
import pytest
from small import by_torch, random_inputs, small_network

from vidseg_ros.engines import auto_engine
from vidseg_ros.engines.auto_engine import AutoEngine, Candidate, candidates
from vidseg_ros.engines.base import Engine, EngineError, EngineOptions
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.load import Load

SIZE = (32, 48)


class Timed(Engine):
    """An engine that takes as long as it is told."""

    made: ClassVar[list] = []

    def __init__(self, name, network, options, ms):
        super().__init__(network, options)
        self.name, self._ms, self.closed = name, ms, False
        self.can_label = False
        Timed.made.append(self)

    def prepare(self, size):
        pass

    def run(self, inputs):
        time.sleep(self._ms / 1e3)
        return by_torch(self.network, inputs)

    def describe(self):
        return {'engine': self.name, 'device': 'x', 'precision': 'fp32', 'version': '1'}

    def close(self):
        super().close()
        self.closed = True

    @property
    def labels_on_device(self):
        return self.can_label


class Meter:
    """Say that others used so many cores while engines were compared."""

    others = 0.0

    def read(self):
        return Load(1.0, 1.0, self.others, 2)


@pytest.fixture
def engines(monkeypatch):
    """Let the engines of the names given take so many milliseconds; None can't be built."""
    times: dict = {}
    Timed.made = []

    def create(name, network, options, cache=None):
        if times[name] is None:
            raise EngineError(f'engine {name}: broken')
        return Timed(name, network, options, times[name])

    monkeypatch.setattr(auto_engine, 'create_engine', create)
    monkeypatch.setattr(auto_engine, 'LoadMeter', Meter)
    monkeypatch.setattr(Meter, 'others', 0.0)
    monkeypatch.setattr(auto_engine, 'candidates', lambda options: [
        Candidate(name, 'cpu', 'auto', slow=name == 'slow') for name in times
    ])  # fmt: skip
    return times


def _auto(tmp_path):
    return AutoEngine(small_network(), EngineOptions(), EngineCache(tmp_path))


def _prepared(tmp_path, budget_s=auto_engine.BUDGET_S):
    engine = _auto(tmp_path)
    engine.budget_s = budget_s
    engine.prepare(SIZE)
    return engine


def test_the_fastest_is_chosen_and_remembered(tmp_path, engines):
    engines.update(a=8, b=2, c=5)
    engine = _auto(tmp_path)
    engine.prepare(SIZE)
    described = engine.describe()
    assert described['engine'] == 'b'
    assert described['chosen_by_auto'].startswith('b cpu: measured: b cpu')
    assert [e.name for e in Timed.made if not e.closed] == ['a', 'b']
    Timed.made = []
    again = _auto(tmp_path)
    again.prepare(SIZE)
    assert 'remembered' in again.describe()['chosen_by_auto']
    assert again.describe()['engine'] == 'b' and 'c' not in [e.name for e in Timed.made]


def test_the_chosen_engine_builds_again_what_it_has_dropped(tmp_path, engines, monkeypatch):
    engines.update(a=2)
    engine = _auto(tmp_path)
    prepared = []
    monkeypatch.setattr(Timed, 'prepare', lambda self, size: prepared.append((self.name, size)))
    engine.prepare(SIZE)
    engine.prepare(SIZE)
    assert prepared == [('a', SIZE), ('a', SIZE)]


def test_a_little_faster_is_no_reason(tmp_path, engines):
    engines.update(a=8, b=7.9)
    engine = _auto(tmp_path)
    engine.prepare(SIZE)
    assert engine.describe()['engine'] == 'a'


def test_the_start_is_not_held_up(tmp_path, engines):
    engines.update(a=60, b=5)
    engine = _auto(tmp_path)
    engine.budget_s = 0.3
    begun = time.perf_counter()
    engine.prepare(SIZE)
    assert time.perf_counter() - begun < 1.5
    assert 'no time to try b' in engine.describe()['chosen_by_auto']
    thorough = _auto(tmp_path)
    thorough.budget_s = float('inf')
    thorough.prepare(SIZE)
    assert thorough.describe()['engine'] == 'b'
    later = _auto(tmp_path)
    later.prepare(SIZE)
    assert later.describe()['engine'] == 'b'


@pytest.mark.parametrize(('building_s', 'tried'), [(0.0, True), (5.0, False)])
def test_the_start_does_not_wait_for_torch_to_be_written_as_torchscript(
    tmp_path, engines, monkeypatch, building_s, tried
):  # fmt: skip
    """That takes about as long as it took to convert the network for the first engine."""
    engines.update(a=5, torch=5)
    monkeypatch.setattr(Timed, 'seconds_converting', building_s, raising=False)
    _auto(tmp_path).prepare(SIZE)
    assert ('torch' in [e.name for e in Timed.made]) == tried
    assert not Candidate('torch', 'cpu', 'bf16').converts
    assert not Candidate('torch', 'cuda', 'auto').converts


def test_a_start_without_time_to_compare_is_made_up_for_later_but_not_for_ever(
    tmp_path, engines
):  # fmt: skip
    engines.update(a=60, b=5)

    def start(budget_s):
        Timed.made = []
        engine = _auto(tmp_path)
        engine.budget_s = budget_s
        engine.prepare(SIZE)
        return engine.describe()['engine']

    assert start(0.1) == 'a' and start(0.1) == 'a'
    assert start(60) == 'b'
    for path in tmp_path.iterdir():
        path.unlink()
    for _ in range(3):
        assert start(0.1) == 'a'
    assert start(60) == 'a' and [e.name for e in Timed.made] == ['a']


def test_what_was_compared_while_others_used_the_machine_is_compared_again(
    tmp_path, engines, monkeypatch
):  # fmt: skip
    def start(**times):
        engines.update(times)
        Timed.made = []
        return _prepared(tmp_path).describe()

    monkeypatch.setattr(Meter, 'others', 0.8)
    described = start(a=40, b=10)  # a is as fast as b, but was disturbed
    assert described['engine'] == 'b'
    assert 'while others used the machine' in described['chosen_by_auto']
    # The shorter of two measurements counts: others only add.
    assert start(a=10, b=40)['engine'] == 'a'
    monkeypatch.setattr(Meter, 'others', 0.0)
    described = start(a=10, b=10)
    assert described['engine'] == 'a' and 'others' not in described['chosen_by_auto']
    assert 'remembered' in start()['chosen_by_auto'] and len(Timed.made) == 1


def test_what_was_measured_beside_others_is_still_better_than_nothing_beside_frames(
    tmp_path, engines, monkeypatch
):  # fmt: skip
    monkeypatch.setattr(Meter, 'others', 0.8)
    engines.update(a=20, b=2)
    _prepared(tmp_path)
    monkeypatch.setattr(auto_engine, 'frames_would_wait', lambda: True)
    assert _prepared(tmp_path).describe()['chosen_by_auto'].startswith('b cpu: remembered')


def test_what_fails_now_is_not_chosen_for_what_it_did_before(tmp_path, engines, monkeypatch):
    monkeypatch.setattr(Meter, 'others', 0.8)
    engines.update(a=20, b=2)
    _prepared(tmp_path)
    run = Timed.run

    def fail(self, inputs):
        if self.name == 'b':
            raise RuntimeError('no such instruction')
        return run(self, inputs)

    monkeypatch.setattr(Timed, 'run', fail)
    assert _prepared(tmp_path).describe()['engine'] == 'a'


def test_a_quiet_start_without_time_settles_nothing_that_was_disturbed(
    tmp_path, engines, monkeypatch
):  # fmt: skip
    monkeypatch.setattr(Meter, 'others', 0.8)
    engines.update(a=10, b=40)
    _prepared(tmp_path)
    monkeypatch.setattr(Meter, 'others', 0.0)
    engines.update(a=10, b=2)
    assert _prepared(tmp_path, budget_s=0.0).describe()['engine'] == 'a'
    assert _prepared(tmp_path).describe()['engine'] == 'b'


def test_on_a_machine_that_is_never_idle_the_choice_is_left_at_some_time(
    tmp_path, engines, monkeypatch
):  # fmt: skip
    monkeypatch.setattr(Meter, 'others', 0.8)
    engines.update(a=8, b=2)
    for _ in range(3):
        assert ': measured: ' in _prepared(tmp_path).describe()['chosen_by_auto']
    assert ': remembered: ' in _prepared(tmp_path).describe()['chosen_by_auto']


def test_what_cannot_be_built_is_passed_over(tmp_path, engines):
    engines.update(a=None, b=5)
    engine = _auto(tmp_path)
    engine.prepare(SIZE)
    assert engine.describe()['engine'] == 'b'
    engines.update(b=None)
    with pytest.raises(EngineError, match='a: broken; engine b: broken'):
        _auto(tmp_path)


def test_what_takes_minutes_is_built_beside_what_runs(tmp_path, engines):
    engines.update(slow=1, a=20)
    engine = _auto(tmp_path)
    engine.prepare(SIZE)
    inputs = random_inputs(engine.network, SIZE)
    assert engine._background is not None
    while engine._background.is_alive():
        engine.run(inputs)
    assert engine.describe()['engine'] == 'slow'
    np.testing.assert_allclose(
        engine.run(inputs)['logits'], by_torch(engine.network, inputs)['logits']
    )
    engine.close()
    assert all(e.closed for e in Timed.made)


def test_the_real_candidates_of_a_cpu(tmp_path):
    found = [str(c) for c in candidates(EngineOptions('cpu'))]
    assert found[0] == 'openvino cpu' and {'torch cpu', 'onnxruntime cpu'} < set(found)
    engine = AutoEngine(small_network(), EngineOptions('cpu', 'fp32'), EngineCache(tmp_path))
    engine.budget_s = float('inf')
    engine.prepare(SIZE)
    why = engine.describe()['chosen_by_auto']
    assert all(name in why for name in ('openvino', 'torch', 'onnxruntime')), why
    inputs = random_inputs(engine.network, SIZE, 2)
    np.testing.assert_allclose(
        engine.run(inputs)['logits'], by_torch(engine.network, inputs)['logits'], atol=1e-4
    )


def test_labels_are_found_on_the_device_only_if_all_engines_in_use_can(tmp_path, engines):
    engines.update(a=1, b=1)
    engine = _auto(tmp_path)
    able, unable = engine._candidates
    for candidate in engine._candidates:
        engine._built(candidate).can_label = candidate is able
    assert engine.labels_on_device
    engine._choice[((1, 2),)] = unable
    assert not engine.labels_on_device


def test_an_error_in_the_background_leaves_what_runs(tmp_path, engines, monkeypatch, caplog):
    engines.update(slow=1, a=20)
    engine = _auto(tmp_path)

    def fail(self, size):
        if self.name == 'slow':
            raise RuntimeError('told to fail')
    monkeypatch.setattr(Timed, 'prepare', fail)
    engine.prepare(SIZE)
    engine._background.join(20)
    assert 'building slow cpu in the background failed' in caplog.text
    assert engine.describe()['engine'] == 'a' and 'building' not in engine.describe()


def test_what_is_being_built_is_not_dropped(tmp_path, engines):
    engines.update(a=1, b=1, c=1)
    engine = _auto(tmp_path)
    building = engine._candidates[2]
    for candidate in engine._candidates:
        engine._built(candidate)
    engine._building = building
    engine._drop_others()
    assert [e.name for e in Timed.made if e.closed] == ['b']


def test_an_engine_for_which_there_is_no_disk_space_is_passed_over(
    tmp_path, engines, monkeypatch
):  # fmt: skip
    engines.update(a=1, b=1)
    create = auto_engine.create_engine

    def full(name, *rest):
        if name == 'a':
            raise OSError(errno.ENOSPC, 'no space left on device')
        return create(name, *rest)
    monkeypatch.setattr(auto_engine, 'create_engine', full)
    assert _auto(tmp_path).describe()['engine'] == 'b'


def test_frames_put_together_for_what_ran_before_run_there(tmp_path, engines, monkeypatch):
    """The engine changes between the question how many frames go together and their run."""
    engines.update(slow=1, a=20)
    batches = {'a': 4, 'slow': 2}
    monkeypatch.setattr(Timed, 'preferred_batch', lambda self, size: batches[self.name])
    ran = []
    run = Timed.run
    monkeypatch.setattr(Timed, 'run', lambda self, i: ran.append(self.name) or run(self, i))
    engine = _auto(tmp_path)
    monkeypatch.setattr(engine, '_build_in_background', lambda *args: None)
    engine.prepare(SIZE)
    slow, _ = engine._candidates
    shapes = engine._shapes(engine.network.example_inputs(SIZE))
    assert engine.preferred_batch(SIZE) == 4
    engine._built(slow)
    engine._choose(shapes, slow, {}, False)
    assert engine.preferred_batch(SIZE) == 2
    ran.clear()
    for frames in (4, 1, 2, 3):
        engine.run(random_inputs(engine.network, SIZE, frames))
    assert ran == ['a', 'slow', 'slow', 'slow']
    assert [e.closed for e in Timed.made] == [False, False]


def test_labels_that_only_the_engine_before_can_find_are_found_there(
    tmp_path, engines, monkeypatch
):  # fmt: skip
    engines.update(slow=1, a=1)
    engine = _auto(tmp_path)
    monkeypatch.setattr(engine, '_build_in_background', lambda *args: None)
    engine.prepare(SIZE)
    slow, quick = engine._candidates
    engine._built(quick).can_label = True
    monkeypatch.setattr(Timed, 'run_labels', lambda self, inputs, size, also=(): {
        'labels': self.name})  # fmt: skip
    assert engine.labels_on_device
    engine._built(slow)
    engine._choose(engine._shapes(engine.network.example_inputs(SIZE)), slow, {}, False)
    assert not engine.labels_on_device
    inputs = random_inputs(engine.network, SIZE)
    assert engine.run_labels(inputs, SIZE) == {'labels': 'a'}


def test_beside_frames_nothing_is_measured(tmp_path, engines, monkeypatch):
    engines.update(a=8, b=2)
    monkeypatch.setattr(auto_engine, 'frames_would_wait', lambda: True)
    engine = _auto(tmp_path)
    engine.prepare(SIZE)
    assert engine.describe()['engine'] == 'a' and [e.name for e in Timed.made] == ['a']
    monkeypatch.setattr(auto_engine, 'frames_would_wait', lambda: False)
    again = _auto(tmp_path)
    again.prepare(SIZE)
    assert again.describe()['engine'] == 'b'


def test_frames_run_while_the_choice_changes_again_and_again(tmp_path, engines):
    """Whatever a thread that builds does meanwhile, there is always an engine for a frame."""
    engines.update(a=0, b=0, c=0)
    engine = _auto(tmp_path)
    engine.prepare(SIZE)
    inputs = random_inputs(engine.network, SIZE)
    shapes = engine._shapes(inputs)
    errors, over = [], threading.Event()

    def frames():
        try:
            while not over.is_set():
                engine.run(inputs)
                engine.describe()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=frames)
    thread.start()
    for number in range(150):
        candidate = engine._candidates[number % 3]
        engine._built(candidate)
        engine._choose(shapes, candidate, {}, False)
    over.set()
    thread.join(30)
    assert not errors and not thread.is_alive()
