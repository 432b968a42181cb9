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
"""ROS arguments and parameter files."""

import math

import pytest
from standalone_ros import arguments, names, parameter_file


@pytest.mark.parametrize(('text', 'value'), [
    ('5', 5), ('-0x1F', -31), ('010', 8), ('5.', 5.0), ('1e3', 1000.0), ('.5', 0.5),
    ('yes', True), ('NO', False), ('n', False), ('tRue', 'tRue'), ('null', 'null'), ('~', '~'),
    ('1_000', '1_000'), ('0o17', '0o17'), ('1e400', '1e400'), ('2024-01-01', '2024-01-01'),
    ('9223372036854775808', 9.223372036854776e18), ("'5'", '5'), ('!!str 5', '5'),
    ('[1, 2]', [1, 2]), ('[yes, no]', [True, False]), ('[]', None), ('a b', 'a b'),
])
def test_values_are_typed_as_the_parser_of_ros_types_them(text, value):
    assert parameter_file.parse_value(text) == value
    assert type(parameter_file.parse_value(text)) is type(value)


def test_values_that_are_no_numbers():
    assert math.isnan(parameter_file.parse_value('.NaN'))
    assert parameter_file.parse_value('-.inf') == -math.inf


@pytest.mark.parametrize('text', ['[1,', '{a: 1}', '', '[1, a]', '[1.0, 2]', '[[1]]'])
def test_values_that_are_none(text):
    with pytest.raises(parameter_file.ParameterFileError):
        parameter_file.parse_value(text)


@pytest.mark.parametrize(('pattern', 'matching'), [
    ('/**', {'/a', '/ns/a', '/ns/sub/a'}), ('/*/a', {'/ns/a'}), ('/ns/**', {'/ns/a', '/ns/sub/a'}),
    ('/**/a', {'/a', '/ns/a', '/ns/sub/a'}), ('/a', {'/a'}),
])
def test_patterns_name_nodes(pattern, matching):
    nodes = ('/a', '/ns/a', '/ns/sub/a')
    assert {n for n in nodes if parameter_file.matches(pattern, n)} == matching


def test_files_and_single_values_win_in_the_order_given(tmp_path):
    path = tmp_path / 'p.yaml'
    path.write_text('/**:\n  ros__parameters: {v: all, deep: {er: 1}}\n'
                    'ns:\n  one:\n    ros__parameters: {v: node}\n')
    parsed = arguments.parse(['--ros-args', '--params-file', str(path), '-p', 'w:=1',
                              '-p', 'one:x:=2'])
    assert parsed.parameters_of('/ns/one') == {'v': 'node', 'deep.er': 1, 'w': 1}
    assert parsed.parameters_of('/one') == {'v': 'all', 'deep.er': 1, 'w': 1, 'x': 2}


def test_other_arguments_are_left_alone():
    parsed = arguments.parse(['prog', '--a', '--ros-args', '-r', 'x:=y', '--', 'b', '--ros-args'])
    assert parsed.unparsed == ['prog', '--a', 'b']


@pytest.mark.parametrize('args', [
    ['-r', 'chat'], ['-r', ':=x'], ['-r', '/x/*:=/y'], ['-r', 'a:=9b'], ['-r', '__ns:=rel'],
    ['-p', 'v'], ['-p', '/ns/one:v:=5'], ['--params-file'], ['--params-file', 'nope.yaml'],
    ['--log-level', 'nope'],
])
def test_arguments_that_can_not_be_understood_are_refused(args):
    with pytest.raises(arguments.ArgumentError):
        arguments.parse(['--ros-args', *args])


def test_remap_rules_apply_in_order_and_to_their_node():
    rules = arguments.parse([
        '--ros-args', '-r', 'two:chat:=only', '-r', '~/p:=q', '-r', 'chat:=talk',
        '-r', 'rosservice://srv:=s2', '-r', '__node:=new']).remaps

    def remap(name, node, *, is_service=False):
        return arguments.remap_name(
            rules, names.expand(name, node, '/ns'), node, '/ns', is_service=is_service)

    assert remap('chat', 'one') == '/ns/talk' and remap('chat', 'two') == '/ns/only'
    assert remap('~/p', 'one') == '/ns/q'
    assert remap('srv', 'one') == '/ns/srv' and remap('srv', 'one', is_service=True) == '/ns/s2'
    assert arguments.remap_identity(rules, 'old', '/ns') == ('new', '/ns')
