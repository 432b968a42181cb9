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
"""The node's process: how it starts, how it ends, and what it does with more than it can do."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from probe import Probe, image, picture, to_stamp, until
from rclpy.qos import ReliabilityPolicy
from ros2pkg.api import get_executable_paths
from rosgraph_msgs.msg import Clock

ROOT = Path(__file__).parents[2]
DOMAIN = int(os.environ['ROS_DOMAIN_ID']) + 4
SMALL = {'checkpoint': 'random:1', 'engine': 'torch', 'threads': '1'}


class Process:
    """segmentation_node with parameters; its output is kept."""

    def __init__(self, *arguments, **parameters):
        # The executable itself: the exit code of `ros2 run` is not always that of its child.
        executable, = (path for path in get_executable_paths(package_name='vidseg_ros')
                       if Path(path).name == 'segmentation_node')
        command = [executable, '--ros-args', *arguments]
        for name, value in {**SMALL, **parameters}.items():
            command += ['-p', f'{name}:={value}']
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)}, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()

    def signal(self, *signals, pause=0.0):
        for number in signals:
            os.killpg(self.process.pid, number)
            time.sleep(pause)

    def end(self, timeout=30):
        output, _ = self.process.communicate(timeout=timeout)
        return self.process.returncode, output


@pytest.fixture
def probe():
    it = Probe(DOMAIN)
    yield it
    it.close()


@pytest.mark.parametrize('signals', [
    [signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_ends_cleanly_while_frames_come(probe, signals):
    publisher = probe.camera('front')
    probe.listen('front', 'labels')
    with Process(method='per_frame') as node:
        assert until(lambda: probe.state() == 'active', 60)
        assert until(lambda: publisher.get_subscription_count() == 1)
        for i in range(200):
            publisher.publish(image(i * 50_000_000, picture(i)))
            time.sleep(0.02)
            if len(probe.stamps()) > 5:
                break
        assert len(probe.stamps()) > 5
        node.signal(*signals, pause=0.1)
        code, output = node.end()
    assert code == 0, output
    assert 'Traceback' not in output


def test_an_impossible_parameter_is_said_in_a_line():
    with Process(method='nonsense') as node:
        code, output = node.end(60)
    assert code == 1
    assert 'Traceback' not in output
    assert "method: 'nonsense' is not one of" in output


def test_a_start_that_fails_is_told_and_can_be_mended(probe):
    with Process(method='per_frame', network='fassvid/base', checkpoint=os.path.abspath(__file__)
                 ) as node:
        assert until(lambda: 'engine' in probe.statuses
                     and probe.statuses['engine'][1]['state'] == 'failed', 60)
        assert probe.state() == 'unconfigured'
        assert probe.statuses['camera front'][0].message == 'failed: there is no engine'
        result, = probe.set(checkpoint='random:1')
        assert result.successful, result.reason
        assert until(lambda: probe.state() == 'active', 30)
        node.signal(signal.SIGINT)
        code, output = node.end()
    assert code == 0
    assert 'not a safetensors file' in output


def test_a_manager_leads_it_through_its_lifecycle(probe):
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState
    publisher = probe.camera('front')
    probe.listen('front', 'labels')

    def change(transition):
        return probe.call(ChangeState, '/segmentation_node/change_state', ChangeState.Request(
            transition=Transition(id=transition)), 60).success
    with Process(method='per_frame', autostart='false') as node:
        assert until(lambda: probe.state() == 'unconfigured', 60)
        for _ in range(2):
            assert change(Transition.TRANSITION_CONFIGURE)
            assert change(Transition.TRANSITION_ACTIVATE)
            assert until(lambda: publisher.get_subscription_count() == 1)
            before = len(probe.stamps())
            assert until(lambda before=before: publisher.publish(image(10**9, picture(0)))
                         or len(probe.stamps()) > before)
            assert change(Transition.TRANSITION_DEACTIVATE)
            assert until(lambda: publisher.get_subscription_count() == 0)
            assert until(lambda: probe.engine_is(state='inactive', method='per_frame'))
            assert change(Transition.TRANSITION_CLEANUP)
            assert until(lambda: probe.statuses['engine'][0].message == 'inactive: no method yet')
        assert {'building engine', 'inactive', 'running'} <= set(probe.history['engine'])
        assert probe.node.count_publishers('/camera/front/segmentation/labels') == 0 or until(
            lambda: probe.node.count_publishers('/camera/front/segmentation/labels') == 0)
        node.signal(signal.SIGTERM)
        code, output = node.end()
    assert code == 0, output
    assert 'Traceback' not in output


def test_in_a_namespace_with_a_remapping():
    probe = Probe(DOMAIN, '/robot/seg', '/robot')
    try:
        publisher = probe.camera('left')
        probe.listen('front', 'labels')
        with Process('-r', '__ns:=/robot', '-r', '__node:=seg', '-r',
                     'camera/front/image_raw:=camera/left/image_raw',
                     method='per_frame') as node:
            assert until(lambda: probe.state() == 'active', 60)
            assert until(lambda: publisher.get_subscription_count() == 1)
            assert until(lambda: publisher.publish(image(10**9, picture(0)))
                         or len(probe.stamps()) > 0)
            assert until(lambda: 'engine' in probe.statuses)
            node.signal(signal.SIGINT)
            assert node.end()[0] == 0
    finally:
        probe.close()


def test_more_than_it_can_do_is_dropped_and_counted(probe):
    """At 200 Hz the newest frame wins: no queue, and every frame is accounted for."""
    publisher = probe.camera('front')
    with Process(method='fassvid', diagnostics_period='0.2') as node:
        assert until(lambda: probe.state() == 'active', 60)
        assert until(lambda: publisher.get_subscription_count() == 1)
        # Without a subscriber nothing is computed.
        for i in range(20):
            publisher.publish(image(10**9 + i * 5_000_000, picture(i, 256, 512)))
            time.sleep(0.01)
        assert until(lambda: 'dropped: no subscriber' in probe.statuses['camera front'][1])
        assert probe.statuses['camera front'][1]['frames segmented'] == '0'
        probe.listen('front', 'labels')
        assert until(lambda: probe.node.count_publishers('/camera/front/segmentation/labels'))
        time.sleep(0.5)
        last = 0
        for i in range(300):
            last = 3 * 10**9 + i * 5_000_000
            publisher.publish(image(last, picture(i, 256, 512)))
            time.sleep(0.005)

        def accounted():
            values = probe.statuses['camera front'][1]
            return int(values['frames received']) == (
                int(values['frames segmented']) + int(values['frames dropped']))
        assert until(lambda: probe.stamps() and probe.stamps()[-1] >= last - 100_000_000)
        assert until(accounted)
        values = probe.statuses['camera front'][1]
        assert int(values['dropped: superseded']) > 0
        stamps = probe.stamps()
        assert stamps == sorted(stamps)
        total, predict = (float(values[f'latency {stage} p50/p95/p99 (ms)'].split(' / ')[0])
                          for stage in ('total', 'predict'))
        # A frame waits for the one before it at most, and conversion and outputs are small.
        assert total < 3 * predict + 50
        assert 'degraded' in probe.history['camera front']
        node.signal(signal.SIGINT)
        assert node.end()[0] == 0


def test_a_publisher_that_does_not_suit_is_told_of():
    probe = Probe(DOMAIN, reliable=False)
    try:
        with Process(method='per_frame', frame_policy='every') as node:
            assert until(lambda: probe.state() == 'active', 60)
            probe.camera('front')
            assert until(lambda: 'reliability' in probe.statuses.get(
                'camera front', (None, {}))[1].get('QoS mismatches', ''))
            assert 'incompatible QoS' in probe.statuses['camera front'][0].message
            result, = probe.set(image_qos_reliability='best_effort')
            assert result.successful
            assert until(lambda: probe.camera('front').get_subscription_count() == 1)
            assert until(lambda: probe.statuses['camera front'][1]['QoS mismatches'] == 'none')
            node.signal(signal.SIGINT)
            assert node.end()[0] == 0
    finally:
        probe.close()


def test_with_simulated_time_a_bag_is_not_in_the_past(probe):
    """By /clock it is the 1000th second of 1970: ages are counted from there."""
    now = 1000 * 10**9
    clock = probe.node.create_publisher(Clock, '/clock', 10)
    publisher = probe.camera('front')
    probe.listen('front', 'labels')
    with Process(method='per_frame', use_sim_time='true', max_age_ms='500',
                 diagnostics_period='0.2') as node:
        assert until(lambda: probe.state() == 'active', 60)
        assert until(lambda: clock.get_subscription_count() == 1)
        assert until(lambda: publisher.get_subscription_count() == 1)
        assert until(lambda: clock.publish(Clock(clock=to_stamp(now)))
                     or probe.reported_at == now)
        for i in range(300):
            clock.publish(Clock(clock=to_stamp(now)))
            publisher.publish(image(now - 100_000_000, picture(i)))
            time.sleep(0.05)
            if len(probe.stamps()) > 10:
                break
        assert len(probe.stamps()) > 10
        assert until(lambda: probe.statuses['camera front'][1].get(
            'latency transport p50/p95/p99 (ms)', '') == '100.00 / 100.00 / 100.00')
        assert 'dropped: too old' not in probe.statuses['camera front'][1]
        for i in range(20):
            publisher.publish(image(now - 800_000_000, picture(i)))
            time.sleep(0.02)
        assert until(lambda: 'dropped: too old' in probe.statuses['camera front'][1])
        assert now - 800_000_000 not in probe.stamps()
        node.signal(signal.SIGINT)
        assert node.end()[0] == 0


def test_quality_of_service_can_be_overridden_and_stays_so(probe):
    probe.listen('front', 'label_info')
    with Process('-p', 'qos_overrides./camera/front/image_raw.subscription.depth:=7',
                 '-p', 'qos_overrides./camera/front/segmentation/labels.publisher.reliability'
                 ':=best_effort', method='per_frame') as node:
        def image_reliability():
            return [info.qos_profile.reliability for info in
                    probe.node.get_subscriptions_info_by_topic('/camera/front/image_raw')]
        assert until(lambda: probe.state() == 'active', 60)
        assert until(lambda: image_reliability() == [ReliabilityPolicy.BEST_EFFORT])
        labels, = probe.node.get_publishers_info_by_topic('/camera/front/segmentation/labels')
        assert labels.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
        age, = probe.node.get_publishers_info_by_topic('/camera/front/segmentation/age')
        assert age.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        for policy, expected in (('every', ReliabilityPolicy.RELIABLE),
                                 ('latest', ReliabilityPolicy.BEST_EFFORT)):
            result, = probe.set(frame_policy=policy)
            assert result.successful, result.reason
            assert until(lambda expected=expected: image_reliability() == [expected])
        name = 'qos_overrides./camera/front/image_raw.subscription.depth'
        assert probe.get(name) == 7
        node.signal(signal.SIGINT)
        assert node.end()[0] == 0


def test_launched_and_interrupted_like_people_do():
    """ctrl-C in a terminal reaches ros2 launch and the node; launch passes it on besides."""
    process = subprocess.Popen(
        ['ros2', 'launch', str(ROOT / 'launch/per_frame.launch.py'), 'checkpoint:=random:1',
         'engine:=torch', 'cameras:=left,right', 'namespace:=car'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)}, start_new_session=True)
    probe = Probe(DOMAIN, '/car/segmentation_node', '/car')
    try:
        assert until(lambda: probe.state() == 'active', 90)
        assert probe.get('cameras') == ['left', 'right']
        assert probe.get('method') == 'per_frame'
        assert until(lambda: {'camera left', 'camera right'} <= set(probe.statuses))
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=40)
        assert process.returncode == 0, output
        assert 'Traceback' not in output
        assert 'process has finished cleanly' in output
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        probe.close()


def test_a_transition_that_there_is_not_ends_nothing(probe):
    """rclpy itself raises out of the service's callback there, and nobody gets an answer."""
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState
    with Process(method='per_frame') as node:
        assert until(lambda: probe.state() == 'active', 60)
        client = probe.node.create_client(ChangeState, '/segmentation_node/change_state')
        assert until(client.service_is_ready)
        client.call_async(ChangeState.Request(transition=Transition(id=213)))
        assert until(lambda: probe.engine_is(state='running'))
        assert until(lambda: probe.state() == 'active', 30)
        node.signal(signal.SIGINT)
        code, output = node.end()
    assert code == 0, output
