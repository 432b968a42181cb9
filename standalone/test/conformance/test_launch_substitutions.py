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

"""Substitutions, conditions, scopes, arguments and includes of launch."""

import os
import sys

import pytest
from launch import LaunchContext, LaunchDescription, LaunchDescriptionSource, LaunchService
from launch.actions import (
    AppendEnvironmentVariable,
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    ResetLaunchConfigurations,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
    UnsetEnvironmentVariable,
    UnsetLaunchConfiguration,
)
from launch.conditions import (
    IfCondition,
    LaunchConfigurationEquals,
    LaunchConfigurationNotEquals,
    UnlessCondition,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    AllSubstitution,
    AndSubstitution,
    AnonName,
    AnySubstitution,
    Command,
    EnvironmentVariable,
    EqualsSubstitution,
    FileContent,
    FindExecutable,
    IfElseSubstitution,
    LaunchConfiguration,
    LocalSubstitution,
    NotEqualsSubstitution,
    NotSubstitution,
    OrSubstitution,
    PathJoinSubstitution,
    PythonExpression,
    SubstitutionFailure,
    TextSubstitution,
    ThisLaunchFile,
    ThisLaunchFileDir,
)


@pytest.fixture(autouse=True)
def log_dir(tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))


def perform(substitution, **configurations):
    context = LaunchContext()
    context.launch_configurations.update(configurations)
    return context.perform_substitution(substitution)


class Seen(list):
    """Note values of substitutions while a launch runs."""

    def note(self, substitution):
        return OpaqueFunction(
            function=lambda context: self.append(context.perform_substitution(substitution)))


def run(*entities):
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription(list(entities)))
    return service.run()


@pytest.mark.parametrize('substitution, expected', [
    (TextSubstitution(text='a b'), 'a b'),
    (LaunchConfiguration('n'), '3'),
    (LaunchConfiguration(['', 'n']), '3'),
    (LaunchConfiguration('none', default='d'), 'd'),
    (LaunchConfiguration('none', default=5), '5'),
    (LaunchConfiguration('none', default=[LaunchConfiguration('n'), 'x']), '3x'),
    (PathJoinSubstitution(['/a', LaunchConfiguration('n'), 'c.yaml']), '/a/3/c.yaml'),
    (PythonExpression(['2 * ', LaunchConfiguration('n')]), '6'),
    (PythonExpression('sqrt(16.0)'), '4.0'),
    (PythonExpression('math.floor(2.5)'), '2'),
    (PythonExpression('os.sep', ['os']), os.sep),
    (PythonExpression(["'", LaunchConfiguration('n'), "' == '3'"]), 'True'),
    (Command('echo one two'), 'one two\n'),
    (Command(['echo ', LaunchConfiguration('n')]), '3\n'),
    (EqualsSubstitution(LaunchConfiguration('n'), '3'), 'true'),
    (EqualsSubstitution('3.0', 3), 'true'),
    (EqualsSubstitution('True', '1'), 'true'),
    (EqualsSubstitution(True, 'false'), 'false'),
    (EqualsSubstitution(None, ''), 'true'),
    (EqualsSubstitution('a', 'A'), 'false'),
    (NotEqualsSubstitution('a', 'b'), 'true'),
    (NotSubstitution('true'), 'false'),
    (NotSubstitution('0'), 'true'),
    (AndSubstitution('true', '1'), 'true'),
    (AndSubstitution('true', 'off'), 'false'),
    (OrSubstitution('false', 'on'), 'true'),
    (AnySubstitution('false', 'false', 'true'), 'true'),
    (AllSubstitution('true', 'true', 'false'), 'false'),
    (IfElseSubstitution('true', 'x', 'y'), 'x'),
    (IfElseSubstitution(EqualsSubstitution(LaunchConfiguration('n'), '4'), 'x', 'y'), 'y'),
    (IfElseSubstitution('false', if_value='x'), ''),
])
def test_substitution_yields(substitution, expected):
    assert perform(substitution, n='3') == expected


@pytest.mark.parametrize('substitution', [
    LaunchConfiguration('none'),
    EnvironmentVariable('NOT_SET_ANYWHERE'),
    FindExecutable(name='no-such-executable'),
    Command('false'),
    Command('no-such-executable'),
    Command("sh -c 'echo oops >&2'"),
    Command('true', on_stderr='whatever'),
    FileContent('/no/such/file'),
    NotSubstitution('maybe'),
    ThisLaunchFileDir(),
])
def test_substitution_fails(substitution):
    with pytest.raises(SubstitutionFailure):
        perform(substitution)


