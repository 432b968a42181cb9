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

"""Services and clients."""

import threading

import pytest
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.exceptions import InvalidServiceNameException
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger


def echo(request, response):
    response.success = request.data
    response.message = f'data was {request.data}'
    return response


def slow_executor(graph, *nodes):
    """Run nodes in threads; the graph's own executor lets them go."""
    executor = MultiThreadedExecutor(num_threads=4, context=graph.context)
    for node in nodes:
        graph.executor.remove_node(node)
        executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    return executor, thread


def test_a_service_answers_a_client_of_another_node(graph):
    name = graph.name('service')
    graph.node().create_service(SetBool, name, echo)
    client = graph.node().create_client(SetBool, name)
    for value in (True, False):
        response = graph.call(client, SetBool.Request(data=value))
        assert response == SetBool.Response(success=value, message=f'data was {value}')


def test_a_service_answers_a_client_of_its_own_node(graph):
    node, name = graph.node(), graph.name('service')
    node.create_service(SetBool, name, echo)
    client = node.create_client(SetBool, name)
    assert graph.call(client, SetBool.Request(data=True)).success


def test_many_requests_at_once_get_each_their_own_response(graph):
    name = graph.name('service')
    graph.node().create_service(SetBool, name, echo)
    clients = [graph.node().create_client(SetBool, name) for _ in range(3)]
    graph.spin_until(lambda: all(client.service_is_ready() for client in clients), 'ready')
    # As many as the queue of a service holds.
    wanted = [bool(index % 2) for index in range(9)]
    futures = [
        clients[index % 3].call_async(SetBool.Request(data=value))
        for index, value in enumerate(wanted)
    ]
    graph.spin_until(lambda: all(future.done() for future in futures), 'all were answered')
    assert [future.result().success for future in futures] == wanted


def test_each_client_gets_only_the_responses_to_its_own_requests(graph):
    name, asked = graph.name('service'), []

    def note(request, response):
        asked.append(request.data)
        return echo(request, response)

    graph.node().create_service(SetBool, name, note)
    first, second = (graph.node().create_client(SetBool, name) for _ in range(2))
    graph.spin_until(second.service_is_ready, 'ready')
    assert graph.call(first, SetBool.Request(data=True)).success is True
    assert graph.call(second, SetBool.Request(data=False)).success is False
    assert asked == [True, False]


def test_a_client_without_a_server_is_not_ready(graph):
    client = graph.node().create_client(Trigger, graph.name('service'))
    assert client.service_is_ready() is False
    assert client.wait_for_service(timeout_sec=0.1) is False


def test_waiting_for_a_service_ends_when_it_comes(graph):
    name = graph.name('service')
    client = graph.node().create_client(Trigger, name)
    server = graph.node()
    timer = threading.Timer(0.1, lambda: server.create_service(Trigger, name, lambda q, r: r))
    timer.start()
    assert client.wait_for_service(timeout_sec=10) is True
    timer.join()


def test_a_client_sees_that_a_server_has_gone(graph):
    name, server = graph.name('service'), graph.node()
    service = server.create_service(Trigger, name, lambda request, response: response)
    client = graph.node().create_client(Trigger, name)
    graph.spin_until(client.service_is_ready, 'ready')
    assert server.destroy_service(service) is True
    graph.spin_until(lambda: not client.service_is_ready(), 'the client saw it')


def test_a_service_of_another_type_is_not_ready(graph):
    name, node = graph.name('service'), graph.node()
    node.create_service(Trigger, name, lambda request, response: response)
    client = graph.node().create_client(SetBool, name)
    graph.spin_until(lambda: node.count_clients(name) == 1, 'the graph had the client')
    assert client.service_is_ready() is False


@pytest.mark.parametrize('request_', [None, SetBool.Request(), 5])
def test_a_request_of_the_wrong_type_raises_type_error(graph, request_):
    client = graph.node().create_client(Trigger, graph.name('service'))
    with pytest.raises(TypeError):
        client.call_async(request_)


def test_a_response_that_is_none_raises_in_the_server(graph):
    name = graph.name('service')
    graph.node().create_service(Trigger, name, lambda request, response: None)
    client = graph.node().create_client(Trigger, name)
    graph.spin_until(client.service_is_ready, 'ready')
    future = client.call_async(Trigger.Request())
    with pytest.raises(TypeError):
        graph.spin_until(future.done, 'never')
    assert not future.done()


