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
"""Processes under test: finding them, and keeping the launch alive without any.

PYTEST_DONT_REWRITE
"""

import sys
from typing import Any

from launch.actions import ExecuteProcess

NO_CMD_ARGS = object()


class NoMatchingProcessException(Exception):
    """Say that no process matches."""


def KeepAliveProc() -> ExecuteProcess:
    """Return a process that does nothing until it is interrupted."""
    script = ('import signal, sys\nsignal.signal(signal.SIGINT, lambda *_: sys.exit())\n'
              'while True:\n    signal.pause()\n')
    return ExecuteProcess(cmd=[sys.executable, '-c', script])


def resolveProcesses(
    info_obj: Any, *, process: Any = None, cmd_args: Any = None,
    strict_proc_matching: bool = True,
) -> list[ExecuteProcess]:
    """Return the actions of the processes that match.

    :param info_obj: what holds the processes, such as proc_info or proc_output.
    :param process: an action, a part of the process's name, or None for all.
    :param cmd_args: arguments that a named process must have; NO_CMD_ARGS: none at all.
    :param strict_proc_matching: refuse a name that several processes match.
    :raises NoMatchingProcessException: if none matches.
    """
    processes = {action: (action.process_details['name'], action.process_details['cmd'][1:])
                 for action in info_obj.processes()}
    known = 'Procs: ' + ', '.join(
        sorted(f'{name} {" ".join(args)}' for name, args in processes.values()))
    if process is None:
        if not processes:
            raise NoMatchingProcessException('No data recorded for any process')
        return list(processes)
    if isinstance(process, ExecuteProcess):
        if process not in processes:
            raise NoMatchingProcessException(
                f"No data recorded for proc '{process.name}'. {known}")
        return [process]
    if not isinstance(process, str):
        raise TypeError(f"proc argument must be 'ExecuteProcess' or 'str' not {type(process)}")

    def has_wanted(args: list[str]) -> bool:
        if cmd_args is NO_CMD_ARGS:
            return not args
        return set([cmd_args] if isinstance(cmd_args, str) else cmd_args or ()) <= set(args)

    found = [action for action, (name, args) in processes.items()
             if process in name and has_wanted(args)]
    if not found:
        raise NoMatchingProcessException(f"Did not find any processes matching name '{process}' "
                                         f"and args '{cmd_args}'. {known}")
    if strict_proc_matching and len(found) > 1:
        raise Exception(f"Found multiple processes matching name '{process}' and cmd_args "
                        f"'{cmd_args}'. {known}")
    return found
