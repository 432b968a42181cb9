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

"""Nothing that launch or `ros2 run` starts outlives them, however they end."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

LAUNCH = """
import json, sys
from launch import LaunchDescription, LaunchService
from launch.actions import ExecuteProcess
options = json.loads(sys.argv[1])
service = LaunchService(noninteractive=True)
service.include_launch_description(LaunchDescription([
    ExecuteProcess(cmd=['sh', '-c', options.pop('script')], name='p', output='screen',
                   **options)]))
sys.exit(service.run())
"""
# Tells its process id, and that of a child it starts.
SCRIPT = 'sleep 300 & echo pids $$ $!; wait'


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*args, **env):
        process = subprocess.Popen(
            [sys.executable, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
            env={**os.environ, 'ROS_LOG_DIR': str(tmp_path), **env})
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def read_pids(process):
    for line in process.stdout:
        if 'pids' in line:
            return [int(word) for word in line.partition('pids')[2].split()]
    raise AssertionError('the process has not told its id')


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def assert_gone(pids, within=5.0):
    deadline = time.monotonic() + within
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline, f'of {pids} some still run'
        time.sleep(0.02)


@pytest.mark.parametrize('signum', [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_ends_launch_ends_its_processes_first(start, signum):
    process = start('-c', LAUNCH, json.dumps({'script': SCRIPT}))
    pids = read_pids(process)
    process.send_signal(signum)
    text = process.communicate(timeout=30)[0]
    assert process.returncode == -signum
    assert_gone(pids, within=0)
    assert f'[WARNING] [launch]: received {signal.Signals(signum).name}, shutting down' in text


def test_a_second_sigterm_does_not_wait_for_the_stubborn(start):
    process = start('-c', LAUNCH, json.dumps(
        {'script': "trap '' INT TERM; " + SCRIPT + '; wait; sleep 300'}))
    pids = read_pids(process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=4)
    assert process.returncode == -signal.SIGTERM
    assert_gone(pids)


def test_a_launch_that_is_killed_takes_its_process_along(start):
    process = start('-c', LAUNCH, json.dumps({'script': 'echo pids $$; exec sleep 300'}))
    pids = read_pids(process)
    process.kill()
    process.wait(timeout=10)
    assert_gone(pids)


def test_children_of_a_killed_process_are_ended(start):
    process = start('-c', LAUNCH, json.dumps({
        'script': "trap '' INT TERM; " + SCRIPT + '; wait; sleep 300', 'sigterm_timeout': '0.2',
        'sigkill_timeout': '0.2'}))
    pids = read_pids(process)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=30)[0]
    assert 'exit code -9' in text
    assert_gone(pids)


def test_an_error_in_a_task_ends_the_processes(start):
    process = start('-c', LAUNCH.replace(
        '    ExecuteProcess', '    TimerAction(period=0.5, actions=[OpaqueFunction('
        'function=lambda context: 1 / 0)]),\n    ExecuteProcess').replace(
        'import ExecuteProcess', 'import ExecuteProcess, OpaqueFunction, TimerAction'),
        json.dumps({'script': SCRIPT}))
    pids = read_pids(process)
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert_gone(pids)


@pytest.mark.parametrize('signum, code, told', [
    (signal.SIGTERM, -signal.SIGTERM, '[ros2run]: Terminated'),
    (signal.SIGINT, 3, '[ros2run]: Process exited with failure 3'),
])
def test_ros2_run_leaves_no_process(start, tmp_path, signum, code, told):
    index = tmp_path / 'share/ament_index/resource_index/packages'
    index.mkdir(parents=True)
    (index / 'run_pkg').touch()
    program = tmp_path / 'lib/run_pkg/program'
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\ntrap 'exit 3' INT\necho pids $$\n"
                       'while :; do sleep 0.05; done\n')
    program.chmod(0o755)
    process = start('-m', 'ros2cli.cli', 'run', 'run_pkg', 'program',
                    AMENT_PREFIX_PATH=str(tmp_path))
    pids = read_pids(process)
    if signum == signal.SIGINT:
        os.killpg(process.pid, signum)  # As from a terminal.
    else:
        process.send_signal(signum)
    text = process.communicate(timeout=30)[0]
    assert told in text
    assert process.returncode == code % 256
    assert_gone(pids)


def test_output_that_cannot_be_shown_ends_the_launch(start):
    process = start('-c', LAUNCH, json.dumps(
        {'script': SCRIPT.replace('wait', 'echo more; wait'), 'output_format': '{nothing}'}))
    text = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert "Caught exception in launch (see debug for traceback): 'nothing'" in text
    assert 'process has finished' in text or 'process has died' in text
