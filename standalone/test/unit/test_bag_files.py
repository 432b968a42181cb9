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
"""Bags on disk: what rosbag2 wrote is read and shown as it shows it; what we write is read."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from ros2bag import player
from ros2bag.info import read_metadata, report
from ros2bag.player import PlayerClock, read_ahead
from ros2bag.writer import BagOptions, BagWriter, QueuedWriter
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import Reader
from standalone_ros import cdr, typehash
from std_msgs.msg import String

RECORDED = Path(__file__).parent / 'data' / 'tiny_mcap'
NEVER = QosTime(9223372036, 854775807)
LATCHED = Qos(QosHistory.KEEP_LAST, 1, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL,
              NEVER, NEVER, QosLiveliness.AUTOMATIC, NEVER, False)


def test_info_of_a_bag_that_ros_2_jazzy_recorded(monkeypatch):
    monkeypatch.setenv('TZ', 'UTC')
    time.tzset()
    try:
        text = report(RECORDED, read_metadata(RECORDED))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert text == """
Files:             tiny_mcap_0.mcap
Bag size:          42.2 KiB
Storage id:        mcap
ROS Distro:        jazzy
Duration:          3.703463891s
Start:             Nov 20 2026 09:30:45.607144313 (1795167045.607144313)
End:               Nov 20 2026 09:30:49.310608204 (1795167049.310608204)
Messages:          124
Topic information: Topic: /clock | Type: rosgraph_msgs/msg/Clock | Count: 38 | \
Serialization Format: cdr
                   Topic: /demo/chatter | Type: std_msgs/msg/String | Count: 38 | \
Serialization Format: cdr
                   Topic: /demo/latched | Type: std_msgs/msg/String | Count: 1 | \
Serialization Format: cdr
                   Topic: /demo/camera/image | Type: sensor_msgs/msg/Image | Count: 38 | \
Serialization Format: cdr
                   Topic: /demo/labels | Type: vision_msgs/msg/LabelInfo | Count: 1 | \
Serialization Format: cdr
                   Topic: /diagnostics | Type: diagnostic_msgs/msg/DiagnosticArray | Count: 8 | \
