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

"""Assertions on exit codes and output of processes.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .tools import build_text_match, remove_ansi_escape_sequences
from .util import NO_CMD_ARGS, resolveProcesses

EXIT_OK = 0
EXIT_SIGINT = 130
EXIT_SIGQUIT = 131
EXIT_SIGKILL = 137
EXIT_SIGSEGV = 139
EXIT_FORCED = 1


def assertExitCodes(
    proc_info: Any, allowable_exit_codes: Sequence[int] = (EXIT_OK,), process: Any = None,
    cmd_args: Any = None, *, strict_proc_matching: bool = True,
) -> None:
    """Assert that the processes (by default all) ended with an allowed exit code."""
    for code in allowable_exit_codes:
        assert isinstance(code, int), f'Provided exit code {code} is not an int'
    for action in resolveProcesses(proc_info, process=process, cmd_args=cmd_args,
                                   strict_proc_matching=strict_proc_matching):
        info = proc_info[action]
        assert hasattr(info, 'returncode'), f'Proc {info.process_name} has not exited'
        assert info.returncode in allowable_exit_codes, (
            f'Proc {info.process_name} exited with code {info.returncode}')


def assertInStream(
    proc_output: Any, expected_output: Any, process: Any, cmd_args: Any = None, *,
    output_filter: Callable[[str], str] | None = None, strict_proc_matching: bool = True,
    strip_ansi_escape_sequences: bool = True, stream: str = 'stderr',
) -> None:
    """Assert that a process wrote the expected text, pattern, or sequence of these.

    :param stream: stdout or stderr.
    """
    if output_filter is not None and not callable(output_filter):
        raise ValueError('output_filter is not callable')
    if stream not in ('stdout', 'stderr'):
        raise ValueError("Invalid value for stream; must be 'stdout' or 'stderr'")
    match = build_text_match(expected_output)
    actions = resolveProcesses(proc_output, process=process, cmd_args=cmd_args,
                               strict_proc_matching=strict_proc_matching)
    for action in actions:
        text = b''.join(item.text for item in proc_output[action]
                        if getattr(item, f'from_{stream}')).decode(errors='replace')
        if strip_ansi_escape_sequences:
            text = remove_ansi_escape_sequences(text)
        if output_filter is not None:
            text = output_filter(text)
        if match(text) is not None:
            return
    names = ', '.join(sorted(str(action.name) for action in actions))
    raise AssertionError(f"Did not find '{expected_output}' in output for any of the matching "
                         f'processes: {names}')


def assertInStdout(*args: Any, **kwargs: Any) -> None:
    """Assert that a process wrote something to stdout, see ``assertInStream()``."""
    assertInStream(*args, stream='stdout', **kwargs)


def assertInStderr(*args: Any, **kwargs: Any) -> None:
    """Assert that a process wrote something to stderr, see ``assertInStream()``."""
    assertInStream(*args, stream='stderr', **kwargs)


def assertDefaultStream() -> str:
    """Return the stream that ``assertInStream()`` looks at by default."""
    return 'stderr'


class SequentialTextChecker:
    """Find texts in pieces of output, each after the one found before."""

    def __init__(self, output: Sequence[str]) -> None:
        self._text = ''.join(output)
        self._position = 0

    def assertInText(self, msg: str) -> None:
        found = self._text.find(msg, self._position)
        assert found >= 0, (
            f"'{msg}' not found in sequence after previous match.  The output near the last "
            f'matched line:\n{self._text[max(0, self._position - 200):self._position + 200]}')
        self._position = found + len(msg)

    assertInStdout = assertInText


@contextmanager
def assertSequentialStdout(
    proc_output: Any, process: Any, cmd_args: Any = None
) -> Iterator[SequentialTextChecker]:
    """Give a checker that asserts texts in a process's output in order."""
    action = resolveProcesses(proc_output, process=process, cmd_args=cmd_args)[0]
    yield SequentialTextChecker(
        [item.text.decode(errors='replace') for item in proc_output[action]])


__all__ = ['EXIT_FORCED', 'EXIT_OK', 'EXIT_SIGINT', 'EXIT_SIGKILL', 'EXIT_SIGQUIT', 'EXIT_SIGSEGV',
           'NO_CMD_ARGS', 'SequentialTextChecker', 'assertDefaultStream', 'assertExitCodes',
           'assertInStderr', 'assertInStdout', 'assertInStream', 'assertSequentialStdout']
