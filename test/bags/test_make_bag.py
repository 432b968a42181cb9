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
import argparse

import pytest
from rosbags.rosbag2 import Reader

from vidseg_ros.cli import make_bag


def run(*arguments):
    parser = argparse.ArgumentParser()
    make_bag.add_arguments(parser)
    return make_bag.main(parser.parse_args([str(argument) for argument in arguments]))


def counts(path):
    with Reader(path) as bag:
        return {connection.topic: connection.msgcount for connection in bag.connections}


@pytest.fixture
def basics(camvid_root, tmp_path):
    return ('--dataset', 'camvid', '--root', camvid_root, '--out', tmp_path / 'bag')


def test_a_bag(basics, tmp_path, capsys):
    assert run(*basics, '--split', 'val') == 0
    assert counts(tmp_path / 'bag')['/camera/front/image_raw'] == 5
    out = capsys.readouterr().out
    assert '16 messages' in out
    assert '/camera/front/ground_truth/label_info' in out


def test_options(basics, tmp_path):
    assert run(*basics, '--split', 'val', '--storage', 'sqlite3', '--camera', 'rear', '--rate',
               '5', '--limit', '3', '--compressed', 'png', '--label-space', 'cityscapes') == 0
    assert counts(tmp_path / 'bag') == {
        '/camera/rear/image_raw/compressed': 3, '/camera/rear/camera_info': 3,
        '/camera/rear/ground_truth/labels': 3, '/camera/rear/ground_truth/label_info': 1}
    with Reader(tmp_path / 'bag') as bag:
        assert bag.duration == pytest.approx(0.4e9, abs=2)


def test_cameras_show_the_same_or_their_own(basics, tmp_path):
    assert run(*basics, '--split', 'train', '--cameras', 'front,left') == 0
    assert counts(tmp_path / 'bag')['/camera/left/image_raw'] == 4
    assert run(*basics, '--split', 'train', '--cameras', 'front,left', '--sequences',
               '0006R0,0001TP', '--force') == 0
    both = counts(tmp_path / 'bag')
    assert both['/camera/front/image_raw'] == both['/camera/left/image_raw'] == 2


def test_synthetic(tmp_path):
    assert run('--dataset', 'synthetic', '--root', tmp_path / 'street', '--split', 'val', '--out',
               tmp_path / 'bag', '--dataset-option', 'frames=2', '--dataset-option',
               'size=64x96') == 0
    assert counts(tmp_path / 'bag')['/camera/front/ground_truth/labels'] == 2


@pytest.mark.parametrize(('arguments', 'message'), [
    (('--split', 'nope'), 'there are train'),
    (('--split', 'val', '--root', '/nowhere'), '/nowhere'),
    (('--split', 'val', '--rate', '0'), 'rate'),
    (('--split', 'val', '--limit', '0'), 'limit'),
    (('--split', 'val', '--camera', 'a/b'), 'name'),
    (('--split', 'val', '--cameras', 'a,a'), 'one name'),
    (('--split', 'val', '--cameras', ','), 'at least one'),
    (('--split', 'val', '--sequences', 'x'), 'no sequence'),
    (('--split', 'val', '--dataset-option', 'seed=1'), 'no option'),
    (('--split', 'val', '--dataset-option', 'seed'), 'KEY=VALUE')])
def test_mistakes_are_explained(basics, tmp_path, capsys, arguments, message):
    assert run(*basics, *arguments) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'bag').exists()


def test_existing(basics, capsys):
    assert run(*basics, '--split', 'val') == 0
    assert run(*basics, '--split', 'val') == 1
    assert 'exists already' in capsys.readouterr().err
    assert run(*basics, '--split', 'val', '--force') == 0


def test_interrupted(basics, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, progress, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(make_bag, 'write_bag', interrupted)
    assert run(*basics, '--split', 'val') == 130
    assert 'nothing was written' in capsys.readouterr().err


def test_unknown_arguments_exit_with_2(basics):
    with pytest.raises(SystemExit) as caught:
        run(*basics, '--split', 'val', '--storage', 'tar')
    assert caught.value.code == 2
