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
"""Several cameras at a time on one node: back-pressure, budgets, traces, changes under load."""

import itertools
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from probe import Probe, image, picture, until
from ros2pkg.api import get_executable_paths

DOMAIN = int(os.environ['ROS_DOMAIN_ID']) + 5
SECOND = 10**9
PERIOD = 0.3  # seconds
HEIGHT, WIDTH = 128, 192


@pytest.fixture(scope='module')
def node():
    executable, = (path for path in get_executable_paths(package_name='vidseg_ros')
                   if Path(path).name == 'segmentation_node')
    parameters = {'cameras': '[front, rear]', 'method': 'fassvid', 'checkpoint': 'random:1',
                  'engine': 'torch', 'threads': 1, 'frame_policy': 'every', 'queue_limit': 1,
                  'gap_ms': 0, 'diagnostics_period': 0.25}
    arguments = [part for name, value in parameters.items() for part in ('-p', f'{name}:={value}')]
    process = subprocess.Popen(
        [executable, '--ros-args', *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)})
    yield process
    process.send_signal(signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert 'Traceback' not in output


@pytest.fixture(scope='module')
def probe(node):
    probe = Probe(DOMAIN)
    for camera in ('front', 'rear'):
        probe.camera(camera)
        probe.listen(camera, 'labels')
    assert until(lambda: probe.state() == 'active', 90)
    assert until(lambda: all(probe.camera(camera).get_subscription_count()
                             for camera in ('front', 'rear')))
    assert until(lambda: all(probe.node.count_publishers(f'/camera/{camera}/segmentation/labels')
                             for camera in ('front', 'rear')))
    time.sleep(0.5)  # until both sides know of each other
    yield probe
    probe.close()


def frame(index):
    return image(index * SECOND // 20, picture(index, HEIGHT, WIDTH))


def values_of(probe, camera):
    return probe.statuses[f'camera {camera}'][1]


def test_every_frame_of_a_burst_comes_and_nothing_else_waits_for_it(probe):
    """A hundred frames at once, one of which fits: the rest stays in the middleware."""
    frames = [frame(i) for i in range(100)]
    for message in frames:
        probe.camera('front').publish(message)
    assert until(lambda: probe.stamps('front'))
    probe.camera('rear').publish(frames[0])
    assert until(lambda: probe.stamps('rear'))
    assert probe.get('queue_limit') == 1
    assert len(probe.stamps('front')) < 100, 'too fast to show anything'
    expected = [i * SECOND // 20 for i in range(100)]
    assert until(lambda: len(probe.stamps('front')) >= 100, 60)
    assert probe.stamps('front') == expected
    assert until(lambda: values_of(probe, 'front').get('frames segmented') == '100')
    assert values_of(probe, 'front')['frames dropped'] == '0'
    assert values_of(probe, 'front')['lost by the middleware'] == '0'


def test_a_latency_budget_moves_the_method_and_its_end_brings_it_back(probe):
    engine = probe.statuses['engine'][1]
    costliest = engine['operating point']
    result, = probe.set(latency_budget_ms=0.001)
    assert result.successful, result.reason

    def operating_point():
        return probe.statuses['engine'][1].get('operating point', '')

    numbers = itertools.count(200)

    def feed_until(done):
        for _ in range(600):
            if done():
                return True
            probe.camera('front').publish(frame(next(numbers)))
            time.sleep(0.02)
        return False
    assert feed_until(lambda: probe.statuses['engine'][0].message.startswith('degraded: '))
    cheapest = operating_point()
    assert cheapest != costliest
    assert 'there is nothing cheaper' in probe.statuses['engine'][0].message
    assert int(probe.statuses['engine'][1]['moves between operating points']) >= 1
    # The labels keep the size of their image.
    last = probe.outputs['front', 'labels'][-1]
    assert (last.height, last.width) == (HEIGHT, WIDTH)
    assert until(lambda: values_of(probe, 'front')['provenance operating_point'] == cheapest)
    result, = probe.set(latency_budget_ms=0.0)
    assert result.successful
    assert feed_until(lambda: operating_point() == costliest)


def test_a_trace_can_be_had_while_it_runs(probe, tmp_path):
    path = tmp_path / 'trace.json'
    result, = probe.set(trace_file=str(tmp_path / 'nowhere' / 'trace.json'))
    assert not result.successful
    assert 'there is no folder' in result.reason
    result, = probe.set(trace_file=str(path))
    assert result.successful, result.reason
    before = len(probe.stamps('rear'))
    for i in range(5):
        probe.camera('rear').publish(frame(2000 + i))
    assert until(lambda: len(probe.stamps('rear')) == before + 5)
    result, = probe.set(trace_file='')
    assert result.successful
    events = [event for event in json.loads(path.read_text())
              if event.get('args', {}).get('camera') == 'rear']
    assert {event['name'] for event in events} == {'convert', 'observe', 'predict', 'publish'}
    assert sum(event['name'] == 'predict' for event in events) == 5


def test_changes_leave_no_gap_in_the_output(probe, node):
    """
    Cameras come and go and methods change, one of them impossible, while frames are due.

    On a machine that is busy with other things a frame may be late through no fault of the
    node's; what the node does wrong it does each time.
    """
    gaps = []
    for attempt in range(3):
        probe.outputs['rear', 'labels'].clear()
        first = 3000 + 1000 * attempt
        gaps.append(longest_gap(probe, first))
        begin = first * SECOND // 20  # what an earlier attempt left may still come
        stamps = [stamp for stamp in probe.stamps('rear') if stamp >= begin]
        assert stamps == [begin + i * SECOND // 20 for i in range(len(stamps))]
        assert node.poll() is None
        if gaps[-1] < 2 * PERIOD:
            return
    raise AssertionError(f'silent for {gaps} s at {1 / PERIOD:.1f} Hz')


def longest_gap(probe, first):
    """Return how long rear was silent at most, in seconds, while all sorts of things change."""
    over = threading.Event()
    arrived = []

    def feed():
        began = time.monotonic()
        for i in itertools.count():
            if over.wait(max(0.0, began + i * PERIOD - time.monotonic())):
                return
            probe.camera('rear').publish(frame(first + i))

    def watch():
        seen = 0
        while not over.wait(0.002):
            count = len(probe.outputs['rear', 'labels'])
            arrived.extend([time.monotonic()] * (count - seen))
            seen = count

    def change(done=lambda: True, **values):
        for result in probe.set(**values):
            assert result.successful, result.reason
        assert until(done, 60), values

    threads = [threading.Thread(target=feed), threading.Thread(target=watch)]
    for thread in threads:
        thread.start()
    try:
        assert until(lambda: len(arrived) > 2)
        wrong = os.path.abspath(__file__)
        change(cameras=['front', 'rear', 'left'])
        change(method='per_frame', done=lambda: probe.engine_is(method='per_frame',
                                                                state='running'))
        change(cameras=['rear'])
        change(input_height=64, input_width=96)
        change(checkpoint=wrong, done=lambda: 'not a safetensors file' in
               probe.statuses['engine'][1].get('last failure', ''))
        assert until(lambda: probe.get('checkpoint') == 'random:1')
        change(cameras=['front', 'rear'], observe_workers=1, max_batch=1)
        change(method='fassvid', **{'fassvid.frame_distance': 2},
               done=lambda: probe.engine_is(method='fassvid', state='running'))
        change(observe_workers=0, max_batch=0, input_height=0, input_width=0,
               **{'fassvid.frame_distance': 10})
        time.sleep(2 * PERIOD)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return max(after - before for before, after in itertools.pairwise(arrived))


def test_ends_while_frames_wait_in_the_middleware(probe, node):
    """The last one: the node is gone after it; the fixture looks at its exit code."""
    before = len(probe.stamps('front'))
    for i in range(100):
        probe.camera('front').publish(frame(9000 + i))
    assert until(lambda: len(probe.stamps('front')) > before)
    node.send_signal(signal.SIGINT)
    assert until(lambda: node.poll() is not None, 30)
    assert len(probe.stamps('front')) < before + 100
