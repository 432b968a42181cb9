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
import json

import cv2
import numpy as np
import pytest

from vidseg_ros.cli import evaluate
from vidseg_ros.cli.evaluate import UsageError, method_options
from vidseg_ros.labels.registry import label_space

KEYS = {'miou', 'pixel_accuracy', 'mean_accuracy', 'per_class_iou', 'temporal_consistency',
        'frames', 'fps', 'latency_ms'}


@pytest.fixture
def camvid(tmp_path):
    """Write a CamVid of five small frames, in SegNet's layout."""
    rng = np.random.default_rng(0)
    for folder in ('val', 'valannot'):
        (tmp_path / 'camvid' / folder).mkdir(parents=True)
    texture = cv2.GaussianBlur(rng.integers(0, 256, (96, 160, 3), dtype=np.uint8), (0, 0), 2)
    regions = np.repeat(np.repeat(rng.integers(0, 12, (6, 10), np.uint8), 16, 0), 16, 1)
    for i in range(5):
        name = f'0016E5_{8001 + 2 * i:05d}.png'
        cv2.imwrite(str(tmp_path / 'camvid' / 'val' / name), texture[:, 4 * i:4 * i + 128])
        cv2.imwrite(str(tmp_path / 'camvid' / 'valannot' / name), regions[:, 4 * i:4 * i + 128])
    return tmp_path / 'camvid'


def run(*words):
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return evaluate.main(parser.parse_args([str(w) for w in words]))


def test_a_method_is_scored_from_files_to_report(camvid, tmp_path, capsys):
    code = run('--dataset', 'camvid', '--root', camvid, '--method', 'fassvid',
               '--checkpoint', 'random:1', '--engine', 'torch', '--set', 'threads=1',
               '--json', tmp_path / 'out' / 'f.json', '--report', tmp_path / 'report',
               '--save-predictions', tmp_path / 'pred')
    assert code == 0
    figures = json.loads((tmp_path / 'out' / 'f.json').read_text())
    assert set(figures) >= KEYS
    assert set(figures['latency_ms']) == {'p50', 'p95', 'p99'}
    assert list(figures['per_class_iou']) == list(label_space('camvid').classes)
    assert figures['frames'] == figures['frames_labelled'] == 5
    assert 0 <= figures['miou'] <= 1
    assert figures['options'] == {'threads': '1'}
    assert json.loads((tmp_path / 'report' / 'report.json').read_text()) == figures
    assert (tmp_path / 'report' / 'report.html').stat().st_size > 10_000
    assert len(list((tmp_path / 'pred').rglob('*.png'))) == 5
    printed, drawn = capsys.readouterr()
    # No bar where there is no terminal.
    assert 'fassvid on' not in drawn
    assert 'mean IoU' in printed
    assert 'IoU bicyclist' in printed
    assert 'report.html' in printed


def test_a_limit_and_no_consistency(camvid, tmp_path):
    assert run('--dataset', 'camvid', '--root', camvid, '--method', 'fassvid', '--checkpoint',
               'random:1', '--engine', 'torch', '--limit', 2, '--no-consistency',
               '--json', tmp_path / 'f.json') == 0
    figures = json.loads((tmp_path / 'f.json').read_text())
    assert figures['frames'] == 2
    assert figures['temporal_consistency'] is None


@pytest.mark.parametrize(('words', 'message'), [
    (['--dataset', 'camvid', '--root', '/nowhere', '--method', 'fassvid'], '/nowhere'),
    (['--dataset', 'nix', '--method', 'fassvid'], "no data set 'nix'"),
    (['--dataset', 'camvid', '--root', 'CAMVID', '--method', 'nix'], "'nix' is not a method"),
    (['--dataset', 'camvid', '--root', 'CAMVID', '--method', 'fassvid', '--set', 'foo'],
     "not 'foo'"),
    (['--dataset', 'camvid', '--root', 'CAMVID', '--split', 'moon', '--method', 'fassvid'],
     'moon'),
])
def test_what_can_not_be_done_is_said_for_people(camvid, words, message):
    # The command turns these into one line and exit code 2.
    with pytest.raises(ValueError, match=message):
        run(*(camvid if w == 'CAMVID' else w for w in words))


def test_settings_go_to_their_field_or_to_the_method():
    options = method_options('c', 'torch', ['threads=2', 'network=fassvid', 'frame_distance=3',
                                            'input_size=[240, 320]', 'name=a=b', 'empty='])
    assert (options.checkpoint, options.engine) == ('c', 'torch')
    assert (options.threads, options.network, options.input_size) == (2, 'fassvid', (240, 320))
    assert dict(options.extra) == {'frame_distance': 3, 'name': 'a=b', 'empty': ''}


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(UsageError, match='KEY=VALUE'):
        method_options('', 'auto', ['threads'])
