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
"""Nodes with managed states."""

from typing import Any, NamedTuple

from lifecycle_msgs.msg import State, Transition, TransitionDescription, TransitionEvent
from lifecycle_msgs.srv import (
    ChangeState,
    GetAvailableStates,
    GetAvailableTransitions,
    GetState,
)

from rclpy._handles import PublisherHandle
from rclpy._rclpy_pybind11 import RCLError
from rclpy._rclpy_pybind11 import TransitionCallbackReturnType as TransitionCallbackReturn
from rclpy.callback_groups import CallbackGroup
from rclpy.lifecycle import _state_machine as machine
from rclpy.lifecycle.managed_entity import ManagedEntity
from rclpy.lifecycle.publisher import LifecyclePublisher
from rclpy.node import Node
from rclpy.qos import QoSProfile


class LifecycleState(NamedTuple):
    """A state, as callbacks get it."""

    label: str
    state_id: int


_CALLBACKS = {
    State.TRANSITION_STATE_CONFIGURING: 'on_configure',
    State.TRANSITION_STATE_CLEANINGUP: 'on_cleanup',
    State.TRANSITION_STATE_SHUTTINGDOWN: 'on_shutdown',
    State.TRANSITION_STATE_ACTIVATING: 'on_activate',
    State.TRANSITION_STATE_DEACTIVATING: 'on_deactivate',
    State.TRANSITION_STATE_ERRORPROCESSING: 'on_error',
}


def _state(number: int) -> State:
    return State(id=number, label=machine.STATES[number])


def _description(transition: machine.StateTransition) -> TransitionDescription:
    return TransitionDescription(
        transition=Transition(id=transition.id, label=transition.label),
        start_state=_state(transition.start), goal_state=_state(transition.goal))


