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

"""Nodes as launch_ros starts them: what is on their command lines and in their files."""

import json
import os
import stat
import sys

import pytest
import yaml
from launch import LaunchContext, LaunchDescription, LaunchService
from launch.actions import GroupAction, RegisterEventHandler, SetLaunchConfiguration
from launch.event_handlers import OnProcessIO
from launch.substitutions import (
    LaunchConfiguration,
    PathJoinSubstitution,
    SubstitutionFailure,
    TextSubstitution,
)
from launch_ros.actions import (
    LifecycleNode,
    Node,
    PushRosNamespace,
    SetParameter,
    SetParametersFromFile,
    SetRemap,
)
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import Parameter, ParameterFile, ParameterValue
from launch_ros.substitutions import ExecutableInPackage, FindPackagePrefix, FindPackageShare

# Prints its arguments, and what is in the files of parameters, as one line of JSON.
PROGRAM = f"""#!{sys.executable}
import json, sys
args = sys.argv[1:]
files = [open(b).read() for a, b in zip(args, args[1:]) if a == '--params-file']
print(json.dumps([args, files]))
"""


@pytest.fixture(autouse=True)
def log_dir(tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))


@pytest.fixture
def executable(tmp_path):
    path = tmp_path / 'program'
    path.write_text(PROGRAM)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


class Loader(yaml.SafeLoader):
    """Reads the tuples that some launch_ros write for lists as lists."""


Loader.add_constructor(
    'tag:yaml.org,2002:python/tuple', lambda loader, node: loader.construct_sequence(node))


class Run:
    def __init__(self, *entities):
        output = {}

        def on_stdout(event):
            output[event.process_name] = output.get(event.process_name, b'') + event.text

        service = LaunchService(noninteractive=True)
        service.include_launch_description(LaunchDescription([
            RegisterEventHandler(OnProcessIO(on_stdout=on_stdout)), *entities]))
        self.return_code = service.run()
        self.nodes = [json.loads(text) for _, text in sorted(
            output.items(), key=lambda item: int(item[0].rpartition('-')[2]))]

    @property
    def args(self):
        return self.nodes[0][0]

    @property
    def parameters(self):
        return [yaml.load(text, Loader) for text in self.nodes[0][1]]


def parameters_of(executable, *parameters, **options):
    run = Run(Node(executable=executable, parameters=list(parameters), **options))
    assert run.return_code == 0
    return run.parameters


def test_a_plain_node_gets_the_flag_alone(executable):
    assert Run(Node(executable=executable)).args == ['--ros-args']


def test_arguments_come_before_ros_arguments(executable):
    run = Run(Node(executable=executable,
                   arguments=['--one', LaunchConfiguration('x', default='y')],
                   ros_arguments=['--log-level', 'debug'], name='n', namespace='ns',
                   remappings=[('a', 'b'), (['c', 'c'], LaunchConfiguration('d', default='d'))]))
    assert run.args == ['--one', 'y', '--ros-args', '--log-level', 'debug', '--ros-args',
                        '-r', '__node:=n', '-r', '__ns:=/ns', '-r', 'a:=b', '-r', 'cc:=d']


@pytest.mark.parametrize('pushed, namespace, expected', [
    ([], None, None), ([], 'a', '/a'), ([], '/a/b', '/a/b'), ([], 'a/', '/a'),
    (['g'], None, '/g'), (['g'], 's', '/g/s'), (['g'], '/s', '/s'), (['g', 'h'], 's', '/g/h/s'),
    (['g', '/h'], 's', '/h/s'),
])
def test_namespaces_are_pushed_and_joined(executable, pushed, namespace, expected):
    run = Run(GroupAction([*(PushRosNamespace(name) for name in pushed),
                           Node(executable=executable, namespace=namespace)]))
    assert run.args == ['--ros-args', *(['-r', f'__ns:={expected}'] if expected else [])]


def test_a_pushed_namespace_ends_with_the_group(executable):
    run = Run(GroupAction([PushRosNamespace('g'), Node(executable=executable)]),
              Node(executable=executable))
    assert [args for args, _ in run.nodes] == [['--ros-args', '-r', '__ns:=/g'], ['--ros-args']]


