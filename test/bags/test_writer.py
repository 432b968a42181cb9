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
import tracemalloc

import cv2
import numpy as np
import pytest
import yaml
from rosbags.interfaces import QosDurability, QosReliability
from rosbags.rosbag2 import Reader

from vidseg_ros.bags.errors import BagError
from vidseg_ros.bags.track import plan_track
from vidseg_ros.bags.typestore import jazzy_typestore
from vidseg_ros.bags.writer import STORAGES, write_bag
from vidseg_ros.datasets.base import Sample, SegmentationDataset
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.registry import open_dataset
from vidseg_ros.labels.registry import label_space

TOPICS = {'/camera/front/image_raw': ('sensor_msgs/msg/Image', 5),
          '/camera/front/camera_info': ('sensor_msgs/msg/CameraInfo', 5),
          '/camera/front/ground_truth/labels': ('sensor_msgs/msg/Image', 5),
          '/camera/front/ground_truth/label_info': ('vision_msgs/msg/LabelInfo', 1)}


def read_all(path):
    with Reader(path) as bag:
        return [(connection.topic, stamp,
                 jazzy_typestore().deserialize_cdr(data, connection.msgtype))
                for connection, stamp, data in bag.messages()]


def stamp_of(message):
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


@pytest.mark.parametrize('storage', STORAGES)
def test_topics_types_and_counts(tmp_path, video, storage):
    summary = write_bag(tmp_path / 'bag', [plan_track('front', video)], storage=storage)
    assert summary.messages == {topic: count for topic, (_, count) in TOPICS.items()}
    assert summary.size_bytes == sum(f.stat().st_size for f in (tmp_path / 'bag').iterdir())
    with Reader(tmp_path / 'bag') as bag:
        assert {c.topic: (c.msgtype, c.msgcount) for c in bag.connections} == TOPICS
        assert all(c.digest == jazzy_typestore().hash_rihs01(c.msgtype) for c in bag.connections)
        assert all(c.msgdef.data for c in bag.connections)


@pytest.mark.parametrize('storage', STORAGES)
def test_every_pixel_and_stamp(tmp_path, video, storage):
    write_bag(tmp_path / 'bag', [plan_track('front', video)], storage=storage)
    seen = {topic: [] for topic in TOPICS}
    for topic, stamp, message in read_all(tmp_path / 'bag'):
        assert stamp_of(message) == stamp
        assert message.header.frame_id == 'camera_front_optical_frame'
        seen[topic].append(message)
    for i, sample in enumerate(video.samples):
        image = seen['/camera/front/image_raw'][i]
        labels = seen['/camera/front/ground_truth/labels'][i]
        info = seen['/camera/front/camera_info'][i]
        assert stamp_of(image) == stamp_of(labels) == stamp_of(info) == sample.stamp_ns
        assert (image.encoding, labels.encoding) == ('rgb8', 'mono8')
        assert np.array_equal(image.data.reshape(12, 16, 3), video.image(i))
        assert np.array_equal(labels.data.reshape(12, 16), video.labels(i))
        assert (info.height, info.width) == (12, 16)
    (label_info,) = seen['/camera/front/ground_truth/label_info']
    assert [c.class_name for c in label_info.class_map] == list(video.label_space.classes)


def test_metadata_is_what_jazzy_writes(tmp_path, video):
    write_bag(tmp_path / 'bag', [plan_track('front', video)])
    info = yaml.safe_load((tmp_path / 'bag' / 'metadata.yaml').read_text())[
        'rosbag2_bagfile_information']
    assert info['version'] == 9
    assert info['storage_identifier'] == 'mcap'
    assert info['message_count'] == 16
    assert info['relative_file_paths'] == ['bag.mcap']
    assert (tmp_path / 'bag' / 'bag.mcap').is_file()
    assert info['starting_time']['nanoseconds_since_epoch'] == video.samples[0].stamp_ns
    profiles = {t['topic_metadata']['name']: t['topic_metadata']['offered_qos_profiles']
                for t in info['topics_with_message_count']}
    infinite = {'sec': 9223372036, 'nsec': 854775807}
    for topic, (profile,) in profiles.items():
        latched = topic.endswith('label_info')
        assert profile == {
            'history': 'keep_last', 'depth': 1 if latched else 30, 'reliability': 'reliable',
            'durability': 'transient_local' if latched else 'volatile', 'deadline': infinite,
            'lifespan': infinite, 'liveliness': 'automatic',
            'liveliness_lease_duration': infinite, 'avoid_ros_namespace_conventions': False}


@pytest.mark.parametrize('storage', STORAGES)
def test_offered_qos(tmp_path, video, storage):
    write_bag(tmp_path / 'bag', [plan_track('front', video)], storage=storage)
    with Reader(tmp_path / 'bag') as bag:
        for connection in bag.connections:
            (profile,) = connection.ext.offered_qos_profiles
            assert profile.reliability is QosReliability.RELIABLE
            assert (profile.durability is QosDurability.TRANSIENT_LOCAL) == (
                connection.topic.endswith('label_info'))


@pytest.mark.parametrize('compression', ['jpeg', 'png'])
def test_compressed(tmp_path, video, compression):
    write_bag(tmp_path / 'bag', [plan_track('front', video)], compression=compression)
    images = [message for topic, _, message in read_all(tmp_path / 'bag')
              if topic == '/camera/front/image_raw/compressed']
    assert len(images) == 5
    decoded = cv2.imdecode(images[3].data, cv2.IMREAD_COLOR)[..., ::-1]
    assert decoded.shape == (12, 16, 3)
    if compression == 'png':
        assert np.array_equal(decoded, video.image(3))


