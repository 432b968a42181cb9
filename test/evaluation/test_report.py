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
import math
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from vidseg_ros.evaluation import plots
from vidseg_ros.evaluation.account import Account
from vidseg_ros.evaluation.report import (
    Report,
    errors,
    overlay,
    provenance,
    render_html,
    write_json,
    write_report,
)
from vidseg_ros.labels.registry import label_space

CAMVID = label_space('camvid')

# Elements that have no end.
VOID = {'meta', 'img', 'br', 'link', 'hr', 'input'}


class Page(HTMLParser):
    """What a page holds: text, what it refers to, and whether its elements are closed."""

    def __init__(self, text):
        super().__init__()
        self.text, self.references, self.open, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.references += [v for k, v in attrs if k in ('src', 'href', 'xlink:href')]

    def handle_startendtag(self, tag, attrs):
        self.references += [v for k, v in attrs if k in ('src', 'href', 'xlink:href')]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def report():
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (64, 80, 3), dtype=np.uint8), (0, 0), 2)
    truth = np.repeat(np.repeat(rng.integers(0, 9, (4, 5), np.uint8), 16, 0), 16, 1)
    account = Account(CAMVID)
    for i in range(8):
        labels = truth.copy()
        labels[:i * 4] = 3
        account.add('front', 10**18 + i * 10**8, image, labels, truth, latency_ms=10.0 + i)
    figures = {
        **account.summary(), 'fps': 15.0, 'latency_ms': {'p50': 10.0, 'p95': 16.0, 'p99': 17.0},
        'latency_ms_by_stage': {'predict': {'p50': 9.0, 'p95': 15.0, 'p99': math.nan},
                                'queue': {'p50': 0.1, 'p95': 0.2, 'p99': 0.3}},
        'drops': {'superseded': 3}, 'frames_expected': 9, 'frames_evaluated': 8,
        'frames_lost': 1, 'method': '<fassvid>', **provenance(['ros2', 'launch', 'a b']),
    }
    return Report(title='fassvid on <camvid>', figures=figures, account=account,
                  lost=[('front', 10**18 + 8 * 10**8)], notes=['Mind the gap & more.'])


def test_the_page_is_whole_and_needs_nothing_else(report):
    page = Page(render_html(report))
    assert page.open == []
    outside = [r for r in page.references if not r.startswith(('data:', '#'))]
    assert outside == []
    assert page.tags.count('img') >= 4 * 3
    assert page.tags.count('svg') == 3
    text = ' '.join(page.text)
    for name in CAMVID.classes:
        assert name in text
    for said in ('fassvid on <camvid>', '<fassvid>', 'Mind the gap & more.', 'superseded',
                 '8 / 9', "ros2 launch 'a b'", 'front 1000000000.800', 'worst frame',
                 'best frame', 'numpy'):
        assert said in text


def test_json_has_the_contract_s_keys_and_no_nan(report, tmp_path):
    write_report(tmp_path / 'new' / 'dir', report)
    text = (tmp_path / 'new' / 'dir' / 'report.json').read_text()
    assert 'NaN' not in text
    figures = json.loads(text)
    assert {'miou', 'pixel_accuracy', 'mean_accuracy', 'per_class_iou', 'temporal_consistency',
            'frames', 'fps', 'latency_ms', 'latency_ms_by_stage', 'drops', 'frames_expected',
            'frames_evaluated', 'frames_lost', 'machine', 'versions'} <= set(figures)
    assert figures['latency_ms_by_stage']['predict']['p99'] is None
    assert figures['per_class_iou']['bicyclist'] is None
    assert sorted(p.name for p in (tmp_path / 'new' / 'dir').iterdir()) == [
        'report.html', 'report.json']


def test_a_report_of_nothing_is_still_a_page():
    account = Account(CAMVID)
    page = Page(render_html(Report('nothing', {**account.summary(), 'latency_ms': {}}, account)))
    assert page.open == []
    assert 'No times were measured.' in ' '.join(page.text)


def test_json_takes_numpy_and_paths(tmp_path):
    write_json(tmp_path / 'f.json', {'a': np.float32(1.5), 'b': (np.int64(2),), 'c': tmp_path,
                                     'd': float('inf')})
    assert json.loads((tmp_path / 'f.json').read_text()) == {
        'a': 1.5, 'b': [2], 'c': str(tmp_path), 'd': None}


def test_overlay_colours_classes_and_leaves_the_unlabelled():
    image = np.full((4, 4, 3), 100, np.uint8)
    labels = np.full((4, 4), 255, np.uint8)
    labels[0] = 3
    picture = overlay(image, labels, CAMVID, opacity=1.0)
    np.testing.assert_array_equal(picture[0, 0], CAMVID.palette[3])
    np.testing.assert_array_equal(picture[1:], image[1:])


def test_errors_are_red_and_the_unlabelled_dark():
    image = np.full((2, 3, 3), 100, np.uint8)
    truth = np.array([[0, 0, 255], [1, 1, 255]], np.uint8)
    labels = np.array([[0, 1, 3], [1, 255, 255]], np.uint8)
    picture = errors(image, labels, truth)
    red = (picture == (214, 69, 69)).all(axis=2)
    np.testing.assert_array_equal(red, [[False, True, False], [False, True, False]])
    assert (picture[:, 2] == (40, 44, 52)).all()


def test_plots_without_figures_are_left_out():
    assert plots.latency_by_stage({}) == ''
    assert plots.latency_by_stage({'a': dict.fromkeys(('p50', 'p95', 'p99'), math.nan)}) == ''
    assert plots.over_time({'a': ([1.0], [math.nan])}, label='', title='') == ''


def test_plots_of_the_same_figures_are_the_same_text():
    series = {'a': ([0.0, 1.0, 2.0], [1.0, math.nan, 3.0])}
    first, second = (plots.over_time(series, label='ms', title='t', marks=[0.5])
                     for _ in range(2))
    assert first == second
    assert first.startswith('<svg')
    assert 'frame lost' in first


def test_long_recordings_are_thinned():
    t = np.arange(100_000) / 15
    assert len(plots.over_time({'a': (t, np.sin(t))}, label='', title='')) < 120_000
