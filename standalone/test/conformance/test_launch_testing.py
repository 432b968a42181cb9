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

"""Tests of running systems: launch_testing by pytest."""

import pytest
from launch_testing.tools import basic_output_filter, expect_output

pytest_plugins = ['pytester']

HEADER = """
import sys
import time
import unittest

import launch
import launch_testing
import launch_testing.actions
import launch_testing.asserts
import launch_testing.markers
import launch_testing.util
import pytest
from launch.actions import ExecuteProcess, TimerAction
from launch_testing.actions import ReadyToTest

WAITING = "trap 'echo interrupted; exit 0' INT; echo ready; while :; do sleep 0.05; done"


def sh(script, name='p'):
    return ExecuteProcess(cmd=['sh', '-c', script], name=name)
"""


@pytest.fixture
def run(pytester, tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))
    monkeypatch.setenv('PYTEST_DISABLE_PLUGIN_AUTOLOAD', '1')  # Others take time to load.

    def run(*sources, args=()):
        for number, source in enumerate(sources):
            pytester.makepyfile(**{f'test_{number}': HEADER + source})
        return pytester.runpytest_subprocess(
            '-p', 'launch_testing.pytest.hooks', '-p', 'no:cacheprovider', *args)

    return run


ONE_PROCESS = """
@pytest.mark.launch_test
def generate_test_description():
    process = sh(WAITING)
    return launch.LaunchDescription([process, ReadyToTest()]), {'process': process}
"""


def test_tests_run_during_and_after_the_launch(run):
    result = run(ONE_PROCESS + """
class TestRunning(unittest.TestCase):
    @classmethod
    def setUpClass(cls, proc_output, process):
        proc_output.assertWaitFor('ready', process=process, stream='stdout', timeout=10)

    def setUp(self, process):
        self.process = process

    def test_started(self, proc_info, launch_service, test_args):
        proc_info.assertWaitForStartup(process='p', timeout=10)
        assert self.process in proc_info.processes()
        assert launch_service.context is not None
        assert test_args == {'a': 'b'}

    def test_output(self, proc_output):
        launch_testing.asserts.assertInStdout(proc_output, 'ready', 'p')
        assert not proc_output.waitFor('never', process='p', timeout=0.2)


@launch_testing.post_shutdown_test()
class TestEnded(unittest.TestCase):
    def test_exit_codes(self, proc_info, process):
        launch_testing.asserts.assertExitCodes(proc_info)
        assert proc_info[process].returncode == 0
        assert proc_info['p'].returncode == 0

    def test_output(self, proc_output, process):
        with launch_testing.asserts.assertSequentialStdout(proc_output, process) as checker:
            checker.assertInStdout('ready')
            checker.assertInStdout('interrupted')
            with self.assertRaises(AssertionError):
                checker.assertInStdout('ready')
""", args=('--launch-args', 'a:=b'))
    result.assert_outcomes(passed=1)


FAILING = ("""
class TestRunning(unittest.TestCase):
    def test_it(self):
        self.fail('during the launch')
""", """
@launch_testing.post_shutdown_test()
class TestEnded(unittest.TestCase):
    def test_it(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info, allowable_exit_codes=[7])
""", """
class TestRunning(unittest.TestCase):
    def test_it(self, no_such_argument):
        pass
""", """
class TestRunning(unittest.TestCase):
    def test_it(self, proc_info):
        proc_info.assertWaitForShutdown(process='p', timeout=0.2)
""")


def test_what_fails_is_told(run):
    result = run(*(ONE_PROCESS + tests for tests in FAILING))
    result.assert_outcomes(failed=len(FAILING))
    text = result.stdout.str()
    for number in range(len(FAILING)):
        assert f'test_{number}.Test' in text
    assert 'during the launch' in text


BRIEF = (
    'return launch.LaunchDescription([sh(WAITING)])',  # Never ready.
    'return launch.LaunchDescription([sh("true"), ReadyToTest()])',  # Ends before the tests.
    'return launch.LaunchDescription([ExecuteProcess(cmd=["sleep", "60"]), '
    'TimerAction(period=60.0, actions=[ReadyToTest()])])',  # Ready too late.
)


def test_launches_that_do_not_last_fail(run):
    result = run(*(f"""
@pytest.mark.launch_test
@launch_testing.ready_to_test_action_timeout(1.0)
def generate_test_description():
    {description}


class TestRunning(unittest.TestCase):
    def test_it(self):
        time.sleep(0.8)
""" for description in BRIEF))
    result.assert_outcomes(failed=len(BRIEF))


