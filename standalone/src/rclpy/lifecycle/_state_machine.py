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
"""The states of a managed node and the transitions between them."""

from typing import NamedTuple

from lifecycle_msgs.msg import State, Transition

from rclpy._rclpy_pybind11 import RCLError

UNKNOWN, UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED = range(5)

STATES = {
    UNKNOWN: 'unknown', UNCONFIGURED: 'unconfigured', INACTIVE: 'inactive', ACTIVE: 'active',
    FINALIZED: 'finalized', State.TRANSITION_STATE_CONFIGURING: 'configuring',
    State.TRANSITION_STATE_CLEANINGUP: 'cleaningup',
    State.TRANSITION_STATE_SHUTTINGDOWN: 'shuttingdown',
    State.TRANSITION_STATE_ACTIVATING: 'activating',
    State.TRANSITION_STATE_DEACTIVATING: 'deactivating',
    State.TRANSITION_STATE_ERRORPROCESSING: 'errorprocessing',
}


class StateTransition(NamedTuple):
    """One edge of the graph."""

    id: int
    label: str
    start: int
    goal: int

    def described(self) -> tuple[int, str, int, str, int, str]:
        """Return number, label and both states with their names."""
        return (self.id, self.label, self.start, STATES[self.start], self.goal, STATES[self.goal])


def _edges(
    id_: int, label: str, start: int, transit: int, success: int, failure: int, base: int,
) -> list[StateTransition]:
    """Return a transition and the three ways that it can end."""
    error = (FINALIZED if transit == State.TRANSITION_STATE_ERRORPROCESSING
             else State.TRANSITION_STATE_ERRORPROCESSING)
    begin = [StateTransition(id_, label, start, transit)] if id_ else []
    return [*begin,
            StateTransition(base, 'transition_success', transit, success),
            StateTransition(base + 1, 'transition_failure', transit, failure),
            StateTransition(base + 2, 'transition_error', transit, error)]


_SHUTDOWN = State.TRANSITION_STATE_SHUTTINGDOWN
TRANSITIONS = [
    *_edges(Transition.TRANSITION_CONFIGURE, 'configure', UNCONFIGURED,
            State.TRANSITION_STATE_CONFIGURING, INACTIVE, UNCONFIGURED, 10),
    *_edges(Transition.TRANSITION_CLEANUP, 'cleanup', INACTIVE,
            State.TRANSITION_STATE_CLEANINGUP, UNCONFIGURED, INACTIVE, 20),
    *_edges(Transition.TRANSITION_ACTIVATE, 'activate', INACTIVE,
            State.TRANSITION_STATE_ACTIVATING, ACTIVE, INACTIVE, 30),
    *_edges(Transition.TRANSITION_DEACTIVATE, 'deactivate', ACTIVE,
            State.TRANSITION_STATE_DEACTIVATING, INACTIVE, ACTIVE, 40),
    StateTransition(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN, 'shutdown', UNCONFIGURED,
                    _SHUTDOWN),
    StateTransition(Transition.TRANSITION_INACTIVE_SHUTDOWN, 'shutdown', INACTIVE, _SHUTDOWN),
    StateTransition(Transition.TRANSITION_ACTIVE_SHUTDOWN, 'shutdown', ACTIVE, _SHUTDOWN),
    *_edges(0, '', 0, _SHUTDOWN, FINALIZED, FINALIZED, 50),
    *_edges(0, '', 0, State.TRANSITION_STATE_ERRORPROCESSING, UNCONFIGURED, FINALIZED, 60),
]


class StateMachine:
    """The state of one node."""

    def __init__(self) -> None:
        self.state = UNCONFIGURED

    @property
    def current_state(self) -> tuple[int, str]:
        """The present state's number and name."""
        return self.state, STATES[self.state]

    @property
    def available_states(self) -> list[tuple[int, str]]:
        """All states."""
        return list(STATES.items())

    @property
    def available_transitions(self) -> list[tuple[int, str, int, str, int, str]]:
        """The transitions that start at the present state, with the names of the states."""
        return [t.described() for t in self.available()]

    @property
    def transition_graph(self) -> list[tuple[int, str, int, str, int, str]]:
        """All transitions, with the names of the states."""
        return [t.described() for t in TRANSITIONS]

    def available(self) -> list[StateTransition]:
        """Return the transitions that start at the present state."""
        return [t for t in TRANSITIONS if t.start == self.state]

    def find(self, label: str) -> StateTransition | None:
        """Return the available transition of that label."""
        return next((t for t in self.available() if t.label == label), None)

    def trigger(self, transition: StateTransition | int | None) -> StateTransition:
        """Take a transition, given itself or by number; raises RCLError unless available."""
        if isinstance(transition, int):
            number = transition
            transition = next((t for t in self.available() if t.id == number), None)
        if transition is None:
            raise RCLError('Failed to trigger lifecycle state machine transition: '
                           'Transition is not registered.')
        self.state = transition.goal
        return transition