def test_messages_of_failures_name_what_is_missing():
    with pytest.raises(SubstitutionFailure,
                       match=r"^launch configuration 'speed' does not exist$"):
        perform(LaunchConfiguration('speed'))
    with pytest.raises(SubstitutionFailure,
                       match=r"^environment variable 'NOT_SET' does not exist$"):
        perform(EnvironmentVariable('NOT_SET'))


def test_stderr_of_a_command_can_be_ignored_or_captured():
    command = "sh -c 'echo out; echo err >&2'"
    assert perform(Command(command, on_stderr='ignore')) == 'out\n'
    assert perform(Command(command, on_stderr='warn')) == 'out\n'
    assert perform(Command(command, on_stderr='capture')) == 'out\nerr\n'


def test_environment_files_and_executables(monkeypatch, tmp_path):
    monkeypatch.setenv('LAUNCH_TEST', 'value')
    assert perform(EnvironmentVariable('LAUNCH_TEST')) == 'value'
    assert perform(EnvironmentVariable(['LAUNCH', '_TEST'], default_value='x')) == 'value'
    assert perform(EnvironmentVariable('NOT_SET', default_value=['a', 'b'])) == 'ab'
    (tmp_path / 'file').write_text('text\n')
    assert perform(FileContent([str(tmp_path), '/file'])) == 'text\n'
    assert os.access(perform(FindExecutable(name='sh')), os.X_OK)


def test_anonymous_names_stay_the_same_within_a_launch():
    context = LaunchContext()
    first = context.perform_substitution(AnonName('camera'))
    assert first.startswith('camera_')
    assert context.perform_substitution(AnonName('camera')) == first
    assert LaunchContext().perform_substitution(AnonName('camera')) != first


def test_locals_are_read_and_not_set():
    context = LaunchContext()
    context.extend_locals({'thing': 'here'})
    assert context.perform_substitution(LocalSubstitution('thing.upper()')) == 'HERE'
    with pytest.raises(AttributeError):
        context.locals.thing = 'there'
    with pytest.raises(AttributeError, match="does not contain attribute 'other'"):
        _ = context.locals.other


@pytest.mark.parametrize('substitution, description', [
    (TextSubstitution(text='x'), "'x'"),
    (LaunchConfiguration('n'), "LaunchConfig('n')"),
    (EnvironmentVariable('E'), "EnvVar('E')"),
    (PathJoinSubstitution(['a', 'b']), "PathJoin(''a' + 'b'')"),
    (FindExecutable(name='ls'), "FindExec('ls')"),
    (Command('ls'), "Command('ls')"),
    (LocalSubstitution('a.b'), "LocalVar('a.b')"),
])
def test_substitution_describes_itself(substitution, description):
    assert substitution.describe() == description


def test_only_texts_and_substitutions_are_accepted():
    with pytest.raises(TypeError):
        TextSubstitution(text=3)
    with pytest.raises(TypeError):
        SetLaunchConfiguration('name', 3)
    with pytest.raises(RuntimeError):
        IfElseSubstitution('true')


@pytest.mark.parametrize('text, value', [
    ('true', True), ('True', True), (' 1 ', True), ('false', False), ('FALSE', False),
    ('0', False),
])
def test_conditions_on_texts(text, value):
    context = LaunchContext()
    assert IfCondition(text).evaluate(context) is value
    assert UnlessCondition(text).evaluate(context) is not value


@pytest.mark.parametrize('text', ['yes', 'maybe', '', '2'])
def test_conditions_refuse_other_texts(text):
    with pytest.raises(Exception, match='invalid condition expression, expected one of '
                                        r"\[true, 1, false, 0\] but got '" + text):
        IfCondition(text).evaluate(LaunchContext())


@pytest.mark.filterwarnings('ignore')  # Deprecated, and still used.
def test_conditions_on_launch_configurations():
    context = LaunchContext()
    context.launch_configurations['mode'] = 'fast'
    assert LaunchConfigurationEquals('mode', 'fast').evaluate(context)
    assert not LaunchConfigurationEquals('mode', 'slow').evaluate(context)
    assert not LaunchConfigurationEquals('other', 'fast').evaluate(context)
    assert LaunchConfigurationEquals('other', None).evaluate(context)
    assert LaunchConfigurationNotEquals('mode', 'slow').evaluate(context)


def test_an_action_whose_condition_is_false_does_nothing():
    seen = Seen()
    assert run(
        SetLaunchConfiguration('a', '1'),
        SetLaunchConfiguration('a', '2', condition=IfCondition('false')),
        SetLaunchConfiguration('b', '3', condition=UnlessCondition('false')),
        seen.note(LaunchConfiguration('a')), seen.note(LaunchConfiguration('b')),
    ) == 0
    assert seen == ['1', '3']


