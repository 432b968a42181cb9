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

"""Events of lifecycle nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from launch import Event
from lifecycle_msgs.msg import State, Transition, TransitionEvent


def _constants(cls: Any, prefixes: tuple[str, ...]) -> dict[int, str]:
    names = (name for name in dir(cls) if name.startswith(prefixes))
    return {getattr(cls, name): name for name in names if isinstance(getattr(cls, name), int)}


class ChangeState(Event):
    """Ask the lifecycle nodes that the matcher accepts for a transition.

    :raises ValueError: if there is no such transition.
    """

    valid_transitions: ClassVar[dict[int, str]] = {
        getattr(Transition, name): name for name in (
            'TRANSITION_CREATE', 'TRANSITION_CONFIGURE', 'TRANSITION_CLEANUP',
            'TRANSITION_ACTIVATE', 'TRANSITION_DEACTIVATE', 'TRANSITION_UNCONFIGURED_SHUTDOWN',
            'TRANSITION_INACTIVE_SHUTDOWN', 'TRANSITION_ACTIVE_SHUTDOWN', 'TRANSITION_DESTROY')
    }
    valid_states: ClassVar[dict[int, str]] = _constants(
        State, ('PRIMARY_STATE_', 'TRANSITION_STATE_'))

    def __init__(self, *, lifecycle_node_matcher: Callable[[Any], bool],
                 transition_id: int) -> None:
        self.lifecycle_node_matcher = lifecycle_node_matcher
        self.transition_id = transition_id
        if transition_id not in self.valid_transitions:
            valid = ', '.join(f'{v}: {k}' for k, v in self.valid_transitions.items())
            raise ValueError(
                f"given transition_id of '{transition_id}', expected one of {{{valid}}}")


class StateTransition(Event):
    """Say that a lifecycle node has changed its state."""

    def __init__(self, *, action: Any, msg: TransitionEvent) -> None:
        self.action, self.msg, self.timestamp = action, msg, msg.timestamp
        self.transition = msg.transition.label
        self.start_state, self.goal_state = msg.start_state.label, msg.goal_state.label
