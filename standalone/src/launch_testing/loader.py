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

"""From a module with generate_test_description to tests that can be run."""

from __future__ import annotations

import functools
import inspect
import unittest
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from launch import LaunchDescription

from .actions import ReadyToTest


def _ready_actions(entities: Iterable[Any]) -> Iterator[ReadyToTest]:
    for entity in entities:
        if isinstance(entity, ReadyToTest):
            yield entity
        yield from _ready_actions(entity.describe_sub_entities())
        for _, sub_entities in entity.describe_conditional_sub_entities():
            yield from _ready_actions(sub_entities)


def _load(module: Any, post_shutdown: bool) -> unittest.TestSuite:
    class Loader(unittest.TestLoader):
        def loadTestsFromTestCase(self, testCaseClass: Any) -> unittest.TestSuite:
            if getattr(testCaseClass, '__post_shutdown_test__', False) != post_shutdown:
                return unittest.TestSuite()
            # A class of its own for each run, since what runs are given is bound to the class.
            return super().loadTestsFromTestCase(type(
                testCaseClass.__name__, (testCaseClass,),
                {'__module__': testCaseClass.__module__,
                 '__qualname__': testCaseClass.__qualname__}))

    return Loader().loadTestsFromModule(module)


def iterate_tests(suite: Any) -> Iterator[unittest.TestCase]:
    """Give the single tests of a suite of suites."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from iterate_tests(test)
        else:
            yield test


class TestRun:
    """Be one launch with the tests that run during it and after it."""

    __test__ = False  # Not a test for pytest.

    def __init__(self, name: str, description_function: Callable[..., Any],
                 param_args: dict[str, Any], module: Any) -> None:
        self.name = name
        self.description_function = description_function
        self.param_args = param_args
        self.pre_shutdown_tests = _load(module, False)
        self.post_shutdown_tests = _load(module, True)
        self.timeout = getattr(description_function, '__ready_to_test_action_timeout__', 15)
        self.markers = getattr(description_function, '__markers__', {})

    def __str__(self) -> str:
        if not self.param_args:
            return self.name
        return f'{self.name}[{", ".join(map(str, self.param_args.values()))}]'

    def describe(self, ready_fn: Callable[[], Any]) -> tuple[LaunchDescription, dict[str, Any]]:
        """Return the launch description, whose ReadyToTest calls ready_fn, and the context.

        :raises Exception: if there is no ReadyToTest.
        """
        result = self.description_function()
        description, context = result if isinstance(result, tuple) else (result, {})
        action = next(_ready_actions(description.entities), None)
        if action is None:
            raise Exception('generate_test_description functions must return '
                            'a LaunchDescription containing a ReadyToTest action')
        action._add_callback(ready_fn)
        return description, context

    def validate(self) -> None:
        """Check that the description function takes just the arguments of parametrize.

        :raises Exception: if not.
        """
        function = self.description_function
        while isinstance(function, functools.partial):
            function = function.func
        taken = inspect.getfullargspec(inspect.unwrap(function))
        names = taken.args + taken.kwonlyargs
        for name in self.param_args:
            if name not in names:
                raise Exception('Could not find an argument in generate_test_description '
                                f"matching prametrized argument '{name}'")
        for name in names:
            if name not in self.param_args:
                raise Exception(
                    f"generate_test_description has unexpected extra argument '{name}'")

    @staticmethod
    def bind(suite: unittest.TestSuite, args: dict[str, Any]) -> None:
        """Give tests, setUp and setUpClass those of the arguments that they name."""
        def bound(function: Callable[..., Any]) -> Callable[..., Any]:
            wanted = inspect.signature(function).parameters
            return functools.partial(
                function, **{k: v for k, v in args.items() if k in wanted})

        for test in iterate_tests(suite):
            for name in (test._testMethodName, 'setUp', 'tearDown'):
                setattr(test, name, bound(getattr(test, name)))
        for cls in {type(test) for test in iterate_tests(suite)}:
            for name in ('setUpClass', 'tearDownClass'):
                setattr(cls, name, staticmethod(bound(getattr(cls, name))))
            for name, value in args.items():
                if not hasattr(cls, name):
                    setattr(cls, name, value)


def LoadTestsFromPythonModule(module: Any, *, name: str = 'launch_tests') -> list[TestRun]:
    """Return one run for each parameter of the module's generate_test_description."""
    function = module.generate_test_description
    if getattr(function, '__parametrized__', False):
        return [TestRun(name, partial, args, module) for partial, args in function()]
    return [TestRun(name, function, {}, module)]