class LifecycleNodeMixin(ManagedEntity):
    """
    The lifecycle, for a class that is also a Node.

    The on_... methods are to be overridden; those here pass the transition on to the managed
    entities. With `enable_communication_interface` the five services and the event topic exist.
    """

    def __init__(
        self, *, enable_communication_interface: bool = True,
        callback_group: CallbackGroup | None = None,
    ) -> None:
        node: Any = self
        self._state_machine = machine.StateMachine()
        self._managed_entities: set[ManagedEntity] = set()
        self._transition_events: PublisherHandle | None = None
        if enable_communication_interface:
            group = callback_group or node.default_callback_group
            self._transition_events = PublisherHandle(
                node.handle, TransitionEvent, node.resolve_topic_name('~/transition_event'),
                QoSProfile(depth=10))
            for srv_type, name, callback in (
                (ChangeState, 'change_state', self.__on_change_state),
                (GetState, 'get_state', self.__on_get_state),
                (GetAvailableStates, 'get_available_states', self.__on_get_available_states),
                (GetAvailableTransitions, 'get_available_transitions',
                 self.__on_get_available_transitions),
                (GetAvailableTransitions, 'get_transition_graph',
                 self.__on_get_transition_graph),
            ):
                node.create_service(srv_type, node.resolve_service_name(f'~/{name}'), callback,
                                    callback_group=group)

    # Triggering.

    def trigger_configure(self) -> TransitionCallbackReturn:
        """Configure; raises RCLError when that is impossible now."""
        return self.__change_state(Transition.TRANSITION_CONFIGURE)

    def trigger_cleanup(self) -> TransitionCallbackReturn:
        """Clean up; raises RCLError when that is impossible now."""
        return self.__change_state(Transition.TRANSITION_CLEANUP)

    def trigger_activate(self) -> TransitionCallbackReturn:
        """Activate; raises RCLError when that is impossible now."""
        return self.__change_state(Transition.TRANSITION_ACTIVATE)

    def trigger_deactivate(self) -> TransitionCallbackReturn:
        """Deactivate; raises RCLError when that is impossible now."""
        return self.__change_state(Transition.TRANSITION_DEACTIVATE)

    def trigger_shutdown(self) -> TransitionCallbackReturn:
        """Shut down; raises RCLError when that is impossible now."""
        transition = self._state_machine.find('shutdown')
        if transition is None:
            raise RCLError('Shutdown transtion not possible')
        return self.__change_state(transition.id)

    def __trigger(self, transition: machine.StateTransition | int | None) -> None:
        taken = self._state_machine.trigger(transition)
        if self._transition_events is not None:
            self._transition_events.publish(TransitionEvent(
                start_state=_state(taken.start), goal_state=_state(taken.goal)))

    def __execute_callback(self, previous: LifecycleState) -> Any:
        try:
            return getattr(self, _CALLBACKS[self._state_machine.state])(previous)
        except Exception as error:  # an error in a callback is a way for the transition to end
            self.get_logger().error(  # type: ignore[attr-defined]
                f'{_CALLBACKS[self._state_machine.state]}() raised '
                f'{type(error).__name__}: {error}')
            return TransitionCallbackReturn.ERROR

    def __change_state(self, transition_id: int) -> TransitionCallbackReturn:
        previous = LifecycleState(state_id=self._state_machine.state,
                                  label=self._state_machine.current_state[1])
        self.__trigger(transition_id)
        result = self.__execute_callback(previous)
        self.__trigger(self._state_machine.find(result.to_label()))
        if result == TransitionCallbackReturn.ERROR:
            handled = self.__execute_callback(previous)
            self.__trigger(self._state_machine.find(handled.to_label()))
        return result

    # Entities.

    def add_managed_entity(self, entity: ManagedEntity) -> None:
        """Have an entity follow the node's state."""
        if not isinstance(entity, ManagedEntity):
            raise TypeError('Expected a rclpy.lifecycle.ManagedEntity instance.')
        self._managed_entities.add(entity)

    def create_lifecycle_publisher(self, *args: Any, **kwargs: Any) -> LifecyclePublisher:
        """Create a publisher that is silent unless the node is active."""
        if 'publisher_class' in kwargs:
            raise TypeError(
                "create_publisher() got an unexpected keyword argument 'publisher_class'")
        publisher = Node.create_publisher(
            self, *args, **kwargs, publisher_class=LifecyclePublisher)  # type: ignore[arg-type]
        self._managed_entities.add(publisher)  # type: ignore[arg-type]
        return publisher  # type: ignore[return-value]

    def destroy_lifecycle_publisher(self, publisher: LifecyclePublisher) -> bool:
        """Destroy such a publisher."""
        self._managed_entities.discard(publisher)
        return Node.destroy_publisher(self, publisher)  # type: ignore[arg-type]

    def __pass_on(self, callback_name: str, state: LifecycleState) -> TransitionCallbackReturn:
        for entity in list(self._managed_entities):
            result = getattr(entity, callback_name)(state)
            if not isinstance(result, TransitionCallbackReturn):
                raise TypeError(
                    f'{callback_name}() return value of class {type(entity)} should be '
                    '`TransitionCallbackReturn`.\n'
                    f'Instance of the class that caused the failure: {entity}')
            if result != TransitionCallbackReturn.SUCCESS:
                return result
        return TransitionCallbackReturn.SUCCESS

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Prepare, coming from `state`."""
        return self.__pass_on('on_configure', state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo on_configure()."""
        return self.__pass_on('on_cleanup', state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End for good."""
        return self.__pass_on('on_shutdown', state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to work."""
        return self.__pass_on('on_activate', state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop to work."""
        return self.__pass_on('on_deactivate', state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Recover from an error, or fail to."""
        return self.__pass_on('on_error', state)

    # Services.

    def __on_change_state(self, request: Any, response: Any) -> Any:
        transition_id = request.transition.id
        if request.transition.label:
            transition = self._state_machine.find(request.transition.label)
            if transition is None:
                response.success = False
                return response
            transition_id = transition.id
        result = self.__change_state(transition_id)
        response.success = result == TransitionCallbackReturn.SUCCESS
        return response

    def __on_get_state(self, request: Any, response: Any) -> Any:
        response.current_state = _state(self._state_machine.state)
        return response

    def __on_get_available_states(self, request: Any, response: Any) -> Any:
        response.available_states = [_state(number) for number in machine.STATES]
        return response

    def __on_get_available_transitions(self, request: Any, response: Any) -> Any:
        response.available_transitions = [
            _description(t) for t in self._state_machine.available()]
        return response

    def __on_get_transition_graph(self, request: Any, response: Any) -> Any:
        response.available_transitions = [_description(t) for t in machine.TRANSITIONS]
        return response


class LifecycleNode(LifecycleNodeMixin, Node):
    """A node with managed states; see LifecycleNodeMixin."""

    def __init__(
        self, node_name: str, *, enable_communication_interface: bool = True, **kwargs: Any,
    ) -> None:
        Node.__init__(self, node_name, **kwargs)
        LifecycleNodeMixin.__init__(
            self, enable_communication_interface=enable_communication_interface)

    def destroy_node(self) -> None:
        """Destroy the node and all that it made."""
        events, self._transition_events = self._transition_events, None
        if events is not None:
            events.destroy_when_not_in_use()
        Node.destroy_node(self)
