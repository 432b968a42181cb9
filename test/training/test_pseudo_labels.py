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
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from vidseg_ros.cli.main import main
from vidseg_ros.datasets.cityscapesvid import VIDEOS
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.registry import open_dataset
from vidseg_ros.labels.convert import train_ids_to_cityscapes_ids
from vidseg_ros.labels.registry import label_space
from vidseg_ros.methods.base import Observation, Segmentation, StreamState, VideoSegmenter
from vidseg_ros.training.cityscapesvid import hood_of, make_cityscapesvid
from vidseg_ros.training.pseudo_labels import Teacher, label_dataset, label_video

SIZE = (8, 16)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


class RedIsTheClass(VideoSegmenter):
    """Take the red channel for the class and the green one for the confidence."""

    name = 'red'
    label_space = label_space('cityscapes')

    def new_state(self, camera):
        return StreamState(camera)

    def observe(self, frame, state):
        return Observation(frame)

    def predict(self, observations, states):
        return [Segmentation(o.frame.image[..., 0].copy(), o.frame.image[..., 1].copy())
                for o in observations]


def frame(red, green=255):
    image = np.zeros((*SIZE, 3), np.uint8)
    image[..., 0], image[..., 1] = red, green
    return image


@pytest.fixture
def images(tmp_path):
    for number, (red, green) in enumerate([(0, 255), (10, 255), (10, 100)]):
        save(tmp_path / f'in/run/drive/{number}.png', frame(red, green))
    return open_dataset('folder', tmp_path / 'in', 'run', rate_hz=5)


def test_a_labelled_split_is_read_back(images, tmp_path):
    told = []
    teacher = Teacher(RedIsTheClass(), 'camvid', min_confidence=0.5)
    done = label_dataset(images, teacher, tmp_path / 'out', progress=lambda *x: told.append(x))
    assert (done, told[-1]) == (3, (3, 3))
    data = open_dataset('folder', tmp_path / 'out', 'run')
    assert (data.label_space.name, data.rate_hz) == ('camvid', 5.0)
    assert [int(data.labels(i)[0, 0]) for i in range(3)] == [3, 0, 255]  # road, sky, uncertain
    assert np.array_equal(data.image(2), images.image(2))
    origin = json.loads((tmp_path / 'out/run.json').read_text())
    assert origin['data'] == 'folder run'
    assert origin['min_confidence'] == 0.5
    assert origin['teacher']['method'] == 'red'


def test_nothing_is_overwritten_unasked(images, tmp_path):
    teacher = Teacher(RedIsTheClass())
    label_dataset(images, teacher, tmp_path / 'out')
    with pytest.raises(DatasetError, match='exists already'):
        label_dataset(images, teacher, tmp_path / 'out')
    assert label_dataset(images, teacher, tmp_path / 'out', overwrite=True) == 3


def test_after_an_error_there_is_nothing(images, tmp_path):
    images.samples[2].image.write_bytes(b'no image')
    with pytest.raises(DatasetError, match=r'2\.png'):
        label_dataset(images, Teacher(RedIsTheClass()), tmp_path / 'out')
    assert list((tmp_path / 'out').iterdir()) == []


def test_a_video_file(tmp_path):
    path = tmp_path / 'drive.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'FFV1'), 20.0, SIZE[::-1])
    assert writer.isOpened()
    for red in range(7):
        writer.write(np.ascontiguousarray(frame(red)[..., ::-1]))
    writer.release()
    assert label_video(path, Teacher(RedIsTheClass()), tmp_path / 'out', every=3) == 3
    data = open_dataset('folder', tmp_path / 'out', 'train')
    assert data.rate_hz == pytest.approx(20 / 3)
    assert [sample.name for sample in data.samples] == [
        'drive_000000', 'drive_000003', 'drive_000006']
    assert [int(data.labels(i)[0, 0]) for i in range(3)] == [0, 3, 6]


def test_a_file_that_is_no_video(tmp_path):
    (tmp_path / 'x.mp4').write_text('no')
    with pytest.raises(DatasetError, match="can't read the video"):
        label_video(tmp_path / 'x.mp4', Teacher(RedIsTheClass()), tmp_path / 'out')


@pytest.mark.parametrize('confidence', [-0.1, 1.5])
def test_confidence_is_a_share(confidence):
    with pytest.raises(ValueError, match='between 0 and 1'):
        Teacher(RedIsTheClass(), min_confidence=confidence)


