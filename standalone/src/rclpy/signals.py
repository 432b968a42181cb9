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
"""SIGINT and SIGTERM shut rclpy down."""

import os
import signal
import threading
from typing import Any

from rclpy._rclpy_pybind11 import SignalHandlerOptions
from rclpy.context import interrupt_all

_current = SignalHandlerOptions.NO
_previous: dict[int, Any] = {}
_previous_fd = -1
_pipe: tuple[int, int] | None = None
_lock = threading.Lock()


def _watch(reader: int) -> None:
    """
    Shut down when a signal arrives.

    Python runs handlers in the main thread between bytecodes, which may be asleep in the
    middleware: the byte that its C handler writes wakes this thread, and this one the others.
    """
    while data := os.read(reader, 64):
        if any(number in _previous for number in data):
            interrupt_all()
        if _previous_fd >= 0:
            try:
                os.write(_previous_fd, data)
            except OSError:
                pass


def _go_on(number: int, frame: Any) -> None:
    """Let the process go on; its contexts are shut down."""


def install_signal_handlers(options: SignalHandlerOptions = SignalHandlerOptions.ALL) -> None:
    """Handle the given signals from now on; only the main thread can."""
    global _current, _pipe, _previous_fd
    with _lock:
        if threading.current_thread() is not threading.main_thread():
            return
        if options == SignalHandlerOptions.NO:
            return
        if _pipe is None:
            _pipe = os.pipe()
            os.set_blocking(_pipe[1], False)
            threading.Thread(
                target=_watch, args=(_pipe[0],), name='ros_signals', daemon=True).start()
        previous_fd = signal.set_wakeup_fd(_pipe[1], warn_on_full_buffer=False)
        if previous_fd != _pipe[1]:
            _previous_fd = previous_fd
        for number, bit in ((signal.SIGINT, 1), (signal.SIGTERM, 2)):
            if options & bit and number not in _previous:
                _previous[number] = signal.getsignal(number)
                # Python's own handler of SIGINT raises KeyboardInterrupt, and is to do so; but
                # where the shell has SIGINT ignored, nobody would hear of it.
                if number == signal.SIGTERM or not callable(_previous[number]):
                    signal.signal(number, _go_on)
        _current = SignalHandlerOptions(_current | options)


def get_current_signal_handlers_options() -> SignalHandlerOptions:
    """Return which signals are handled."""
    return _current


def uninstall_signal_handlers() -> None:
    """Put back what handled the signals before."""
    global _current, _previous_fd
    with _lock:
        if threading.current_thread() is not threading.main_thread():
            return
        if _current != SignalHandlerOptions.NO:
            for number, handler in _previous.items():
                if signal.getsignal(number) is _go_on and handler is not None:
                    signal.signal(number, handler)
            current_fd = signal.set_wakeup_fd(_previous_fd)
            if _pipe is not None and current_fd not in (_pipe[1], -1):
                signal.set_wakeup_fd(current_fd)
        _previous.clear()
        _previous_fd = -1
        _current = SignalHandlerOptions.NO
