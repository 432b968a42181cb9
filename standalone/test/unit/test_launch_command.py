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

"""`ros2 launch`, `ros2 run`, `ros2 pkg` and launch_test as commands."""

import os
import subprocess
import sys
from importlib import metadata

import pytest
from ros2launch.api import parse_launch_arguments
from ros2pkg.api import PackageNotFound, get_executable_path, get_executable_paths

LAUNCH_FILE = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, LogInfo
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration


def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument('who', description='who it is for'),
        DeclareLaunchArgument('mode', default_value='a', choices=['a', 'b']),
        DeclareLaunchArgument('maybe', condition=IfCondition('false')),
        LogInfo(msg=['for ', LaunchConfiguration('who')]),
        ExecuteProcess(cmd=['sh', '-c', 'echo $PREFIXED']),
    ])
"""


@pytest.fixture
def package(tmp_path):
    """Make a package with a launch file and an executable."""
    index = tmp_path / 'share/ament_index/resource_index/packages'
    index.mkdir(parents=True)
    (index / 'the_pkg').touch()
    launch = tmp_path / 'share/the_pkg/launch'
    launch.mkdir(parents=True)
    (launch / 'the.launch.py').write_text(LAUNCH_FILE)
    (launch / 'the.launch.xml').write_text('<launch/>')
    program = tmp_path / 'lib/the_pkg/program'
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho program "$@"\n')
    program.chmod(0o755)
    (program.parent / 'data').touch()
    return tmp_path


@pytest.fixture
def ros2(package):
    def ros2(*args):
        return subprocess.run(
            [sys.executable, '-m', 'ros2cli.cli', *args], capture_output=True, text=True,
            timeout=60, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, 'AMENT_PREFIX_PATH': str(package),
                 'ROS_LOG_DIR': str(package / 'log'), 'COLUMNS': '80'})

    return ros2


def test_launch_by_package_and_by_path(ros2, package):
    path = str(package / 'share/the_pkg/launch/the.launch.py')
    for where in (['the_pkg', 'the.launch.py'], [path]):
        result = ros2('launch', *where, 'who:=me', '-a')
        assert result.returncode == 0, result.stderr
        assert '[INFO] [launch.user]: for me\n' in result.stdout
        assert '[sh-1] \n' in result.stdout


def test_launch_shows_arguments(ros2):
    result = ros2('launch', 'the_pkg', 'the.launch.py', '--show-args')
    assert result.returncode == 0
    assert result.stdout == """\
Arguments (pass arguments as '<name>:=<value>'):

    'who':
        who it is for

    'mode':
        One of: ['a', 'b']
        (default: 'a')

    'maybe':*
        no description given

* argument(s) which are only used if specific conditions occur
"""


def test_launch_prints_the_description(ros2):
    result = ros2('launch', '-p', 'the_pkg', 'the.launch.py')
    assert result.returncode == 0
    assert "├── LogInfo('for ' + LaunchConfig('who'))\n└── ExecuteProcess(cmd=['sh', '-c', " in (
        result.stdout)


def test_launch_prefixes_commands_by_filter(ros2):
    for pattern, shown in (('sh', 'yes'), ('other', '')):
        result = ros2('launch', '--launch-prefix', 'env PREFIXED=yes', '--launch-prefix-filter',
                      pattern, '-a', 'the_pkg', 'the.launch.py', 'who:=me')
        assert f'-1] {shown}\n' in result.stdout


@pytest.mark.parametrize('args, told', [
    (['the_pkg', 'the.launch.py'], "missing required argument 'who'"),
    (['the_pkg', 'the.launch.py', 'who:=x', 'mode:=c'], "Valid options are: ['a', 'b']"),
    (['the_pkg', 'the.launch.py', 'who'], "malformed launch argument 'who', expected format"),
    (['the_pkg', 'none.launch.py'], "file 'none.launch.py' was not found in the share directory"),
    (['none_pkg', 'the.launch.py'], "Package 'none_pkg' not found"),
    (['the_pkg', 'the.launch.xml'], 'XML and YAML (launch.frontend) are not supported'),
    (['--launch-prefix-filter', 'x', 'the_pkg', 'the.launch.py'], '--launch-prefix must be'),
])
def test_launch_says_what_is_wrong(ros2, args, told):
    result = ros2('launch', *args)
    assert result.returncode == 1
    assert told in result.stdout + result.stderr
    assert 'Traceback' not in result.stderr


def test_arguments_are_parsed_with_the_last_one_winning():
    assert parse_launch_arguments(['a:=1', 'b:=c:=d', 'a:=2']) == [('a', '2'), ('b', 'c:=d')]
    for malformed in ('a', 'a=1', ':=1', 'a:='):
        with pytest.raises(RuntimeError):
            parse_launch_arguments([malformed])


def test_run_and_pkg_find_executables(ros2, package):
    assert ros2('run', 'the_pkg', 'program', 'a', '--b').stdout == 'program a --b\n'
    assert ros2('run', '--prefix', 'echo before', 'the_pkg', 'program').stdout == (
        f'before {package}/lib/the_pkg/program\n')
    assert ros2('pkg', 'executables', 'the_pkg').stdout == 'the_pkg program\n'
    assert ros2('pkg', 'prefix', 'the_pkg').stdout == f'{package}\n'
    assert ros2('pkg', 'prefix', '--share', 'the_pkg').stdout == f'{package}/share/the_pkg\n'
    assert 'the_pkg\n' in ros2('pkg', 'list').stdout
    missing = ros2('run', 'the_pkg', 'data')
    assert (missing.returncode, missing.stderr) == (1, 'No executable found\n')


def test_console_scripts_stand_in_for_packages_that_pip_installed():
    distribution = metadata.distribution('pytest')
    assert distribution is not None
    paths = get_executable_paths(package_name='pytest')
    assert [os.path.basename(path) for path in paths] == ['py.test', 'pytest']
    path = get_executable_path(package_name='pytest', executable_name='pytest')
    assert os.path.dirname(path) == os.path.dirname(paths[0])
    with pytest.raises(PackageNotFound):
        get_executable_paths(package_name='no_such_package_anywhere')


LAUNCH_TEST = """
import unittest
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration
from launch_testing.actions import ReadyToTest


def generate_test_description():
    return LaunchDescription([
        DeclareLaunchArgument('word', default_value='hello'),
        ExecuteProcess(cmd=['sh', '-c', ['echo ', LaunchConfiguration('word'),
                                         '; exec sleep 60']], name='p'),
        ReadyToTest()])


class TestIt(unittest.TestCase):
    def test_output(self, proc_output):
        proc_output.assertWaitFor('hello', process='p', stream='stdout', timeout=2)
"""


def test_launch_test_runs_a_file(tmp_path):
    path = tmp_path / 'it.test.py'
    path.write_text(LAUNCH_TEST)

    def launch_test(*args):
        return subprocess.run(
            [sys.executable, '-m', 'launch_testing.launch_test', str(path), *args], check=False,
            capture_output=True, text=True, timeout=60,
            env={**os.environ, 'ROS_LOG_DIR': str(tmp_path)})

    assert launch_test().returncode == 0
    failed = launch_test('word:=other')
    assert failed.returncode == 1
    assert 'Waiting for output timed out' in failed.stderr
    assert "'word':" in launch_test('--show-args').stdout
