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

import signal as signals
from collections.abc import Callable
from typing import Any

from ..event import Event


class RunningProcessEvent(Event):
    """Tell something about a process: its action, name, cmd, cwd, env and pid."""

    def __init__(self, *, action: Any, name: str, cmd: list[str], cwd: str | None,
                 env: dict[str, str] | None, pid: int) -> None:
        self.action, self.execute_process_action = action, action
        self.process_name, self.cmd, self.cwd, self.env, self.pid = name, cmd, cwd, env, pid


class ProcessStarted(RunningProcessEvent):
    """Say that a process runs."""


class ProcessExited(RunningProcessEvent):
    """Say that a process has ended; a negative ``returncode`` is the signal that ended it."""

    def __init__(self, *, returncode: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.returncode = returncode


class ProcessIO(RunningProcessEvent):
    """Carry ``text`` (bytes) that a process wrote: fd 1 is stdout, 2 is stderr."""

    def __init__(self, *, text: bytes, fd: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.text, self.fd = text, fd
        self.from_stdin, self.from_stdout, self.from_stderr = (fd == n for n in range(3))


class ProcessStdin(ProcessIO):
    """Carry text for a process's standard input."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fd=0, **kwargs)


class ProcessStdout(ProcessIO):
    """Carry text that a process wrote to its standard output."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fd=1, **kwargs)


class ProcessStderr(ProcessIO):
    """Carry text that a process wrote to its standard error."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fd=2, **kwargs)


class ProcessTargetedEvent(Event):
    """Be meant for the processes that the matcher accepts."""

    def __init__(self, *, process_matcher: Callable[[Any], bool]) -> None:
        self.process_matcher = process_matcher


class ShutdownProcess(ProcessTargetedEvent):
    """Ask for a process to be ended: SIGINT, then SIGTERM, then SIGKILL."""


class SignalProcess(ProcessTargetedEvent):
    """Ask for a signal to be sent to a process."""

    def __init__(self, *, signal_number: str | signals.Signals,
                 process_matcher: Callable[[Any], bool]) -> None:
        super().__init__(process_matcher=process_matcher)
        self.signal = signal_number
        self.signal_name = signal_number if isinstance(signal_number, str) else signal_number.name


def _matches(test: Callable[[dict], bool]) -> Callable[[Any], bool]:
    return lambda action: bool(action.process_details) and test(action.process_details)


def matches_pid(pid: int) -> Callable[[Any], bool]:
    """Return a matcher of the process with this id."""
    return _matches(lambda details: details['pid'] == pid)


def matches_name(name: str) -> Callable[[Any], bool]:
    """Return a matcher of the process with this name, such as ``node-1``."""
    return _matches(lambda details: details['name'] == name)


def matches_executable(executable: str) -> Callable[[Any], bool]:
    """Return a matcher of processes whose executable's path ends so."""
    return _matches(lambda details: details['cmd'][0].endswith(executable))
