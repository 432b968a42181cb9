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
import pytest

from vidseg_ros.bags.errors import BagError
from vidseg_ros.bags.track import PAUSE_NS, CameraTrack, plan_track
from vidseg_ros.datasets.registry import open_dataset


def test_keeps_the_stamps_of_the_data_set(video):
    track = plan_track('front', video)
    assert track.indices == [0, 1, 2, 3, 4]
    assert track.stamps_ns == [sample.stamp_ns for sample in video.samples]
    assert track.labelled


def test_pauses_between_sequences(camvid_root):
    data = open_dataset('camvid', camvid_root, 'train')
    stamps = plan_track('front', data).stamps_ns
    assert stamps[2] - stamps[1] == PAUSE_NS
    assert stamps[3] - stamps[2] == 10**9


def test_rate(video):
    stamps = plan_track('front', video, rate_hz=4.0).stamps_ns
    assert [stamp - stamps[0] for stamp in stamps] == [0, 250_000_000, 500_000_000, 750_000_000,
                                                       1_000_000_000]


def test_limit_and_start(video):
    track = plan_track('front', video, limit=2, start_ns=7)
    assert track.indices == [0, 1]
    assert track.stamps_ns[0] == 7
    assert len(plan_track('front', video, limit=100).indices) == 5


def test_recordings(camvid_root):
    data = open_dataset('camvid', camvid_root, 'train')
    assert plan_track('front', data, recordings=['0006R0']).indices == [2, 3]
    with pytest.raises(BagError, match='there are 0001TP, 0006R0'):
        plan_track('front', data, recordings=['x'])


@pytest.mark.parametrize('rate', [0.0, -1.0, float('nan'), float('inf')])
def test_impossible_rates(video, rate):
    with pytest.raises(BagError, match='rate'):
        plan_track('front', video, rate_hz=rate)


def test_impossible_limit(video):
    with pytest.raises(BagError, match='limit'):
        plan_track('front', video, limit=0)


@pytest.mark.parametrize('name', ['', '1st', 'a/b', 'a b', 'a-b', 'ü'])
def test_impossible_names(video, name):
    with pytest.raises(BagError, match='name'):
        plan_track(name, video)


@pytest.mark.parametrize(('indices', 'stamps', 'message'), [
    ([], [], 'no frames'), ([0, 1], [1], 'stamps'), ([0, 1], [2, 2], 'grow')])
def test_impossible_tracks(video, indices, stamps, message):
    with pytest.raises(BagError, match=message):
        CameraTrack('front', video, indices, stamps)
