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
import math

import numpy as np

from vidseg_ros.evaluation.album import WIDEST, Album, Picture


def picture(number, miou, width=32, truth=True):
    labels = np.full((16, width), number % 200, np.uint8)
    return Picture('front', number, number, '', np.zeros((16, width, 3), np.uint8), labels,
                   labels if truth else None, miou if truth else math.nan, math.nan)


def test_best_worst_and_evenly_spaced_frames_are_shown_once_each():
    album = Album(4)
    for i in range(100):
        album.offer(picture(i, {37: 0.9, 61: 0.1}.get(i, 0.5)))
    pages = album.pages()
    assert [(why, p.number) for why, p in pages[:2]] == [('worst frame', 61), ('best frame', 37)]
    spaced = [p.number for _, p in pages[2:]]
    assert len(spaced) == 4
    assert spaced[0] == 0
    assert spaced[-1] >= 75
    assert np.diff(spaced).min() >= 15
    assert len({p.number for _, p in pages}) == len(pages)


def test_little_is_held_however_many_frames_go_by():
    album = Album(3)
    for i in range(1000):
        album.offer(picture(i, 0.5))
        assert len(album._spaced) < 6


def test_frames_with_ground_truth_are_preferred():
    album = Album(4)
    for i in range(20):
        album.offer(picture(i, 0.5 + i / 100, truth=i % 5 == 3))
    assert {p.number for _, p in album.pages()} == {3, 8, 13, 18}


def test_without_any_ground_truth_there_are_pictures_all_the_same():
    album = Album(4)
    for i in range(3):
        album.offer(picture(i, 0, truth=False))
    assert [(why, p.number) for why, p in album.pages()] == [('', 0), ('', 1), ('', 2)]


def test_wide_pictures_are_reduced_and_labels_never_blended():
    album = Album(2)
    wide = picture(0, 0.5, 3 * WIDEST)
    wide.labels[:, ::2] = 7
    album.offer(wide)
    (_, kept), = album.pages()
    assert kept.labels.shape[1] == kept.image.shape[1] == WIDEST
    assert set(np.unique(kept.labels)) <= {0, 7}


def test_no_frame_no_pages():
    assert Album().pages() == []
