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
"""Log levels, the console's line format, and where log messages also go."""

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TextIO

from standalone_ros import log_file
from standalone_ros.arguments import Arguments

DEFAULT_LEVEL = 20
DEFAULT_FORMAT = '[{severity}] [{time}] [{name}]: {message}'
_NAMES = {10: 'DEBUG', 20: 'INFO', 30: 'WARN', 40: 'ERROR', 50: 'FATAL'}
_COLORS = {10: '\033[32m', 20: '\033[0m', 30: '\033[33m', 40: '\033[31m', 50: '\033[31m'}


class Record(NamedTuple):
    """One log message."""

    severity: int
    name: str
    message: str
    stamp_ns: int
    function: str
    file: str
    line: int


_levels: dict[str, int] = {}
_default_level = DEFAULT_LEVEL
_to_console = True
_users = 0
_users_lock = threading.RLock()
_file: TextIO | None = None
# A reference to what takes the records of a logger and its children, by the logger's name.
_sinks: dict[str, Callable[[], Callable[[Record], None] | None]] = {}


def configure(arguments: Arguments) -> None:
    """
    Apply the log arguments of a process, and start its log file; each is to be released.

    Raises OSError when there can be no such file.
    """
    global _default_level, _to_console, _users, _file
    with _users_lock:
        if _users == 0 and arguments.log_files:
            _file = log_file.create(arguments.log_file_name)
        _users += 1
        if arguments.default_log_level is not None:
            _default_level = arguments.default_log_level
        _levels.update(arguments.log_levels)
        _to_console = arguments.stdout


def release() -> None:
    """Undo one configure(): the last ends the log file."""
    global _users, _file
    with _users_lock:
        _users -= 1
        if _users == 0 and _file is not None:
            _file.close()
            _file = None


def warn_of_deprecated(arguments: Arguments) -> None:
    """Say how arguments in an old form are to be written."""
    for rule in arguments.deprecated:
        log(30, 'rcl', f"Found remap rule '{rule}'. This syntax is deprecated. "
                       f"Use '--ros-args --remap {rule}' instead.")


def reset() -> None:
    """Forget all levels."""
    global _default_level
    _levels.clear()
    _default_level = DEFAULT_LEVEL


def set_level(name: str, level: int) -> None:
    """Set a logger's own level; 0 takes it back; the empty name is the default of all."""
    global _default_level
    if not name:
        _default_level = level or DEFAULT_LEVEL
    else:
        _levels[name] = level


def level(name: str) -> int:
    """Return a logger's own level, 0 when it has none."""
    return _levels.get(name, 0) if name else _default_level


def effective_level(name: str) -> int:
    """Return the level of a logger: its own, its nearest ancestor's, or the default."""
    while name:
        if own := _levels.get(name):
            return own
        name = name.rpartition('.')[0]
    return _default_level


def add_sink(name: str, sink: Callable[[], Callable[[Record], None] | None]) -> None:
    """Send messages of the logger `name` and its children also to what `sink` refers to."""
    _sinks[name] = sink


def remove_sink(name: str, sink: Callable[[], Callable[[Record], None] | None]) -> None:
    """Undo add_sink()."""
    if _sinks.get(name) == sink:
        del _sinks[name]


def _format(record: Record) -> str:
    seconds, nanoseconds = divmod(record.stamp_ns, 10**9)
    values: dict[str, Any] = {
        'severity': _NAMES.get(record.severity, 'UNSET'),
        'name': record.name,
        'message': record.message,
        'function_name': record.function,
        'file_name': record.file,
        'line_number': record.line,
        'time': f'{seconds}.{nanoseconds:09d}',
        'time_as_nanoseconds': record.stamp_ns,
    }
    form = os.environ.get('RCUTILS_CONSOLE_OUTPUT_FORMAT') or DEFAULT_FORMAT
    for escape, char in ((r'\n', '\n'), (r'\t', '\t'), (r'\r', '\r'), (r'\a', '\a'),
                         (r'\b', '\b'), (r'\x1b', '\x1b')):
        form = form.replace(escape, char)
    if '{date_time_with_ms}' in form:
        values['date_time_with_ms'] = (
            time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(seconds))
            + f'.{nanoseconds // 10**6:03d}')
    return re.sub(r'\{(\w+)\}', lambda m: str(values.get(m[1], m[0])), form)


def log(
    severity: int, name: str, message: str, function: str = '', file: str = '', line: int = 0,
) -> None:
    """Write a message to the console and to the sinks of its logger."""
    record = Record(severity, name, message, time.time_ns(), function, file, line)
    text = _format(record)
    if _to_console:
        stream = sys.stdout if os.environ.get('RCUTILS_LOGGING_USE_STDOUT') == '1' else sys.stderr
        colored = os.environ.get('RCUTILS_COLORIZED_OUTPUT')
        try:
            on, off = ((_COLORS.get(severity, ''), '\033[0m') if colored == '1' or (
                not colored and stream.isatty()) else ('', ''))
            stream.write(f'{on}{text}{off}\n')
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # nobody is there to read it any more
    if (log_to := _file) is not None:
        try:
            log_to.write(f'{text}\n')
        except (OSError, ValueError):
            pass  # the disk is full, or another thread ended logging
    while name:
        if (reference := _sinks.get(name)) is not None:
            if (sink := reference()) is not None:
                sink(record)
            return
        name = name.rpartition('.')[0]
