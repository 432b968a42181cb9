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
"""The action that runs a process."""

import asyncio
import codecs
import contextlib
import itertools
import os
import re
import shlex
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .. import events
from .. import logging as launch_logging
from ..action import Action
from ..conditions import evaluate_condition_expression
from ..event_handlers import OnActionEventBase, OnProcessExit, OnShutdown
from ..launch_context import LaunchContext
from ..launch_description_entity import LaunchDescriptionEntity
from ..subprocess_transport import SubprocessTransport, start_subprocess
from ..substitution import SomeSubstitutionsType
from ..substitutions import LaunchConfiguration
from ..utilities import (
    normalize_to_list_of_substitutions,
    optional_substitutions,
    perform_substitutions,
)
from ..utilities.type_utils import normalize_typed_substitution, perform_typed_substitution

_counter = itertools.count(1)


@contextlib.contextmanager
def _reported(context: LaunchContext) -> Iterator[None]:
    """Have the launch fail of an exception, seen with the next event, instead of raising it."""
    try:
        yield
    except Exception as error:
        failed = context.asyncio_loop.create_future()
        failed.set_exception(error)
        context.add_completion_future(failed)


class _Output:
    """Cut one stream of a process into lines for its logger."""

    def __init__(self, log_line: Callable[[str], None], cached: bool) -> None:
        self.text = ''
        self._log_line, self._cached, self._pending = log_line, cached, ''
        self._decoder = codecs.getincrementaldecoder('utf-8')('replace')

    def write(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        if self._cached:
            self.text += text
        *lines, self._pending = (self._pending + text).split('\n')
        for line in lines:
            self._log_line(line)

    def flush(self) -> None:
        """Log a last line that has no end."""
        rest, self._pending = self._pending + self._decoder.decode(b'', True), ''
        self._decoder.reset()
        if rest:
            self._log_line(rest)


class ExecuteProcess(Action):
    """Run a command as a process, show its output, and end it with the launch.

    :param cmd: the executable and its arguments, each a text or substitutions.
    :param prefix: a command to put before it; launch configuration ``launch-prefix`` by default.
    :param name: the label in the output; the executable's base name by default.
    :param env: the whole environment of the process; ``additional_env``: what to add to it.
    :param sigterm_timeout: seconds from SIGINT to SIGTERM; by default the launch configuration of
        that name, or 5. ``sigkill_timeout``: seconds from SIGTERM to SIGKILL, likewise.
    :param emulate_tty: give the process terminals for its output.
    :param output: where output goes, see ``launch.logging.get_output_loggers()``.
    :param on_exit: entities, or ``callable(event, context)`` that returns some.
    :param respawn: start it again when it ends, after ``respawn_delay`` seconds,
        ``respawn_max_retries`` times (negative: always).

    ``cmd`` and ``name`` are substitutions before execution, and texts from then on;
    ``process_details`` has action, name, cmd, cwd, env and pid, and is None before.
    """

    def __init__(
        self, *, cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None, name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Mapping[Any, SomeSubstitutionsType] | None = None,
        additional_env: Mapping[Any, SomeSubstitutionsType] | None = None, shell: bool = False,
        sigterm_timeout: SomeSubstitutionsType = LaunchConfiguration(  # noqa: B008
            'sigterm_timeout', default=5),
        sigkill_timeout: SomeSubstitutionsType = LaunchConfiguration(  # noqa: B008
            'sigkill_timeout', default=5),
        emulate_tty: bool = False, output: Any = 'log',
        output_format: str = '[{this.process_description.final_name}] {line}',
        cached_output: bool = False, log_cmd: bool = False, on_exit: Any = None,
        respawn: bool | SomeSubstitutionsType = False, respawn_delay: float | None = None,
        respawn_max_retries: int = -1, **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)

        def pairs(items: Mapping | None) -> list[tuple] | None:
            return None if items is None else [
                (normalize_to_list_of_substitutions(k), normalize_to_list_of_substitutions(v))
                for k, v in items.items()]

        self.cmd: list[Any] = [normalize_to_list_of_substitutions(x) for x in cmd]
        self.name: Any = optional_substitutions(name)
        self.final_name: str | None = None
        self.process_description = self
        self.process_details: dict[str, Any] | None = None
        self.__prefix, self.cwd = optional_substitutions(prefix), optional_substitutions(cwd)
        self.env, self.additional_env = pairs(env), pairs(additional_env)
        self.shell, self.emulate_tty = shell, emulate_tty
        self.sigterm_timeout = normalize_to_list_of_substitutions(sigterm_timeout)
        self.sigkill_timeout = normalize_to_list_of_substitutions(sigkill_timeout)
        output = os.environ.get('OVERRIDE_LAUNCH_PROCESS_OUTPUT', output)
        self.output = output if isinstance(output, dict) else (
            normalize_to_list_of_substitutions(output))
        self.__output_format, self.__cached_output = output_format, cached_output
        self.__log_cmd, self.__on_exit = log_cmd, on_exit
        self.__respawn = normalize_typed_substitution(respawn, bool)
        self.__respawn_delay = respawn_delay
        self.__respawns_left = respawn_max_retries if respawn_max_retries >= 0 else float('inf')
        self.__logger: Any = None
        self.__transport: SubprocessTransport | None = None
        self.__completed: Any = None  # Futures, from execution on.
        self.__shutdown: Any = None
        self.__escalation: asyncio.Task | None = None
        self.__output: dict[int, _Output] = {}

    @property
    def return_code(self) -> int | None:
        """Give the exit status; negative: the signal that ended it; None: it runs."""
        return None if self.__transport is None else self.__transport.returncode

    def get_stdout(self) -> str:
        """Give all that was written to stdout; needs ``cached_output``."""
        return self.__cached(1, 'stdout')

    def get_stderr(self) -> str:
        """Give all that was written to stderr; needs ``cached_output``."""
        return self.__cached(2, 'stderr')

    def __cached(self, fd: int, stream: str) -> str:
        if not self.__cached_output:
            raise RuntimeError(
                f"cached output must be true to be able to get {stream}, proc '{self.name}'")
        return self.__output[fd].text if self.__output else ''

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return self.__on_exit if isinstance(self.__on_exit, list) else []

    def get_asyncio_future(self) -> asyncio.Future | None:
        return self.__completed

    def execute(self, context: LaunchContext) -> Any:
        """Prepare the process and its event handlers, and schedule its start."""
        if self.final_name is not None:
            raise RuntimeError(f"ExecuteProcess action '{self.name}': executed more than once: "
                               f'{self.describe()}')
        self.__prepare(context)
        assert self.final_name is not None
        if context.is_shutdown:
            return
        self.__logger = launch_logging.get_logger(self.final_name)
        output = self.output if isinstance(self.output, dict) else (
            perform_substitutions(context, self.output))
        loggers = launch_logging.get_output_loggers(self.final_name, output)
        self.__output = {fd: _Output(self.__line_logger(logger), self.__cached_output)
                         for fd, logger in zip((1, 2), loggers, strict=True)}

        def handler(event: type, on_event: Callable) -> OnActionEventBase:
            return OnActionEventBase(action_matcher=None, on_event=on_event,
                                     target_event_cls=event, target_action_cls=ExecuteProcess)

        for each in (handler(events.process.ShutdownProcess, self.__on_shutdown_process),
                     handler(events.process.SignalProcess, self.__on_signal_process),
                     OnShutdown(on_shutdown=self.__on_shutdown),
                     OnProcessExit(target_action=self, on_exit=self.__on_exit)):
            context.register_event_handler(each)
        self.__completed = context.asyncio_loop.create_future()
        self.__shutdown = context.asyncio_loop.create_future()
        self.__task = context.asyncio_loop.create_task(self.__run(context))

    def __prepare(self, context: LaunchContext) -> None:
        def text(subs: Any) -> str:
            return perform_substitutions(context, subs)

        cmd = [text(x) for x in self.cmd]
        name = os.path.basename(cmd[0]) if self.name is None else text(self.name)
        configurations = context.launch_configurations
        if self.__prefix is not None:
            cmd = shlex.split(text(self.__prefix)) + cmd
        elif re.match(configurations.get('launch-prefix-filter', ''), os.path.basename(cmd[0])):
            prefix = shlex.split(configurations.get('launch-prefix', ''))
            if prefix and self.name is None:
                name = os.path.basename(prefix[0])
            cmd = prefix + cmd
        env = dict(context.environment) if self.env is None else {}
        for key, value in (*(self.env or ()), *(self.additional_env or ())):
            env[text(key)] = text(value)
        self.__respawn = perform_typed_substitution(context, self.__respawn, bool)
        cwd = None if self.cwd is None else text(self.cwd)
        self.cmd, self.name = cmd, f'{name}-{next(_counter)}'
        self.final_name = self.name
        self.process_details = {
            'action': self, 'name': self.name, 'cmd': cmd, 'cwd': cwd, 'env': env}

    def __shown_cmd(self) -> str:
        return ' '.join(part for part in self.cmd if part.strip())

    def __line_logger(self, logger: Any) -> Callable[[str], None]:
        return lambda line: logger.info(self.__output_format.format(line=line, this=self))

    async def __run(self, context: LaunchContext) -> None:
        try:
            while await self.__run_once(context) and self.__wants_respawn(context):
                self.__respawns_left -= 1
                if self.__respawn_delay:
                    await asyncio.wait([self.__shutdown], timeout=self.__respawn_delay)
                if self.__shutdown.done():
                    break
        finally:
            if self.__escalation is not None:
                self.__escalation.cancel()
            if not self.__completed.done():
                self.__completed.set_result(None)

    def __wants_respawn(self, context: LaunchContext) -> bool:
        return bool(self.__respawn and self.__respawns_left > 0 and not context.is_shutdown
                    and not self.__shutdown.done())

    async def __run_once(self, context: LaunchContext) -> bool:
        """Run the process from start to end; return False if it could not be started."""
        if context.is_shutdown or self.__shutdown.done():
            return False
        details: Any = self.process_details
        if self.__log_cmd:
            self.__logger.info(f"process details: cmd='{self.__shown_cmd()}', "
                               f"cwd='{details['cwd']}', custom_env?={details['env'] is not None}")
        emulate_tty = self.emulate_tty
        if 'emulate_tty' in context.launch_configurations:
            emulate_tty = evaluate_condition_expression(
                context, normalize_to_list_of_substitutions(
                    context.launch_configurations['emulate_tty']))

        def on_start(pid: int) -> None:
            details['pid'] = pid
            self.__logger.info(f'process started with pid [{pid}]')
            context.emit_event_sync(events.process.ProcessStarted(**details))

        def on_output(fd: int, data: bytes) -> None:
            with _reported(context):
                self.__output[fd].write(data)
            event = events.process.ProcessStdout if fd == 1 else events.process.ProcessStderr
            context.emit_event_sync(event(text=data, **details))

        try:
            self.__transport = transport = await start_subprocess(
                details['cmd'], cwd=details['cwd'], env=details['env'], shell=self.shell,
                emulate_tty=emulate_tty, on_output=on_output, on_start=on_start)
        except Exception:
            self.__logger.error(
                f'exception occurred while executing process:\n{traceback.format_exc()}')
            return False
        context._running_processes.add(transport)
        if self.__shutdown.done():
            # Asked to end while it was being started, when there was nothing to signal yet.
            self.__begin_escalation(context)
            self.__signal('SIGINT')
        try:
            returncode = await transport.wait()
        finally:
            context._running_processes.discard(transport)
        for stream in self.__output.values():
            with _reported(context):
                stream.flush()
        if returncode == 0:
            self.__logger.info(f'process has finished cleanly [pid {transport.pid}]')
        else:
            self.__logger.error(f'process has died [pid {transport.pid}, exit code {returncode}, '
                                f"cmd '{self.__shown_cmd()}'].")
        context.emit_event_sync(events.process.ProcessExited(returncode=returncode, **details))
        return True

    def __on_shutdown(self, event: events.Shutdown, context: LaunchContext) -> None:
        # Ctrl-C in a terminal reaches the processes without our doing.
        self._shutdown_process(
            context, send_sigint=not event.due_to_sigint or context.noninteractive)

    def __on_shutdown_process(self, event: Any, context: LaunchContext) -> None:
        if event.process_matcher(self):
            self._shutdown_process(context, send_sigint=True)

    def _shutdown_process(self, context: LaunchContext, *, send_sigint: bool) -> None:
        if self.__shutdown is None or self.__shutdown.done():
            return
        self.__shutdown.set_result(None)
        if self.__is_running():
            self.__begin_escalation(context)
            if send_sigint:
                context.emit_event_sync(events.process.SignalProcess(
                    signal_number=signal.SIGINT, process_matcher=events.matches_action(self)))

    def __is_running(self) -> bool:
        return self.__transport is not None and self.__transport.returncode is None

    def __begin_escalation(self, context: LaunchContext) -> None:
        self.__escalation = context.asyncio_loop.create_task(self.__escalate(context))

    async def __escalate(self, context: LaunchContext) -> None:
        to_term = perform_substitutions(context, self.sigterm_timeout)
        to_kill = float(perform_substitutions(context, self.sigkill_timeout))
        for seconds, shown, before, after in (
            (float(to_term), to_term, 'SIGINT', 'SIGTERM'),
            (to_kill, float(to_term) + to_kill, 'SIGTERM', 'SIGKILL'),
        ):
            await asyncio.sleep(seconds)
            self.__logger.error(f"process[{self.name}] failed to terminate '{shown}' "
                                f"seconds after receiving '{before}', escalating to '{after}'")
            self.__signal(after)

    def __on_signal_process(self, event: Any, context: LaunchContext) -> None:
        if event.process_matcher(self):
            self.__signal(event.signal_name)

    def __signal(self, name: str) -> None:
        if self.__transport is None or not self.__is_running():
            self.__logger.debug(
                f"signal '{name}' not sent to '{self.name}' because it does not run")
            return
        self.__logger.info(f"sending signal '{name}' to process[{self.name}]")
        self.__transport.send_signal(signal.Signals[name])