@pytest.mark.parametrize('options', [{'name': '9bad'}, {'namespace': 'a b'}, {'name': 'a/b'}])
def test_invalid_names_fail_the_launch(executable, options):
    assert Run(Node(executable=executable, **options)).return_code == 1


def test_an_invalid_pushed_namespace_fails_the_launch(executable):
    run = Run(PushRosNamespace('a b'), Node(executable=executable))
    assert (run.return_code, run.nodes) == (1, [])


def test_dictionaries_become_files_for_the_node(executable):
    values = {'i': 1, 'f': 2.5, 'b': True, 's': 'text', 'n': '5', 't': 'true', 'empty': '',
              'ints': [1, 2], 'floats': [1.0, 2], 'bools': [True, False], 'texts': ['a', '1']}
    expected = {**values, 'floats': [1.0, 2.0]}
    assert parameters_of(executable, values, name='n', namespace='ns') == [
        {'/ns/n': {'ros__parameters': expected}}]
    assert parameters_of(executable, values) == [{'/**': {'ros__parameters': expected}}]


def test_nested_dictionaries_are_flattened(executable):
    given = {'a': {'b': {'c': 1}, TextSubstitution(text='d'): 'x'}, ('e', 'f'): 2}
    assert parameters_of(executable, given) == [
        {'/**': {'ros__parameters': {'a.b.c': 1, 'a.d': 'x', 'ef': 2}}}]


@pytest.mark.parametrize('text, value', [
    ('5', 5), ('5.0', 5.0), ('true', True), ('text', 'text'), ("'5'", '5'), ('', ''),
    ('[1, 2]', [1, 2]), ('[a, b]', ['a', 'b']), ('a b', 'a b'),
])
def test_substitutions_are_read_as_yaml(executable, text, value):
    run = Run(SetLaunchConfiguration('v', text), Node(executable=executable, parameters=[{
        'p': LaunchConfiguration('v')}]))
    assert run.parameters == [{'/**': {'ros__parameters': {'p': value}}}]


@pytest.mark.parametrize('text', ['[1, a]', '{a: 1}', '[1', '[]'])
def test_substitutions_that_are_no_parameter_fail_the_launch(executable, text):
    assert Run(SetLaunchConfiguration('v', text), Node(executable=executable, parameters=[{
        'p': LaunchConfiguration('v')}])).return_code == 1


def test_lists_of_texts_and_substitutions_are_one_text(executable):
    run = Run(SetLaunchConfiguration('v', 'x'), Node(executable=executable, parameters=[{
        'one': [LaunchConfiguration('v'), '_y'],
        'path': PathJoinSubstitution(['a', LaunchConfiguration('v')]),
        'several': [[LaunchConfiguration('v')], ['z', LaunchConfiguration('v')]]}]))
    assert run.parameters == [{'/**': {'ros__parameters': {
        'one': 'x_y', 'path': 'a/x', 'several': ['x', 'zx']}}}]


def test_values_with_a_type(executable):
    run = Run(SetLaunchConfiguration('v', '5'), Node(executable=executable, parameters=[{
        's': ParameterValue(LaunchConfiguration('v'), value_type=str),
        'f': ParameterValue(LaunchConfiguration('v'), value_type=float),
        'i': ParameterValue(LaunchConfiguration('v'))}]))
    assert run.parameters == [{'/**': {'ros__parameters': {'s': '5', 'f': 5.0, 'i': 5}}}]
    assert Run(SetLaunchConfiguration('v', 'x'), Node(executable=executable, parameters=[{
        'i': ParameterValue(LaunchConfiguration('v'), value_type=int)}])).return_code == 1


@pytest.mark.parametrize('value', [None, object(), {1, 2}])
def test_other_types_are_no_parameters(executable, value):
    with pytest.raises(TypeError):
        Node(executable=executable, parameters=[{'p': value}])


def test_parameters_are_a_list_and_remaps_are_pairs(executable):
    with pytest.raises(TypeError):
        Node(executable=executable, parameters={'p': 1})
    with pytest.raises(TypeError):
        Node(executable=executable, remappings=[('a', 'b', 'c')])