def test_cameras_are_interleaved_in_time(tmp_path, video, camvid_root):
    other = open_dataset('camvid', camvid_root, 'train')
    front = plan_track('front', video)
    left = plan_track('left', other, start_ns=front.stamps_ns[0], rate_hz=30.0,
                      recordings=['0001TP'])
    write_bag(tmp_path / 'bag', [front, left], storage='sqlite3')
    messages = read_all(tmp_path / 'bag')
    stamps = [stamp for _, stamp, _ in messages]
    assert stamps == sorted(stamps)
    order = [topic.split('/')[2] for topic, _, _ in messages if topic.endswith('image_raw')]
    assert order == ['front', 'left', 'left', 'front', 'front', 'front', 'front']


class _Unlabelled(SegmentationDataset):
    """Large frames made on the fly, every third with labels if ``some``."""

    name = 'unlabelled'

    def __init__(self, tmp_path, count, some, size=(4, 4)):
        self.size = size
        super().__init__('x', label_space('camvid'), 10.0, [
            Sample(tmp_path, tmp_path if some and i % 3 == 0 else None, 'r', 10**9 + i * 10**8,
                   str(i)) for i in range(count)])

    def image(self, index):
        if index == 1000:
            raise DatasetError('frame 1000 is damaged')
        return np.full((*self.size, 3), index % 256, np.uint8)

    def labels(self, index):
        return None if self.samples[index].labels is None else np.zeros(self.size, np.uint8)


def test_without_labels_no_ground_truth(tmp_path):
    summary = write_bag(tmp_path / 'bag',
                        [plan_track('front', _Unlabelled(tmp_path, 4, some=False))])
    assert sorted(summary.messages) == ['/camera/front/camera_info', '/camera/front/image_raw']


def test_labels_only_where_there_are_some(tmp_path):
    summary = write_bag(tmp_path / 'bag',
                        [plan_track('front', _Unlabelled(tmp_path, 7, some=True))])
    assert summary.messages['/camera/front/ground_truth/labels'] == 3
    assert summary.messages['/camera/front/image_raw'] == 7


def test_memory_does_not_grow_with_the_bag(tmp_path):
    data = _Unlabelled(tmp_path, 60, some=False, size=(500, 700))
    tracemalloc.start()
    try:
        summary = write_bag(tmp_path / 'bag', [plan_track('front', data)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert summary.size_bytes > 60 * 1_000_000
    assert peak < 20_000_000


def test_progress(tmp_path, video):
    told = []
    write_bag(tmp_path / 'bag', [plan_track('front', video)],
              progress=lambda done, total: told.append((done, total)))
    assert told == [(i, 5) for i in range(1, 6)]


@pytest.mark.parametrize('storage', STORAGES)
def test_nothing_is_left_of_a_failure(tmp_path, storage):
    data = _Unlabelled(tmp_path, 1001, some=False)
    folder = tmp_path / 'bags'
    with pytest.raises(DatasetError, match='frame 1000'):
        write_bag(folder / 'bag', [plan_track('front', data)], storage=storage)
    assert list(folder.iterdir()) == []


def test_an_old_bag_survives_a_failure(tmp_path, video):
    write_bag(tmp_path / 'out' / 'bag', [plan_track('front', video)])
    before = {f.name: f.read_bytes() for f in (tmp_path / 'out' / 'bag').iterdir()}
    with pytest.raises(DatasetError):
        write_bag(tmp_path / 'out' / 'bag',
                  [plan_track('front', _Unlabelled(tmp_path, 1001, some=False))], overwrite=True)
    assert {f.name: f.read_bytes() for f in (tmp_path / 'out' / 'bag').iterdir()} == before
    assert [f.name for f in (tmp_path / 'out').iterdir()] == ['bag']


def test_existing_bags(tmp_path, video):
    track = plan_track('front', video)
    write_bag(tmp_path / 'bag', [track])
    with pytest.raises(BagError, match='exists already'):
        write_bag(tmp_path / 'bag', [track])
    write_bag(tmp_path / 'bag', [plan_track('front', video, limit=1)], storage='sqlite3',
              overwrite=True)
    assert sorted(f.name for f in (tmp_path / 'bag').iterdir()) == ['bag.db3', 'metadata.yaml']


def test_only_bags_are_replaced(tmp_path, video, camvid_root):
    track = plan_track('front', video)
    with pytest.raises(BagError, match='it is no bag'):
        write_bag(camvid_root, [track], overwrite=True)
    assert (camvid_root / 'val').is_dir()
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(BagError, match='no folder'):
        write_bag(tmp_path / 'file', [track], overwrite=True)
    with pytest.raises(BagError, match="can't write"):
        write_bag(tmp_path / 'file' / 'bag', [track])
    assert (tmp_path / 'file').read_text() == 'mine'


def test_impossible_sets_of_cameras(tmp_path, video):
    track = plan_track('front', video)
    with pytest.raises(BagError, match='one name'):
        write_bag(tmp_path / 'bag', [track, track])
    with pytest.raises(BagError, match='at least one'):
        write_bag(tmp_path / 'bag', [])
    assert not (tmp_path / 'bag').exists()