def test_a_coroutine_can_be_the_callback_of_a_service(graph):
    name, inner_name = graph.name('outer'), graph.name('inner')
    node = graph.node()
    group = ReentrantCallbackGroup()
    inner = node.create_client(Trigger, inner_name, callback_group=group)

    async def outer(request, response):
        answer = await inner.call_async(Trigger.Request())
        response.message = 'inner said ' + answer.message
        return response

    def say(request, response):
        response.message = 'hello'
        return response

    node.create_service(Trigger, name, outer, callback_group=group)
    graph.node().create_service(Trigger, inner_name, say)
    graph.spin_until(inner.service_is_ready, 'the inner was ready')
    client = graph.node().create_client(Trigger, name)
    assert graph.call(client, Trigger.Request()).message == 'inner said hello'


def test_a_blocking_call_works_from_a_callback_when_groups_and_threads_allow(graph):
    node, name, answers = graph.node(), graph.name('service'), []
    client = node.create_client(SetBool, name, callback_group=MutuallyExclusiveCallbackGroup())

    def call():
        timer.cancel()
        answers.append(client.call(SetBool.Request(data=True)))

    server = graph.node()
    server.create_service(SetBool, name, echo)
    graph.spin_until(client.service_is_ready, 'ready')
    timer = node.create_timer(0.01, call, callback_group=MutuallyExclusiveCallbackGroup())
    executor, thread = slow_executor(graph, node, server)
    graph.spin_until(lambda: answers, 'the call returned')
    executor.shutdown(timeout_sec=5)
    thread.join(timeout=5)
    assert answers == [SetBool.Response(success=True, message='data was True')]


def test_a_pending_request_can_be_removed(graph):
    client = graph.node().create_client(Trigger, graph.name('service'))
    future = client.call_async(Trigger.Request())
    assert not future.done()
    client.remove_pending_request(future)
    assert not future.done()


def test_a_callback_of_the_future_runs_when_the_response_comes(graph):
    name, seen = graph.name('service'), []
    graph.node().create_service(SetBool, name, echo)
    client = graph.node().create_client(SetBool, name)
    graph.spin_until(client.service_is_ready, 'ready')
    future = client.call_async(SetBool.Request(data=True))
    future.add_done_callback(lambda done: seen.append(done.result().success))
    graph.spin_until(lambda: seen, 'the callback ran')
    assert seen == [True]


def test_a_service_name_is_completed_like_a_topic_name(graph):
    node = graph.node('n', namespace='ns')
    client = node.create_client(Trigger, '~/reset')
    service = node.create_service(Trigger, 'reset', lambda request, response: response)
    assert client.service_name == '/ns/n/reset'
    assert service.service_name == '/ns/reset'
    assert node.resolve_service_name('reset') == '/ns/reset'


@pytest.mark.parametrize('name', ['9bad', 'a b', 'a/'])
def test_an_invalid_service_name_raises(graph, name):
    node = graph.node()
    with pytest.raises(InvalidServiceNameException, match='Invalid service name: '):
        node.create_service(Trigger, name, lambda request, response: response)
    with pytest.raises(InvalidServiceNameException, match='Invalid service name: '):
        node.create_client(Trigger, name)


def test_a_destroyed_client_cannot_be_used(graph):
    node = graph.node()
    client = node.create_client(Trigger, graph.name('service'))
    assert node.destroy_client(client) is True
    with pytest.raises(RuntimeError, match='destruction was requested'):
        client.call_async(Trigger.Request())


def test_a_node_can_leave_out_its_parameter_services(graph):
    with_services, without = graph.node(), graph.node(start_parameter_services=False)

    def names(node):
        return {
            name.rpartition('/')[2]
            for name, _types in node.get_service_names_and_types_by_node(node.get_name(), '/')
        }

    graph.spin_until(lambda: len(names(with_services)) == 7, 'the services were known')
    assert names(with_services) == {
        'describe_parameters', 'get_parameter_types', 'get_parameters', 'get_type_description',
        'list_parameters', 'set_parameters', 'set_parameters_atomically',
    }  # fmt: skip
    assert names(without) == {'get_type_description'}


def test_the_type_description_service_can_be_left_out(graph):
    node = graph.node(
        start_parameter_services=False,
        parameter_overrides=[Parameter('start_type_description_service', value=False)],
    )
    graph.spin_for(0.05)
    assert node.get_service_names_and_types_by_node(node.get_name(), '/') == []
