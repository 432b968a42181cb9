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

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SPACE, UP, DOWN, RIGHT = ' ', '\x1b[A', '\x1b[B', '\x1b[C'


def tell_if_deaf() -> None:
    """Say it where there is no keyboard."""
    if not sys.stdin.isatty():
        print('stdin is not a terminal device. Keyboard handling disabled.', end='',
              file=sys.stderr, flush=True)


@contextmanager
def keys(actions: dict[str, Callable[[], object]]) -> Iterator[None]:
    """Call the action of each key that is pressed meanwhile, on a thread."""
    if not sys.stdin.isatty():
        yield
        return
    source = sys.stdin.fileno()
    end, ended = os.pipe()

    def watch() -> None:
        while end not in (ready := select.select([source, end], [], [])[0]):
            pressed = os.read(source, 16).decode(errors='ignore') if source in ready else ''
            if not pressed:
                return
            if pressed in actions:
                actions[pressed]()

    settings = termios.tcgetattr(source)
    tty.setcbreak(source)
    thread = threading.Thread(target=watch, name='keyboard', daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(ended)
        thread.join()
        os.close(end)
        termios.tcsetattr(source, termios.TCSADRAIN, settings)
