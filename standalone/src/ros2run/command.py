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

"""The ``ros2 run`` command."""

from __future__ import annotations

import argparse
import shlex
import signal
import subprocess
from functools import partial
from types import FrameType
from typing import Any

from ros2cli.verbs import add_options, option
from ros2pkg.api import MultipleExecutables, PackageNotFound, get_executable_path


def run_executable(*, path: str, argv: list[str], prefix: list[str] | None = None) -> int:
    """Run a program to its end and return its exit status.

    Ctrl-C is left to the program, which gets it from the terminal; SIGTERM is passed on to it.
    """
    process: subprocess.Popen | None = None
    pending: list[int] = []

    def forward(signum: int, frame: FrameType | None) -> None:
        if process is None:
            pending.append(signum)
        else:
            process.send_signal(signum)

    previous: dict[Any, Any] = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, forward),
        # A handler, unlike SIG_IGN, is not inherited by the program.
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
    }
    try:
        process = subprocess.Popen([*(prefix or ()), path, *argv])
        for signum in pending:
            process.send_signal(signum)
        returncode = process.wait()
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)
    if returncode < 0:
        print('[ros2run]:', signal.strsignal(-returncode))
    elif returncode > 0:
        print('[ros2run]: Process exited with failure', returncode)
    return returncode


def _main(args: argparse.Namespace) -> int | str:
    try:
        path = get_executable_path(package_name=args.package_name,
                                   executable_name=args.executable_name)
    except PackageNotFound:
        raise RuntimeError(f"Package '{args.package_name}' not found") from None
    except MultipleExecutables as error:
        raise RuntimeError('\n- '.join(['Multiple executables found:', *error.paths])) from None
    if path is None:
        return 'No executable found'
    prefix = shlex.split(args.prefix) if args.prefix is not None else None
    return run_executable(path=path, argv=args.argv, prefix=prefix)


add_arguments = partial(add_options, main=_main, options=(
    option('--prefix', help='Prefix command, which should go before the executable. Command must '
           "be wrapped in quotes if it contains spaces (e.g. --prefix 'gdb -ex run --args')."),
    option('package_name', help='Name of the ROS package'),
    option('executable_name', help='Name of the executable'),
    option('argv', nargs=argparse.REMAINDER,
           help='Pass arbitrary arguments to the executable'),
))
