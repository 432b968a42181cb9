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
"""The action that defers others."""

import asyncio
from collections.abc import Iterable
from typing import Any

from ..action import Action
from ..event_handler import EventHandler
from ..event_handlers import OnShutdown
from ..events import TimerEvent
from ..launch_context import LaunchContext
from ..launch_description_entity import LaunchDescriptionEntity
from ..substitution import SomeSubstitutionsType
from ..utilities.type_utils import normalize_typed_substitution, perform_typed_substitution
from .opaque import OpaqueFunction


class TimerAction(Action):
    """Yield actions after ``period`` seconds, once, unless cancelled or shut down before."""

    def __init__(self, *, period: float | SomeSubstitutionsType,
                 actions: Iterable[LaunchDescriptionEntity],
                 cancel_on_shutdown: bool | SomeSubstitutionsType = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.period = normalize_typed_substitution(period, float)
        self.actions = list(actions)
        self.__cancel_on_shutdown = normalize_typed_substitution(cancel_on_shutdown, bool)
        self.__canceled = False
        self.__done: asyncio.Future | None = None

    def describe(self) -> str:
        return f'TimerAction(period={self.period}, actions=<actions>)'

    def describe_conditional_sub_entities(self) -> list:
        return [(f'{self.period} seconds pass without being canceled', self.actions)]

    def cancel(self) -> None:
        """Keep the actions from being yielded; does nothing if they were already."""
        self.__canceled = True
        if self.__done is not None:
            self.__done.cancel()

    def execute(self, context: LaunchContext) -> None:
        self.__done = done = context.asyncio_loop.create_future()
        if self.__canceled:
            done.cancel()
            return
        locals_then = dict(context.get_locals_as_dict())

        def yield_actions(context: LaunchContext) -> list:
            context.extend_locals(locals_then)
            return self.actions

        context.register_event_handler(EventHandler(
            matcher=lambda event: isinstance(event, TimerEvent) and event.timer_action is self,
            entities=OpaqueFunction(function=yield_actions), handle_once=True))

        def fire() -> None:
            if not done.done():
                context.emit_event_sync(TimerEvent(timer_action=self))
                done.set_result(None)

        period = perform_typed_substitution(context, self.period, float)
        timer = context.asyncio_loop.call_later(period, fire)
        done.add_done_callback(lambda _: timer.cancel())
        if perform_typed_substitution(context, self.__cancel_on_shutdown, bool):
            context.register_event_handler(OnShutdown(on_shutdown=lambda *_: self.cancel()))

    def get_asyncio_future(self) -> asyncio.Future | None:
        return self.__done
