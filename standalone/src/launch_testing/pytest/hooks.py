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

"""Hooks of pytest: modules whose generate_test_description is marked become launch tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


class LaunchTestFailure(Exception):
    """Say which tests of a launch test have failed."""

    def __init__(self, failures: list[tuple[str, str]]) -> None:
        super().__init__('some test cases have failed')
        self.failures = failures


class LaunchTestItem(pytest.Item):
    """Be the launch test of a module: all of its runs."""

    def __init__(self, *, module: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.module = module
        # So that fixtures that apply to every test apply to this one, too.
        self.fixturenames: list[str] = []

    def runtest(self) -> None:
        from ..loader import LoadTestsFromPythonModule
        from ..test_runner import LaunchTestRunner

        launch_args = [arg for args in self.config.getoption('--launch-args') for arg in args]
        runner = LaunchTestRunner(LoadTestsFromPythonModule(self.module, name=self.name),
                                  launch_args, debug=False)
        runner.validate()
        results = [result for pair in runner.run().values() for result in pair]
        failures = [(test.id(), text) for result in results
                    for test, text in result.errors + result.failures]
        if failures or not all(result.wasSuccessful() for result in results):
            raise LaunchTestFailure(failures)
        if results and all(len(result.skipped) == max(result.testsRun, 1) for result in results):
            pytest.skip('; '.join(reason for result in results for _, reason in result.skipped))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, LaunchTestFailure):
            return '\n\n'.join(f'FAIL: {name}\n{text}' for name, text in excinfo.value.failures)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f'launch tests: {self.name}'


class LaunchTestModule(pytest.Module):
    """Be a module with a marked generate_test_description."""

    def collect(self) -> Any:
        yield LaunchTestItem.from_parent(
            self, name=self.obj.__name__.rpartition('.')[2], module=self.obj)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    # Only modules that say so are imported here, before pytest has set them up as its own.
    try:
        text = module_path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError):
        return None
    if 'generate_test_description' not in text or 'launch_test' not in text:
        return None
    module = LaunchTestModule.from_parent(parent, path=module_path)
    entry_point = getattr(module.obj, 'generate_test_description', None)
    marks = getattr(entry_point, 'pytestmark', [])
    if not any(mark.name == 'launch_test' for mark in marks):
        return None
    for mark in marks:
        module.add_marker(getattr(pytest.mark, mark.name).with_args(*mark.args, **mark.kwargs))
    return module


def pytest_addoption(parser: Any) -> None:
    parser.addoption('--launch-args', action='append', nargs='*', default=[],
                     help='One or more Launch test arguments')


def pytest_configure(config: Any) -> None:
    config.addinivalue_line(
        'markers',
        'launch_test: mark a generate_test_description function as a launch test entrypoint')
