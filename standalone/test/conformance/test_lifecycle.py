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

"""Lifecycle nodes."""

import pytest
from lifecycle_msgs.msg import State as StateMsg
from lifecycle_msgs.msg import TransitionEvent
from lifecycle_msgs.srv import (
    ChangeState,
    GetAvailableStates,
    GetAvailableTransitions,
    GetState,
)
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from std_msgs.msg import String

SUCCESS = TransitionCallbackReturn.SUCCESS
FAILURE = TransitionCallbackReturn.FAILURE
ERROR = TransitionCallbackReturn.ERROR


class Scripted(LifecycleNode):
    """Answers each transition as its plan says, and notes what it was asked."""

    def __init__(self, name, plan=None, **options):
        self.plan = plan or {}
        self.calls = []
        super().__init__(name, **options)

    def _answer(self, callback, state):
        self.calls.append((callback, state.label))
        answer = self.plan.get(callback, SUCCESS)
        if answer == 'raise':
            raise RuntimeError('on purpose')
        return answer

    def on_configure(self, state):
        return self._answer('on_configure', state)

    def on_activate(self, state):
        answer = self._answer('on_activate', state)
        super().on_activate(state)
        return answer

    def on_deactivate(self, state):
        answer = self._answer('on_deactivate', state)
        super().on_deactivate(state)
        return answer

    def on_cleanup(self, state):
        return self._answer('on_cleanup', state)

    def on_shutdown(self, state):
        return self._answer('on_shutdown', state)

    def on_error(self, state):
        return self._answer('on_error', state)


def scripted(graph, plan=None):
    return graph.node(kind=Scripted, plan=plan)


def state_of(graph, node):
    client = graph.node(start_parameter_services=False).create_client(
        GetState, f'{node.get_name()}/get_state'
    )
    state = graph.call(client, GetState.Request()).current_state
    return state.id, state.label


def change(graph, node):
    """Return a function that asks the node's change_state service."""
    client = graph.node(start_parameter_services=False).create_client(
        ChangeState, f'{node.get_name()}/change_state'
    )

    def ask(id_=0, label=''):
        request = ChangeState.Request()
        request.transition.id, request.transition.label = id_, label
        return graph.call(client, request).success

    return ask


def test_a_node_goes_through_its_life(graph):
    node = scripted(graph)
    assert state_of(graph, node) == (StateMsg.PRIMARY_STATE_UNCONFIGURED, 'unconfigured')
    life = [
        (node.trigger_configure, 'on_configure', 'unconfigured', (2, 'inactive')),
        (node.trigger_activate, 'on_activate', 'inactive', (3, 'active')),
        (node.trigger_deactivate, 'on_deactivate', 'active', (2, 'inactive')),
        (node.trigger_cleanup, 'on_cleanup', 'inactive', (1, 'unconfigured')),
        (node.trigger_configure, 'on_configure', 'unconfigured', (2, 'inactive')),
        (node.trigger_activate, 'on_activate', 'inactive', (3, 'active')),
        (node.trigger_shutdown, 'on_shutdown', 'active', (4, 'finalized')),
    ]
    for trigger, callback, before, after in life:
        node.calls.clear()
        assert trigger() == SUCCESS
        assert node.calls == [(callback, before)]
        assert state_of(graph, node) == after


@pytest.mark.parametrize(
    ('plan', 'steps', 'answer', 'called', 'state'),
    [
        ({'on_configure': FAILURE}, ['configure'], FAILURE, [], 'unconfigured'),
        ({'on_configure': ERROR}, ['configure'], ERROR, ['on_error'], 'unconfigured'),
        ({'on_configure': 'raise'}, ['configure'], ERROR, ['on_error'], 'unconfigured'),
        ({'on_activate': FAILURE}, ['configure', 'activate'], FAILURE, [], 'inactive'),
        ({'on_activate': ERROR}, ['configure', 'activate'], ERROR, ['on_error'], 'unconfigured'),
        (
            {'on_deactivate': FAILURE},
            ['configure', 'activate', 'deactivate'],
            FAILURE,
            [],
            'active',
        ),
        ({'on_cleanup': FAILURE}, ['configure', 'cleanup'], FAILURE, [], 'inactive'),
        ({'on_shutdown': FAILURE}, ['configure', 'shutdown'], FAILURE, [], 'finalized'),
        ({'on_shutdown': ERROR}, ['configure', 'shutdown'], ERROR, ['on_error'], 'unconfigured'),
        (
            {'on_configure': ERROR, 'on_error': FAILURE},
            ['configure'],
            ERROR,
            ['on_error'],
            'finalized',
        ),
        (
            {'on_configure': 'raise', 'on_error': 'raise'},
            ['configure'],
            ERROR,
            ['on_error'],
            'finalized',
        ),
    ],
)
def test_what_a_callback_returns_decides_the_next_state(graph, plan, steps, answer, called, state):
    node = scripted(graph, plan)
    for step in steps:
        node.calls.clear()
        returned = getattr(node, f'trigger_{step}')()
    assert returned == answer
    assert [name for name, _ in node.calls] == [f'on_{steps[-1]}', *called]
    assert state_of(graph, node)[1] == state


