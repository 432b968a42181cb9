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
"""Handlers of the usual events."""

from collections.abc import Callable, Iterable
from typing import Any

from . import events
from .event import Event
from .event_handler import BaseEventHandler
from .launch_context import LaunchContext
from .launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType
from .utilities import is_a, is_a_subclass


class OnActionEventBase(BaseEventHandler):
    """Handle the events of one class that come from one action, or from any."""

    def __init__(self, *, action_matcher: Any, on_event: Any, target_event_cls: type,
                 target_action_cls: type, **kwargs: Any) -> None:
        if not issubclass(target_event_cls, Event):
            raise TypeError("'target_event_cls' must be a subclass of 'Event'")
        if not (action_matcher is None or isinstance(action_matcher, target_action_cls)
                or callable(action_matcher)):
            raise TypeError(f"action_matcher must be an '{target_action_cls.__name__}' instance "
                            'or a callable')

        def matches(event: Any) -> bool:
            if not is_a(event, target_event_cls):
                return False
            if callable(action_matcher):
                return action_matcher(event.action)
            return action_matcher is None or event.action is action_matcher

        super().__init__(matcher=matches, **kwargs)
        self.__on_event = on_event
        if not callable(on_event):
            entities = on_event if isinstance(on_event, Iterable) else (
                [] if on_event is None else [on_event])
            self.entities = list(entities)
            for entity in self.entities:
                if not isinstance(entity, LaunchDescriptionEntity):
                    raise TypeError("expected all items in 'on_event' iterable to be of type "
                                    f"'LaunchDescriptionEntity' but got '{type(entity)}'")
        self.handler_description = '<actions>' if self.entities else str(on_event)
        self.matcher_description = f'event == {target_event_cls.__name__}' + (
            '' if action_matcher is None else f' and {target_action_cls.__name__}(event.action)')

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        entities = super().handle(event, context)
        return self.__on_event(event, context) if entities is None else entities


class _OnProcessEvent(OnActionEventBase):
    def __init__(self, target_action: Any, on_event: Any, event: type, **kwargs: Any) -> None:
        # Actions register handlers of their own, so this module comes before theirs.
        from .actions import ExecuteProcess

        super().__init__(action_matcher=target_action, on_event=on_event, target_event_cls=event,
                         target_action_cls=ExecuteProcess, **kwargs)


class OnProcessStart(_OnProcessEvent):
    """Handle the start of a process."""

    def __init__(self, *, target_action: Any = None, on_start: Any, **kwargs: Any) -> None:
        super().__init__(target_action, on_start, events.process.ProcessStarted, **kwargs)


class OnProcessExit(_OnProcessEvent):
    """Handle the end of a process."""

    def __init__(self, *, target_action: Any = None, on_exit: Any, **kwargs: Any) -> None:
        super().__init__(target_action, on_exit, events.process.ProcessExited, **kwargs)


class OnProcessIO(_OnProcessEvent):
    """Handle what a process writes, by callbacks that take the event alone."""

    def __init__(self, *, target_action: Any = None, on_stdin: Callable[[Any], Any] | None = None,
                 on_stdout: Callable[[Any], Any] | None = None,
                 on_stderr: Callable[[Any], Any] | None = None, **kwargs: Any) -> None:
        callbacks = (on_stdin, on_stdout, on_stderr)

        def on_event(event: events.process.ProcessIO, context: LaunchContext) -> Any:
            callback = callbacks[event.fd]
            return None if callback is None else callback(event)

        super().__init__(target_action, on_event, events.process.ProcessIO, **kwargs)


class OnExecutionComplete(OnActionEventBase):
    """Handle the completion of an action."""

    def __init__(self, *, target_action: Any = None, on_completion: Any, **kwargs: Any) -> None:
        from .action import Action

        super().__init__(action_matcher=target_action, on_event=on_completion,
                         target_event_cls=events.ExecutionComplete, target_action_cls=Action,
                         **kwargs)


class OnShutdown(BaseEventHandler):
    """Handle the shutdown of the whole launch."""

    matcher_description = 'event issubclass of launch.events.Shutdown'

    def __init__(self, *, on_shutdown: Any, **kwargs: Any) -> None:
        super().__init__(matcher=lambda event: is_a_subclass(event, events.Shutdown), **kwargs)
        self.__on_shutdown = on_shutdown
        self.handler_description = str(on_shutdown)

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        super().handle(event, context)
        on_shutdown = self.__on_shutdown
        return on_shutdown(event, context) if callable(on_shutdown) else on_shutdown


class OnIncludeLaunchDescription(BaseEventHandler):
    """Visit the launch description that an event carries."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            matcher=lambda event: is_a_subclass(event, events.IncludeLaunchDescription), **kwargs)

    def handle(self, event: Any, context: LaunchContext) -> SomeEntitiesType | None:
        super().handle(event, context)
        return event.launch_description


__all__ = ['OnActionEventBase', 'OnExecutionComplete', 'OnIncludeLaunchDescription',
           'OnProcessExit', 'OnProcessIO', 'OnProcessStart', 'OnShutdown']