Serialization Format: cdr
Service:           0
Service information: """


def test_recorded_types_have_our_hashes_and_can_be_read():
    from standalone_ros.interfaces import get_class

    with Reader(RECORDED) as reader:
        for connection in reader.connections:
            assert connection.digest == typehash.type_hash(connection.msgtype)
        count = 0
        for connection, _, data in reader.messages():
            message = cdr.deserialize(data, get_class(connection.msgtype))
            # Data taken from DDS is padded to a multiple of four.
            assert data.startswith(cdr.serialize(message))
            count += 1
    assert count == 124


@pytest.mark.parametrize(('storage', 'compression'), [
    ('mcap', 'none'), ('mcap', 'file'), ('mcap', 'message'), ('mcap', 'storage'),
    ('sqlite3', 'none'), ('sqlite3', 'file'), ('sqlite3', 'message')])
def test_written_bags_are_read_again(tmp_path, storage, compression):
    path = tmp_path / 'bag'
    writer = BagWriter(path, BagOptions(storage, compression, custom_data=(('a', 'b'),)))
    writer.add_topic('/talk', 'std_msgs/msg/String', [LATCHED])
    texts = [cdr.serialize(String(data=f'text {number}')) for number in range(10)]
    for number, data in enumerate(texts):
        writer.write('/talk', 10**18 + number, data)
    writer.close()
    suffix = {'mcap': '.mcap', 'sqlite3': '.db3'}[storage] + (
        '.zstd' if compression == 'file' else '')
    assert sorted(os.listdir(path)) == [f'bag_0{suffix}', 'metadata.yaml']
    with Reader(path) as reader:
        (connection,) = reader.connections
        assert connection.ext.offered_qos_profiles == [LATCHED]
        assert connection.digest == typehash.type_hash('std_msgs/msg/String')
        assert 'string data' in connection.msgdef.data
        assert [(stamp, bytes(data)) for _, stamp, data in reader.messages()] == [
            (10**18 + number, data) for number, data in enumerate(texts)]
    metadata = read_metadata(path)
    assert (metadata['version'], metadata['custom_data'], metadata['ros_distro']) == (
        9, {'a': 'b'}, 'jazzy')


def test_bags_are_split(tmp_path):
    path = tmp_path / 'bag'
    writer = BagWriter(path, BagOptions(max_duration=2))
    writer.add_topic('/talk', 'std_msgs/msg/String', [])
    for second in range(7):
        writer.write('/talk', second * 10**9, cdr.serialize(String(data=str(second))))
    writer.close()
    metadata = read_metadata(path)
    assert metadata['relative_file_paths'] == [f'bag_{number}.mcap' for number in range(4)]
    assert [entry['message_count'] for entry in metadata['files']] == [2, 2, 2, 1]
    assert metadata['duration'] == {'nanoseconds': 6 * 10**9}
    with Reader(path) as reader:
        assert [stamp // 10**9 for _, stamp, _ in reader.messages()] == list(range(7))


def test_size_splits_too(tmp_path):
    writer = BagWriter(tmp_path / 'bag', BagOptions(max_size=50))
    writer.add_topic('/talk', 'std_msgs/msg/String', [])
    for number in range(6):
        writer.write('/talk', number, cdr.serialize(String(data='x' * 20)))
    writer.close()
    assert [entry['message_count'] for entry in read_metadata(tmp_path / 'bag')['files']] == [
        2, 2, 2]


def test_an_empty_bag_is_a_bag(tmp_path):
    BagWriter(tmp_path / 'bag', BagOptions()).close()
    metadata = yaml.safe_load((tmp_path / 'bag' / 'metadata.yaml').read_text())
    assert metadata['rosbag2_bagfile_information']['starting_time'] == {
        'nanoseconds_since_epoch': 0}
    with Reader(tmp_path / 'bag') as reader:
        assert reader.message_count == 0


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_full_cache_loses_messages_and_counts_them(tmp_path, storage):
    entered, gate = threading.Event(), threading.Event()

    class SlowBag(BagWriter):
        def write(self, topic, stamp, data):
            entered.set()
            gate.wait(10)
            super().write(topic, stamp, data)

    writer = QueuedWriter(lambda: SlowBag(tmp_path / 'bag', BagOptions(storage)), 250)
    writer.add_topic('/talk', 'std_msgs/msg/String', [])
    writer.write('/talk', 0, bytes(100))
    assert entered.wait(10)
    for stamp in range(1, 6):
        writer.write('/talk', stamp, bytes(100))
    gate.set()
    writer.close()
    assert writer.lost == Counter({'/talk': 3})
    assert read_metadata(tmp_path / 'bag')['message_count'] == 3


def test_a_bag_that_cannot_be_made_is_said_at_once(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match='Not a directory'):
        QueuedWriter(lambda: BagWriter(tmp_path / 'file' / 'bag', BagOptions()), 100)


def test_read_ahead_keeps_order_and_raises_what_reading_raises():
    def messages():
        for number in range(50):
            yield None, number, b'x'
        raise OSError('the disk is gone')

    seen = []
    with pytest.raises(OSError, match='the disk is gone'):
        seen.extend(stamp for _, stamp, _ in read_ahead(messages(), 3))
    assert seen == list(range(50))
    ahead = read_ahead(messages(), 3)
    assert [next(ahead)[1], next(ahead)[1]] == [0, 1]
    ahead.close()


def test_read_ahead_is_bounded_in_bytes_and_in_messages(monkeypatch):
    monkeypatch.setattr(player, 'READ_AHEAD_BYTES', 1000)
    for length, size, most in ((400, 50, 4), (1, 5, 6), (5000, 5, 2)):
        read = []

        def messages(length=length, read=read):
            for number in range(20):
                read.append(number)
                yield None, number, bytes(length)

        ahead = read_ahead(messages(), size)
        assert next(ahead)[1] == 0
        deadline = time.monotonic() + 10
        # One has been given out.
        while len(read) < most + 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(read) == most + 1
        assert [stamp for _, stamp, _ in ahead] == list(range(1, 20))


def test_the_player_clock_does_not_drift():
    clock = PlayerClock(10**9, 100.0, paused=False)
    begin = time.monotonic()
    for step in range(1, 21):
        assert clock.wait_until(10**9 + step * 10**9)
    assert 0.2 <= time.monotonic() - begin < 0.3
    clock.toggle_paused()
    at = clock.now()
    threading.Timer(0.05, clock.step).start()
    assert clock.wait_until(at + 10**12)
    assert clock.now() == at + 10**12
    threading.Timer(0.05, clock.stop).start()
    assert not clock.wait_until(at + 2 * 10**12)
