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

"""Running launch tests.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import threading
import unittest
from collections.abc import Sequence
from typing import Any

from launch import LaunchDescription, LaunchDescriptionSource, LaunchService
from launch.actions import IncludeLaunchDescription, RegisterEventHandler
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart, OnShutdown
from ros2launch.api import parse_launch_arguments

from .io_handler import ActiveIoHandler
from .loader import TestRun
from .proc_info_handler import ActiveProcInfoHandler


def _result_of(test_run: TestRun, *, error: str | None = None,
               skipped: str | None = None) -> unittest.TestResult:
    """Return the result of a launch whose tests could not all run."""
    result = unittest.TestResult()
    case = unittest.FunctionTestCase(lambda: None, description=str(test_run))
    if error is not None:
        result.errors.append((case, error))
    if skipped is not None:
        result.skipped.append((case, skipped))
    return result


class _RunnerWorker:
    """Run one launch: the launch in this thread, the tests during it in another."""

    def __init__(self, test_run: TestRun, preamble: list, launch_arguments: Sequence[str],
                 debug: bool) -> None:
        self._run, self._preamble = test_run, preamble
        self._launch_arguments = parse_launch_arguments(list(launch_arguments))
        # Nobody but the service interrupts the processes: a Ctrl-C ends the tests.
        self._service = LaunchService(debug=debug, noninteractive=True)
        self._ready, self._done = threading.Event(), threading.Event()
        self._active_result: unittest.TestResult | None = None
        self._failure: str | None = None
        self._interrupted = False

    def run(self) -> list[unittest.TestResult]:
        description, context = self._run.describe(self._ready.set)
        proc_info, proc_output = ActiveProcInfoHandler(), ActiveIoHandler()
        common = {**context, **self._run.param_args,
                  'test_args': dict(self._launch_arguments)}
        self._run.bind(self._run.pre_shutdown_tests, {
            **common, 'launch_service': self._service, 'proc_info': proc_info,
            'proc_output': proc_output})
        self._run.bind(self._run.post_shutdown_tests, {
            **common, 'proc_info': proc_info._handler,
            'proc_output': proc_output._handler})

        def on_start(event: Any, _: Any) -> None:
            proc_info.append(event)
            proc_output.track(event.process_name)

        def on_shutdown(event: Any, _: Any) -> None:
            self._interrupted = event.due_to_sigint

        self._service.include_launch_description(LaunchDescription([
            RegisterEventHandler(OnShutdown(on_shutdown=on_shutdown)),
            *self._preamble,
            RegisterEventHandler(OnProcessStart(on_start=on_start)),
            RegisterEventHandler(OnProcessExit(on_exit=lambda event, _: proc_info.append(event))),
            RegisterEventHandler(OnProcessIO(on_stdout=proc_output.append,
                                             on_stderr=proc_output.append)),
            IncludeLaunchDescription(LaunchDescriptionSource(description),
                                     launch_arguments=self._launch_arguments),
        ]))
        thread = threading.Thread(target=self._run_active_tests, name='test_runner_thread',
                                  daemon=True)
        thread.start()
        return_code = self._service.run(
            shutdown_when_idle=not self._run.markers.get('keep_alive', False))
        finished = self._done.is_set()
        self._failure = self._failure or (
            None if finished else 'Launch stopped before the active tests finished.')
        if not finished:
            print('Processes under test stopped before tests completed')
            self._print_summary(proc_info, proc_output)
            self._ready.set()  # Lets the thread end, should it still wait.
            thread.join(timeout=1.0)
        if self._interrupted:
            raise KeyboardInterrupt
        if self._failure is None and return_code != 0:
            self._failure = 'The launch failed, see its output.'
        if self._failure is not None or self._active_result is None:
            results: list[unittest.TestResult] = [_result_of(self._run, error=str(self._failure))]
            return results + ([self._active_result] if self._active_result else [])
        return [self._active_result, _run_suite(self._run.post_shutdown_tests)]

    def _run_active_tests(self) -> None:
        try:
            if not self._ready.wait(self._run.timeout):
                self._failure = 'Timed out waiting for processes to start up'
                print(self._failure)
            elif self._service.event_loop is not None:
                self._active_result = _run_suite(self._run.pre_shutdown_tests)
                self._done.set()
        except BaseException as error:
            self._failure = f'{type(error).__name__}: {error}'
            raise
        finally:
            self._service.shutdown()

    @staticmethod
    def _print_summary(proc_info: Any, proc_output: Any) -> None:
        for info in proc_info:
            if getattr(info, 'returncode', 0) == 0:
                continue
            print(f"Process '{info.process_name}' exited with {info.returncode}")
            print(f"##### '{info.process_name}' output #####")
            for item in proc_output[info.process_name]:
                print(item.text.decode(errors='replace'), end='')
            print('#' * (len(info.process_name) + 21))


def _run_suite(suite: unittest.TestSuite) -> unittest.TestResult:
    return unittest.TextTestRunner(verbosity=2).run(suite)


class LaunchTestRunner:
    """Run launches one after the other, each with its tests."""

    def __init__(self, test_runs: Sequence[TestRun], launch_file_arguments: Sequence[str] = (),
                 debug: bool = False) -> None:
        self._test_runs = test_runs
        self._launch_file_arguments = launch_file_arguments
        self._debug = debug

    def generate_preamble(self) -> list:
        """Return entities to visit before those of the tests; for subclasses."""
        return []

    def validate(self) -> None:
        """Check the test descriptions before anything is launched."""
        for run in self._test_runs:
            run.validate()

    def run(self) -> dict[TestRun, list[unittest.TestResult]]:
        """Run all; return the results during and after each launch."""
        results: dict[TestRun, list[unittest.TestResult]] = {}
        for run in self._test_runs:
            if len(self._test_runs) > 1:
                print(f'\nStarting test run {run}')
            try:
                results[run] = _RunnerWorker(run, self.generate_preamble(),
                                             self._launch_file_arguments, self._debug).run()
            except unittest.SkipTest as skip:
                print(f'{run} is skipped: {skip}')
                results[run] = [_result_of(run, skipped=str(skip))]
        return results
