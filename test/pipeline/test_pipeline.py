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
from __future__ import annotations

import random
import threading
import time
from collections import defaultdict

import numpy as np
import pytest
from fake_segmenter import FakeSegmenter
from hypothesis import given, settings
from hypothesis import strategies as st

from vidseg_ros.methods.base import Wanted
from vidseg_ros.pipeline.accounts import STAGES
from vidseg_ros.pipeline.arrival import Arrival, BadFrame
from vidseg_ros.pipeline.pipeline import TOO_OLD, Pipeline

S = 1_000_000_000
IMAGE = np.zeros((4, 6, 3), np.uint8)


def arrival(stamp_ns, image=IMAGE, *, received_ns=None, context=None, wanted=None):
    def decode():
        if isinstance(image, Exception):
            raise image
        return image
    return Arrival(stamp_ns, stamp_ns if received_ns is None else received_ns, decode,
                   wanted or Wanted(), context)


class Run:
    """A pipeline whose results and reports are kept."""

    def __init__(self, segmenter=None, **options):
        self.results = defaultdict(list)
        self.reports = []
        self.segmenter = segmenter or FakeSegmenter()
        self.pipeline = Pipeline(
            self.segmenter, lambda result: self.results[result.camera].append(result),
            report=lambda *report: self.reports.append(report), **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.segmenter.gate.set()
        assert self.pipeline.close(10)
        assert not self.segmenter.out_of_order

    def stamps(self, camera):
        return [result.stamp_ns for result in self.results[camera]]

    def settle(self):
        assert self.pipeline.drain(20)


def test_every_frame_comes_out_in_order_with_its_context():
    with Run(FakeSegmenter(0.001, 0.002), policy='every') as run:
        for camera in ('a', 'b', 'c'):
            run.pipeline.add_camera(camera)
        for i in range(40):
            for camera in ('a', 'b', 'c'):
                assert run.pipeline.submit(camera, arrival(i * S, context=(camera, i)))
        run.settle()
        for camera in ('a', 'b', 'c'):
            assert run.stamps(camera) == [i * S for i in range(40)]
            assert [r.context for r in run.results[camera]] == [(camera, i) for i in range(40)]
            # The labels count the frames this camera's state has seen: states are not mixed.
            assert [int(r.segmentation.labels[0, 0]) for r in run.results[camera]] \
                == list(range(1, 41))
            statistics = run.pipeline.statistics(camera)
            assert (statistics.received, statistics.delivered) == (40, 40)
            assert statistics.drops == {}
        assert not run.reports


def test_the_device_is_shared_in_turns():
    segmenter = FakeSegmenter(0.0, 0.002)
    order = []
    pipeline = Pipeline(segmenter, lambda result: order.append(result.camera), policy='every')
    for camera in 'abc':
        pipeline.add_camera(camera)
    segmenter.gate.clear()
    for i in range(60):
        pipeline.submit('a', arrival(i))  # a floods
    for i in range(10):
        pipeline.submit('b', arrival(i))
        pipeline.submit('c', arrival(i))
    segmenter.gate.set()
    assert pipeline.drain(20)
    pipeline.close()
    # Wherever b waits, it is served at least every third frame.
    positions = [i for i, camera in enumerate(order) if camera == 'b']
    assert max(np.diff(positions)) <= 3
    assert len(order) == 80


def test_latest_takes_the_newest_and_counts_the_others():
    segmenter = FakeSegmenter()
    with Run(segmenter) as run:
        run.pipeline.add_camera('a')
        segmenter.gate.clear()
        run.pipeline.submit('a', arrival(0))
        assert segmenter.predicting.wait(5)
        for i in range(1, 100):
            run.pipeline.submit('a', arrival(i))
        time.sleep(0.05)
        segmenter.gate.set()
        run.settle()
        stamps = run.stamps('a')
        statistics = run.pipeline.statistics('a')
        assert stamps[0] == 0
        assert stamps[-1] == 99
        assert stamps == sorted(stamps)
        assert len(stamps) <= 3
        assert statistics.drops == {'superseded': 100 - len(stamps)}


def test_latest_does_not_let_frames_grow_old_before_a_slow_device():
    """With 10 ms frames and an 80 ms device, a frame waits for a fraction of the 80 ms."""
    with Run(FakeSegmenter(0.0, 0.08)) as run:
        run.pipeline.add_camera('a')
        for i in range(120):
            run.pipeline.submit('a', arrival(i))
            time.sleep(0.01)
        run.settle()
        latency = run.pipeline.statistics('a').latency
        assert latency['predict'].p50 >= 80
        assert latency['queue'].p50 < 40
        assert len(run.results['a']) >= 10


def test_device_and_cpu_overlap():
    with Run(FakeSegmenter(0.03, 0.03), policy='every') as run:
        run.pipeline.add_camera('a')
        began = time.monotonic()
        for i in range(20):
            run.pipeline.submit('a', arrival(i))
        run.settle()
        assert time.monotonic() - began < 20 * 0.06 * 0.8


def test_old_frames_are_dropped_on_arrival_and_counted():
    with Run(max_age_ns=S // 10) as run:
        run.pipeline.add_camera('a')
        assert not run.pipeline.submit('a', arrival(0, received_ns=S))
        assert run.pipeline.submit('a', arrival(S, received_ns=S + S // 20))
        assert run.pipeline.submit('a', arrival(2 * S, received_ns=S))  # from the future: kept
        run.settle()
        assert run.pipeline.statistics('a').drops[TOO_OLD] == 1
        run.pipeline.set_limits(gap_ns=0, max_age_ns=0)
        assert run.pipeline.submit('a', arrival(3 * S, received_ns=900 * S))
        run.settle()
        assert run.stamps('a')[-1] == 3 * S


def test_every_keeps_memory_bounded_and_says_so():
    segmenter = FakeSegmenter()
    with Run(segmenter, policy='every', queue_limit=5) as run:
        run.pipeline.add_camera('a')
        segmenter.gate.clear()
        for i in range(30):
            run.pipeline.submit('a', arrival(i))
            if i == 0:
                assert segmenter.predicting.wait(5)
        segmenter.gate.set()
        run.settle()
        statistics = run.pipeline.statistics('a')
        assert statistics.drops['queue full'] == 30 - len(run.results['a'])
        assert 5 <= len(run.results['a']) <= 8
        assert ('a', 'queue full', '5 frames wait already') in run.reports


def test_bad_frames_are_counted_by_cause_and_the_next_is_segmented():
    with Run(policy='every') as run:
        run.pipeline.add_camera('a')
        run.pipeline.submit('a', arrival(0))
        run.pipeline.submit('a', arrival(1, BadFrame('wrong step', 'step 3, 18 needed')))
        run.pipeline.submit('a', arrival(2, MemoryError('too much')))
        run.pipeline.refuse('a', BadFrame('impossible stamp', 'sec -1'))
        run.pipeline.submit('a', arrival(3))
        run.settle()
        statistics = run.pipeline.statistics('a')
        assert run.stamps('a') == [0, 3]
        assert statistics.drops == {'bad frame: wrong step': 1,
                                    'bad frame: conversion failed': 1,
                                    'bad frame: impossible stamp': 1}
        assert statistics.received == 5
        assert {report[1] for report in run.reports} == set(statistics.drops)
        # A frame that could not be read is not a reason to forget.
        assert run.results['a'][1].reset is None
        assert run.results['a'][1].frame.sequence == 1


@pytest.mark.parametrize('step', ['observe', 'predict'])
def test_an_error_of_the_method_costs_one_frame_and_its_memory(step):
    segmenter = FakeSegmenter()
    getattr(segmenter, f'fail_{step}').add(1)
    with Run(segmenter, policy='every') as run:
        run.pipeline.add_camera('a')
        for i in range(4):
            run.pipeline.submit('a', arrival(i))
            run.settle()
        assert run.stamps('a') == [0, 2, 3]
        assert run.results['a'][1].reset == f'error in the method ({step})'
        statistics = run.pipeline.statistics('a')
        assert statistics.drops == {f'error in {step}': 1}
        assert statistics.last_problem == f'error in {step}: RuntimeError: told to fail'


def test_a_frame_that_the_method_can_not_use_is_a_bad_frame():
    with Run(policy='every') as run:
        run.pipeline.add_camera('a')
        run.pipeline.submit('a', arrival(0))
        run.pipeline.submit('a', arrival(1, np.zeros((1, 1, 3), np.uint8)))
        run.pipeline.submit('a', arrival(2))
        run.settle()
        assert run.stamps('a') == [0, 2]
        assert run.pipeline.statistics('a').drops == {'bad frame: unfit for the method': 1}


def test_a_deliver_that_raises_is_counted():
    def deliver(result):
        if result.stamp_ns == 1:
            raise RuntimeError('no paper')
        done.append(result.stamp_ns)
    done = []
    pipeline = Pipeline(FakeSegmenter(), deliver, policy='every', report=lambda *_: None)
    pipeline.add_camera('a')
    for i in range(3):
        pipeline.submit('a', arrival(i))
    assert pipeline.drain(10)
    assert done == [0, 2]
    assert pipeline.statistics('a').drops == {'error in publish': 1}
    assert pipeline.close()


def test_resets_and_their_reasons():
    with Run(policy='every', gap_ns=S) as run:
        run.pipeline.add_camera('a')
        run.pipeline.add_camera('b')

        def send(stamp, image=IMAGE):
            run.pipeline.submit('a', arrival(stamp, image))
            run.settle()
        send(10 * S)
        send(10 * S + 1)
        send(20 * S)
        send(5 * S)
        send(5 * S + 1, np.zeros((8, 6, 3), np.uint8))
        run.pipeline.reset('a')
        send(5 * S + 2, np.zeros((8, 6, 3), np.uint8))
        run.pipeline.submit('b', arrival(0))
        run.pipeline.reset(None, 'requested by somebody')
        send(5 * S + 3, np.zeros((8, 6, 3), np.uint8))
        assert [result.reset for result in run.results['a']] == [
            None, None, 'gap of 10.000 s', 'time jumped back by 15.000 s',
            'size change from 6x4 to 6x8', 'requested', 'requested by somebody']
        assert [result.frame.sequence for result in run.results['a']] == [0, 1, 0, 0, 0, 0, 0]
        counts = [int(result.segmentation.labels[0, 0]) for result in run.results['a']]
        assert counts == [1, 2, 1, 1, 1, 1, 1]
        statistics = run.pipeline.statistics('a')
        assert statistics.last_reset.reason == 'requested by somebody'
        assert statistics.last_reset.stamp_ns == 5 * S + 3
        assert statistics.resets == {'gap': 1, 'time jumped back': 1, 'size change': 1,
                                     'requested': 2}


def test_swap_loses_no_frame_and_closes_the_old_after_its_last():
    old, new = FakeSegmenter(predict_s=0.002, name='old'), FakeSegmenter(name='new')
    with Run(old, policy='every') as run:
        run.pipeline.add_camera('a')
        for i in range(30):
            run.pipeline.submit('a', arrival(i))
        while not run.results['a']:
            time.sleep(0.001)
        run.pipeline.swap(new)
        for i in range(30, 60):
            run.pipeline.submit('a', arrival(i))
        run.settle()
        assert run.stamps('a') == list(range(60))
        by = [result.segmenter.name for result in run.results['a']]
        first = by.index('new')
        assert set(by[first:]) == {'new'}
        assert 1 <= first < 30
        assert [i for i, r in enumerate(run.results['a']) if r.reset] == [first]
        assert run.results['a'][first].reset == 'method change from old to new'
        assert old.closed == 1
        assert run.pipeline.segmenter is new
    assert new.closed == 1
    assert old.closed == 1


def test_a_segmenter_given_to_a_closed_pipeline_is_closed():
    with Run() as run:
        pass
    late = FakeSegmenter()
    run.pipeline.swap(late)
    assert late.closed == 1
    assert run.segmenter.closed == 1


def test_latency_is_accounted_by_stage():
    with Run(FakeSegmenter(0.005, 0.01), policy='every') as run:
        run.pipeline.add_camera('a')
        for i in range(5):
            run.pipeline.submit('a', arrival(i * S, received_ns=i * S + 7_000_000))
        run.settle()
        latency = run.pipeline.statistics('a').latency
        assert set(STAGES) <= set(latency)
        assert 'predict/network' in latency
        assert latency['transport'].p50 == pytest.approx(7.0)
        assert latency['observe'].p50 >= 5
        assert latency['predict'].p50 >= 10
        for result in run.results['a']:
            parts = sum(result.latency_ms[stage] for stage in
                        ('queue', 'convert', 'observe', 'predict', 'publish'))
            assert result.latency_ms['total'] == pytest.approx(parts, abs=1.0)


def test_cameras_come_and_go():
    segmenter = FakeSegmenter()
    with Run(segmenter, policy='every') as run:
        run.pipeline.add_camera('a')
        run.pipeline.add_camera('b')
        with pytest.raises(ValueError, match="'a' is there already"):
            run.pipeline.add_camera('a')
        segmenter.gate.clear()
        for i in range(10):
            run.pipeline.submit('a', arrival(i))
            run.pipeline.submit('b', arrival(i))
        assert segmenter.predicting.wait(5)
        run.pipeline.remove_camera('a')
        segmenter.gate.set()
        run.settle()
        assert not run.pipeline.submit('a', arrival(11))
        assert len(run.results['b']) == 10
        assert run.results['a'] == []
        assert run.pipeline.cameras == ['b']
        run.pipeline.add_camera('a')
        run.pipeline.submit('a', arrival(0))
        run.settle()
        assert run.stamps('a') == [0]
        assert run.results['a'][0].reset is None
        with pytest.raises(KeyError):
            run.pipeline.statistics('c')


def test_frames_of_several_cameras_go_to_the_device_together_where_allowed():
    segmenter = FakeSegmenter()
    with Run(segmenter, policy='every', max_batch=4, observe_workers=2) as run:
        for camera in 'abcd':
            run.pipeline.add_camera(camera)
        segmenter.gate.clear()
        for i in range(6):
            for camera in 'abcd':
                run.pipeline.submit(camera, arrival(i))
        time.sleep(0.1)
        segmenter.gate.set()
        run.settle()
        assert max(segmenter.batches) > 1
        assert sum(segmenter.batches) == 24
        assert all(run.stamps(camera) == list(range(6)) for camera in 'abcd')


def test_closing_while_frames_wait_ends_promptly():
    segmenter = FakeSegmenter(0.0, 0.05)
    run = Run(segmenter, policy='every')
    run.pipeline.add_camera('a')
    for i in range(100):
        run.pipeline.submit('a', arrival(i))
    began = time.monotonic()
    assert run.pipeline.close(5)
    assert time.monotonic() - began < 2
    assert segmenter.closed == 1
    assert not run.pipeline.submit('a', arrival(1))
    assert not [t for t in threading.enumerate() if t.name.startswith('pipeline')]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), policy=st.sampled_from(['latest', 'every']),
       workers=st.integers(1, 3), batch=st.integers(1, 3))
def test_whatever_happens_every_frame_is_accounted_for(seed, policy, workers, batch):
    """Random frames, faults, resets, swaps and policy changes, from several threads."""
    chance = random.Random(seed)
    made = [FakeSegmenter(chance.choice([0, 0.0005]), chance.choice([0, 0.001]), name='m0')]
    cameras = ['a', 'b', 'c'][:chance.randint(1, 3)]
    frames = 40
    with Run(made[0], policy=policy, observe_workers=workers, max_batch=batch,
             gap_ns=chance.choice([0, 3])) as run:
        for camera in cameras:
            run.pipeline.add_camera(camera)
        faults = {camera: set(chance.sample(range(frames - 1), 5)) for camera in cameras}

        def feed(camera, seed):
            mine = random.Random(seed)
            for i in range(frames):
                bad = BadFrame('wrong step') if i in faults[camera] else IMAGE
                run.pipeline.submit(camera, arrival(i, bad))
                if mine.random() < 0.2:
                    time.sleep(mine.random() * 0.003)

        threads = [threading.Thread(target=feed, args=(camera, chance.random()))
                   for camera in cameras]
        for thread in threads:
            thread.start()
        for i in range(4):
            time.sleep(chance.random() * 0.01)
            what = chance.choice(['swap', 'reset', 'fault'])
            if what == 'swap':
                made.append(FakeSegmenter(0, chance.choice([0, 0.001]), name=f'm{i + 1}'))
                run.pipeline.swap(made[-1])
            elif what == 'reset':
                run.pipeline.reset(chance.choice([None, *cameras]))
            else:
                made[-1].fail_predict.update(chance.sample(range(frames - 1), 4))
        for thread in threads:
            thread.join()
        run.settle()
        for camera in cameras:
            statistics = run.pipeline.statistics(camera)
            stamps = run.stamps(camera)
            assert stamps == sorted(set(stamps))
            assert statistics.received == frames
            assert statistics.delivered == len(stamps)
            assert statistics.delivered + sum(statistics.drops.values()) == frames
            if batch == 1:  # an error costs every frame of its batch, the last one perhaps
                assert stamps[-1:] == [frames - 1]
            assert statistics.drops.get('error in observe', 0) == 0
            if policy == 'every':
                assert 'superseded' not in statistics.drops
                assert statistics.drops['bad frame: wrong step'] == 5
    assert [segmenter.closed for segmenter in made] == [1] * len(made)
    assert not any(segmenter.out_of_order for segmenter in made)
