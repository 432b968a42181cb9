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

"""Handlers of the events of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launch import Event, EventHandler, SomeEntitiesType

from .actions import LifecycleNode
from .events.lifecycle import StateTransition


class OnStateTransition(EventHandler):
    """Handle a lifecycle node's change of state; None matches anything."""

    def __init__(self, *, entities: SomeEntitiesType,
                 target_lifecycle_node: LifecycleNode | None = None,
                 transition: str | None = None, start_state: str | None = None,
                 goal_state: str | None = None,
                 matcher: Callable[[Event], bool] | None = None, **kwargs: Any) -> None:
        if not isinstance(target_lifecycle_node, (LifecycleNode, type(None))):
            raise RuntimeError("OnStateTransition requires a 'LifecycleNode' action as the target")
        wanted = {'action': target_lifecycle_node, 'transition': transition,
                  'start_state': start_state, 'goal_state': goal_state}

        def matches(event: Event) -> bool:
            return isinstance(event, StateTransition) and all(
                value is None or getattr(event, key) == value for key, value in wanted.items())

        super().__init__(matcher=matcher or matches, entities=entities, **kwargs)
        self.handler_description = '<actions>'
        self.matcher_description = 'event == StateTransition'


__all__ = ['OnStateTransition']
