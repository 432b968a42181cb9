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
"""Child processes that report their output and never outlive the launch."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pty
import signal
import sys
import termios
from collections.abc import Callable
from typing import Any

import psutil

_OUTPUT_GRACE_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
_prctl = ctypes.CDLL(None).prctl if sys.platform == 'linux' else None


class SubprocessTransport:
    """Be a running process."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol) -> None:
        self.__transport, self.__protocol = transport, protocol
        self.pid = transport.get_pid()
        self.__descendants: set[psutil.Process] = set()

    @property
    def returncode(self) -> int | None:
        return self.__transport.get_returncode()

    def send_signal(self, signum: signal.Signals) -> None:
        """Send a signal, unless the process has ended; one that ends it, for its children, too.

        Children of the process get a signal of their own only when they outlive it, but SIGKILL
        leaves it no time to end them.
        """
        if signum in _ENDING_SIGNALS:
            with contextlib.suppress(psutil.Error):
                self.__descendants.update(psutil.Process(self.pid).children(recursive=True))
        with contextlib.suppress(ProcessLookupError):
            self.__transport.send_signal(signum)
        if signum == signal.SIGKILL:
            self.__end_descendants(signum)

    def __end_descendants(self, signum: signal.Signals) -> None:
        for process in self.__descendants:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signum)

    async def wait(self) -> int:
        """Wait for the end of the process and of its output; return its exit status."""
        await self.__protocol.exited
        self.__end_descendants(signal.SIGTERM)
        await asyncio.wait(self.__protocol.open_streams.values(), timeout=_OUTPUT_GRACE_SECONDS)
        for fd in (1, 2):
            self.__protocol.close_terminal(fd)
        self.__transport.close()
        returncode = self.__transport.get_returncode()
        assert returncode is not None
        return returncode


class _Protocol(asyncio.SubprocessProtocol):
    def __init__(self, on_output: Callable[[int, bytes], None],
                 on_start: Callable[[int], None]) -> None:
        loop = asyncio.get_running_loop()
        self.exited = loop.create_future()
        self.open_streams = {fd: loop.create_future() for fd in (1, 2)}
        self.terminals: dict[int, int] = {}
        self._on_output, self._on_start = on_output, on_start

    def connection_made(self, transport: Any) -> None:
        self._on_start(transport.get_pid())

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._on_output(fd, data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd in self.open_streams and not self.open_streams[fd].done():
            self.open_streams[fd].set_result(None)

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)

    def read_terminal(self, fd: int) -> None:
        try:
            data = os.read(self.terminals[fd], 65536)
        except OSError:
            data = b''  # EIO: the other side is closed.
        if data:
            self._on_output(fd, data)
        else:
            self.close_terminal(fd)

    def close_terminal(self, fd: int) -> None:
        master = self.terminals.pop(fd, None)
        if master is not None:
            asyncio.get_running_loop().remove_reader(master)
            os.close(master)
            self.pipe_connection_lost(fd, None)


def _open_terminal() -> tuple[int, int]:
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.ONLCR  # Lines end in \n alone, as in a pipe.
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    return master, slave


async def start_subprocess(
    cmd: list[str], *, cwd: str | None, env: dict[str, str] | None, shell: bool,
    emulate_tty: bool, on_output: Callable[[int, bytes], None], on_start: Callable[[int], None],
) -> SubprocessTransport:
    """Start a process; ``on_output(fd, data)`` is called for stdout (1) and stderr (2).

    :raises OSError: if it can't be started.
    """
    loop = asyncio.get_running_loop()
    protocol = _Protocol(on_output, on_start)
    options: dict[str, Any] = {'cwd': cwd, 'env': env}
    parent = os.getpid()

    def die_with_parent() -> None:
        """Have the kernel end this new process if launch itself is killed."""
        assert _prctl is not None
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    if _prctl is not None:
        options['preexec_fn'] = die_with_parent
    slaves: list[int] = []
    try:
        for fd, stream in ((1, 'stdout'), (2, 'stderr')) if emulate_tty else ():
            protocol.terminals[fd], options[stream] = _open_terminal()
            slaves.append(options[stream])
        if shell:
            transport, _ = await loop.subprocess_shell(lambda: protocol, ' '.join(cmd), **options)
        else:
            transport, _ = await loop.subprocess_exec(lambda: protocol, *cmd, **options)
    except BaseException:
        for master in protocol.terminals.values():
            os.close(master)
        raise
    finally:
        for slave in slaves:
            os.close(slave)
    for fd, master in protocol.terminals.items():
        loop.add_reader(master, protocol.read_terminal, fd)
    return SubprocessTransport(transport, protocol)
