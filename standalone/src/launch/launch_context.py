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

"""What a running launch knows: configurations, environment, locals, events."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Iterable, MutableMapping
from typing import Any

from . import logging as launch_logging
from .event import Event
from .event_handler import BaseEventHandler
from .substitution import Substitution


class _Locals:
    """Show a dictionary as attributes, read-only."""

    def __init__(self, values: dict[str, Any]) -> None:
        object.__setattr__(self, '_values', values)

    def __getattr__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            raise AttributeError(
                f"context.locals does not contain attribute '{key}', it contains: "
                f'[{", ".join(self._values)}]'
            ) from None

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError(f"can't set attribute '{key}', locals are read-only")


class LaunchContext:
    """Hold the state that actions, substitutions and event handlers share."""

    def __init__(self, *, argv: Iterable[str] | None = None,
                 noninteractive: bool = False) -> None:
        self.argv = argv if argv is not None else []
        self.noninteractive = noninteractive
        self._event_queue: asyncio.Queue = asyncio.Queue()
        self._event_handlers: deque[BaseEventHandler] = deque()
        self._completion_futures: list[asyncio.Future] = []
        self.__globals: dict[str, Any] = {}
        self.__locals: dict[str, Any] = {}
        self.__locals_stack: list[dict[str, Any]] = []
        self.__configurations: dict[str, Any] = {}
        self.__configurations_stack: list[dict[str, Any]] = []
        self.__environment_stack: list[dict[str, str]] = []
        self.__initial_environment = dict(os.environ)
        self.__is_shutdown = False
        self.__asyncio_loop: asyncio.AbstractEventLoop | None = None
        self._running_processes: set[Any] = set()
        self.__logger = launch_logging.get_logger('launch.launch_context')

    @property
    def is_shutdown(self) -> bool:
        return self.__is_shutdown

    def _set_is_shutdown(self, state: bool) -> None:
        self.__is_shutdown = state

    @property
    def asyncio_loop(self) -> Any:
        return self.__asyncio_loop

    def _set_asyncio_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.__asyncio_loop = loop

    def add_completion_future(self, completion_future: asyncio.Future) -> None:
        """Let the launch service wait for this future, too, before it is idle."""
        self._completion_futures.append(completion_future)

    def extend_globals(self, extensions: dict[str, Any]) -> None:
        """Add locals that stay."""
        self.__globals.update(extensions)

    def extend_locals(self, extensions: dict[str, Any]) -> None:
        """Add locals that stay until the event in hand has been handled."""
        self.__locals.update(extensions)

    def get_locals_as_dict(self) -> dict[str, Any]:
        return {**self.__globals, **self.__locals}

    @property
    def locals(self) -> Any:
        """Give the locals as attributes."""
        return _Locals(self.get_locals_as_dict())

    def _push_locals(self) -> None:
        self.__locals_stack.append(dict(self.__locals))

    def _pop_locals(self) -> None:
        self.__locals = _pop(self.__locals_stack, 'locals')

    @property
    def environment(self) -> MutableMapping[str, str]:
        return os.environ

    def _push_environment(self) -> None:
        self.__environment_stack.append(dict(os.environ))

    def _pop_environment(self) -> None:
        _replace_environment(_pop(self.__environment_stack, 'environment'))

    def _reset_environment(self) -> None:
        _replace_environment(self.__initial_environment)

    @property
    def launch_configurations(self) -> dict[str, Any]:
        return self.__configurations

    def _push_launch_configurations(self) -> None:
        # Parameters and remaps set for a scope are lists, and must not leak out of it.
        self.__configurations_stack.append({
            name: list(value) if isinstance(value, list) else value
            for name, value in self.__configurations.items()
        })

    def _pop_launch_configurations(self) -> None:
        self.__configurations = _pop(self.__configurations_stack, 'launch_configurations')

    def would_handle_event(self, event: Event) -> bool:
        """Tell if any handler matches the event."""
        return any(handler.matches(event) for handler in self._event_handlers)

    def register_event_handler(self, event_handler: BaseEventHandler,
                               append: bool = False) -> None:
        """Register a handler, before those registered so far unless told to append."""
        if append:
            self._event_handlers.append(event_handler)
        else:
            self._event_handlers.appendleft(event_handler)

    def unregister_event_handler(self, event_handler: BaseEventHandler) -> None:
        """Unregister a handler.

        :raises ValueError: if it is not registered.
        """
        self._event_handlers.remove(event_handler)

    def emit_event_sync(self, event: Event) -> None:
        """Put an event in the queue; only from the thread that runs the launch."""
        self.__logger.debug(f"emitting event synchronously: '{event.name}'")
        self._event_queue.put_nowait(event)

    async def emit_event(self, event: Event) -> None:
        """Put an event in the queue."""
        self.__logger.debug(f"emitting event: '{event.name}'")
        self._event_queue.put_nowait(event)

    def perform_substitution(self, substitution: Substitution) -> str:
        return substitution.perform(self)


def _pop(stack: list, name: str) -> Any:
    if not stack:
        raise RuntimeError(f'{name} stack unexpectedly empty')
    return stack.pop()


def _replace_environment(environment: dict[str, str]) -> None:
    # os.environ is filled in place, so that everyone who holds it sees the change.
    os.environ.clear()
    os.environ.update(environment)
