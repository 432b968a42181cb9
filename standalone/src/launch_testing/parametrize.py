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

"""Tests that run once for each of several values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def parametrize(argnames: str, argvalues: Iterable[Any]) -> Callable[[Any], Any]:
    """Run a generate_test_description once for each value; like pytest.mark.parametrize."""
    names = [name.strip() for name in argnames.split(',') if name.strip()]
    rows = [value if isinstance(value, tuple) else (value,) for value in argvalues]

    def decorator(func: Any) -> Any:
        @functools.wraps(func)
        def descriptions() -> Iterator[tuple[Any, dict[str, Any]]]:
            for row in rows:
                args = dict(zip(names, row, strict=True))
                partial = functools.partial(func, **args)
                functools.update_wrapper(partial, func)
                yield partial, args

        descriptions.__parametrized__ = True  # type: ignore[attr-defined]
        return descriptions

    return decorator
