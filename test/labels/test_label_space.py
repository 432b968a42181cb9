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
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vidseg_ros.labels.registry import LABEL_SPACES, label_space
from vidseg_ros.labels.space import IGNORE, LabelSpace

SPACES = sorted(LABEL_SPACES)


def test_unlabelled_is_255():
    assert IGNORE == 255


@pytest.mark.parametrize(('name', 'count'),
                         [('cityscapes', 19), ('cityscapesvid', 15), ('camvid', 11)])
def test_number_of_classes(name, count):
    space = label_space(name)
    assert space.name == name
    assert space.num_classes == len(space.classes) == count


def test_cityscapes_is_in_the_order_of_train_ids():
    from cityscapesscripts.helpers.labels import trainId2label
    space = label_space('cityscapes')
    for i, name in enumerate(space.classes):
        assert trainId2label[i].name == name
        assert tuple(space.palette[i]) == trainId2label[i].color


def test_cityscapesvid_leaves_out_what_the_paper_says():
    left_out = set(label_space('cityscapes').classes) - set(label_space('cityscapesvid').classes)
    assert left_out == {'rider', 'truck', 'bus', 'train'}


def test_cityscapesvid_keeps_order_and_colours():
    full, part = label_space('cityscapes'), label_space('cityscapesvid')
    assert [full.index(name) for name in part.classes] == sorted(
        full.index(name) for name in part.classes)
    for name in part.classes:
        assert (full.palette[full.index(name)] == part.palette[part.index(name)]).all()


def test_camvid_is_in_the_order_of_the_segnet_layout():
    assert label_space('camvid').classes == (
        'sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign symbol', 'fence', 'car',
        'pedestrian', 'bicyclist')


@pytest.mark.parametrize('name', SPACES)
def test_colours_tell_classes_apart(name):
    space = label_space(name)
    colours = {tuple(colour) for colour in space.palette[:space.num_classes].tolist()}
    assert len(colours) == space.num_classes
    assert (space.palette[space.num_classes:] == 0).all()


def test_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(KeyError, match='camvid'):
        label_space('kitti')


def test_index_of_an_unknown_class():
    with pytest.raises(KeyError, match='tram'):
        label_space('camvid').index('tram')


@given(labels=arrays(np.uint8, st.tuples(st.integers(0, 9), st.integers(0, 9))),
       name=st.sampled_from(SPACES))
def test_colorize_is_a_lookup(labels, name):
    space = label_space(name)
    assert np.array_equal(space.colorize(labels), space.palette[labels])


def test_colorize_takes_views_and_fills_out():
    space = label_space('camvid')
    labels = np.arange(60, dtype=np.uint8).reshape(6, 10)[::2, 1::3]
    out = np.full((*labels.shape, 3), 7, np.uint8)
    assert space.colorize(labels, out) is out
    assert np.array_equal(out, space.palette[labels])


@pytest.mark.parametrize('labels', [np.zeros((2, 2), np.int32), np.zeros((2, 2, 1), np.uint8)])
def test_colorize_refuses_other_arrays(labels):
    with pytest.raises(ValueError, match='labels must be uint8'):
        label_space('camvid').colorize(labels)


@pytest.mark.parametrize('out', [
    np.zeros((2, 3, 3), np.uint8), np.zeros((2, 2, 3), np.float32),
    np.zeros((2, 4, 3), np.uint8)[:, ::2]])
def test_colorize_refuses_another_out(out):
    with pytest.raises(ValueError, match='out must be'):
        label_space('camvid').colorize(np.zeros((2, 2), np.uint8), out)


def test_palette_is_a_read_only_copy():
    palette = np.zeros((256, 3), np.uint8)
    space = LabelSpace('x', ('a',), palette)
    palette[0] = 9
    assert space.palette[0].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match='read-only'):
        space.palette[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        space.name = 'y'


def test_equality_and_hash_ignore_colours():
    black, white = np.zeros((256, 3), np.uint8), np.full((256, 3), 255, np.uint8)
    assert LabelSpace('x', ('a',), black) == LabelSpace('x', ('a',), white)
    assert hash(LabelSpace('x', ('a',), black)) == hash(LabelSpace('x', ('a',), white))
    assert LabelSpace('x', ('a',), black) != LabelSpace('x', ('b',), black)


@pytest.mark.parametrize(('classes', 'palette', 'message'), [
    ((), np.zeros((256, 3), np.uint8), '0 classes'),
    (tuple(map(str, range(256))), np.zeros((256, 3), np.uint8), '256 classes'),
    (('a', 'a'), np.zeros((256, 3), np.uint8), 'share a name'),
    (('a',), np.zeros((19, 3), np.uint8), 'palette'),
    (('a',), np.zeros((256, 3), np.float32), 'palette')])
def test_impossible_spaces_are_refused(classes, palette, message):
    with pytest.raises(ValueError, match=message):
        LabelSpace('x', classes, palette)
