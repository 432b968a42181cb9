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
"""`ros2 bag play` and `ros2 bag record` as processes, against each other and against a node."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import QosDurability, QosReliability
from rosbags.rosbag2 import Reader
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String
from vision_msgs.msg import LabelInfo

RECORDED = Path(__file__).parent / 'data' / 'tiny_mcap'
DOMAIN = str(int(os.environ['ROS_DOMAIN_ID']) + 1)
# The first messages may pass before the player and its subscribers know of each other.
SOON = ['--delay', '2', '--disable-keyboard-controls']


@pytest.fixture
def bag():
    """Give a function that starts `ros2 bag`; what still runs ends with the test."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, '-c', 'import sys; from ros2cli.cli import main; sys.exit(main())',
             'bag', *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, 'ROS_DOMAIN_ID': DOMAIN})
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def node():
    rclpy.init(domain_id=int(DOMAIN))
    made = rclpy.create_node('bag_test')
    yield made
    made.destroy_node()
    rclpy.shutdown()


def spin_until(node, done, seconds=20.0):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.05)
    return done()


def finish(process, expected=0):
    out, error = process.communicate(timeout=20)
    assert process.returncode == expected, error
    return out, error


def messages(path):
    with Reader(path) as reader:
        return [(connection.topic, stamp, bytes(data))
                for connection, stamp, data in reader.messages()]


def test_play_publishes_everything_at_its_time_and_with_its_qos(bag, node):
    arrivals, labels, statuses = [], [], []
    node.create_subscription(
        String, '/demo/chatter', lambda data: arrivals.append((time.monotonic(), data)), 100,
        raw=True)
    node.create_subscription(LabelInfo, '/demo/labels', labels.append, QoSProfile(
        depth=1, reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL))
    node.create_subscription(DiagnosticArray, '/renamed', statuses.append, 100)
    process = bag('play', RECORDED, '-r', '2', *SOON, '--remap', '/diagnostics:=/renamed',
                  '--exclude-topics', '/clock')
    recorded = [entry for entry in messages(RECORDED) if entry[0] == '/demo/chatter']
    assert spin_until(node, lambda: len(arrivals) == len(recorded) and len(statuses) == 8)
    assert [data for _, data in arrivals] == [data for _, _, data in recorded]
    assert labels[0].class_map[0].class_name == 'person'
    # Against the absolute schedule; the machine may be busy, but nothing adds up.
    offsets = [at - (stamp - recorded[0][1]) / 2e9 for (at, _), (_, stamp, _) in zip(
        arrivals, recorded, strict=True)]
    assert max(offsets) - min(offsets) < 0.25
    _, error = finish(process)
    assert '[rosbag2_player]: Set rate to 2\n' in error


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_record_keeps_bytes_and_offers(bag, node, tmp_path, storage):
    path = tmp_path / 'out'
    recorder = bag('record', '-s', storage, '-o', path, '--disable-keyboard-controls', '--topics',
                   '/demo/chatter', '/demo/labels', '/demo/camera/image')
    # The player's topics must first be discovered, then be subscribed, on a busy machine, too.
    player = bag('play', RECORDED, '-r', '2', *SOON, '--delay', '6')
    finish(player)
    time.sleep(0.5)
    recorder.send_signal(signal.SIGINT)
    _, error = finish(recorder)
    for text in ('Listening for topics...', "Subscribed to topic '/demo/chatter'",
                 'All requested topics are subscribed. Stopping discovery...',
                 'Pausing recording.', 'Recording stopped'):
        assert f'[rosbag2_recorder]: {text}\n' in error
    wanted = {'/demo/chatter', '/demo/labels', '/demo/camera/image'}
    original = [(topic, data) for topic, _, data in messages(RECORDED) if topic in wanted]
    again = [(topic, data) for topic, _, data in messages(path)]
    reliable = [entry for entry in original if entry[0] != '/demo/camera/image']
    assert [entry for entry in again if entry[0] != '/demo/camera/image'] == reliable
    assert Counter(topic for topic, _ in again)['/demo/camera/image'] > 30
    with Reader(path) as reader:
        offers = {connection.topic: connection.ext.offered_qos_profiles[0]
                  for connection in reader.connections}
    assert offers['/demo/labels'].durability is QosDurability.TRANSIENT_LOCAL
    assert offers['/demo/camera/image'].reliability is QosReliability.BEST_EFFORT


def test_play_gives_the_time(bag, node):
    clocks = []
    node.create_subscription(Clock, '/clock', clocks.append, QoSProfile(
        depth=100, reliability=ReliabilityPolicy.BEST_EFFORT))
    process = bag('play', RECORDED, '--clock', '50', '-r', '2', '--topics', '/demo/chatter',
                  '--start-offset', '1', *SOON)
    finish(process)
    spin_until(node, lambda: False, 0.5)
    stamps = [clock.clock.sec + clock.clock.nanosec * 1e-9 for clock in clocks]
    start = 1795167045.607144313 + 1
    assert start <= stamps[0] < start + 1
    assert stamps == sorted(stamps)
    assert start + 2 < stamps[-1] < start + 3
    assert len(stamps) > 40


def test_a_signal_ends_an_endless_loop(bag, node):
    received = []
    node.create_subscription(String, '/demo/latched', received.append, QoSProfile(depth=10))
    process = bag('play', RECORDED, '-l', '-r', '20', '--disable-keyboard-controls')
    assert spin_until(node, lambda: len(received) >= 3)
    process.send_signal(signal.SIGINT)
    _, error = finish(process)
    assert 'Stopping playback.' in error


@pytest.mark.parametrize(('arguments', 'status', 'text'), [
    (['record', '-o', RECORDED, '/x'], 1, f"Output folder '{RECORDED}' already exists."),
    (['record'], 1, 'Need to specify at least one option out of --all'),
    (['record', '--snapshot-mode'], 2, '--snapshot-mode is not supported'),
    (['record', '-a', '--compression-mode', 'file'], 1, 'without a compression format'),
    (['record', '--nope'], 2, 'unrecognized arguments: --nope'),
    (['play', RECORDED, '-r', '0'], 2, '0 is not in the valid range (> 0.0)'),
    (['play', RECORDED, '--clock-topics-all'], 2, '--clock-topics-all is not supported'),
    (['play', RECORDED, '-e', '('], 1, 'unterminated subpattern'),
    (['play', '/not/there'], 2, "Bag path '/not/there' does not exist!"),
    (['play', __file__], 1, 'Unrecognized storage format'),
    (['info', Path(__file__).parent], 1, 'Could not read metadata'),
])
def test_refusals(bag, arguments, status, text):
    _, error = finish(bag(*arguments), status)
    assert text in error