def test_an_error_with_the_default_handler_leads_back_to_unconfigured(graph):
    class Failing(LifecycleNode):
        def on_configure(self, state):
            return ERROR

    node = graph.node(kind=Failing)
    assert node.trigger_configure() == ERROR
    assert state_of(graph, node) == (1, 'unconfigured')


@pytest.mark.parametrize('step', ['activate', 'deactivate', 'cleanup'])
def test_a_transition_that_the_state_does_not_allow_raises_and_changes_nothing(graph, step):
    node = scripted(graph)
    with pytest.raises(RuntimeError, match='Transition is not registered'):
        getattr(node, f'trigger_{step}')()
    assert node.calls == []
    assert state_of(graph, node) == (1, 'unconfigured')


def test_a_finalized_node_stays_finalized(graph):
    node = scripted(graph)
    node.trigger_shutdown()
    with pytest.raises(RuntimeError, match='Transition is not registered'):
        node.trigger_configure()
    assert state_of(graph, node) == (4, 'finalized')


def test_the_change_service_takes_an_id_or_a_label(graph):
    node = scripted(graph)
    ask = change(graph, node)
    assert ask(label='configure') is True
    assert state_of(graph, node) == (2, 'inactive')
    assert ask(id_=3) is True
    assert state_of(graph, node) == (3, 'active')
    assert ask(label='bogus') is False
    assert state_of(graph, node) == (3, 'active')


def test_the_change_service_tells_that_a_transition_failed(graph):
    node = scripted(graph, {'on_configure': FAILURE})
    assert change(graph, node)(label='configure') is False
    assert state_of(graph, node) == (1, 'unconfigured')


def test_the_services_tell_states_and_transitions(graph):
    node = scripted(graph)
    asker = graph.node()

    def ask(kind, service):
        return graph.call(
            asker.create_client(kind, f'{node.get_name()}/{service}'), kind.Request()
        )

    states = ask(GetAvailableStates, 'get_available_states').available_states
    assert [(state.id, state.label) for state in states] == [
        (0, 'unknown'), (1, 'unconfigured'), (2, 'inactive'), (3, 'active'), (4, 'finalized'),
        (10, 'configuring'), (11, 'cleaningup'), (12, 'shuttingdown'), (13, 'activating'),
        (14, 'deactivating'), (15, 'errorprocessing'),
    ]  # fmt: skip
    available = ask(GetAvailableTransitions, 'get_available_transitions').available_transitions
    assert [
        (each.transition.id, each.transition.label, each.start_state.label, each.goal_state.label)
        for each in available
    ] == [
        (1, 'configure', 'unconfigured', 'configuring'),
        (5, 'shutdown', 'unconfigured', 'shuttingdown'),
    ]
    whole = ask(GetAvailableTransitions, 'get_transition_graph').available_transitions
    assert len(whole) == 25
    assert (60, 'transition_success', 'unconfigured') in [
        (each.transition.id, each.transition.label, each.goal_state.label) for each in whole
    ]


def test_each_step_of_a_transition_is_an_event(graph):
    node = scripted(graph)
    listener, events = graph.node(), []
    topic = f'{node.get_name()}/transition_event'
    listener.create_subscription(TransitionEvent, topic, events.append, 10)
    graph.spin_until(lambda: node.count_subscribers(topic) == 1, 'seen')
    graph.spin_for(0.1)
    node.trigger_configure()
    graph.spin_until(lambda: len(events) == 2, 'both events arrived')
    assert [
        (event.start_state.label, event.goal_state.label) for event in events
    ] == [('unconfigured', 'configuring'), ('configuring', 'inactive')]


def test_a_lifecycle_publisher_publishes_only_while_its_node_is_active(graph):
    node, received = scripted(graph), []
    topic = graph.name('topic')
    publisher = node.create_lifecycle_publisher(String, topic, 10)
    graph.node().create_subscription(
        String, topic, lambda message: received.append(message.data), 10
    )
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'matched')
    publisher.publish(String(data='unconfigured'))
    node.trigger_configure()
    publisher.publish(String(data='inactive'))
    assert publisher.is_activated is False
    node.trigger_activate()
    assert publisher.is_activated is True
    publisher.publish(String(data='active'))
    node.trigger_deactivate()
    publisher.publish(String(data='deactivated'))
    graph.spin_until(lambda: received, 'one arrived')
    graph.spin_for(0.1)
    assert received == ['active']


def test_a_lifecycle_node_can_do_without_its_services(graph):
    node = graph.node(kind=Scripted, enable_communication_interface=False)
    plain = graph.node()
    graph.spin_until(
        lambda: len(plain.get_service_names_and_types_by_node(plain.get_name(), '/')) == 7, 'known'
    )
    names = dict(plain.get_service_names_and_types_by_node(node.get_name(), '/'))
    assert not any(name.endswith('/change_state') for name in names)
    assert node.trigger_configure() == SUCCESS