def test_launch_configurations_are_set_and_unset():
    seen = Seen()
    missing = LaunchConfiguration('a', default='gone')
    assert run(
        SetLaunchConfiguration('a', ['x', 'y']), seen.note(missing),
        UnsetLaunchConfiguration('a'), seen.note(missing),
        UnsetLaunchConfiguration('a'), seen.note(missing),
    ) == 0
    assert seen == ['xy', 'gone', 'gone']


@pytest.mark.parametrize('options, inside, outside', [
    ({}, 'outer inner', 'outer none'),
    ({'scoped': False}, 'outer inner', 'outer inner'),
    ({'forwarding': False}, 'none inner', 'outer none'),
    ({'launch_configurations': {'new': 'given'}}, 'outer given', 'outer none'),
    ({'scoped': False, 'launch_configurations': {'new': 'given'}}, 'outer given', 'outer given'),
    ({'forwarding': False, 'launch_configurations': {'old': LaunchConfiguration('old')}},
     'outer inner', 'outer none'),
])
def test_groups_scope_launch_configurations(options, inside, outside):
    seen = Seen()
    both = PythonExpression(["'", LaunchConfiguration('old', default='none'), ' ',
                             LaunchConfiguration('new', default='none'), "'"])
    first = [] if 'new' in options.get('launch_configurations', {}) else [
        SetLaunchConfiguration('new', 'inner')]
    assert run(SetLaunchConfiguration('old', 'outer'),
               GroupAction([*first, seen.note(both)], **options), seen.note(both)) == 0
    assert seen == [inside, outside]


def test_environment_is_set_appended_and_scoped(monkeypatch):
    monkeypatch.setenv('LAUNCH_PATH', '/a')
    monkeypatch.setenv('LAUNCH_GONE', 'x')
    seen = Seen()
    path = EnvironmentVariable('LAUNCH_PATH')
    assert run(
        GroupAction([
            AppendEnvironmentVariable('LAUNCH_PATH', '/b'), seen.note(path),
            AppendEnvironmentVariable('LAUNCH_PATH', '/c', prepend=True), seen.note(path),
            AppendEnvironmentVariable('LAUNCH_NEW', 'd', separator=';'),
            AppendEnvironmentVariable('LAUNCH_NEW', 'e', separator=';'),
            seen.note(EnvironmentVariable('LAUNCH_NEW')),
            UnsetEnvironmentVariable('LAUNCH_GONE'),
            SetEnvironmentVariable('LAUNCH_PATH', 'z'), seen.note(path),
            seen.note(EnvironmentVariable('LAUNCH_GONE', default_value='gone')),
        ]),
        seen.note(path), seen.note(EnvironmentVariable('LAUNCH_GONE')),
    ) == 0
    assert seen == ['/a:/b', '/c:/a:/b', 'd;e', 'z', 'gone', '/a', 'x']
    assert 'LAUNCH_NEW' not in os.environ


def test_declared_arguments_have_defaults_choices_and_descriptions():
    plain = DeclareLaunchArgument('a')
    assert (plain.name, plain.default_value, plain.description, plain.choices) == (
        'a', None, 'no description given', None)
    full = DeclareLaunchArgument('b', default_value='x', description='What', choices=['x', 'y'])
    assert full.default_value[0].describe() == "'x'"
    assert full.description == "What. Valid choices are: ['x', 'y']"
    assert DeclareLaunchArgument('c', choices=['x']).description == "One of: ['x']"
    with pytest.raises(RuntimeError):
        DeclareLaunchArgument('d', choices=[])
    with pytest.raises(RuntimeError):
        DeclareLaunchArgument('d', default_value='z', choices=['x'])


def test_arguments_keep_what_was_given():
    seen = Seen()
    assert run(
        SetLaunchConfiguration('a', 'given'), DeclareLaunchArgument('a', default_value='default'),
        DeclareLaunchArgument('b', default_value=['b of ', LaunchConfiguration('a')]),
        seen.note(LaunchConfiguration('a')), seen.note(LaunchConfiguration('b')),
    ) == 0
    assert seen == ['given', 'b of given']


