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
"""Record who worked when, as a file that chrome://tracing and ui.perfetto.dev show."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO

WAITING_LIMIT = 100_000
"""Events that may wait for ``flush``; older ones are lost beyond that."""

FILE_LIMIT = 2_000_000
"""Events after which a file is full: some hundred megabytes."""

# Each file's first event names a thread.
_BEGINNING = b'[\n{"name": "thread_name"'
_EMPTY = b'[\n{}]\n'


class _Event(NamedTuple):
    name: str
    thread: int
    thread_name: str
    began_ns: int
    ended_ns: int
    arguments: dict[str, Any]


class Trace:
    """
    Write a trace in the Chrome trace format: complete events, a lane per thread.

    Entering an event costs a microsecond or two, from any thread; files are only touched by
    ``flush`` and ``close``. What is in the file at any time can be opened. Times are of the
    clock ``time.monotonic_ns``.

    :raises OSError: if the file can't be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._file: TextIO | None = self.path.open('w', encoding='utf-8')
        # The format allows the closing bracket to be missing.
        self._file.write('[\n')
        self._lock = threading.Lock()
        self._waiting: deque[_Event] = deque(maxlen=WAITING_LIMIT)
        self._named: set[int] = set()
        self._process = os.getpid()
        self._written = 0
        self._thread = threading.local()

    def add(self, name: str, began_ns: int, ended_ns: int, **arguments: Any) -> None:
        """Enter what the calling thread did from ``began_ns`` to ``ended_ns``."""
        try:
            thread, thread_name = self._thread.known
        except AttributeError:
            thread, thread_name = threading.get_native_id(), threading.current_thread().name
            self._thread.known = thread, thread_name
        self._waiting.append(_Event(name, thread, thread_name, began_ns, ended_ns, arguments))

    @contextmanager
    def span(self, name: str, **arguments: Any) -> Iterator[None]:
        """Enter the time that the block takes."""
        began_ns = time.monotonic_ns()
        try:
            yield
        finally:
            self.add(name, began_ns, time.monotonic_ns(), **arguments)

    def flush(self) -> None:
        """Write what was entered; not in a thread that frames wait for."""
        with self._lock:
            if self._file is None:
                return
            lines = []
            while self._waiting and self._written < FILE_LIMIT:
                lines += self._lines(self._waiting.popleft())
                self._written += 1
            self._file.write(''.join(lines))
            self._file.flush()

    def close(self) -> None:
        """
        Write the rest, as far as the disk has room, and close the file.

        What is entered after that is lost.
        """
        with suppress(OSError):
            self.flush()
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                with suppress(OSError):
                    file.write('{}]\n')
                with suppress(OSError):
                    file.close()

    def __enter__(self) -> Trace:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def _lines(self, event: _Event) -> list[str]:
        lines = []
        if event.thread not in self._named:
            self._named.add(event.thread)
            lines.append(_line({'name': 'thread_name', 'ph': 'M', 'pid': self._process,
                                'tid': event.thread, 'args': {'name': event.thread_name}}))
        lines.append(_line({
            'name': event.name, 'ph': 'X', 'pid': self._process, 'tid': event.thread,
            'ts': event.began_ns / 1e3, 'dur': (event.ended_ns - event.began_ns) / 1e3,
            'args': event.arguments}))
        return lines


def may_replace(path: str | Path) -> bool:
    """
    Tell whether nothing is lost if a trace is written to ``path`` but an older trace.

    :raises OSError: if a file is there that can't be read.
    :raises ValueError: if no file can have that name.
    """
    path = Path(path).expanduser()
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return True
    if not stat.S_ISREG(mode):
        return False
    with path.open('rb') as file:
        start = file.read(len(_BEGINNING))
    return _BEGINNING.startswith(start) or start == _EMPTY


def _line(event: dict[str, Any]) -> str:
    return json.dumps(event, default=str) + ',\n'
