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

"""Processes, events, timers and signals of launch."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from launch import LaunchDescription, LaunchService
from launch.actions import (
    EmitEvent,
    ExecuteProcess,
    GroupAction,
    OpaqueCoroutine,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
    Shutdown,
    TimerAction,
    UnregisterEventHandler,
)
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart, OnShutdown
from launch.events import Shutdown as ShutdownEvent
from launch.events import matches_action
from launch.events.process import ShutdownProcess, SignalProcess
from launch.substitutions import LaunchConfiguration, LocalSubstitution


@pytest.fixture(autouse=True)
def log_dir(tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))


class Record:
    """Run a launch and keep what happened: (name, what) in order, and the output."""

    def __init__(self):
        self.events = []
        self.output = {}

    def note(self, *what):
        return OpaqueFunction(function=lambda context: self.events.append(what))

    def _io(self, event):
        label = event.process_name.rpartition('-')[0]
        stream = 'out' if event.from_stdout else 'err'
        key = (label, stream)
        self.output[key] = self.output.get(key, '') + event.text.decode()

    def _exit(self, event, context):
        self.events.append((event.process_name.rpartition('-')[0], event.returncode))

    def run(self, *entities, **options):
        service = LaunchService(noninteractive=True)
        service.include_launch_description(LaunchDescription([
            RegisterEventHandler(OnProcessIO(on_stdout=self._io, on_stderr=self._io)),
            RegisterEventHandler(OnProcessExit(on_exit=self._exit)),
            *entities,
        ]))
        return service.run(**options)


@pytest.fixture
def record():
    return Record()


def sh(script, name='p', **options):
    return ExecuteProcess(cmd=['sh', '-c', script], name=name, **options)


def test_output_and_exit_codes_are_told(record):
    assert record.run(sh('echo out; echo err >&2; exit 4'), sh('kill -9 $$', 'killed')) == 0
    assert sorted(record.events) == [('killed', -9), ('p', 4)]
    assert record.output == {('p', 'out'): 'out\n', ('p', 'err'): 'err\n'}


def test_a_process_has_details_name_and_return_code(record):
    process = sh('exit 3')
    details = []
    assert process.process_details is None
    assert process.return_code is None
    record.run(process, RegisterEventHandler(OnProcessStart(
        target_action=process,
        on_start=lambda event, context: details.append((event.pid, event.cmd)))))
    assert details == [(process.process_details['pid'], ['sh', '-c', 'exit 3'])]
    assert process.return_code == 3
    assert process.process_details['name'] == process.name
    assert process.name.startswith('p-')


def test_the_command_may_be_made_of_substitutions(record):
    record.run(SetLaunchConfiguration('word', 'hello'), ExecuteProcess(
        cmd=['echo', ['-', LaunchConfiguration('word'), '-'], LaunchConfiguration('word')]))
    assert record.output == {('echo', 'out'): '-hello- hello\n'}


def test_environment_and_folder_of_a_process(record, tmp_path):
    script = 'echo $A $B $C; pwd'
    record.run(
        SetEnvironmentVariable('A', 'a'),
        sh(script, 'inherits', additional_env={'B': 'b'}, cwd=str(tmp_path)),
        sh('echo $A $B', 'own', env={'B': 'only', 'PATH': os.environ['PATH']}),
        GroupAction([SetEnvironmentVariable('C', 'c'), sh(script, 'scoped')]),
    )
    assert record.output['inherits', 'out'] == f'a b\n{tmp_path}\n'
    assert record.output['own', 'out'] == 'only\n'
    assert record.output['scoped', 'out'].startswith('a c\n')


def test_a_shell_and_a_prefix(record):
    record.run(
        ExecuteProcess(cmd=['echo', 'one', '&&', 'echo', 'two'], shell=True, name='shell'),
        sh('echo $X', 'prefixed', prefix='env X=prefix'),
        SetLaunchConfiguration('launch-prefix', 'env X=all'), sh('echo $X', 'by-configuration'))
    assert record.output['shell', 'out'] == 'one\ntwo\n'
    assert record.output['prefixed', 'out'] == 'prefix\n'
    assert record.output['by-configuration', 'out'] == 'all\n'


def test_terminals_are_emulated_if_asked_for(record):
    script = 'test -t 1 && echo terminal || echo pipe'
    record.run(sh(script, 'pipe'), sh(script, 'tty', emulate_tty=True))
    record.run(SetLaunchConfiguration('emulate_tty', 'true'), sh(script, 'configured'))
    assert record.output['pipe', 'out'] == 'pipe\n'
    assert record.output['tty', 'out'].strip() == 'terminal'
    assert record.output['configured', 'out'].strip() == 'terminal'


def test_cached_output_can_be_read(record):
    process = sh('echo one; printf two; echo three >&2', cached_output=True)
    record.run(process)
    assert process.get_stdout() == 'one\ntwo'
    assert process.get_stderr() == 'three\n'
    with pytest.raises(RuntimeError):
        sh('true').get_stdout()


def test_large_output_arrives_whole(record):
    count = 200_000
    record.run(ExecuteProcess(
        cmd=[sys.executable, '-c', f'print("x" * {count}); print("end")'], name='p',
        output='own_log'))
    assert record.output['p', 'out'] == 'x' * count + '\nend\n'


def test_a_process_that_cannot_start_ends_the_wait_for_it(record):
    assert record.run(ExecuteProcess(cmd=['/no/such/executable'])) == 0
    assert record.events == []


def test_handlers_of_start_exit_and_shutdown_yield_actions(record):
    process = sh('exit 4')
    other = sh('exit 0', 'other')
    record.run(
        process, other,
        RegisterEventHandler(OnProcessStart(target_action=process, on_start=[
            record.note('started')])),
        RegisterEventHandler(OnProcessExit(target_action=process, on_exit=[
            record.note('exited'),
            OpaqueFunction(function=lambda context: record.events.append(
                (LocalSubstitution('event.returncode').perform(context),)))])),
        RegisterEventHandler(OnShutdown(on_shutdown=[record.note('shutdown')])),
    )
    ours = [event for event in record.events if event[0] in ('started', 'exited', 4, 'shutdown')]
    assert ours == [('started',), ('exited',), (4,), ('shutdown',)]


def test_exit_actions_of_the_process_itself(record):
    record.run(sh('true', on_exit=[record.note('list')]),
               sh('true', on_exit=lambda event, context: record.note('call', event.returncode)))
    assert {('list',), ('call', 0)} < set(record.events)


def test_a_handler_handles_once_or_until_unregistered(record):
    once = OnProcessExit(on_exit=[record.note('once')], handle_once=True)
    never = OnProcessExit(on_exit=[record.note('never')])
    record.run(RegisterEventHandler(once), RegisterEventHandler(never),
               UnregisterEventHandler(never), sh('true'), sh('true'))
    assert record.events.count(('once',)) == 1
    assert ('never',) not in record.events


def test_handlers_check_what_they_are_given():
    with pytest.raises(TypeError):
        OnProcessExit(target_action='name', on_exit=[])
    with pytest.raises(TypeError):
        OnProcessExit(on_exit=['text'])
    with pytest.raises(RuntimeError):
        EmitEvent(event='event')


def test_the_end_of_a_required_process_ends_all(record):
    begin = time.monotonic()
    assert record.run(sh('sleep 0.2; exit 5', 'required', on_exit=Shutdown(reason='gone')),
                      ExecuteProcess(cmd=['sleep', '60'], name='other')) == 0
    assert time.monotonic() - begin < 10
    assert record.events == [('required', 5), ('other', -signal.SIGINT)]


def test_shutdown_events_carry_their_reason(record):
    reasons = []
    record.run(
        RegisterEventHandler(OnShutdown(on_shutdown=lambda event, context: reasons.append(
            (event.reason, event.due_to_sigint)))),
        ExecuteProcess(cmd=['sleep', '60'], name='p'),
        TimerAction(period=0.1, actions=[EmitEvent(event=ShutdownEvent(reason='enough'))]))
    assert reasons == [('enough', False)]
    assert record.events == [('p', -signal.SIGINT)]


def test_an_idle_launch_ends_with_its_reason(record):
    reasons = []
    record.run(RegisterEventHandler(OnShutdown(
        on_shutdown=lambda event, context: reasons.append(event.reason))))
    assert reasons == ['idle']


def test_respawn_has_a_delay_and_an_end(record):
    begin = time.monotonic()
    assert record.run(sh('exit 3', respawn=True, respawn_delay=0.2, respawn_max_retries=2)) == 0
    assert record.events == [('p', 3)] * 3
    assert time.monotonic() - begin > 0.35


def test_respawn_ends_with_the_launch(record):
    record.run(sh('sleep 0.05', respawn=LaunchConfiguration('again', default='true')),
               TimerAction(period=0.6, actions=[Shutdown()]))
    count = len(record.events)
    assert count >= 2


def test_timers_wait_and_can_be_cancelled(record):
    cancelled = TimerAction(period=0.3, actions=[record.note('cancelled')])
    begin = time.monotonic()
    record.run(cancelled,
               TimerAction(period=0.2, actions=[record.note('second')]),
               TimerAction(period=0.1, actions=[
                   record.note('first'), OpaqueFunction(function=lambda _: cancelled.cancel())]))
    assert record.events == [('first',), ('second',)]
    assert 0.2 <= time.monotonic() - begin < 5


def test_shutdown_cancels_timers(record):
    begin = time.monotonic()
    record.run(TimerAction(period=60.0, actions=[record.note('late')]), Shutdown())
    assert record.events == []
    assert time.monotonic() - begin < 10


def test_a_coroutine_is_awaited(record):
    async def coroutine(context, word):
        import asyncio

        await asyncio.sleep(0.1)
        record.events.append((word,))

    assert record.run(OpaqueCoroutine(coroutine=coroutine, args=['done'])) == 0
    assert record.events == [('done',)]


def test_processes_are_signalled_and_ended_one_by_one(record):
    first = sh("trap 'echo usr1; exit 0' USR1; echo ready; while :; do sleep 0.05; done", 'first')
    second = ExecuteProcess(cmd=['sleep', '60'], name='second')
    record.run(
        first, second,
        RegisterEventHandler(OnProcessIO(target_action=first, on_stdout=lambda event: (
            EmitEvent(event=SignalProcess(signal_number=signal.SIGUSR1,
                                          process_matcher=matches_action(first)))
            if b'ready' in event.text else None))),
        RegisterEventHandler(OnProcessExit(target_action=first, on_exit=[EmitEvent(
            event=ShutdownProcess(process_matcher=matches_action(second)))])))
    assert record.events == [('first', 0), ('second', -signal.SIGINT)]
    assert record.output['first', 'out'] == 'ready\nusr1\n'


@pytest.mark.parametrize('ignored, ending', [('INT', signal.SIGTERM),
                                             ('INT TERM', signal.SIGKILL)])
def test_stubborn_processes_are_ended_harder(record, ignored, ending):
    process = sh(f"trap '' {ignored}; echo ready; while :; do sleep 0.05; done", 'mule',
                 sigterm_timeout='0.3', sigkill_timeout='0.3')
    begin = time.monotonic()
    record.run(process, RegisterEventHandler(OnProcessIO(
        target_action=process, on_stdout=lambda event: EmitEvent(event=ShutdownEvent()))))
    assert record.events == [('mule', -ending)]
    assert time.monotonic() - begin < 5


def test_a_failure_ends_the_processes_that_run(record):
    begin = time.monotonic()
    assert record.run(ExecuteProcess(cmd=['sleep', '60'], name='p'), TimerAction(
        period=0.2, actions=[OpaqueFunction(function=lambda context: 1 / 0)])) == 1
    assert record.events == [('p', -signal.SIGINT)]
    assert time.monotonic() - begin < 10


def test_a_process_runs_once():
    process = sh('true')
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([process, process]))
    assert service.run() == 1


PROGRAM = """
import json, sys
from launch import LaunchDescription, LaunchService
from launch.actions import ExecuteProcess, LogInfo
options = json.loads(sys.argv[1])
service = LaunchService(noninteractive=options.pop('noninteractive', True))
service.include_launch_description(LaunchDescription([
    LogInfo(msg='the message'),
    ExecuteProcess(cmd=['sh', '-c', options.pop('script')], name='p', **options),
]))
sys.exit(service.run())
"""


@pytest.fixture
def start(tmp_path):
    """Start a launch as a process of its own; give it when the process under it is ready."""
    started = []

    def start(script, **options):
        process = subprocess.Popen(
            [sys.executable, '-c', PROGRAM, json.dumps({'script': script, **options})],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, 'ROS_LOG_DIR': str(tmp_path)})
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def read_until(process, text):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return ''.join(lines)
    raise AssertionError(f'{text!r} is not in {lines}')


@pytest.mark.parametrize('output, shown, logged, own', [
    ('screen', {'out', 'err'}, set(), set()),
    ('log', {'err'}, {'out', 'err'}, set()),
    ('both', {'out', 'err'}, {'out', 'err'}, set()),
    ('own_log', set(), set(), {'p-1-stdout.log', 'p-1-stderr.log', 'p-1.log'}),
    ('full', {'out', 'err'}, {'out', 'err'}, {'p-1-stdout.log', 'p-1-stderr.log', 'p-1.log'}),
    ({'stdout': 'screen', 'stderr': 'log'}, {'out'}, {'err'}, set()),
    ({'both': ['screen', 'log']}, {'out', 'err'}, {'out', 'err'}, set()),
])
def test_output_goes_where_it_is_told(start, tmp_path, output, shown, logged, own):
    process = start('echo out; echo err >&2', output=output)
    text = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert '[INFO] [launch.user]: the message' in text
    assert '[INFO] [p-1]: process has finished cleanly [pid ' in text
    folder, = (path for path in tmp_path.iterdir() if path.is_dir() and not path.is_symlink())
    log = (folder / 'launch.log').read_text()
    for word in ('out', 'err'):
        assert (f'\n[p-1] {word}\n' in text) == (word in shown)
        assert (f' [p-1] {word}\n' in log) == (word in logged)
    assert '[INFO] [launch.user]: the message' in log
    assert {path.name for path in folder.iterdir()} - {'launch.log'} == own
    for name in own:
        assert (folder / name).read_text().split() in (
            ['[p-1]', 'out'], ['[p-1]', 'err'], ['[p-1]', 'out', '[p-1]', 'err'],
            ['[p-1]', 'err', '[p-1]', 'out'])


def test_a_died_process_is_told_with_its_command(start):
    text = start('exit 3').communicate(timeout=30)[0]
    assert '[ERROR] [p-1]: process has died [pid ' in text
    assert ", exit code 3, cmd 'sh -c exit 3']." in text


WAITING = "trap 'echo interrupted; exit 0' INT; echo ready; while :; do sleep 0.05; done"


def test_ctrl_c_without_a_terminal_is_passed_on(start):
    process = start(WAITING, output='screen')
    read_until(process, 'ready')
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert '[WARNING] [launch]: user interrupted with ctrl-c (SIGINT)' in text
    assert "[INFO] [p-1]: sending signal 'SIGINT' to process[p-1]" in text
    assert '[p-1] interrupted' in text


def test_ctrl_c_in_a_terminal_reaches_the_processes_by_itself(start):
    process = start(WAITING, output='screen', noninteractive=False)
    read_until(process, 'ready')
    os.killpg(process.pid, signal.SIGINT)
    text = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert '[p-1] interrupted' in text
    assert 'sending signal' not in text


def test_a_second_ctrl_c_changes_nothing(start):
    process = start("trap 'echo ignored' INT; echo ready; while :; do sleep 0.05; done",
                    output='screen', sigterm_timeout='1')
    read_until(process, 'ready')
    process.send_signal(signal.SIGINT)
    read_until(process, 'ignored')
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=30)[0]
    assert 'user interrupted with ctrl-c (SIGINT) again, ignoring...' in text
    assert ("[ERROR] [p-1]: process[p-1] failed to terminate '1' seconds after receiving "
            "'SIGINT', escalating to 'SIGTERM'") in text
    assert 'exit code -15' in text
    assert process.returncode == 0
