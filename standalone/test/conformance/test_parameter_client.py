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
"""Clients of the parameter services, and what they hear of changes."""

import pytest
from rcl_interfaces.msg import ParameterDescriptor, ParameterType
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
from rclpy.parameter_event_handler import ParameterEventHandler


@pytest.fixture
def remote(graph):
    """Give a node with parameters."""
    node = graph.node()
    node.declare_parameter('a', 1)
    node.declare_parameter('s.t', 'x')
    node.declare_parameter('dyn', 1.5, ParameterDescriptor(dynamic_typing=True))
    return node


@pytest.fixture
def client(graph, remote):
    """Give a client of the parameter services of that node that found them."""
    client = AsyncParameterClient(graph.node(), remote.get_name())
    graph.spin_until(client.services_are_ready, 'the services were ready')
    return client


def test_services_that_are_not_there_are_not_ready(graph):
    client = AsyncParameterClient(graph.node(), 'nobody')
    assert client.services_are_ready() is False
    assert client.wait_for_services(timeout_sec=0.1) is False


def test_parameters_are_got_described_and_listed(graph, client):
    values = graph.result(client.get_parameters(['a', 's.t'])).values
    assert [parameter_value_to_python(value) for value in values] == [1, 'x']
    assert list(graph.result(client.get_parameter_types(['a', 'dyn'])).types) == [
        ParameterType.PARAMETER_INTEGER, ParameterType.PARAMETER_DOUBLE]
    found = graph.result(client.describe_parameters(['dyn'])).descriptors
    assert [(each.name, each.dynamic_typing) for each in found] == [('dyn', True)]
    assert graph.result(client.list_parameters(prefixes=['s'], depth=2)).result.names == ['s.t']
    assert {'a', 's.t', 'dyn'} <= set(graph.result(client.list_parameters()).result.names)


def test_parameters_are_set_one_by_one_or_all_at_once(graph, client, remote):
    wanted = [Parameter('a', value=5), Parameter('s.t', value=7)]
    results = graph.result(client.set_parameters(wanted)).results
    assert [each.successful for each in results] == [True, False]
    assert graph.result(client.set_parameters_atomically([
        Parameter('a', value=6), Parameter('s.t', value=7)])).result.successful is False
    assert remote.get_parameter('a').value == 5
    wanted = [Parameter('a', value=6).to_parameter_msg()]
    assert graph.result(client.set_parameters_atomically(wanted)).result.successful is True
    assert remote.get_parameter('a').value == 6


def test_a_parameter_is_deleted(graph, client, remote):
    results = graph.result(client.delete_parameters(['dyn', 'a'])).results
    assert [each.successful for each in results] == [True, False]
    assert (remote.has_parameter('dyn'), remote.has_parameter('a')) == (False, True)


def test_a_file_of_parameters_is_loaded(graph, client, remote, tmp_path):
    file = tmp_path / 'parameters.yaml'
    file.write_text(f'{remote.get_name()}:\n  ros__parameters:\n    a: 8\n    s: {{t: y}}\n')
    results = graph.result(client.load_parameter_file(str(file))).results
    assert [each.successful for each in results] == [True, True]
    assert (remote.get_parameter('a').value, remote.get_parameter('s.t').value) == (8, 'y')
    file.write_text(f'{remote.get_name()}:\n  ros__parameters:\n    a: 9\n    s: {{t: 1}}\n')
    answer = graph.result(client.load_parameter_file_atomically(str(file)))
    assert answer.result.successful is False
    assert remote.get_parameter('a').value == 8


def test_a_callback_is_told_when_the_call_is_done(graph, client):
    done = []
    future = client.get_parameters(['a'], callback=done.append)
    graph.spin_until(lambda: done, 'the callback was called')
    assert done == [future]


def heard_by(graph, node, events):
    """Change a parameter of `node` until `events` grows."""
    before = len(events)

    def is_heard():
        node.set_parameters([Parameter('probe', value=len(events))])
        return len(events) > before

    node.declare_parameter('probe', 0)
    graph.spin_until(is_heard, 'the listener heard the node')


def test_the_event_handler_sorts_events_out(graph, remote):
    listener: Node = graph.node()
    handler, events, of_a, of_other = ParameterEventHandler(listener), [], [], []
    name = remote.get_fully_qualified_name()
    own = []
    handler.add_parameter_event_callback(
        lambda event: events.append(event) if event.node == name else None)
    heard_by(graph, remote, events)
    kept = handler.add_parameter_callback(
        'a', name, lambda parameter: of_a.append(parameter_value_to_python(parameter.value)))
    handler.add_parameter_callback('b', name, of_other.append)
    listener.declare_parameter('mine', 0)
    handler.add_parameter_callback(
        'mine', listener.get_name(),
        lambda parameter: own.append(parameter_value_to_python(parameter.value)))
    remote.set_parameters([Parameter('a', value=2)])
    graph.spin_until(lambda: of_a, 'the callback for a was called')
    listener.set_parameters([Parameter('mine', value=3)])
    graph.spin_until(lambda: 3 in own, 'a node named without its namespace was meant')
    handler.remove_parameter_callback(kept)
    del events[:]
    remote.set_parameters([Parameter('a', value=4)])
    graph.spin_until(lambda: events, 'the event came')
    assert (of_a, of_other) == ([2], [])
    event = events[-1]
    found = handler.get_parameter_from_event(event, 'a', name)
    assert found is not None and found.value.integer_value == 4
    assert handler.get_parameter_from_event(event, 'b', name) is None
    assert [each.name for each in handler.get_parameters_from_event(event)] == ['a']
    handler.destroy()
