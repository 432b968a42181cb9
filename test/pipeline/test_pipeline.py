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

import json
import random
import threading
import time
import weakref
from collections import defaultdict

import numpy as np
import pytest
from fake_segmenter import FakeSegmenter
from hypothesis import given, settings
from hypothesis import strategies as st

from vidseg_ros.methods.base import Wanted
from vidseg_ros.pipeline.accounts import STAGES
from vidseg_ros.pipeline.arrival import Arrival, BadFrame
from vidseg_ros.pipeline.observe_pool import TOO_OLD
from vidseg_ros.pipeline.pipeline import Pipeline
from vidseg_ros.pipeline.trace import Trace

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


def test_frames_that_grew_too_old_while_they_waited_are_dropped_too():
    """The first holds the device for longer than the second, not old on arrival, may take."""
    segmenter = FakeSegmenter()
    with Run(segmenter, max_age_ns=S // 10) as run:
        run.pipeline.add_camera('a')
        run.pipeline.add_camera('b')
        segmenter.gate.clear()
        run.pipeline.submit('a', arrival(0))
        assert segmenter.predicting.wait(5)
        run.pipeline.submit('a', arrival(1))  # observed ahead
        while run.pipeline.statistics('a').waiting:
            time.sleep(0.001)
        assert run.pipeline.submit('a', arrival(2))
        time.sleep(0.15)
        segmenter.gate.set()
        run.settle()
        assert run.stamps('a') == [0, 1]
        assert run.pipeline.statistics('a').drops == {TOO_OLD: 1}
        run.pipeline.submit('a', arrival(3))
        run.settle()
        assert run.stamps('a') == [0, 1, 3]


def test_every_holds_its_feeders_and_drops_nothing():
    """While one camera has no room its feeder waits; the other goes on."""
    segmenter = FakeSegmenter(predict_s=0.002)
    made = []
    with Run(segmenter, policy='every', queue_limit=3, room_made=made.append) as run:
        run.pipeline.add_camera('a')
        run.pipeline.add_camera('b')
        most = 0

        def feed():
            nonlocal most
            for i in range(60):
                assert run.pipeline.wait_for_room('a', 10)
                run.pipeline.submit('a', arrival(i))
                most = max(most, run.pipeline.statistics('a').waiting)

        feeder = threading.Thread(target=feed)
        feeder.start()
        for i in range(5):
            assert run.pipeline.has_room('b')
            run.pipeline.submit('b', arrival(i))
            while len(run.results['b']) <= i:
                time.sleep(0.001)
        assert feeder.is_alive()
        feeder.join()
        run.settle()
        assert run.stamps('a') == list(range(60))
        assert most == 3
        assert run.pipeline.statistics('a').drops == {}
        assert 'a' in made
        assert 'b' not in made


def test_a_feeder_that_waits_for_room_does_not_hold_up_the_end():
    segmenter = FakeSegmenter()
    with Run(segmenter, policy='every', queue_limit=1) as run:
        run.pipeline.add_camera('a')
        segmenter.gate.clear()
        for i in range(4):
            run.pipeline.submit('a', arrival(i))
        answers = []
        feeder = threading.Thread(
            target=lambda: answers.append(run.pipeline.wait_for_room('a')))
        feeder.start()
        time.sleep(0.02)
        assert not answers
        segmenter.gate.set()
        assert run.pipeline.close(10)
        feeder.join(5)
        assert len(answers) == 1


def test_room_is_told_of_when_the_policy_changes():
    segmenter = FakeSegmenter()
    made = []
    with Run(segmenter, policy='every', queue_limit=1, room_made=made.append) as run:
        run.pipeline.add_camera('a')
        segmenter.gate.clear()
        for i in range(4):
            run.pipeline.submit('a', arrival(i))
        assert segmenter.predicting.wait(5)
        assert not run.pipeline.has_room('a')
        made.clear()
        run.pipeline.set_policy('latest')
        assert made == ['a']
        assert run.pipeline.has_room('a')


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


@pytest.mark.parametrize('again', ['works', 'fails'])
def test_a_frame_observed_before_an_error_does_not_go_on_from_what_that_left(again):
    segmenter = FakeSegmenter()
    segmenter.fail_predict.add(0)
    segmenter.gate.clear()
    with Run(segmenter, policy='every') as run:
        run.pipeline.add_camera('a')
        run.pipeline.add_camera('b')
        run.pipeline.submit('a', arrival(0))
        assert segmenter.predicting.wait(5)
        run.pipeline.submit('a', arrival(1))
        run.pipeline.submit('b', arrival(1))
        ready = run.pipeline._floor.ready
        until = time.monotonic() + 5
        while len(ready) < 2 and time.monotonic() < until:
            time.sleep(0.002)
        if again == 'fails':
            segmenter.fail_observe.add(1)
        assert {job.stream.camera: job.state.observed for job in ready}['a'] == [0, 1]
        segmenter.gate.set()
        run.settle()
        for i in (2, 3):
            run.pipeline.submit('a', arrival(i))
            run.settle()
        assert run.stamps('a') == ([1, 2, 3] if again == 'works' else [2, 3])
        assert [result.frame.sequence for result in run.results['a']] == \
            list(range(len(run.results['a'])))
        # The labels are the number of frames that the state has seen.
        assert [result.segmentation.labels.max() for result in run.results['a']] == \
            [sequence + 1 for sequence in range(len(run.results['a']))]
        resets = [result.reset for result in run.results['a']]
        step = 'predict' if again == 'works' else 'observe'
        assert resets == [f'error in the method ({step})', *[None] * (len(resets) - 1)]
        drops = run.pipeline.statistics('a').drops
        assert drops == {'error in predict': 1} if again == 'works' else \
            drops == {'error in predict': 1, 'error in observe': 1}
        assert run.results['b'][0].reset is None and run.stamps('b') == [1]
        assert run.pipeline._floor.streams['a'].spoilt is None  # it takes up no memory


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


def test_nothing_of_a_replaced_segmenter_and_its_frames_is_kept():
    """However many threads had to do with them and have nothing to do now."""
    old = FakeSegmenter(name='old')
    results = []
    pipeline = Pipeline(old, lambda result: results.append(result.stamp_ns), policy='every',
                        observe_workers=3, latency_budget_ms=1000.0)
    for camera in 'abc':
        pipeline.add_camera(camera)
    for i in range(20):
        for camera in 'abc':
            pipeline.submit(camera, arrival(i, IMAGE.copy()))
    assert pipeline.drain(10)
    pipeline.swap(FakeSegmenter(name='new'))
    for camera in 'abc':
        pipeline.submit(camera, arrival(20))
    assert pipeline.drain(10)
    assert old.closed == 1
    gone = weakref.ref(old)
    del old
    deadline = time.monotonic() + 5
    while gone() is not None and time.monotonic() < deadline:
        time.sleep(0.01)  # until the threads wait again
    assert gone() is None
    assert len(results) == 63
    assert pipeline.close()


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


@pytest.mark.parametrize(('preferred', 'allowed', 'largest'), [(4, 0, 4), (4, 2, 2), (1, 4, 1)])
def test_frames_of_several_cameras_go_to_the_device_together_where_that_is_cheaper(
        preferred, allowed, largest):
    segmenter = FakeSegmenter(batch=preferred)
    with Run(segmenter, policy='every', max_batch=allowed, observe_workers=2) as run:
        for camera in 'abcd':
            run.pipeline.add_camera(camera)
        segmenter.gate.clear()
        for i in range(6):
            for camera in 'abcd':
                run.pipeline.submit(camera, arrival(i))
        time.sleep(0.1)
        segmenter.gate.set()
        run.settle()
        assert max(segmenter.batches) == largest
        assert sum(segmenter.batches) == 24
        assert sum(size * count for size, count in
                   run.pipeline.overall().batches.items()) == 24
        assert all(run.stamps(camera) == list(range(6)) for camera in 'abcd')


@pytest.mark.parametrize(('batch', 'predict_s'), [(1, 0.01), (4, 0.03)])
def test_overload_is_shared_fairly_and_what_comes_out_is_fresh(batch, predict_s):
    """Four cameras, one of them bursty, of 100 Hz each; the device does some 100 a second."""
    work_s = 0.002 + predict_s
    with Run(FakeSegmenter(0.002, predict_s, batch=batch), observe_workers=2) as run:
        for camera in 'abcd':
            run.pipeline.add_camera(camera)
        over = threading.Event()

        def feed(camera, offset):
            began = time.monotonic() + offset
            i = 0
            while not over.is_set():
                for _ in range(3 if camera == 'd' and i % 7 == 0 else 1):
                    run.pipeline.submit(camera, arrival(i))
                    i += 1
                time.sleep(max(0.0, began + i * 0.01 - time.monotonic()))

        threads = [threading.Thread(target=feed, args=(camera, 0.0025 * index))
                   for index, camera in enumerate('abcd')]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        over.set()
        for thread in threads:
            thread.join()
        run.settle()
        counts = [len(run.results[camera]) for camera in 'abcd']
        assert max(counts) - min(counts) <= 0.1 * max(counts) + 2
        assert sum(counts) > 0.8 * 1.5 * batch / work_s
        for camera in 'abcd':
            assert run.pipeline.statistics(camera).latency['total'].p50 < 2e3 * work_s


def test_a_slow_camera_does_not_wait_behind_fast_ones():
    with Run(FakeSegmenter(0.0, 0.01)) as run:
        for camera in ('fast', 'faster', 'slow'):
            run.pipeline.add_camera(camera)
        for i in range(200):
            run.pipeline.submit('fast', arrival(i))
            run.pipeline.submit('faster', arrival(2 * i))
            time.sleep(0.002)
            run.pipeline.submit('faster', arrival(2 * i + 1))
            if i % 40 == 20:
                run.pipeline.submit('slow', arrival(i))
            time.sleep(0.003)
        run.settle()
        assert len(run.results['slow']) == 5
        # At most the frame on the device and the one observed ahead go before it.
        assert run.pipeline.statistics('slow').latency['total'].p50 < 45


def test_cameras_are_observed_side_by_side():
    with Run(FakeSegmenter(0.03, 0.001), policy='every', observe_workers=3) as run:
        for camera in 'abc':
            run.pipeline.add_camera(camera)
        began = time.monotonic()
        for i in range(6):
            for camera in 'abc':
                run.pipeline.submit(camera, arrival(i))
        run.settle()
        assert time.monotonic() - began < 18 * 0.03 * 0.6
        assert all(run.stamps(camera) == list(range(6)) for camera in 'abc')


def test_the_number_of_observe_threads_changes_while_it_runs():
    def count():
        return sum(thread.name.startswith('pipeline_observe') for thread in
                   threading.enumerate())
    with Run(FakeSegmenter(0.001), policy='every', observe_workers=1) as run:
        before = count()
        run.pipeline.add_camera('a')
        for workers in (3, 1, 2):
            run.pipeline.set_observe_workers(workers)
            for i in range(5):
                run.pipeline.submit('a', arrival(i))
            run.settle()
            deadline = time.monotonic() + 5
            while count() != before - 1 + workers and time.monotonic() < deadline:
                time.sleep(0.005)
            assert count() == before - 1 + workers
        assert run.stamps('a') == list(range(5)) * 3


def test_a_latency_budget_moves_the_method_and_back():
    segmenter = FakeSegmenter(points={'full': 0.02, 'half': 0.004})
    with Run(segmenter, latency_budget_ms=12.0) as run:
        run.pipeline.add_camera('a')

        def feed_until(done):
            deadline = time.monotonic() + 10
            i = len(run.results['a']) * 1000
            while not done() and time.monotonic() < deadline:
                run.pipeline.submit('a', arrival(i))
                i += 1
                time.sleep(0.01)
            assert done()
        feed_until(lambda: segmenter.point == 'half')
        assert segmenter.prepared == [((4, 6), 'half')]
        overall = run.pipeline.overall()
        assert (overall.operating_point, overall.moves) == ('half', 1)
        run.pipeline.set_latency_budget(0.0)
        feed_until(lambda: segmenter.point == 'full')


def test_a_point_that_can_not_be_built_is_left_out():
    segmenter = FakeSegmenter(points={'full': 0.02, 'half': 0.01, 'third': 0.003})
    segmenter.fail_prepare.add('half')
    with Run(segmenter, latency_budget_ms=8.0) as run:
        run.pipeline.add_camera('a')
        deadline = time.monotonic() + 10
        i = 0
        while segmenter.point != 'third' and time.monotonic() < deadline:
            run.pipeline.submit('a', arrival(i))
            i += 1
            time.sleep(0.01)
        assert segmenter.point == 'third'
        assert run.pipeline.overall().budget_problem == \
            'operating point half: RuntimeError: told to fail'


def test_a_trace_shows_who_did_what(tmp_path):
    trace = Trace(tmp_path / 'trace.json')
    with Run(FakeSegmenter(0.02, 0.02), policy='every', trace=trace) as run:
        run.pipeline.add_camera('a')
        for i in range(4):
            run.pipeline.submit('a', arrival(i))
        run.settle()
    trace.close()
    events = [event for event in json.loads((tmp_path / 'trace.json').read_text())
              if event.get('ph') == 'X']
    by = {name: [event for event in events if event['name'] == name]
          for name in ('convert', 'observe', 'predict', 'publish')}
    assert [len(found) for found in by.values()] == [4, 4, 4, 4]
    assert all(event['args']['camera'] == 'a' for event in events)
    assert [event['args']['sequence'] for event in by['predict']] == [0, 1, 2, 3]
    # The second frame is observed while the first is on the device, in another lane.
    first, second = by['predict'][0], by['observe'][1]
    assert first['tid'] != second['tid']
    assert second['ts'] < first['ts'] + first['dur']


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
    assert not run.pipeline.wait_for_room('a', 1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), policy=st.sampled_from(['latest', 'every']),
       workers=st.integers(1, 3), batch=st.integers(1, 3))
def test_whatever_happens_every_frame_is_accounted_for(seed, policy, workers, batch):
    """Random frames, faults, resets, swaps and policy changes, from several threads."""
    chance = random.Random(seed)
    made = [FakeSegmenter(chance.choice([0, 0.0005]), chance.choice([0, 0.001]), name='m0',
                          batch=3)]
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
                made.append(FakeSegmenter(0, chance.choice([0, 0.001]), name=f'm{i + 1}',
                                          batch=chance.randint(1, 3)))
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


def test_what_is_told_of_room_and_deliveries_ends_no_thread_by_an_error(caplog):
    def fail(*_):
        raise RuntimeError('told to fail')
    with Run(policy='every', queue_limit=2, room_made=fail) as run:
        run.pipeline._delivery._settled = fail
        run.pipeline.add_camera('a')
        for i in range(10):
            while not run.pipeline.has_room('a'):
                time.sleep(0.001)
            assert run.pipeline.submit('a', arrival(i * S))
        run.settle()
        assert run.stamps('a') == [i * S for i in range(10)]
    failed = {record.message for record in caplog.records if record.exc_info}
    assert failed == {'what follows a delivery failed', 'telling that a has room again failed'}
