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
"""Actions that call what the user gives them."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from ..action import Action
from ..event_handlers import OnShutdown
from ..launch_context import LaunchContext
from ..utilities import ensure_argument_type


class OpaqueFunction(Action):
    """Call ``function(context, *args, **kwargs)``; it may return entities to visit next."""

    def __init__(self, *, function: Callable[..., Any], args: Iterable[Any] | None = None,
                 kwargs: dict[str, Any] | None = None, **left_over_kwargs: Any) -> None:
        super().__init__(**left_over_kwargs)
        if not callable(function):
            raise TypeError("OpaqueFunction expected a callable for 'function', got "
                            f"'{type(function)}'")
        ensure_argument_type(args, (Iterable, type(None)), 'args', 'OpaqueFunction')
        ensure_argument_type(kwargs, (dict, type(None)), 'kwargs', 'OpaqueFunction')
        self.__call = lambda context: function(context, *(args or ()), **(kwargs or {}))

    def execute(self, context: LaunchContext) -> Any:
        return self.__call(context)


class OpaqueCoroutine(Action):
    """Run ``coroutine(context, *args, **kwargs)``; it is cancelled on shutdown.

    With ``ignore_context`` the coroutine is not given the context.
    """

    def __init__(self, *, coroutine: Callable[..., Any], args: Iterable[Any] | None = None,
                 kwargs: dict[str, Any] | None = None, ignore_context: bool = False,
                 **left_over_kwargs: Any) -> None:
        super().__init__(**left_over_kwargs)
        if not asyncio.iscoroutinefunction(coroutine):
            raise TypeError("OpaqueCoroutine expected a coroutine function for 'coroutine', got "
                            f"'{type(coroutine)}'")
        self.__call = lambda context: coroutine(
            *(() if ignore_context else (context,)), *(args or ()), **(kwargs or {}))
        self.__done: asyncio.Task | None = None

    def execute(self, context: LaunchContext) -> None:
        task = context.asyncio_loop.create_task(self.__call(context))

        async def wait() -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await task

        def cancel(*_: Any) -> None:
            task.cancel()

        self.__done = context.asyncio_loop.create_task(wait())
        context.register_event_handler(OnShutdown(on_shutdown=cancel))

    def get_asyncio_future(self) -> asyncio.Future | None:
        return self.__done
