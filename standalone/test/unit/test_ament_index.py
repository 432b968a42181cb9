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
"""Packages found by AMENT_PREFIX_PATH and in the Python environment."""

import sys

import ament_index_python
import pytest


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    index = tmp_path / 'share/ament_index/resource_index'
    (index / 'packages').mkdir(parents=True)
    (index / 'packages/some_package').write_text('')
    (index / 'plugins').mkdir()
    (index / 'plugins/some_package').write_text('content')
    (tmp_path / 'share/some_package').mkdir()
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/not/there:{tmp_path}')
    return str(tmp_path)


def test_packages(prefix):
    assert ament_index_python.get_package_prefix('some_package') == prefix
    assert ament_index_python.get_package_share_directory('some_package') == (
        f'{prefix}/share/some_package')
    assert ament_index_python.get_packages_with_prefixes()['some_package'] == prefix


def test_resources(prefix):
    assert ament_index_python.get_resource('plugins', 'some_package') == ('content', prefix)
    assert ament_index_python.get_resources('plugins') == {'some_package': prefix}
    assert ament_index_python.has_resource('plugins', 'other') is False
    assert {'packages', 'plugins'} <= ament_index_python.get_resource_types()
    with pytest.raises(LookupError, match="Could not find the resource 'other' of type 'plugins'"):
        ament_index_python.get_resource('plugins', 'other')


def test_what_is_not_there(prefix):
    with pytest.raises(ament_index_python.PackageNotFoundError) as caught:
        ament_index_python.get_package_prefix('nope')
    # A KeyError shows its text as a key.
    assert str(caught.value) == (
        f""" "package 'nope' not found, searching: ['{prefix}', '{sys.prefix}']" """.strip())
    with pytest.raises(ValueError, match='is not a valid package name'):
        ament_index_python.get_package_prefix('../x')


def test_the_environment_comes_last(monkeypatch):
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    assert ament_index_python.get_search_paths() == [sys.prefix]


def test_the_packages_that_come_with_this_one_are_in_the_environment(monkeypatch):
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    for package in ('std_msgs', 'std_srvs', 'rclpy', 'launch'):
        assert ament_index_python.get_package_prefix(package) == sys.prefix
    assert ament_index_python.get_resource('rosidl_interfaces', 'std_srvs')[0].splitlines() == [
        'srv/Empty.idl', 'srv/Empty.srv', 'srv/SetBool.idl', 'srv/SetBool.srv',
        'srv/Trigger.idl', 'srv/Trigger.srv']