def test_keep_alive_keeps_a_launch_without_processes(run):
    result = run("""
@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    return launch.LaunchDescription([sh('echo done'), ReadyToTest()])


class TestRunning(unittest.TestCase):
    def test_it(self, proc_info, proc_output):
        proc_info.assertWaitForShutdown(process='p', timeout=10)
        time.sleep(0.3)
        launch_testing.asserts.assertInStdout(proc_output, 'done', 'p')
""")
    result.assert_outcomes(passed=1)


def test_a_process_can_keep_the_launch(run):
    result = run("""
@pytest.mark.launch_test
def generate_test_description():
    return launch.LaunchDescription(
        [sh('exit 3', 'ended'), launch_testing.util.KeepAliveProc(), ReadyToTest()])


class TestRunning(unittest.TestCase):
    def test_it(self, proc_info):
        proc_info.assertWaitForShutdown(process='ended', timeout=10)
        time.sleep(0.5)


@launch_testing.post_shutdown_test()
class TestEnded(unittest.TestCase):
    def test_it(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info, [3], process='ended')
        with self.assertRaises(AssertionError):
            launch_testing.asserts.assertExitCodes(proc_info, process='ended')
""")
    result.assert_outcomes(passed=1)


def test_parameters_give_several_runs(run):
    source = """
@pytest.mark.launch_test
@launch_testing.parametrize('first, second', [('a', 1), ('b', 2)])
def generate_test_description(first, second):
    return launch.LaunchDescription([sh(f'echo {first}{second}; exec sleep 60'), ReadyToTest()])


class TestRunning(unittest.TestCase):
    def test_it(self, proc_output, first, second):
        proc_output.assertWaitFor(f'{first}{second}', process='p', stream='stdout')
        assert first != 'REFUSED'
"""
    run(source, source.replace('REFUSED', 'b')).assert_outcomes(passed=1, failed=1)


def test_processes_are_told_apart_by_name_and_arguments(run):
    result = run("""
@pytest.mark.launch_test
def generate_test_description():
    return launch.LaunchDescription([
        ExecuteProcess(cmd=['sh', '-c', f'echo {word}; exec sleep 60'], name=name)
        for name, word in (('one', 'a'), ('one', 'b'), ('two', 'c'))] + [ReadyToTest()])


class TestRunning(unittest.TestCase):
    def test_it(self, proc_output):
        for word in 'abc':
            proc_output.assertWaitFor(word, stream='stdout')
        resolve = launch_testing.util.resolveProcesses
        assert len(resolve(proc_output)) == 3
        assert len(resolve(proc_output, process='two')) == 1
        assert len(resolve(proc_output, process='one', cmd_args='echo b; exec sleep 60')) == 1
        assert len(resolve(proc_output, process='one', strict_proc_matching=False)) == 2
        with self.assertRaisesRegex(Exception, 'Found multiple processes'):
            resolve(proc_output, process='one')
        with self.assertRaises(launch_testing.util.NoMatchingProcessException):
            resolve(proc_output, process='three')
        with self.assertRaises(TypeError):
            resolve(proc_output, process=3)
""")
    result.assert_outcomes(passed=1)


def test_unmarked_modules_are_plain_tests(run):
    result = run("""
def generate_test_description():
    raise AssertionError('not called')


def test_plain():
    pass
""")
    result.assert_outcomes(passed=1)


def test_marks_of_the_description_are_those_of_the_test(run):
    run(ONE_PROCESS.replace('@pytest', "@pytest.mark.skip(reason='not now')\n@pytest", 1) + """
class TestRunning(unittest.TestCase):
    def test_it(self):
        self.fail('reached')
""").assert_outcomes(skipped=1)


def test_expected_output():
    assert expect_output(text='a\nb\n', expected_lines=['a', 'b'], strict=True)
    assert expect_output(lines=['x', 'a', 'b'], expected_lines=['a', 'b'])
    assert not expect_output(lines=['b', 'a'], expected_lines=['a', 'b'])
    assert expect_output(text='\x1b[31mred\x1b[0m', expected_text='red', strict=True)
    with pytest.raises(ValueError):
        expect_output(text='a', lines=['a'], expected_text='a')
    assert basic_output_filter()('pid 3\nkept\nrc 0\n') == 'kept\n'
    assert basic_output_filter(filtered_patterns=[r'.*noise'])('a noise\nb\n') == 'b\n'
