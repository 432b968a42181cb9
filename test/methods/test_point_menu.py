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

from vidseg_ros.methods.point_menu import PointMenu


def test_it_begins_with_the_most_costly_point_and_moves():
    menu = PointMenu('some', {'a': 1, 'b': 2, 'c': 3})
    assert menu.names == ('a', 'b', 'c') and menu.present == ('a', 1)
    menu.move('c')
    assert menu.present == ('c', 3) and menu.find(None) == 3 and menu.find('b') == 2
    for refused in (menu.move, menu.find):
        with pytest.raises(ValueError, match="operating point 'd'; there are: a, b, c"):
            refused('d')
    assert menu.present == ('c', 3)


@pytest.mark.parametrize('moved_to, points, present', [
    ('a', {'b': 5, 'c': 6}, ('b', 5)),  # it was where it was asked to be
    ('a', {'b': 5, 'a': 6}, ('b', 5)),
    ('b', {'a': 5, 'b': 6}, ('b', 6)),  # a latency budget had moved it
    ('b', {'c': 5}, ('c', 5)),
])  # fmt: skip
def test_other_points_leave_it_where_it_was_moved_to_if_that_is_still_there(
    moved_to, points, present
):
    menu = PointMenu('some', {'a': 1, 'b': 2})
    menu.move(moved_to)
    menu.replace(points)
    assert menu.present == present and menu.names == tuple(points)
