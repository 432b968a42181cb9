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

"""The events of processes, and matchers of processes."""

from __future__ import annotations

import signal as signals
from collections.abc import Callable
from typing import Any

from ..event import Event


class RunningProcessEvent(Event):
    """Tell something about a process: its action, name, cmd, cwd, env and pid."""

    name = 'launch.events.process.RunningProcessEvent'

    def __init__(self, *, action: Any, name: str, cmd: list[str], cwd: str | None,
                 env: dict[str, str] | None, pid: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.action, self.execute_process_action = action, action
        self.process_name, self.cmd, self.cwd, self.env, self.pid = name, cmd, cwd, env, pid


class ProcessStarted(RunningProcessEvent):
    """Say that a process runs."""

    name = 'launch.events.process.ProcessStarted'


class ProcessExited(RunningProcessEvent):
    """Say that a process has ended; a negative ``returncode`` is the signal that ended it."""

    name = 'launch.events.process.ProcessExited'

    def __init__(self, *, returncode: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.returncode = returncode


class ProcessIO(RunningProcessEvent):
    """Carry ``text`` (bytes) that a process wrote: fd 1 is stdout, 2 is stderr."""

    name = 'launch.events.process.ProcessIO'

    def __init__(self, *, text: bytes, fd: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.text, self.fd = text, fd

    @property
    def from_stdin(self) -> bool:
        return self.fd == 0

    @property
    def from_stdout(self) -> bool:
        return self.fd == 1

    @property
    def from_stderr(self) -> bool:
        return self.fd == 2


class ProcessStdin(ProcessIO):
    """Carry text for a process's standard input."""

    name = 'launch.events.process.ProcessStdin'

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=0, **kwargs)


class ProcessStdout(ProcessIO):
    """Carry text that a process wrote to its standard output."""

    name = 'launch.events.process.ProcessStdout'

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=1, **kwargs)


class ProcessStderr(ProcessIO):
    """Carry text that a process wrote to its standard error."""

    name = 'launch.events.process.ProcessStderr'

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=2, **kwargs)


class ProcessTargetedEvent(Event):
    """Be meant for the processes that the matcher accepts."""

    name = 'launch.events.process.ProcessTargetedEvent'

    def __init__(self, *, process_matcher: Callable[[Any], bool]) -> None:
        self.process_matcher = process_matcher


class ShutdownProcess(ProcessTargetedEvent):
    """Ask for a process to be ended: SIGINT, then SIGTERM, then SIGKILL."""

    name = 'launch.events.process.ShutdownProcess'


class SignalProcess(ProcessTargetedEvent):
    """Ask for a signal to be sent to a process."""

    name = 'launch.events.process.SignalProcess'

    def __init__(self, *, signal_number: str | signals.Signals,
                 process_matcher: Callable[[Any], bool]) -> None:
        super().__init__(process_matcher=process_matcher)
        self.signal = signal_number

    @property
    def signal_name(self) -> str:
        return self.signal if isinstance(self.signal, str) else self.signal.name


def matches_pid(pid: int) -> Callable[[Any], bool]:
    """Return a matcher of the process with this id."""
    return lambda action: bool(action.process_details) and action.process_details['pid'] == pid


def matches_name(name: str) -> Callable[[Any], bool]:
    """Return a matcher of the process with this name, such as ``node-1``."""
    return lambda action: bool(action.process_details) and action.process_details['name'] == name


def matches_executable(executable: str) -> Callable[[Any], bool]:
    """Return a matcher of processes whose executable's path ends so."""
    return lambda action: (
        bool(action.process_details) and action.process_details['cmd'][0].endswith(executable)
    )
