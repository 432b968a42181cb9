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
"""The log file of a process: `python3_4711_1700000000000.log` in the log directory."""

import os
import sys
import time
from pathlib import Path
from typing import TextIO


def directory() -> Path:
    """Return where log files belong: ROS_LOG_DIR, or `log` in ROS_HOME, by default in ~/.ros."""
    if chosen := os.environ.get('ROS_LOG_DIR'):
        return Path(chosen).expanduser()
    return Path(os.environ.get('ROS_HOME') or '~/.ros').expanduser() / 'log'


def create(name: str | None) -> TextIO:
    """Create the file of this process, named after its program by default; raises OSError."""
    folder = directory()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"Failed to create log directory '{folder}': {error.strerror}") from None
    program = name or Path(sys.orig_argv[0]).name
    path = folder / f'{program}_{os.getpid()}_{time.time_ns() // 10**6}.log'
    # Line by line, so that what a crash interrupts is there up to the last message.
    return path.open('a', buffering=1, encoding='utf-8', errors='backslashreplace')
