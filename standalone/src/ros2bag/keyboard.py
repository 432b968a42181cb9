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
"""Keys pressed in the terminal."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable
from types import TracebackType

SPACE, UP, DOWN, RIGHT = ' ', '\x1b[A', '\x1b[B', '\x1b[C'


class Keyboard:
    """Calls the action of each key, on a thread of its own, while it is open."""

    def __init__(self) -> None:
        self.actions: dict[str, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None
        self._end, self._ended = os.pipe()
        self._settings: list | None = None
        if not sys.stdin.isatty():
            print('stdin is not a terminal device. Keyboard handling disabled.', end='',
                  file=sys.stderr, flush=True)

    def __enter__(self) -> None:
        if not sys.stdin.isatty():
            return
        self._settings = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        self._thread = threading.Thread(target=self._watch, name='keyboard', daemon=True)
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        os.close(self._ended)
        if self._thread is not None and self._settings is not None:
            self._thread.join()
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._settings)
        os.close(self._end)

    def _watch(self) -> None:
        source = sys.stdin.fileno()
        while True:
            ready, _, _ = select.select([source, self._end], [], [])
            if self._end in ready:
                return
            keys = os.read(source, 16).decode(errors='ignore')
            if not keys:
                return
            action = self.actions.get(keys)
            if action:
                action()
