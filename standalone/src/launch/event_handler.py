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
"""The bases of event handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .event import Event
from .launch_context import LaunchContext
from .launch_description_entity import SomeEntitiesType


class BaseEventHandler:
    """Handle the events that a matcher accepts, once or always."""

    handler_description: str | None = None
    matcher_description: str | None = None

    def __init__(self, *, matcher: Callable[[Event], bool], handle_once: bool = False) -> None:
        self.__matcher = matcher
        self.handle_once = handle_once
        self.entities: Any = None

    def matches(self, event: Event) -> bool:
        return self.__matcher(event)

    def describe(self) -> tuple[str, list]:
        """Return (a description, the entities that it may yield)."""
        entities = [] if self.entities is None else self.entities
        return (f"{type(self).__name__}(matcher='{self.matcher_description}', "
                f"handler='{self.handler_description}', handle_once={self.handle_once})",
                list(entities) if hasattr(entities, '__iter__') else [entities])

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Handle the event; return the entities to visit. Overriding methods call this one."""
        context.extend_locals({'event': event})
        if self.handle_once:
            context.unregister_event_handler(self)
        return self.entities


class EventHandler(BaseEventHandler):
    """Yield the same entities for each matching event."""

    def __init__(self, *, entities: SomeEntitiesType | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entities = entities
