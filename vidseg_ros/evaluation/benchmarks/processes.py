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
"""The processes of a live benchmark: the package's scripts, nodes, and ends that obey commands."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

PACKAGE = 'vidseg_ros'


class BenchmarkError(ValueError):
    """A part of a benchmark is missing, ended early or does not answer; the message says which."""


def script(name: str) -> Path:
    """
    Return the path of a script of ``benchmarks/``, in the sources or where it was installed.

    :raises BenchmarkError: if it is nowhere.
    """
    places = [Path(__file__).parents[3]]
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    places += [Path(prefix) / 'share' / PACKAGE for prefix in prefixes if prefix]
    for place in places:
        if (found := place / 'benchmarks' / name).is_file():
            return found
    raise BenchmarkError(f'benchmarks/{name} is neither beside the package nor in its share')


def ros_command() -> list[str]:
    """
    Return what starts Python with rclpy: the one that runs now.

    :raises BenchmarkError: if it has no rclpy.
    """
    import importlib.util

    if importlib.util.find_spec('rclpy') is None:
        raise BenchmarkError('no rclpy here: source ROS 2, or install standalone/')
    return [sys.executable]


def node_command(arguments: Sequence[str]) -> list[str]:
    """Return the command of the package's segmentation node."""
    return [*ros_command(), '-m', 'vidseg_ros.nodes.segmentation_node', *arguments]


class Child:
    """
    A process of its own session; leaving the ``with`` block terminates it, at last kills it.

    What it prints goes to a file, whose end is part of the error if it fails.
    """

    def __init__(self, name: str, command: Sequence[str], *, piped: bool = False,
                 env: dict[str, str] | None = None) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile('w+', errors='replace')  # noqa: SIM115
        self.process = subprocess.Popen(
            list(command), text=True, start_new_session=True, env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else self._log, stderr=self._log)
        self.watch = psutil.Process(self.process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def stop(self, patience_s: float = 15.0) -> int:
        """End it; return its exit status."""
        if self.process.stdin is not None:
            # The end of its commands.
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(3.0)
        # Not SIGINT, which processes that a shell starts in the background ignore.
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                try:
                    os.killpg(self.process.pid, number)
                except ProcessLookupError:
                    pass
                try:
                    self.process.wait(patience_s)
                except subprocess.TimeoutExpired:
                    continue
        return int(self.process.returncode or 0)

    def output(self) -> str:
        """Return what it has printed (where that is not piped) so far."""
        # By a position of our own: the child shares the file's.
        return os.pread(self._log.fileno(), 1 << 24, 0).decode(errors='replace')

    def check(self) -> None:
        """
        Make sure that it still runs.

        :raises BenchmarkError: with the end of its output.
        """
        if self.process.poll() is not None:
            tail = '\n'.join(self.output().splitlines()[-12:])
            raise BenchmarkError(f'{self.name} ended with {self.process.returncode}:\n{tail}')

    def cpu_s(self) -> float:
        """Return the CPU time that it has used, its children included, in seconds."""
        times = self.watch.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in self.watch.children(recursive=True):
            try:
                total += sum(child.cpu_times()[:2])
            except psutil.Error:
                continue
        return float(total)

    def resident_mb(self) -> float:
        """Return resident memory in MB; to ask for more stops its page faults meanwhile."""
        return float(self.watch.memory_info().rss) / 1e6

    def memory_mb(self) -> dict[str, float]:
        """Return resident and, where the system tells, proportional memory in MB."""
        info = self.watch.memory_full_info() if hasattr(psutil.Process, 'memory_full_info') else \
            self.watch.memory_info()
        found = {'rss': info.rss / 1e6}
        if hasattr(info, 'pss'):
            found['pss'] = info.pss / 1e6
        return {key: round(value, 1) for key, value in found.items()}


class Servant(Child):
    """A child that answers a line of JSON with a line of JSON."""

    def __init__(self, name: str, command: Sequence[str],
                 env: dict[str, str] | None = None) -> None:
        super().__init__(name, command, piped=True, env=env)
        self._answers: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self._answer(60.0)  # that it is ready

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._answers.put(line)

    def _answer(self, patience_s: float) -> dict[str, Any]:
        until = time.monotonic() + patience_s
        while True:
            try:
                line = self._answers.get(timeout=0.2)
            except queue.Empty:
                self.check()
                if time.monotonic() > until:
                    raise BenchmarkError(
                        f'{self.name} has not answered for {patience_s:.0f} s') from None
                continue
            try:
                found = json.loads(line)
            except ValueError:
                continue  # a library that prints
            if isinstance(found, dict):
                return found

    def ask(self, patience_s: float = 60.0, **command: Any) -> dict[str, Any]:
        """
        Send a command and return the answer.

        :raises BenchmarkError: if the process ends or does not answer in time.
        """
        self.tell(**command)
        return self._answer(patience_s)

    def tell(self, **command: Any) -> None:
        """
        Send a command.

        :raises BenchmarkError: if the process has ended.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(command) + '\n')
            self.process.stdin.flush()
        except OSError:
            self.check()
            raise
