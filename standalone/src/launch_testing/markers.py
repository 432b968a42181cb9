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

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any


def keep_alive(test_description: Any) -> Any:
    """Mark a test description to stay up after all of its processes have ended."""
    test_description.__markers__ = {**getattr(test_description, '__markers__', {}),
                                    'keep_alive': True}
    return test_description


def retry_on_failure(*, times: int, delay: float | None = None) -> Callable[[Any], Any]:
    """Mark a test method to be tried several times, ``delay`` seconds apart."""
    assert times > 0

    def decorator(func: Any) -> Any:
        @functools.wraps(func)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            for _ in range(times - 1):
                try:
                    return func(self, *args, **kwargs)
                except AssertionError:
                    if delay is not None:
                        time.sleep(delay)
            return func(self, *args, **kwargs)

        return wrapper

    return decorator
