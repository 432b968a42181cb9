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
"""The whole path with real processes: bag, player, segmentation_node, evaluation_node, report."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from vidseg_ros.bags.track import plan_track
from vidseg_ros.bags.writer import write_bag
from vidseg_ros.datasets.registry import open_dataset

LAUNCH = Path(__file__).resolve().parents[2] / 'launch' / 'replay_evaluation.launch.py'
FRAMES = 20
DOMAIN = int(os.environ['ROS_DOMAIN_ID']) + 2


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Make a CamVid of a texture that moves, with labels that move with it."""
    folder = tmp_path_factory.mktemp('replay')
    rng = np.random.default_rng(0)
    for name in ('val', 'valannot'):
        (folder / 'camvid' / name).mkdir(parents=True)
    texture = cv2.GaussianBlur(rng.integers(0, 256, (96, 240, 3), dtype=np.uint8), (0, 0), 2)
    regions = np.repeat(np.repeat(rng.integers(0, 12, (6, 15), np.uint8), 16, 0), 16, 1)
    for i in range(FRAMES):
        name = f'0016E5_{8001 + 2 * i:05d}.png'
        cv2.imwrite(str(folder / 'camvid' / 'val' / name), texture[:, 4 * i:4 * i + 128])
        cv2.imwrite(str(folder / 'camvid' / 'valannot' / name), regions[:, 4 * i:4 * i + 128])
    return open_dataset('camvid', folder / 'camvid', 'val')


@pytest.fixture(scope='module')
def bag(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp('bags') / 'bag'
    write_bag(path, [plan_track('front', dataset)])
    return path


def start(bag, report, *arguments):
    command = ['ros2', 'launch', str(LAUNCH), f'bag:={bag}', f'report:={report}',
               'method:=fassvid', 'checkpoint:=random:1', 'engine:=torch', *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)},
                            start_new_session=True)


def replay(bag, report, *arguments, timeout=150):
    """Return exit code, output and, if there is one, the report."""
    process = start(bag, report, *arguments)
    try:
        output, _ = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            print(process.communicate()[0])
    print(output)
    file = report / 'report.json'
    return process.returncode, output, json.loads(file.read_text()) if file.exists() else None


def alive(group):
    """Return whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize('rate', ['1.0', '20.0'])
def test_every_frame_is_evaluated_at_any_rate(bag, tmp_path, rate):
    code, output, figures = replay(bag, tmp_path / 'report', f'rate:={rate}')
    assert code == 0, output
    assert figures['frames_expected'] == figures['frames_evaluated'] == FRAMES
    assert figures['frames_lost'] == 0
    assert figures['frames'] == FRAMES
    assert figures['label_space'] == 'camvid'
    assert 0.0 <= figures['miou'] <= 1.0
    assert figures['temporal_consistency'] is not None
    for stage in ('end to end', 'queue', 'convert', 'observe', 'predict', 'publish', 'total'):
        assert set(figures['latency_ms_by_stage'][stage]) == {'p50', 'p95', 'p99'}, stage
    assert sum(figures['drops'].values()) == 0
    assert 'replay_evaluation.launch.py' in figures['command']
    assert (tmp_path / 'report' / 'report.html').read_text().count('<img') >= 16


def test_as_on_a_robot_frames_may_be_lost_but_are_accounted_for(bag, tmp_path):
    code, output, figures = replay(bag, tmp_path / 'report', 'rate:=20.0',
                                   'frame_policy:=latest', 'drain_timeout:=1.0',
                                   'namespace:=robot')
    assert code == 0, output
    assert figures['frames_expected'] == FRAMES
    assert figures['frames_evaluated'] >= 1
    assert figures['frames_evaluated'] + figures['frames_lost'] == FRAMES
    assert len(figures['lost']) == figures['frames_lost'] == sum(figures['drops'].values())


def test_two_compressed_cameras_from_sqlite(dataset, tmp_path):
    write_bag(tmp_path / 'bag', [plan_track('front', dataset, limit=6),
                                 plan_track('rear', dataset, limit=6)],
              storage='sqlite3', compression='png')
    code, output, figures = replay(tmp_path / 'bag', tmp_path / 'report', 'consistency:=false')
    assert code == 0, output
    assert figures['frames_evaluated'] == figures['frames_expected'] == 12
    assert set(figures['cameras']) == {'front', 'rear'}
    assert {'front: predict', 'rear: predict'} < set(figures['latency_ms_by_stage'])
    assert figures['temporal_consistency'] is None


def test_a_failure_is_an_exit_code_and_leaves_no_process(bag, tmp_path):
    process = start(bag, tmp_path / 'report', 'method:=no_such_method')
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0, output
    assert 'no_such_method' in output
    assert not alive(process.pid)


def test_a_missing_bag_is_said_at_once(tmp_path):
    code, output, figures = replay(tmp_path / 'nothing', tmp_path / 'report', timeout=30)
    assert code != 0
    assert 'there is no bag' in output
    assert figures is None


def test_a_camera_that_the_bag_has_not_is_said_at_once(bag, tmp_path):
    code, output, _ = replay(bag, tmp_path / 'report', 'cameras:=front,rear', timeout=30)
    assert code != 0
    assert "no camera 'rear'; it has front" in output


def test_an_interrupted_evaluation_leaves_its_report(bag, tmp_path):
    process = start(bag, tmp_path / 'report', 'rate:=0.2')
    seen = ''
    deadline = time.monotonic() + 60
    for line in process.stdout:
        seen += line
        # The player has begun: some frames are on their way.
        if 'player' in line and 'Playback until' in line:
            break
        assert time.monotonic() < deadline, seen
    time.sleep(4.0)
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    figures = json.loads((tmp_path / 'report' / 'report.json').read_text())
    assert 1 <= figures['frames_evaluated'] < FRAMES, seen + rest
    assert not alive(process.pid)