@pytest.mark.parametrize('entities', [
    [DeclareLaunchArgument('needed')],
    [SetLaunchConfiguration('c', 'z'), DeclareLaunchArgument('c', choices=['x'])],
    [OpaqueFunction(function=lambda context: 1 / 0)],
    [SetLaunchConfiguration('a', LaunchConfiguration('missing'))],
    [DeclareLaunchArgument('a', default_value='1', condition=IfCondition('neither'))],
])
def test_a_failing_entity_fails_the_launch_and_stops_what_follows(entities):
    seen = Seen()
    assert run(*entities, seen.note(TextSubstitution(text='after'))) == 1
    assert seen == []


def included(tmp_path, name, body):
    path = tmp_path / name
    path.write_text('from launch import LaunchDescription\nfrom launch.actions import *\n'
                    'from launch.conditions import *\nfrom launch.substitutions import *\n\n\n'
                    'def generate_launch_description():\n'
                    f'    return LaunchDescription([{body}])\n')
    return str(path)


def test_includes_take_arguments_and_share_configurations(tmp_path):
    path = included(tmp_path, 'inner.launch.py', """
        DeclareLaunchArgument('who'), DeclareLaunchArgument('what', default_value='thing'),
        SetLaunchConfiguration('told', [LaunchConfiguration('who'), ' ',
                                        LaunchConfiguration('what')])""")
    seen = Seen()
    assert run(
        IncludeLaunchDescription(PythonLaunchDescriptionSource(path),
                                 launch_arguments={'who': 'me', 'extra': '1'}.items()),
        seen.note(LaunchConfiguration('told')), seen.note(LaunchConfiguration('extra')),
    ) == 0
    assert seen == ['me thing', '1']


def test_an_include_needs_its_required_arguments(tmp_path):
    path = included(tmp_path, 'inner.launch.py', "DeclareLaunchArgument('who')")
    assert run(IncludeLaunchDescription(path)) == 1
    # Conditional declarations are checked when they are reached.
    path = included(tmp_path, 'conditional.launch.py',
                    "DeclareLaunchArgument('who', condition=IfCondition('false'))")
    assert run(IncludeLaunchDescription(path)) == 0


def test_an_included_file_knows_its_place(tmp_path):
    path = included(tmp_path, 'inner.launch.py', """
        SetLaunchConfiguration('file', ThisLaunchFile()),
        SetLaunchConfiguration('dir', ThisLaunchFileDir())""")
    seen = Seen()
    assert run(IncludeLaunchDescription(path), seen.note(LaunchConfiguration('file')),
               seen.note(LaunchConfiguration('dir'))) == 0
    assert seen == [path, str(tmp_path)]
    assert ThisLaunchFile().describe() == 'ThisLaunchFile()'


@pytest.mark.parametrize('content', [
    'x = 1\n', 'def generate_launch_description(:\n',
    'def generate_launch_description():\n    raise ValueError\n',
])
def test_files_that_are_no_launch_files_fail_the_launch(tmp_path, content):
    path = tmp_path / 'bad.launch.py'
    path.write_text(content)
    assert run(IncludeLaunchDescription(str(path))) == 1


def test_a_missing_file_fails_the_launch(tmp_path):
    assert run(IncludeLaunchDescription(str(tmp_path / 'none.launch.py'))) == 1


def test_descriptions_list_their_arguments_through_includes_and_conditions(tmp_path):
    path = included(tmp_path, 'inner.launch.py', "DeclareLaunchArgument('inner')")
    description = LaunchDescription([
        DeclareLaunchArgument('outer', description='first'),
        DeclareLaunchArgument('outer', description='second'),
        GroupAction([DeclareLaunchArgument('maybe')], condition=IfCondition('true')),
        IncludeLaunchDescription(path),
        IncludeLaunchDescription([LaunchConfiguration('unknown'), '.launch.py']),
        ResetLaunchConfigurations(),
        DeclareLaunchArgument('hidden'),
    ])
    arguments = description.get_launch_arguments()
    assert [argument.name for argument in arguments] == ['outer', 'maybe', 'inner']
    assert arguments[0].description == 'first'


def test_a_description_can_be_a_source():
    seen = Seen()
    source = LaunchDescriptionSource(LaunchDescription([seen.note(LaunchConfiguration('a'))]))
    assert run(IncludeLaunchDescription(source, launch_arguments=[('a', 'x')])) == 0
    assert seen == ['x']


def test_a_launch_runs_only_in_the_main_thread_and_again(tmp_path):
    seen = Seen()
    service = LaunchService(noninteractive=True)
    for word in ('one', 'two'):
        service.include_launch_description(
            LaunchDescription([seen.note(TextSubstitution(text=word))]))
        assert service.run() == 0
    assert seen == ['one', 'two']
    assert service.shutdown() is None
    assert sys.modules.get('python_launch_file') is None