def test_files_are_passed_on_in_order(executable, tmp_path):
    first, second = tmp_path / 'first.yaml', tmp_path / 'second.yaml'
    first.write_text('a: 1')
    second.write_text('b: 2')
    run = Run(SetLaunchConfiguration('folder', str(tmp_path)), Node(
        executable=executable, parameters=[
            first, {'x': 1}, str(tmp_path / 'missing.yaml'),
            PathJoinSubstitution([LaunchConfiguration('folder'), 'second.yaml']),
            ParameterFile(str(first)), Parameter('p', 2.5)]))
    assert run.return_code == 0
    assert run.parameters == [{'a': 1}, {'/**': {'ros__parameters': {'x': 1}}}, {'b': 2}, {'a': 1}]
    assert [arg for arg in run.args if arg in ('--params-file', '-p')] == [
        *['--params-file'] * 4, '-p']
    assert run.args[-1].strip().startswith('p:=2.5')


def test_scoped_parameters_and_remaps_come_before_the_own(executable, tmp_path):
    file = tmp_path / 'shared.yaml'
    file.write_text('a: 1')
    run = Run(
        GroupAction([
            SetParameter('shared', 1), SetParameter('flag', True),
            SetParametersFromFile(str(file)),
            SetRemap('a', 'scoped'),
            Node(executable=executable, remappings=[('a', 'own')]),
        ]),
        Node(executable=executable))
    args, files = run.nodes[0]
    assert args[:5] == ['--ros-args', '-p', 'shared:=1', '-p', args[4]]
    assert args[4].lower() == 'flag:=true'
    assert args[5:] == ['--params-file', str(file), '-r', 'a:=scoped', '-r', 'a:=own']
    assert files == ['a: 1']
    assert run.nodes[1][0] == ['--ros-args']


def test_the_full_name_is_known_after_execution(executable):
    named = Node(executable=executable, name='n', namespace='ns')
    unnamed = Node(executable=executable)
    with pytest.raises(RuntimeError):
        _ = named.node_name
    Run(named, unnamed)
    assert named.node_name == '/ns/n'
    assert named.is_node_name_fully_specified()
    assert not unnamed.is_node_name_fully_specified()


def test_the_label_in_the_output_can_be_set(executable):
    labels = set()
    Run(Node(executable=executable, exec_name='label'), Node(executable=executable),
        RegisterEventHandler(OnProcessIO(
            on_stdout=lambda event: labels.add(event.process_name.rpartition('-')[0]))))
    assert labels == {'label', 'program'}


def test_what_is_not_there_is_not_found():
    assert FindPackageShare('std_msgs').describe() == "FindPackageShare(pkg='std_msgs')"
    assert ExecutableInPackage('talker', 'p').describe() == "ExecInPkg(pkg='p', exec='talker')"
    with pytest.raises(LookupError, match='no_such_package'):
        FindPackageShare('no_such_package').perform(LaunchContext())
    assert Run(Node(package='no_such_package', executable='x')).return_code == 1


def test_packages_and_executables_are_found(tmp_path, monkeypatch):
    index = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    (index / 'overlaid_pkg').touch()
    (tmp_path / 'share' / 'overlaid_pkg').mkdir()
    folder = tmp_path / 'lib' / 'overlaid_pkg'
    folder.mkdir(parents=True)
    program = folder / 'program'
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv('AMENT_PREFIX_PATH', os.pathsep.join(filter(None, (
        str(tmp_path), os.environ.get('AMENT_PREFIX_PATH')))))
    assert Run(Node(package='overlaid_pkg', executable='program')).args == ['--ros-args']
    context = LaunchContext()
    assert FindPackagePrefix('overlaid_pkg').perform(context) == str(tmp_path)
    assert FindPackageShare(['overlaid', '_pkg']).perform(context) == str(
        tmp_path / 'share' / 'overlaid_pkg')
    assert ExecutableInPackage('program', 'overlaid_pkg').perform(context) == str(program)
    with pytest.raises(SubstitutionFailure):
        ExecutableInPackage('none', 'overlaid_pkg').perform(context)


def test_lifecycle_events_know_the_transitions():
    with pytest.raises(ValueError):
        ChangeState(lifecycle_node_matcher=lambda node: True, transition_id=250)
    assert ChangeState.valid_transitions[3] == 'TRANSITION_ACTIVATE'
    with pytest.raises(TypeError):
        LifecycleNode(executable='x')  # Name and namespace are required.
