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

import numpy as np
import pytest
from PIL import Image

from vidseg_ros.cli.main import main
from vidseg_ros.evaluation.results import measure, sweeps
from vidseg_ros.evaluation.results.page import write_page

FRAMES = 4


@pytest.fixture
def root(tmp_path):
    """Write a short video that pans over a picture, labelled by halves."""
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (8, 16, 3), dtype=np.uint8).repeat(12, 0).repeat(12, 1)
    labels = np.full((96, 128), 3, np.uint8)
    labels[:48] = 1
    for number in range(FRAMES):
        stem = f'0016E5_{7959 + 2 * number:05d}.png'
        for folder, pixels in (('val', wide[:, number * 2:number * 2 + 128]),
                               ('valannot', labels)):
            path = tmp_path / folder / stem
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.ascontiguousarray(pixels)).save(path)
    return tmp_path


def test_measured_figures_make_a_page(root, tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, 'LONGEST', FRAMES - 2)
    monkeypatch.setattr(sweeps, 'FLOW_LIMITS', (0.0, 1000.0))
    monkeypatch.setattr(measure, 'ROUNDS', 1)
    file = tmp_path / 'results.json'
    code = main(['results', 'measure', '--root', str(root), '--engine', 'torch', '--only',
                 'evs 07', '--only', 'TAM', '--json', str(file)])
    assert code == 0
    results = json.loads(file.read_text())
    rows = {row['name']: row for row in results['rows']}
    assert set(rows) == {
        'fassvid base', 'fassvid + TAM', 'evs 07', 'lernet', 'evs 07, lernet'}
    assert results['size'] == [96, 128]
    assert rows['evs 07']['speed'] > 0
    assert 'speed' not in rows['fassvid base']
    assert 0 <= rows['evs 07']['miou'] <= 1
    curve = results['sweeps']['evs']['warped']
    assert [point['distance'] for point in curve] == list(range(FRAMES - 1))
    # Frames at distance 0 are segmented whatever is done with the others.
    assert curve[0] == results['sweeps']['evs']['repeated'][0]
    shares = [point['segmented'] for point in results['sweeps']['dvsnet']['flow_magnitude']]
    assert 0 == shares[1] < shares[0] <= 1
    assert write_page(results, tmp_path / 'results.md')


def test_rows_that_there_are_not(root, tmp_path, capsys):
    code = main(['results', 'measure', '--root', str(root), '--only', 'nonsense', '--json',
                 str(tmp_path / 'x.json')])
    assert code == 2
    assert 'no row has nonsense' in capsys.readouterr().err