@pytest.fixture(scope='module')
def stuttgart(tmp_path_factory):
    """Write three videos with the paper's numbers of frames, numbered on as Cityscapes does."""
    root = tmp_path_factory.mktemp('stuttgart')
    done, encoded = cv2.imencode('.png', np.ascontiguousarray(frame(13)[..., ::-1]))
    assert done
    number = 0
    for video, split in VIDEOS.items():
        folder = root / 'leftImg8bit/demoVideo' / video
        folder.mkdir(parents=True)
        for _ in range(split.frames):
            number += 1
            (folder / f'{video}_000000_{number:06d}_leftImg8bit.png').write_bytes(
                encoded.tobytes())
    for name, rows in (('000001_000019', 2), ('000002_000019', 1)):
        labels = np.full(SIZE, 7, np.uint8)
        labels[-rows:] = 1
        save(root / f'gtFine/train/stuttgart/stuttgart_{name}_gtFine_labelIds.png', labels)
    return root


def test_cityscapesvid_has_the_papers_splits(stuttgart, tmp_path):
    def teacher(image):
        labels = image[..., 0].copy()  # 13: car
        labels[0] = 12  # rider, which the paper leaves out
        return labels

    hood = hood_of(stuttgart, least=1.0)
    assert hood.sum() == SIZE[1]
    counts = make_cityscapesvid(stuttgart, teacher, tmp_path, hood=hood)
    assert counts == {'train': 420 + 770 + 840, 'test': 179 + 330 + 360}
    assert sum(counts.values()) == 2899
    train = open_dataset('cityscapesvid', tmp_path, 'train')
    test = open_dataset('cityscapesvid', tmp_path, 'test')
    assert [len(piece) for piece in train.sequences()] == [420, 770, 840]
    assert [len(piece) for piece in test.sequences()] == [179, 330, 360]
    assert train.samples[419].name == 'stuttgart_00_000000_000420'
    assert test.samples[0].name == 'stuttgart_00_000000_000421'
    assert train.label_space.num_classes == 15
    labels = train.labels(0)
    assert (labels[0] == 255).all()  # rider
    assert (labels[-1] == 255).all()  # the hood
    assert (labels[1:-1] == train.label_space.index('car')).all()
    as_cityscapes = open_dataset('cityscapesvid', tmp_path, 'train', label_space='cityscapes')
    assert (as_cityscapes.labels(0)[0] == 12).all()
    with pytest.raises(DatasetError, match="'val'"):
        open_dataset('cityscapesvid', tmp_path, 'val')


def test_other_videos_are_refused(cityscapes_like, tmp_path):
    with pytest.raises(DatasetError, match=r'stuttgart_00: 2 frames instead of 599.*'
                                           r'stuttgart_02: 0 frames instead of 1200'):
        make_cityscapesvid(cityscapes_like, lambda image: image[..., 0], tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.fixture
def cityscapes_like(tmp_path):
    for number in (1, 2):
        save(tmp_path / f'leftImg8bit/demoVideo/stuttgart_00/stuttgart_00_000000_{number:06d}'
                        '_leftImg8bit.png', frame(0))
    return tmp_path


def test_a_hood_of_another_size(stuttgart, tmp_path):
    with pytest.raises(DatasetError, match='mask of the hood is 3x2'):
        make_cityscapesvid(stuttgart, lambda image: image[..., 0], tmp_path,
                           hood=np.zeros((2, 3), np.uint8))


def test_the_hood_is_unknown_without_stills(tmp_path):
    assert hood_of(tmp_path) is None


def test_every_train_id_has_a_label_id():
    assert len(set(train_ids_to_cityscapes_ids()[:19])) == 19


def test_the_command_labels_with_shipped_weights(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for number in range(2):
        save(tmp_path / f'in/run/{number}.png', rng.integers(0, 256, (64, 96, 3), dtype=np.uint8))
    code = main(['pseudo-label', '--dataset', 'folder', '--root', str(tmp_path / 'in'), '--split',
                 'run', '--out', str(tmp_path / 'out'), '--checkpoint', 'fassvid_base_camvid',
                 '--engine', 'torch', '--label-space', 'cityscapes'])
    assert code == 0
    assert '2 frames of split' in capsys.readouterr().out
    data = open_dataset('folder', tmp_path / 'out', 'run')
    assert data.label_space.name == 'cityscapes'
    assert data.labels(1).shape == (64, 96)
    origin = json.loads((tmp_path / 'out/run.json').read_text())
    assert origin['teacher']['checkpoint']


def test_the_command_says_what_is_missing(cityscapes_like, tmp_path, capsys):
    code = main(['make-cityscapesvid', '--root', str(cityscapes_like), '--out',
                 str(tmp_path / 'out'), '--checkpoint', 'fassvid_base_camvid', '--engine',
                 'torch'])
    assert code == 1
    assert 'not the videos of CityscapesVid' in capsys.readouterr().err
