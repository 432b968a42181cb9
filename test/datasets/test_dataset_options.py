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

from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.options import parse_options


def test_values_are_json_or_text():
    assert parse_options(['seed=3', 'size=64x128', 'size2=[64, 128]', 'flag=true', 'x=a=b']) == {
        'seed': 3, 'size': '64x128', 'size2': [64, 128], 'flag': True, 'x': 'a=b'}


@pytest.mark.parametrize('pairs', [['seed'], ['=3'], ['a b=1'], ['a=1', 'a=2']])
def test_what_is_no_option(pairs):
    with pytest.raises(DatasetError, match='option'):
        parse_options(pairs)
