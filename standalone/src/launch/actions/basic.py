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

"""Actions that log, or call what the user gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .. import logging as launch_logging
from ..action import Action
from ..event_handlers import OnShutdown
from ..substitution import SomeSubstitutionsType
from ..utilities import (
    ensure_argument_type,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class LogInfo(Action):
    """Log a message."""

    def __init__(self, *, msg: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.msg = normalize_to_list_of_substitutions(msg)

    def execute(self, context: LaunchContext) -> None:
        launch_logging.get_logger('launch.user').info(perform_substitutions(context, self.msg))


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
        self.__function, self.__args, self.__kwargs = function, args or (), kwargs or {}

    def execute(self, context: LaunchContext) -> Any:
        return self.__function(context, *self.__args, **self.__kwargs)


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
        self.__coroutine, self.__args, self.__kwargs = coroutine, args or (), kwargs or {}
        self.__ignore_context = ignore_context
        self.__future: asyncio.Future | None = None

    def execute(self, context: LaunchContext) -> None:
        leading = () if self.__ignore_context else (context,)
        task = context.asyncio_loop.create_task(
            self.__coroutine(*leading, *self.__args, **self.__kwargs))
        done = context.asyncio_loop.create_future()

        def on_done(task: asyncio.Task) -> None:
            error = None if task.cancelled() else task.exception()
            if done.cancelled():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(None)

        task.add_done_callback(on_done)
        self.__future = done

        def cancel(*_: Any) -> None:
            task.cancel()

        context.register_event_handler(OnShutdown(on_shutdown=cancel))

    def get_asyncio_future(self) -> asyncio.Future | None:
        return self.__future
