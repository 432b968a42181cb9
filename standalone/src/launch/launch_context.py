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
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import logging as launch_logging
from .event import Event

if TYPE_CHECKING:
    from .event_handler import BaseEventHandler
    from .substitution import Substitution


class _Locals:
    """Show a dictionary as attributes, read-only."""

    def __init__(self, values: dict[str, Any]) -> None:
        vars(self).update(values)

    def __getattr__(self, key: str) -> Any:
        raise AttributeError(f"context.locals does not contain attribute '{key}', it contains: "
                             f'[{", ".join(vars(self))}]')

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError(f"can't set attribute '{key}', locals are read-only")


class LaunchContext:
    """Hold the state that actions, substitutions and event handlers share."""

    def __init__(self, *, argv: Iterable[str] | None = None,
                 noninteractive: bool = False) -> None:
        self.argv = argv if argv is not None else []
        self.noninteractive = noninteractive
        self.launch_configurations: dict[str, Any] = {}
        self.environment = os.environ
        self.is_shutdown = False
        self.asyncio_loop: Any = None  # While the service runs.
        self._event_queue: asyncio.Queue = asyncio.Queue()
        self._event_handlers: deque[BaseEventHandler] = deque()
        self._completion_futures: list[asyncio.Future] = []
        self._running_processes: set[Any] = set()
        self.__globals: dict[str, Any] = {}
        self.__locals: dict[str, Any] = {}
        self.__initial_environment = dict(os.environ)
        self.__saved: dict[str, list[dict]] = {
            'locals': [], 'environment': [], 'launch_configurations': []}
        self.__logger = launch_logging.get_logger('launch.launch_context')

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

    def __pop(self, name: str) -> dict[str, Any]:
        if not self.__saved[name]:
            raise RuntimeError(f'{name} stack unexpectedly empty')
        return self.__saved[name].pop()

    def _push_locals(self) -> None:
        self.__saved['locals'].append(dict(self.__locals))

    def _pop_locals(self) -> None:
        self.__locals = self.__pop('locals')

    def _push_launch_configurations(self) -> None:
        # Parameters and remaps set for a scope are lists, and must not leak out of it.
        self.__saved['launch_configurations'].append({
            name: list(value) if isinstance(value, list) else value
            for name, value in self.launch_configurations.items()})

    def _pop_launch_configurations(self) -> None:
        self.launch_configurations = self.__pop('launch_configurations')

    def _push_environment(self) -> None:
        self.__saved['environment'].append(dict(os.environ))

    def _pop_environment(self) -> None:
        self._reset_environment(self.__pop('environment'))

    def _reset_environment(self, values: dict[str, str] | None = None) -> None:
        # In place, so that everyone who holds it sees the change.
        os.environ.clear()
        os.environ.update(self.__initial_environment if values is None else values)

    def would_handle_event(self, event: Event) -> bool:
        """Tell if any handler matches the event."""
        return any(handler.matches(event) for handler in self._event_handlers)

    def register_event_handler(self, event_handler: BaseEventHandler,
                               append: bool = False) -> None:
        """Register a handler, before those registered so far unless told to append."""
        add = self._event_handlers.append if append else self._event_handlers.appendleft
        add(event_handler)

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
        self.emit_event_sync(event)

    def perform_substitution(self, substitution: Substitution) -> str:
        return substitution.perform(self)
