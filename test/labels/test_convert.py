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
import numpy as np
import pytest
from cityscapesscripts.helpers.labels import id2label, labels
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vidseg_ros.labels.convert import (
    cityscapes_ids_to_train_ids,
    conversion_table,
    convert_labels,
    train_ids_to_cityscapes_ids,
)
from vidseg_ros.labels.registry import LABEL_SPACES, label_space
from vidseg_ros.labels.space import IGNORE, LabelSpace

NAMES = sorted(LABEL_SPACES)


def test_every_cityscapes_id_goes_to_its_train_id():
    table = cityscapes_ids_to_train_ids()
    for label in labels:
        if label.id >= 0:
            assert table[label.id] == label.trainId
    assert (table[34:] == IGNORE).all()


def test_train_ids_go_back_to_label_ids():
    back = train_ids_to_cityscapes_ids()
    for train_id, name in enumerate(label_space('cityscapes').classes):
        assert id2label[int(back[train_id])].name == name
    assert (cityscapes_ids_to_train_ids()[back[:19]] == np.arange(19)).all()
    assert (back[19:] == 0).all()


@pytest.mark.parametrize('source', NAMES)
@pytest.mark.parametrize('target', NAMES)
def test_tables_lead_to_classes_of_the_target(source, target):
    table = conversion_table(source, target)
    count = label_space(target).num_classes
    assert ((table < count) | (table == IGNORE)).all()
    assert (table[label_space(source).num_classes:] == IGNORE).all()
    assert not table.flags.writeable


@pytest.mark.parametrize('name', NAMES)
def test_a_space_to_itself_changes_nothing(name):
    count = label_space(name).num_classes
    assert (conversion_table(name, name)[:count] == np.arange(count)).all()


@pytest.mark.parametrize(('small', 'large'), [
    ('cityscapesvid', 'cityscapes'), ('camvid', 'cityscapes'), ('camvid', 'cityscapesvid')])
def test_there_and_back_again(small, large):
    there, back = conversion_table(small, large), conversion_table(large, small)
    count = label_space(small).num_classes
    assert (back[there[:count]] == np.arange(count)).all()


@pytest.mark.parametrize(('source', 'name', 'target', 'expected'), [
    ('cityscapes', 'car', 'cityscapesvid', 'car'),
    ('cityscapes', 'bus', 'cityscapesvid', None),
    ('cityscapes', 'sidewalk', 'camvid', 'pavement'),
    ('cityscapes', 'rider', 'camvid', 'bicyclist'),
    ('cityscapes', 'train', 'camvid', None),
    ('camvid', 'tree', 'cityscapes', 'vegetation'),
    ('camvid', 'pedestrian', 'cityscapesvid', 'person')])
def test_some_classes(source, name, target, expected):
    found = conversion_table(source, target)[label_space(source).index(name)]
    assert found == (IGNORE if expected is None else label_space(target).index(expected))


def test_foreign_spaces_share_names():
    space = LabelSpace('mine', ('car', 'unicorn'), np.zeros((256, 3), np.uint8))
    assert conversion_table(space, 'cityscapes')[:2].tolist() == [13, IGNORE]


@given(arrays(np.uint8, st.tuples(st.integers(0, 8), st.integers(0, 8))))
def test_convert_is_a_lookup(values):
    table = cityscapes_ids_to_train_ids()
    expected = table[values]
    assert np.array_equal(convert_labels(values, table), expected)
    # In place, too.
    assert np.array_equal(convert_labels(values, table, values), expected)
