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
"""Marks of test descriptions and test cases."""

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def _mark(**attributes: Any) -> Callable[[Any], Any]:
    def decorator(marked: Any) -> Any:
        for name, value in attributes.items():
            setattr(marked, name, value)
        return marked

    return decorator


def ready_to_test_action_timeout(timeout: float) -> Callable[[Any], Any]:
    """Set the seconds until generate_test_description's ReadyToTest must have been reached."""
    return _mark(__ready_to_test_action_timeout__=timeout)


def keep_alive(test_description: Any) -> Any:
    """Mark a test description to stay up after all of its processes have ended."""
    return _mark(__markers__={'keep_alive': True})(test_description)


def post_shutdown_test() -> Callable[[Any], Any]:
    """Mark a test class to run after the processes have ended."""
    def decorator(test_item: Any) -> Any:
        if not isinstance(test_item, type):
            raise TypeError('postcondition_test should decorate test classes')
        return _mark(__post_shutdown_test__=True)(test_item)

    return decorator


def parametrize(argnames: str, argvalues: Iterable[Any]) -> Callable[[Any], Any]:
    """Run a generate_test_description once for each value; like pytest.mark.parametrize."""
    names = [name.strip() for name in argnames.split(',') if name.strip()]
    rows = [value if isinstance(value, tuple) else (value,) for value in argvalues]

    def decorator(func: Any) -> Any:
        @_mark(__parametrized__=True)
        @functools.wraps(func)
        def descriptions() -> Iterator[tuple[Any, dict[str, Any]]]:
            for row in rows:
                args = dict(zip(names, row, strict=True))
                partial = functools.partial(func, **args)
                functools.update_wrapper(partial, func)
                yield partial, args

        return descriptions

    return decorator


def retry_on_failure(*, times: int, delay: float | None = None) -> Callable[[Any], Any]:
    """Mark a test method to be tried several times, ``delay`` seconds apart."""
    assert times > 0

    def decorator(func: Any) -> Any:
        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            for _ in range(times - 1):
                try:
                    return func(*args, **kwargs)
                except AssertionError:
                    time.sleep(delay or 0.0)
            return func(*args, **kwargs)

        return wrapper

    return decorator
