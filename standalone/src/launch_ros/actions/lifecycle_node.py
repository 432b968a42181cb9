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

"""The action that runs a lifecycle node."""

from __future__ import annotations

import threading
from typing import Any

import launch.logging
from launch import LaunchContext, SomeSubstitutionsType
from launch.event_handlers import OnActionEventBase

from ..ros_adapters import get_ros_node
from .node import Node

_logger = launch.logging.get_logger('launch_ros.actions.lifecycle_node')


class LifecycleNode(Node):
    """Run a lifecycle node; handle ChangeState events for it, emit its StateTransition events."""

    def __init__(self, *, name: SomeSubstitutionsType, namespace: SomeSubstitutionsType,
                 **kwargs: Any) -> None:
        super().__init__(name=name, namespace=namespace, **kwargs)

    def execute(self, context: LaunchContext) -> Any:
        """Start the node's process, and listen to its transitions."""
        from lifecycle_msgs.msg import TransitionEvent
        from lifecycle_msgs.srv import ChangeState as ChangeStateService

        from ..events.lifecycle import ChangeState, StateTransition

        self._perform_substitutions(context)
        node = get_ros_node(context)

        def on_transition(msg: TransitionEvent) -> None:
            loop = context.asyncio_loop
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(
                    context.emit_event_sync, StateTransition(action=self, msg=msg))

        self.__subscription = node.create_subscription(
            TransitionEvent, f'{self.node_name}/transition_event', on_transition, 10)
        self.__client = node.create_client(ChangeStateService, f'{self.node_name}/change_state')

        def on_change_state(event: ChangeState, context: LaunchContext) -> None:
            if event.lifecycle_node_matcher(self):
                request = ChangeStateService.Request()
                request.transition.id = event.transition_id
                context.add_completion_future(context.asyncio_loop.run_in_executor(
                    None, self.__change_state, request, context))

        context.register_event_handler(OnActionEventBase(
            action_matcher=None, on_event=on_change_state, target_event_cls=ChangeState,
            target_action_cls=LifecycleNode))
        return super().execute(context)

    def __change_state(self, request: Any, context: LaunchContext) -> None:
        client, answered = self.__client, threading.Event()
        while not client.wait_for_service(timeout_sec=0.5):
            if context.is_shutdown:
                _logger.warning(f"Abandoning wait for the '{client.srv_name}' service, "
                                'due to shutdown.')
                return
        future = client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        while not answered.wait(0.5):
            if context.is_shutdown:
                _logger.warning(f"Abandoning wait for the '{client.srv_name}' service response, "
                                'due to shutdown.')
                future.cancel()
                return
        error: BaseException | None = future.exception()
        if error is not None:
            raise error
        if not future.result().success:
            from ..events.lifecycle import ChangeState

            transition = ChangeState.valid_transitions[request.transition.id]
            _logger.error(f"Failed to make transition '{transition}' for LifecycleNode "
                          f"'{self.node_name}'")
